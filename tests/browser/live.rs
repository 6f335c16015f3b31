//! The page follows what happens, without being loaded again.

use std::time::{Duration, Instant};

use crate::browser::{Browser, PATIENCE};
use crate::site::{Site, TOKEN, eventually, open};

/// How long a change may take to be seen.
const AT_ONCE: Duration = Duration::from_secs(2);

const LONG: Duration = Duration::from_secs(3600);

pub(crate) async fn a_breaker_that_opens_and_closes_is_shown_within_two_seconds_without_reload(
    browser: Browser,
) -> Site {
    let site = Site::new();
    let payments = site.breaker("payments", Duration::from_secs(3));
    browser.open(&site.page(), "live").await;
    browser.until(r#"row("payments")?.dataset.state === "closed""#).await;
    browser.run(r#"window.sameDocument = true; row("payments").same = true;"#, vec![]).await;

    open(&payments);
    let opened = browser.until_in(AT_ONCE, r#"row("payments").dataset.state === "open""#).await;
    assert_eq!(browser.text(r#"row("payments").querySelector("[data-part=state]").textContent"#).await, "Open");
    // What belongs to a state comes with it.
    let next = r#"row("payments").querySelector("[data-part=next]").textContent"#;
    assert_eq!(browser.ask(&format!("/^in [1-3]s$/.test({next})")).await, true, "{}", browser.text(next).await);
    browser.until_in(AT_ONCE, r#"$("totals").innerText.replace(/\s+/g, " ").startsWith("1 open")"#).await;
    let log = r#"$("event-log").innerText.replace(/\s+/g, " ")"#;
    let line = "closed -> open (2 consecutive failures)";
    browser.until_in(AT_ONCE, &format!(r#"{log}.includes("{line}")"#)).await;

    let mut trial = None;
    eventually("a trial is admitted", || {
        trial = payments.try_acquire().ok();
        trial.is_some()
    })
    .await;
    browser.until_in(AT_ONCE, r#"row("payments").dataset.state === "half_open""#).await;
    trial.expect("it is admitted").success();
    let closed = browser.until_in(AT_ONCE, r#"row("payments").dataset.state === "closed""#).await;
    browser.until_in(AT_ONCE, &format!(r#"{log}.includes("half_open -> closed")"#)).await;
    assert_eq!(browser.ask(r#"window.sameDocument && row("payments").same"#).await, true);
    println!("shown after: open {opened:?}, closed {closed:?}");
    site
}

pub(crate) async fn the_countdown_to_the_next_trial_runs(browser: Browser) -> Site {
    let site = Site::new();
    open(&site.breaker("search", Duration::from_secs(4)));
    browser.open(&site.page(), "live").await;
    let next = r#"row("search").querySelector("[data-part=next]").textContent"#;
    browser.until(&format!(r"/^in [1-4]s$/.test({next})")).await;
    let first = browser.text(next).await;
    let since = Instant::now();
    browser.until(&format!(r#"/^in [1-3]s$/.test({next}) && {next} < "{first}""#)).await;
    assert!(since.elapsed() < Duration::from_secs(3), "a second took {:?}", since.elapsed());
    // "due" until the server tells of the half-open state, which may be before this looks again.
    let tried = r#"row("search").dataset.state === "half_open""#;
    browser.until(&format!(r#"{next} === "due" || {tried}"#)).await;
    browser.until_in(AT_ONCE, tried).await;
    browser.until(&format!(r#"{next} === "0 of 1""#)).await;
    site
}

pub(crate) async fn breakers_come_and_go(browser: Browser) -> Site {
    let site = Site::new();
    browser.open(&site.page(), "live").await;
    browser.until(r#"$("empty").innerText.includes("No circuit breaker is registered yet.")"#).await;
    site.breaker("new", LONG);
    browser.until_in(AT_ONCE, r#"row("new") !== undefined"#).await;
    site.registry.remove("new").unwrap();
    browser.until_in(AT_ONCE, r#"row("new") === undefined"#).await;
    browser.until(r#"/removed/.test($("event-log").innerText)"#).await;
    site
}

pub(crate) async fn two_tabs_show_the_same(browser: Browser) -> Site {
    let site = Site::new();
    let mail = site.breaker("mail", LONG);
    browser.open(&site.page(), "live").await;
    let first = browser.current().await;
    let second = browser.window().await;
    browser.open(&site.page(), "live").await;
    browser.give_token(TOKEN).await;
    browser.open_drawer("mail").await;
    browser.confirm("btn-force-open").await;
    browser.until_in(AT_ONCE, r#"row("mail").dataset.mode === "forced_open""#).await;
    // Without the token, and all the same.
    browser.switch(&first).await;
    browser.until(r#"row("mail").dataset.mode === "forced_open" && row("mail").dataset.state === "open""#).await;
    mail.auto();
    browser.until(r#"row("mail").dataset.mode === "auto" && row("mail").dataset.state === "closed""#).await;
    browser.switch(&second).await;
    browser.until(r#"row("mail").dataset.mode === "auto" && row("mail").dataset.state === "closed""#).await;
    site
}

pub(crate) async fn a_tab_of_the_browser_tells_how_many_are_open(browser: Browser) -> Site {
    let site = Site::new();
    open(&site.breaker("a", LONG));
    open(&site.breaker("b", LONG));
    browser.open(&site.page(), "live").await;
    browser.until_in(PATIENCE, r#"document.title.startsWith("(2 open) ")"#).await;
    site.registry.reset_all();
    browser.until_in(AT_ONCE, r#"!document.title.includes("open")"#).await;
    site
}
