//! The attribute on any arguments and any item: it never panics, and what comes out is either the
//! function again or mistakes, each at a place of the user's, with the item beside them.
//!
//! An input is a letter for the item, a letter for how the rest is read, and the rest: `t`, text as
//! a user would type it; else each byte is a word of [`words`]. Text after `%%` is an item of
//! the input's own. `~(..)` is the invisible group that `macro_rules` makes.

mod items;
mod words;

use std::ops::Range;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::{Item, ReturnType};

use self::items::ITEMS;
use self::words::WORDS;

/// Longer inputs say nothing new, and a deep expression needs a deep stack, here as in any compiler.
const LONGEST: usize = 1024;
/// Of a chain of ranges before an assignment, `a = ..= ..= ..= b = c`, syn takes twice as long to
/// print each as the one before.
const MOST_RANGES: usize = 8;

/// One input; see the module.
pub fn attribute(data: &[u8]) {
    let [item, mode, rest @ ..] = data else { return };
    if rest.len() > LONGEST {
        return;
    }
    let rest = if *mode == b't' { str::from_utf8(rest).map(ToOwned::to_owned) } else { Ok(worded(rest)) };
    let Ok(rest) = rest else { return };
    if rest.matches("..").count() > MOST_RANGES {
        return;
    }
    let shape = ITEMS[usize::from(*item) % ITEMS.len()];
    let (arguments, item, is_known) = match rest.split_once("%%") {
        Some((arguments, item)) => (arguments, item, false),
        None => (rest.as_str(), shape, true),
    };
    // The places of earlier inputs are not needed any more.
    proc_macro2::extra::invalidate_current_thread_spans();
    let (Ok(arguments), Ok(item)) = (arguments.parse(), item.parse()) else { return };
    let (arguments, item) = (invisible(arguments), invisible(item));
    let output = expansion::rewrite(arguments.clone(), &item);
    let (mistakes, rest) = mistakes(&output);
    if mistakes.is_empty() {
        is_the_function(&item, &output);
        return;
    }
    let mut places = Vec::new();
    tell_places(&arguments, &mut places);
    tell_places(&item, &mut places);
    for mistake in &mistakes {
        mistake.is_at_a_place(&places, is_known);
    }
    is_emitted_again(&item, &rest, is_known);
}

/// Bytes as words, in groups that are closed at the end.
fn worded(bytes: &[u8]) -> String {
    let mut closers = Vec::new();
    let mut text = String::new();
    for byte in bytes {
        let word = WORDS[usize::from(*byte) % WORDS.len()];
        match word {
            ")" | "]" | "}" => text.extend(closers.pop()),
            _ => text.push_str(word),
        }
        match word {
            "(" | "~(" => closers.push(")"),
            "[" => closers.push("]"),
            "{" => closers.push("}"),
            "%%" => text.insert_str(text.len() - 2, &closers.drain(..).rev().collect::<String>()),
            _ => {}
        }
        text.push(' ');
    }
    text.extend(closers.into_iter().rev());
    text
}

/// Makes invisible groups of `~(..)`.
fn invisible(tokens: TokenStream) -> TokenStream {
    let mut made: Vec<TokenTree> = Vec::new();
    for tree in tokens {
        let TokenTree::Group(group) = tree else {
            made.push(tree);
            continue;
        };
        let is_marked = group.delimiter() == Delimiter::Parenthesis
            && matches!(made.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '~');
        let delimiter = if is_marked { Delimiter::None } else { group.delimiter() };
        let mut remade = Group::new(delimiter, invisible(group.stream()));
        remade.set_span(group.span());
        if is_marked {
            made.pop();
        }
        made.push(remade.into());
    }
    made.into_iter().collect()
}

/// One `::core::compile_error! { ".." }`.
struct Mistake {
    message: String,
    start: Span,
    end: Span,
}

