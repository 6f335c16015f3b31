//! What the command says and answers when the server does not do what it should.

use std::time::Duration;

use crate::breaker::breaker;
use crate::command::{Done, command, finish, run};
use crate::fake::{Act, Fake, http, json, problem};

/// Asks for the list with a token, which must never show.
fn list(fake: &Fake) -> Done {
    let mut command = command(&fake.url(), &["list", "--timeout", "20"]);
    command.env("CIRCUIT_BREAKER_ADMIN_TOKEN", "hunter2");
    let done = finish(command);
    assert_eq!(done.out, "");
    assert!(!done.err.contains("hunter2"), "{}", done.err);
    assert!(done.err.starts_with("error: ") && !done.err.contains("panicked"), "{}", done.err);
    done
}

#[test]
fn a_server_that_is_not_there_is_named_with_the_variable_to_set() {
    let done = run("http://127.0.0.1:1", &["list"]);
    assert_eq!(done.code, 5);
    assert!(done.err.contains("cannot reach http://127.0.0.1:1: "), "{}", done.err);
    assert!(done.err.contains("CIRCUIT_BREAKER_ADMIN_URL"), "{}", done.err);
}

#[test]
fn a_server_that_hangs_costs_the_timeout_and_no_more() {
    let fake = Fake::always(vec![Act::Hang]);
    let done = run(&fake.url(), &["list", "--timeout", "300ms"]);
    assert_eq!(done.code, 5);
    assert!(done.err.contains(&format!("no answer from {} within 300ms", fake.url())), "{}", done.err);
    assert!(done.took >= Duration::from_millis(300) && done.took < Duration::from_secs(15), "{:?}", done.took);
}

#[test]
fn a_body_that_never_ends_costs_the_timeout_and_no_more() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[";
    let fake = Fake::always(vec![Act::Send(head.into()), Act::Hang]);
    let done = run(&fake.url(), &["list", "--timeout", "0.3"]);
    assert_eq!(done.code, 5);
    assert!(done.took < Duration::from_secs(15), "{:?}", done.took);
}

#[test]
fn an_answer_without_bounds_is_not_kept() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[";
    let fake = Fake::always(vec![Act::Send(head.into()), Act::Flood(vec![b' '; 1 << 16])]);
    let mut command = command(&fake.url(), &["list", "--timeout", "50"]);
    command.env_remove("CIRCUIT_BREAKER_ADMIN_TOKEN");
    let done = finish(command);
    assert_eq!(done.code, 5);
    assert!(done.err.contains("more than 67108864 bytes"), "{}", done.err);
}

#[test]
fn half_an_answer_is_told_as_a_broken_connection() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-ty",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"circuit_",
    ] {
        let fake = Fake::always(vec![Act::Send(bytes.into())]);
        let done = list(&fake);
        assert_eq!(done.code, 5, "{bytes}");
        assert!(done.err.contains("broke off"), "{}", done.err);
    }
}

#[test]
fn other_json_a_page_and_another_protocol_are_not_taken_for_the_admin_api() {
    let without_a_name = breaker("quotes", "open").replacen("\"name\"", "\"label\"", 1);
    for (answer, said) in [
        (json("{}"), "missing field `circuit_breakers`"),
        (json("null"), "does not send"),
        (json("{\"circuit_breakers\":[{}]}"), "missing field"),
        (json(&format!("{{\"circuit_breakers\":[{without_a_name}]}}")), "missing field `name`"),
        (json("{\"circuit_breakers\":["), "does not send"),
        (json(&"[".repeat(100_000)), "does not send"),
        (http("200 OK", "text/html; charset=utf-8", "<h1>nginx</h1>"), "answered text/html; charset=utf-8"),
        (http("404 Not Found", "text/html", "<h1>nginx</h1>"), "prefix included"),
        (http("204 No Content", "text/plain", ""), "prefix included"),
        (vec![Act::Send("SSH-2.0-OpenSSH_9.2\r\n".into())], "http"),
        (http("301 Moved Permanently\r\nlocation: https://example.test/", "text/html", ""), "https://example.test/"),
    ] {
        let done = list(&Fake::always(answer));
        assert_eq!(done.code, 5, "{}", done.err);
        assert!(done.err.to_lowercase().contains(said), "{said}: {}", done.err);
    }
}

