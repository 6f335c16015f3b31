//! Where a body ends in an `async` block, and where it only looks so.

use proc_macro2::{Group, TokenTree};

use super::parsed;
use crate::future::{shadows, tail};

/// The body of a function.
fn body(code: &str) -> Group {
    match parsed(&format!("{{ {code} }}")).into_iter().next() {
        Some(TokenTree::Group(group)) => group,
        other => panic!("no body: {other:?}"),
    }
}

#[test]
fn the_block_that_a_body_ends_in_is_found_and_the_body_is_the_same_again() {
    for (code, before, keywords) in [
        ("async { x }", "", "async"),
        ("async move { x }", "", "async move"),
        ("a(); async move { x }", "a();", "async move"),
        ("if a { b } async { x }", "if a { b }", "async"),
        ("async { x }.boxed()", "", "async"),
        ("a; async move { x }.boxed_local()", "a;", "async move"),
        ("Box::pin(async { x })", "", "async"),
        ("a; Box::pin(async move { x },)", "a;", "async move"),
        ("let a = b; ::std::boxed::Box::pin(async move { x })", "let a = b;", "async move"),
    ] {
        let found = tail(&body(code)).unwrap_or_else(|| panic!("{code}"));
        assert_eq!(found.before.to_string(), parsed(before).to_string(), "{code}");
        assert_eq!(found.keywords.to_string(), keywords, "{code}");
        assert_eq!(found.block.stream().to_string(), "x", "{code}");
        let again = found.with(parsed(&format!("{keywords} {{ x }}"))).to_string();
        assert_eq!(again, parsed(&code.replace(",)", ")")).to_string());
    }
}

#[test]
fn what_is_a_part_of_another_expression_is_not_where_a_body_ends() {
    for code in [
        "",
        "x",
        "async",
        "async { x };",
        "async (x)",
        "async move [x]",
        "gen move { x }",
        "async gen { x }",
        "unsafe { x }",
        "move || { x }",
        "a = async { x }",
        "return async { x }",
        "a, async { x }",
        "(a) async { x }",
        "async { x }.boxed(1)",
        "async { x }.fuse()",
        "a.boxed()",
        "async { x }, boxed()",
        "return Box::pin(async { x })",
        "return ::std::boxed::Box::pin(async { x })",
        "move ::std::boxed::Box::pin(async { x })",
        "break Box::pin(async { x })",
        "a + Box::pin(async { x })",
        "a::pin(async { x })",
        "pin(async { x })",
        "Box::new(async { x })",
        "Box::pin[async { x }]",
        "Box::pin(a(async { x }))",
        "Box::pin(b, async { x })",
        "Box::pin(async { x }).boxed()",
    ] {
        assert!(tail(&body(code)).is_none(), "{code}");
    }
}

#[test]
fn a_body_that_may_be_left_earlier_has_more_than_one_end() {
    for (before, is_only) in [
        ("", true),
        ("let a = b(c);", true),
        ("let returned = 1;", true),
        ("let a = \"return\";", true),
        ("return a;", false),
        ("if a { return b }", false),
        ("let a = b?;", false),
        ("let a = { (b?) };", false),
        ("a!(b);", false),
    ] {
        let found = tail(&body(&format!("{before} async {{ x? }}"))).expect(before);
        assert_eq!(found.is_only_exit(), is_only, "{before}");
    }
}

#[test]
fn a_let_before_the_block_may_hide_a_parameter() {
    let names = ["s".to_owned(), "t".to_owned()];
    for (before, hides) in [
        ("", false),
        ("let a = s;", false),
        ("s = a; let a;", false),
        ("let s;", true),
        ("let mut t = a;", true),
        ("let &s = a;", true),
        ("let a @ t = b;", true),
        ("let (a, [b, s]) = c;", true),
        ("let A { a: (s) } = b;", true),
        ("let a = b; let t = c;", true),
        ("let a = (s, t); f(s);", false),
    ] {
        let found = tail(&body(&format!("{before} async move {{ x }}"))).expect(before);
        assert_eq!(shadows(&found, &names), hides, "{before}");
    }
}