/// The mistakes that an output begins with, and what follows them.
fn mistakes(output: &TokenStream) -> (Vec<Mistake>, TokenStream) {
    const HEAD: [&str; 7] = [":", ":", "core", ":", ":", "compile_error", "!"];
    let mut trees: Vec<TokenTree> = output.clone().into_iter().collect();
    let mut found = Vec::new();
    while trees.len() > HEAD.len() && trees.iter().zip(HEAD).all(|(tree, head)| tree.to_string() == head) {
        let (name, message) = (&trees[5], &trees[7]);
        found.push(Mistake { message: message.to_string(), start: name.span(), end: message.span() });
        trees.drain(..=HEAD.len());
    }
    (found, trees.into_iter().collect())
}

/// Where a token stands: the text that it was read from, and the bytes of it.
type Place = (String, Range<usize>);

fn place(span: Span) -> Place {
    (span.file(), span.byte_range())
}

fn tell_places(tokens: &TokenStream, places: &mut Vec<Place>) {
    for tree in tokens.clone() {
        places.push(place(tree.span()));
        if let TokenTree::Group(group) = tree {
            places.extend([place(group.span_open()), place(group.span_close())]);
            tell_places(&group.stream(), places);
        }
    }
}

impl Mistake {
    /// A mistake begins where a token of the user's begins, and ends where one ends.
    fn is_at_a_place(&self, places: &[Place], is_known: bool) {
        let ((file, start), (end_file, end)) = (place(self.start), place(self.end));
        assert!(self.message.len() > 8, "a mistake says what is wrong: {}", self.message);
        if start == (0..0) && end == (0..0) && !is_known {
            // The whole attribute: all that there is to point at where the item ends too early.
            return;
        }
        let begins = places.iter().any(|(of, range)| *of == file && range.start == start.start && !range.is_empty());
        let ends = places.iter().any(|(of, range)| *of == end_file && range.end == end.end && !range.is_empty());
        assert!(begins && ends, "at {file} {start:?} to {end_file} {end:?}: {}", self.message);
        assert!(file == end_file && start.start < end.end, "backwards, {start:?} to {end:?}: {}", self.message);
    }
}

/// Beside mistakes the item stands as it was, but for a second attribute of ours. What is no item
/// but an expression is left out.
fn is_emitted_again(item: &TokenStream, rest: &TokenStream, is_known: bool) {
    let (was, is) = (item.to_string(), rest.to_string());
    if was == is {
        return;
    }
    assert!(!is_known, "the item is not emitted again:\n{was}\n{is}");
    let Ok(was) = syn::parse2::<syn::File>(item.clone()) else { return };
    let is = syn::parse2::<syn::File>(rest.clone()).unwrap_or_else(|error| panic!("{error}: {rest}"));
    assert!(item.to_string().contains("circuit_breaker"), "the item is not emitted again:\n{item}\n{rest}");
    assert_eq!(was.items.len(), is.items.len(), "{item}\n{rest}");
}

/// Without a mistake, what was one function is one function, of the same signature but for the
/// patterns of its parameters.
fn is_the_function(item: &TokenStream, output: &TokenStream) {
    let Ok(was) = syn::parse2::<syn::File>(item.clone()) else { return };
    let is = syn::parse2::<syn::File>(output.clone()).unwrap_or_else(|error| panic!("{error}: {output}"));
    let ([was], [is]) = (was.items.as_slice(), is.items.as_slice()) else {
        panic!("not one item of one: {output}");
    };
    let (Item::Fn(was), Item::Fn(is)) = (was, is) else { return };
    assert_eq!(was.vis, is.vis);
    assert!(is.attrs.starts_with(&was.attrs[..outer(&was.attrs)]), "attributes are lost: {output}");
    let (was, is) = (&was.sig, &is.sig);
    assert_eq!(was.ident, is.ident);
    assert_eq!(was.generics, is.generics);
    assert_eq!((&was.asyncness, &was.safety, &was.abi), (&is.asyncness, &is.safety, &is.abi));
    assert_eq!(was.inputs.len(), is.inputs.len(), "{output}");
    match (&was.output, &is.output) {
        (ReturnType::Type(_, was), ReturnType::Type(_, is)) => assert_eq!(was, is),
        (was, is) => assert_eq!(was, is),
    }
}

/// How many attributes stand above the function; those inside of it come after them.
fn outer(attributes: &[syn::Attribute]) -> usize {
    attributes.iter().take_while(|attribute| matches!(attribute.style, syn::AttrStyle::Outer)).count()
}
