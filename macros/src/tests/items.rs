//! What the attribute stands on, as tokens: what is taken for a function, and what is said of the
//! rest. Invisible groups are what `macro_rules` puts around its fragments.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

use super::found::applied;
use super::parsed;

/// What is said of an item, without what to write instead.
fn said(item: TokenStream) -> Vec<String> {
    let mistakes = applied((0, 0, 0), TokenStream::new(), item).mistakes;
    mistakes.into_iter().map(|(message, _)| message.split(": ").next().unwrap_or_default().to_owned()).collect()
}

/// The item that comes out, in one line.
fn output(item: TokenStream) -> String {
    applied((0, 0, 0), TokenStream::new(), item).output.to_string()
}

/// As `macro_rules` passes a fragment on.
fn fragment(text: &str) -> TokenTree {
    TokenTree::Group(Group::new(Delimiter::None, parsed(text)))
}

const EXPRESSION: &str = "`#[circuit_breaker]` goes on a function, not on a closure or another expression";
const NO_BODY: &str = "expected the body of the function in braces";

#[test]
fn a_function_is_seen_through_the_fragments_of_a_macro() {
    let (item, body, abi) = (fragment("pub fn f() -> R { x }"), fragment("{ x }"), fragment("\"C\""));
    let (public, private) = (fragment("pub(crate)"), fragment(""));
    let deep = TokenTree::Group(Group::new(Delimiter::None, quote!(#body)));
    for item in [
        quote!(#item),
        quote!(pub fn f() -> R #body),
        quote!(fn f() -> R #deep),
        quote!(unsafe extern #abi fn f() -> R { x }),
        quote!(#public fn f() -> R { x }),
        quote!(#private fn f() -> R { x }),
        quote!(
            pub(crate) async fn f() -> R {
                x
            }
        ),
        quote!(
            pub default unsafe fn f() -> R {
                x
            }
        ),
    ] {
        assert_eq!(said(item.clone()), [""; 0], "{item}");
        assert_ne!(output(item.clone()), item.to_string());
    }
}

#[test]
fn what_only_looks_like_a_function_is_none() {
    let (word, empty) = (fragment("x"), fragment(""));
    for item in [
        quote!(x fn f() {}),
        quote!("C" fn f() {}),
        quote!(#word fn f() {}),
        quote!(() fn f() {}),
        quote!(#(x) fn f() {}),
        quote!(![x] fn f() {}),
        quote!((fn f() {})),
        quote!({
            fn f() {}
        }),
    ] {
        assert_eq!(said(item.clone()), [EXPRESSION], "{item}");
        assert_eq!(output(item), "", "an expression beside an error would be read as a part of it");
    }
    assert_eq!(said(quote!(#empty)), ["`#[circuit_breaker]` goes on a function, not on nothing"]);
    assert_eq!(
        said(quote!(extern (x) fn f() {})),
        ["`#[circuit_breaker]` goes on a function, not on an `extern` block, whose functions have no body"]
    );
    for item in [quote!(fn f()), quote!(fn f() [{}]), quote!(fn f() -> R +), quote!(fn f() -> R where R: (Copy))] {
        assert_eq!(said(item.clone()), [NO_BODY], "{item}");
        assert_eq!(output(item.clone()), item.to_string());
    }
}

#[test]
fn each_kind_of_item_is_called_by_its_name() {
    for (item, name) in [
        ("gen fn f() -> u8 { yield 1 }", "a `gen fn` yields many values and has no one result to judge"),
        ("async gen fn f() -> u8 { yield 1 }", "a `gen fn` yields many values and has no one result to judge"),
        ("extern { fn f(); }", "an `extern` block, whose functions have no body"),
        ("extern crate a;", "an `extern crate`"),
        ("impl (A, B) { fn f() {} }", "an `impl`"),
        ("union U { a: u8 }", "a `union`"),
        ("auto trait T {}", "a `trait`"),
        ("default unsafe impl T for A {}", "an `impl`"),
        ("a::b!(c);", "the call of a macro"),
        ("a! { c }", "the call of a macro"),
        ("macro m() {}", "a macro"),
        ("let x = 1;", "a statement"),
        ("const { 1 };", "a `const`"),
    ] {
        let whole = format!("`#[circuit_breaker]` goes on a function, not on {name}");
        let expected = if name.contains("gen fn") { name } else { &whole };
        assert_eq!(said(parsed(item)), [expected], "{item}");
        assert_eq!(output(parsed(item)), parsed(item).to_string());
    }
    for item in
        ["x;", "x + 1;", "a::b;", "a::b(c!());", "union.x();", "union(x);", "f(x);", "|x| x", "async { x }", "loop {}"]
    {
        assert_eq!(said(parsed(item)), [EXPRESSION], "{item}");
    }
}

#[test]
fn a_second_attribute_is_seen_however_it_is_written() {
    let twice = "this function already has a circuit breaker";
    for attribute in ["#[circuit_breaker]", "#[breakerbox::circuit_breaker(name = \"a\")]", "#[::a::circuit_breaker]"] {
        let item = parsed(&format!("#[inline] {attribute} pub fn f() -> R {{ x }}"));
        assert_eq!(said(item.clone()), [twice], "{attribute}");
        assert_eq!(output(item), parsed("#[inline] pub fn f() -> R { x }").to_string());
    }
    for attribute in ["#[doc = circuit_breaker]", "#[circuit_breaker::other]", "#[a(circuit_breaker)]"] {
        assert_eq!(said(parsed(&format!("{attribute} fn f() -> R {{ x }}"))), [""; 0], "{attribute}");
    }
}

#[test]
fn an_expansion_is_seen_at_the_start_of_a_body_and_is_another_functions_deeper_in_it() {
    let twice = "this function already has a circuit breaker";
    assert_eq!(
        said(quote!(
            fn f() -> R {
                { { { __BREAKERBOX_SITE } } }
            }
        )),
        [twice]
    );
    assert_eq!(
        said(quote!(
            fn f() -> R {
                { { { { __BREAKERBOX_SITE } } } }
            }
        )),
        [""; 0]
    );
}

#[test]
fn a_naked_function_is_refused() {
    let naked = "a naked function has no room for a circuit breaker";
    for attribute in ["#[naked]", "#[unsafe(naked)]", "#[inline] #[unsafe(naked)]", "#[naked] #[inline]"] {
        assert_eq!(said(parsed(&format!("{attribute} fn f() {{ x }}"))), [naked], "{attribute}");
    }
    assert_eq!(said(parsed("#[unsafe(no_mangle)] fn f() { x }")), [""; 0]);
}

#[test]
fn inner_attributes_and_nothing_else_are_lifted_out_of_a_body() {
    let (hash, bang, brackets) = (fragment("#"), fragment("!"), fragment("[cold]"));
    for (body, above) in [
        (quote!(#![cold] x), "#[cold]fnf()->R{"),
        (quote!(#![allow(a)] #![allow(b)] x), "#[allow(a)]#[allow(b)]fnf()->R{"),
        (quote!(#hash #bang #brackets x), "#[cold]fnf()->R{"),
        (quote!(#[allow(a)] [1]; x), "fnf()->R{"),
        (quote!(!![true][0]; x), "fnf()->R{"),
        (quote!(#!(a) x), "fnf()->R{"),
    ] {
        let output = output(quote!(fn f() -> R { #body })).replace(' ', "");
        assert!(output.starts_with(above), "{body}: {output}");
        assert_eq!(output.contains("#!"), body.to_string().replace(' ', "").contains("#!("), "{body}: {output}");
    }
}

#[test]
fn types_are_seen_through_the_fragments_of_a_macro() {
    let written = |item: TokenStream| {
        let arguments = parsed("fallback = g, fallback_on = any");
        applied((0, 0, 0), arguments, item).output.to_string().replace(' ', "")
    };
    for (given, returned) in [
        ("V", "Result<u8, E>"),
        ("&V", "Option<impl A>"),
        ("&mut V", "BoxFuture<'static, R>"),
        ("(&mut V)", "impl Future<Output = R>"),
        ("[u8; 2]", "Pin<Box<dyn Future<Output = R>>>"),
        ("impl A", "(impl Future<Output = R>)"),
        ("&mut impl A", "Box<dyn Future<Output = R>>"),
    ] {
        let (plain, result) = (parsed(given), parsed(returned));
        let (fragment, result_fragment) = (fragment(given), fragment(returned));
        let expected = written(quote!(fn f(mut a: #plain) -> #result { async { x } }));
        let output = written(quote!(fn f(mut a: #fragment) -> #result_fragment { async { x } }));
        assert_eq!(output, expected, "{given} -> {returned}");
    }
}
