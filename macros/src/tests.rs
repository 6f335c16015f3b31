//! Laws of the whole expansion, on token streams that no compiler has looked at: it never panics,
//! and what comes out of a function is a function again. What users see is tested in `tests/`.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use proptest::prelude::*;
use quote::quote;

use crate::args::Args;
use crate::errors::Errors;
use crate::rewrite;

mod arguments;
mod bodies;
mod expansions;
mod fits;
mod found;
mod items;
mod mistakes;
mod values;

const WORDS: &[&str] = &[
    "name",
    "key",
    "max_keys",
    "preset",
    "failure_threshold",
    "recovery_timeout",
    "half_open_max_calls",
    "success_threshold",
    "timeout",
    "failure_rate_threshold",
    "slow_call_duration",
    "window_size",
    "window_duration",
    "minimum_calls",
    "jitter",
    "fallback",
    "fallback_on",
    "on_open",
    "failure_if",
    "ignore_if",
    "returns",
    "crate",
    "any",
    "open",
    "off",
    "kafka",
    "future",
    "self",
    "Self",
    "fn",
    "async",
    "move",
    "unsafe",
    "const",
    "extern",
    "pub",
    "struct",
    "impl",
    "trait",
    "mod",
    "use",
    "static",
    "type",
    "where",
    "mut",
    "ref",
    "dyn",
    "for",
    "let",
    "gen",
    "default",
    "safe",
    "union",
    "macro_rules",
    "u8",
    "Result",
    "Future",
    "Pin",
    "Box",
    "pin",
    "x",
    "y",
    "f",
    "circuit_breaker",
    "return",
    "_x",
];

const ARGUMENTS: &[&str] = &[
    "name = \"a\", failure_threshold = 3, recovery_timeout = 30, fallback = g",
    "fallback = [self.a, Self::b, |open| Ok(x), <T as U<A, B>>::m], fallback_on = any, timeout = 5",
    "preset = kafka, failure_if = |r| r.is_err(), on_open = MyErr::Open, crate = facade::inner",
    "failure_threshold = N * 2, recovery_timeout = Duration::from_secs(5), jitter = 0.5, returns = future",
    "reset_timeout = \"1m30s\", nmae, minimum_calls = 20, window_size = 10, ignore_if = is_bad",
];

const ITEMS: &[&str] = &[
    "pub fn f(x: u8, mut y: Vec<u8>) -> Result<u8, E> { y.push(x); Ok(1) }",
    "#[inline] pub(crate) async fn f<'a, T: Clone>(&'a self, (a, mut b): (u8, T), _x: &mut str) -> Result<&'a T, E> where T: Send { Ok(a?) }",
    "fn f(n: u8) -> impl Future<Output = Result<impl Iterator<Item = u8>, E>> + Send { let m = n; async move { Ok(m) } }",
    "fn f(self: Pin<&mut Self>) -> Pin<Box<dyn Future<Output = Option<u8>> + Send + '_>> { Box::pin(async move { None }) }",
    "unsafe extern \"C\" fn f(#[cfg(x)] a: i32) { #![allow(unused)] }",
    "fn f() -> BoxFuture<'static, Result<(), E>> { if x { return y.boxed() } async { Ok(()) }.boxed() }",
    "const fn f() -> ! { loop {} }",
];

fn parsed(text: &str) -> TokenStream {
    text.parse().expect("tokens")
}

fn token() -> impl Strategy<Value = TokenTree> {
    prop_oneof![
        6 => prop::sample::select(WORDS).prop_map(|word| TokenTree::Ident(Ident::new(word, Span::call_site()))),
        4 => (prop::sample::select(&[',', '=', ':', '|', '<', '>', '&', '.', '-', '!', '#', ';', '*', '?', '\''][..]), any::<bool>())
            .prop_map(|(sign, joint)| TokenTree::Punct(Punct::new(sign, if joint { Spacing::Joint } else { Spacing::Alone }))),
        3 => prop_oneof![
            Just(Literal::u8_unsuffixed(0)),
            Just(Literal::i64_suffixed(5)),
            Just(Literal::f64_unsuffixed(0.5)),
            Just(Literal::string("1m30s")),
            Just(Literal::string("")),
            Just(Literal::byte_string(b"x")),
            Just(Literal::character('c')),
            Just("99999999999999999999999999999999999999999999s".parse().expect("tokens")),
        ].prop_map(TokenTree::Literal),
    ]
}

fn tokens() -> impl Strategy<Value = TokenStream> {
    let leaf = prop::collection::vec(token(), 0..8).prop_map(|trees| trees.into_iter().collect::<TokenStream>());
    leaf.prop_recursive(4, 64, 8, |inner| {
        let delimiter =
            prop::sample::select(&[Delimiter::Parenthesis, Delimiter::Brace, Delimiter::Bracket, Delimiter::None][..]);
        let group = (delimiter, inner).prop_map(|(delimiter, inner)| TokenTree::Group(Group::new(delimiter, inner)));
        prop::collection::vec(prop_oneof![2 => token(), 1 => group], 0..10)
            .prop_map(|trees| trees.into_iter().collect())
    })
}

