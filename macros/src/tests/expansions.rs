//! What stands in place of functions, a case for each rule, in `expansions.txt`. That it compiles and
//! does what it should is tested in `tests/`; here a change that was not meant is seen.
//!
//! After one that was meant: `EXPANSIONS=overwrite cargo test -p breakerbox-macros --lib`, and read
//! what changed. A new case needs its title and its functions; the rest is written.

use std::path::Path;
use std::{env, fs};

use super::found::{Use, uses};
use super::parsed;

/// The expansions in this code, as a person would write them.
fn expanded(code: &str) -> String {
    let expanded = |found: Use| {
        assert_eq!(found.mistakes, [], "{code}");
        shortened(found.output.to_string())
    };
    pretty(&uses(&parsed(code)).into_iter().map(expanded).collect::<String>())
}

/// Less what is the same in every expansion: paths, the start of each name, and the static.
fn shortened(mut code: String) -> String {
    for (long, short) in [
        (":: breakerbox :: __private", "private"),
        (":: core :: result :: Result ::", ""),
        (":: core :: option :: Option ::", ""),
        ("__breakerbox_", "__"),
    ] {
        code = code.replace(long, short);
    }
    between(&mut code, "private :: Location {", "}", "HERE");
    // With settings, or without a name, it is shown.
    if code.contains("Some (\"a\") , HERE ,  None , & [])") {
        between(&mut code, "{ static __BREAKERBOX_SITE", ". breaker () }", "SITE");
    }
    code
}

/// Writes something else for what stands between two texts, and for these.
fn between(code: &mut String, from: &str, to: &str, instead: &str) {
    if let Some(start) = code.find(from)
        && let Some(length) = code[start..].find(to)
    {
        code.replace_range(start..start + length + to.len(), instead);
    }
}

fn pretty(code: &str) -> String {
    let file = syn::parse_str(code).unwrap_or_else(|error| panic!("{error}: {code}"));
    prettyplease::unparse(&file)
}

#[test]
fn expansions_are_as_they_were() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/expansions.txt");
    let text = fs::read_to_string(&path).expect("the expansions");
    let mut cases = text.split("\n=== ");
    let mut written = cases.next().unwrap_or_default().to_owned();
    let mut changed = Vec::new();
    for case in cases {
        let (given, was) = case.split_once("\n---\n").unwrap_or((case.trim_end(), ""));
        let (title, code) = given.split_once('\n').expect("a title and functions");
        let is = expanded(code);
        // Both by the same printer, of which another version may print otherwise.
        if pretty(was) != is {
            changed.push(format!("{title}\n--- was\n{was}--- is\n{is}"));
        }
        written.extend(["\n=== ", given, "\n---\n", &is]);
    }
    if env::var_os("EXPANSIONS").is_some_and(|what| what == "overwrite") {
        fs::write(&path, written).expect("the expansions are written");
        return;
    }
    assert!(changed.is_empty(), "to be read, then EXPANSIONS=overwrite:\n{}", changed.join("\n"));
}

#[test]
fn a_closure_of_an_async_function_answers_at_once_where_its_body_shows_it() {
    let called = |closure: &str, function: &str| {
        let code = format!("#[circuit_breaker(fallback = {closure})] async fn f() -> R {{ x }}");
        let written = expanded(&code).replace([' ', '\n'], "");
        assert!(written.contains(&format!("private::{function}")), "{closure}: {written}");
    };
    for body in [
        "Ok(1)",
        "(Err(1))",
        "Some(1)",
        "a::Ok(1)",
        "None",
        "panic!()",
        "std::unreachable!()",
        "1",
        "\"a\"",
        "{ a(); Ok(1) }",
        "{ { None } }",
        "if a { Err(1) } else { b() }",
        "(Ok)(1)",
    ] {
        called(&format!("|_| {body}"), "answer::<");
        called(&format!("|| {body}"), "answer_unasked::<");
        called(&format!("async |_| {body}"), "begin(");
    }
    for body in [
        "a",
        "Ok",
        "Yes(1)",
        "f()(1)",
        "a.b()",
        "Ok::None",
        "println!()",
        "{ a; }",
        "{ Ok(1); }",
        "{}",
        "if a { b } else { None }",
        "if a { None; }",
        "{ let a = 1; }",
        "async { Ok(1) }",
        "match a {}",
    ] {
        called(&format!("|_| {body}"), "begin(");
        called(&format!("|| {body}"), "begin_unasked(");
    }
}