#[test]
fn a_redirect_takes_no_token_elsewhere() {
    let elsewhere = Fake::always(json("{\"circuit_breakers\":[]}"));
    let status = format!("307 Temporary Redirect\r\nlocation: {}/circuit-breakers", elsewhere.url());
    list(&Fake::always(http(&status, "text/plain", "")));
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[test]
fn an_error_of_the_server_is_told_by_its_status() {
    let done = list(&Fake::always(http("500 Internal Server Error", "text/html", "<h1>\u{1b}[2J oops</h1>")));
    assert_eq!(done.code, 5);
    assert!(done.err.contains("500 Internal Server Error") && !done.err.contains("oops"), "{}", done.err);
    let done = list(&Fake::always(problem("503 Service Unavailable", r#"{"detail":"256 streams are open"}"#)));
    assert!(done.err.contains("256 streams are open"), "{}", done.err);
}

#[test]
fn a_missing_and_a_wrong_token_are_told_apart_and_are_4() {
    let fake = Fake::always(problem("401 Unauthorized", r#"{"status":401,"detail":"a bearer token is wanted"}"#));
    let done = run(&fake.url(), &["reset", "quotes"]);
    assert_eq!(done.code, 4);
    assert!(done.err.contains("none was sent: a bearer token is wanted"), "{}", done.err);
    assert!(done.err.contains("CIRCUIT_BREAKER_ADMIN_TOKEN or --token"), "{}", done.err);
    assert!(list(&fake).err.contains("does not take this token"));
    // A proxy says it without a problem.
    assert_eq!(list(&Fake::always(http("401 Unauthorized", "text/html", "no"))).code, 4);
}

#[test]
fn what_is_not_allowed_is_4_and_says_why() {
    let fake = Fake::always(problem("403 Forbidden", r#"{"detail":"writes are off until a token is set"}"#));
    let done = run(&fake.url(), &["reset-all"]);
    assert_eq!(done.code, 4);
    assert!(done.err.contains("does not allow this: writes are off until a token is set"), "{}", done.err);
}

#[test]
fn an_unknown_breaker_is_3_and_a_refused_setting_is_6() {
    let fake = Fake::always(problem("404 Not Found", r#"{"detail":"no circuit breaker named 'paymnts'"}"#));
    let done = run(&fake.url(), &["show", "paymnts"]);
    assert_eq!((done.code, done.err.lines().next()), (3, Some("error: no circuit breaker named 'paymnts'")));
    let body = r#"{"detail":"two are wrong","key":"a","errors":[{"key":"a","detail":"a is bad"},{"key":"b","detail":"b is bad"}]}"#;
    let fake = Fake::always(problem("422 Unprocessable Entity", body));
    let done = run(&fake.url(), &["config", "quotes", "a=1", "b=2"]);
    assert_eq!((done.code, done.err.as_str()), (6, "error: two are wrong; a is bad; b is bad\n"));
}

#[test]
fn what_the_server_says_cannot_steer_the_terminal() {
    let evil = r"\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e";
    let fake = Fake::always(problem("404 Not Found", &format!(r#"{{"detail":"no {evil}"}}"#)));
    let shown = run(&fake.url(), &["show", "x"]).err;
    assert!(shown.contains(r"no \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}"), "{shown}");
    let evil: String = serde_json::from_str(&format!("\"{evil}\"")).expect("JSON");
    let body = breaker(&evil, "open").replace("alice", "al\\u001bice").replace("redis", "re\\u001bdis");
    let body = body.replace("shop::pay", "shop\\u001b::pay").replace("\"kept\":\"5\"", "\"kept\":\"5\\u001b\"");
    let list = Fake::always(json(&format!("{{\"circuit_breakers\":[{body}]}}")));
    let one = Fake::always(json(&body));
    for done in [
        run(&list.url(), &["list"]),
        run(&list.url(), &["list", "--json"]),
        run(&one.url(), &["show", "x"]),
        run(&one.url(), &["show", "x", "--json"]),
        run(&one.url(), &["reset", "x"]),
        run(&one.url(), &["config", "x", "failure_threshold=3"]),
    ] {
        assert_eq!(done.code, 0, "{}", done.err);
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!done.out.contains(steers), "{:?}", done.out);
        assert!(done.out.contains("owned"), "{}", done.out);
    }
}

#[test]
fn absurd_numbers_are_shown_or_refused_and_harm_nobody() {
    let body = breaker("quotes", "open").replace("12.3", "1.8e19").replace("21.4", "1e-300").replace("0.6", "1e300");
    let list = Fake::always(json(&format!("{{\"circuit_breakers\":[{body}]}}")));
    let one = Fake::always(json(&body));
    for done in
        [run(&list.url(), &["list"]), run(&one.url(), &["show", "quotes"]), run(&one.url(), &["reset", "quotes"])]
    {
        assert_eq!((done.code, done.err.as_str()), (0, ""));
    }
    for (from, to) in
        [("12.3", "-1"), ("21.4", "1e30"), ("2026-11-21", "9999999-11-21"), ("1042", "-1"), ("\"open\"", "\"ajar\"")]
    {
        let fake = Fake::always(json(&breaker("quotes", "open").replace(from, to)));
        let done = run(&fake.url(), &["show", "quotes"]);
        assert_eq!(done.code, 5, "{to}: {}", done.out);
        assert!(done.err.contains("does not send"), "{}", done.err);
    }
}