/// A stream with some of its tokens lost, doubled, swapped or replaced, at any depth.
fn damaged(stream: TokenStream, damage: &mut impl Iterator<Item = (u8, TokenTree)>) -> TokenStream {
    let mut trees = Vec::new();
    for tree in stream {
        let tree = match tree {
            TokenTree::Group(group) => TokenTree::Group(Group::new(group.delimiter(), damaged(group.stream(), damage))),
            tree => tree,
        };
        match damage.next() {
            Some((0, _)) => {}
            Some((1, _)) => trees.extend([tree.clone(), tree]),
            Some((2, other)) => trees.push(other),
            Some((3, other)) => trees.extend([tree, other]),
            Some((4, _)) if !trees.is_empty() => trees.insert(trees.len() - 1, tree),
            Some((5, _)) => trees.push(TokenTree::Group(Group::new(Delimiter::None, tree.into()))),
            _ => trees.push(tree),
        }
    }
    trees.into_iter().collect()
}

fn is_file(tokens: TokenStream) -> bool {
    syn::parse2::<syn::File>(tokens).is_ok()
}

/// Fewer where each mutant of the code runs them: `PROPTEST_CASES=16`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1024)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics_on_any_tokens(arguments in tokens(), item in tokens()) {
        let _ = rewrite(arguments, &item);
    }

    #[test]
    fn any_arguments_leave_a_function(arguments in tokens(), item in prop::sample::select(ITEMS)) {
        let output = rewrite(arguments, &parsed(item));
        prop_assert!(is_file(output.clone()), "{output}");
    }

    #[test]
    fn what_was_an_item_comes_out_as_items(
        arguments in prop::sample::select(ARGUMENTS),
        item in prop::sample::select(ITEMS),
        damage in prop::collection::vec((0_u8..60, token()), 300),
    ) {
        let mut damage = damage.into_iter();
        let arguments = damaged(parsed(arguments), &mut damage);
        let item = damaged(parsed(item), &mut damage);
        let was = is_file(item.clone());
        let output = rewrite(arguments, &item);
        prop_assert!(!was || is_file(output.clone()), "{output}");
    }

    #[test]
    fn any_item_is_emitted_again(item in tokens()) {
        let was = is_file(item.clone());
        let output = rewrite(TokenStream::new(), &item);
        prop_assert!(!was || is_file(output.clone()), "{output}");
    }
}

fn mistakes(arguments: TokenStream) -> Vec<String> {
    let mut errors = Errors::default();
    Args::parse(arguments, &mut errors);
    errors.messages()
}

#[test]
fn what_is_right_has_no_mistakes() {
    for arguments in [
        quote!(),
        quote!(name = "a",),
        quote!(failure_threshold = 0x10, recovery_timeout = 5 * 60, jitter = 0, multiplier = 2),
        quote!(fallback = <A<B, C> as D<E, F>>::g::<H, I>, on_open = |open: Error| E::Open(open), timeout = off),
        quote!(failure_if = |r| matches!(r, Err(e) if e.a < b, ), name = "a"),
    ] {
        assert_eq!(mistakes(arguments.clone()), Vec::<String>::new(), "{arguments}");
    }
}

#[test]
fn one_mistake_does_not_hide_another() {
    assert_eq!(mistakes(quote!(failure_threshold = |a, b| 1, jitter = 2.0, x = <A, B>::c, name = 5)).len(), 4);
    assert_eq!(mistakes(quote!(fallback = |a, b| =, name = 5)).len(), 2);
}

#[test]
fn an_invisible_group_around_a_token_changes_nothing() {
    /// Puts one around the token of this number.
    fn wrapped(stream: TokenStream, number: &mut usize) -> TokenStream {
        let around = |tree: TokenTree, number: &mut usize| {
            let is_here = *number == 0;
            *number = number.wrapping_sub(1);
            let tree = match tree {
                TokenTree::Group(group) => {
                    TokenTree::Group(Group::new(group.delimiter(), wrapped(group.stream(), number)))
                }
                tree => tree,
            };
            if is_here { TokenTree::Group(Group::new(Delimiter::None, tree.into())) } else { tree }
        };
        stream.into_iter().map(|tree| around(tree, number)).collect()
    }
    for (item, number) in ITEMS.iter().flat_map(|item| (0..60).map(move |number| (item, number))) {
        let item = wrapped(parsed(item), &mut { number });
        for arguments in ARGUMENTS.iter().filter(|_| is_file(item.clone())) {
            let output = rewrite(parsed(arguments), &item);
            assert!(is_file(output.clone()), "{output}");
        }
    }
}
