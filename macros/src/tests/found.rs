//! The attribute in a file of Rust, found and expanded without a compiler: token by token, the outer
//! one first, and then what stands in the expansion. Knows no `macro_rules`: what is written by
//! one is not seen.

use proc_macro2::{Delimiter, Group, Literal, Spacing, TokenStream, TokenTree};

use crate::rewrite;

/// What the compiler underlines: line, column and length, counted as it counts them.
pub(super) type Place = (usize, usize, usize);

/// One use of the attribute, and what became of it.
pub(super) struct Use {
    /// The mistakes, each with its place.
    pub(super) mistakes: Vec<(String, Place)>,
    /// What the attribute stands on.
    pub(super) item: TokenStream,
    /// What stands there then, less the mistakes.
    pub(super) output: TokenStream,
}

/// Every use in a file, expanded.
pub(super) fn uses(file: &TokenStream) -> Vec<Use> {
    let mut names = vec!["circuit_breaker".to_owned()];
    aliases(file, &mut names);
    let mut found = Vec::new();
    expand(file, &names, &mut found);
    found
}

/// The names after `circuit_breaker as`.
fn aliases(tokens: &TokenStream, names: &mut Vec<String>) {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => aliases(&group.stream(), names),
            TokenTree::Ident(word) if word == "circuit_breaker" && is_word(trees.get(at + 1), "as") => {
                names.extend(trees.get(at + 2).map(ToString::to_string));
            }
            _ => {}
        }
    }
}

fn expand(tokens: &TokenStream, names: &[String], found: &mut Vec<Use>) {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut at = 0;
    while at < trees.len() {
        if is_word(trees.get(at), "macro_rules") {
            at += 4;
            continue;
        }
        let start = at;
        while let Some(group) = attribute(&trees, at) {
            if let Some(arguments) = ours(group, names).filter(|_| !is_field(&trees[at + 2..])) {
                let end = end(&trees, at + 2);
                let item = trees[start..at].iter().chain(&trees[at + 2..end]).cloned().collect();
                let place = place(&trees[at], &trees[at + 1]).expect("the file was read from text");
                let applied = applied(place, arguments, item);
                expand(&applied.output.clone(), names, found);
                found.push(applied);
                at = end;
                break;
            }
            at += 2;
        }
        if at == start {
            if let Some(TokenTree::Group(group)) = trees.get(at) {
                expand(&group.stream(), names, found);
            }
            at += 1;
        }
    }
}

/// The brackets of an attribute that begins here.
fn attribute(trees: &[TokenTree], at: usize) -> Option<&Group> {
    match (trees.get(at)?, trees.get(at + 1)?) {
        (TokenTree::Punct(hash), TokenTree::Group(group))
            if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            Some(group)
        }
        _ => None,
    }
}

/// The arguments, if the attribute is ours.
fn ours(attribute: &Group, names: &[String]) -> Option<TokenStream> {
    let mut trees = attribute.stream().into_iter();
    let mut last = None;
    let arguments = loop {
        match trees.next() {
            Some(TokenTree::Ident(word)) => last = Some(word.to_string()),
            Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => {}
            Some(TokenTree::Group(group)) => break group.stream(),
            // `#[path = value]`
            _ => break trees.collect(),
        }
    };
    names.contains(&last?).then_some(arguments)
}

/// `name: Type`, where the compiler expands no attribute.
fn is_field(trees: &[TokenTree]) -> bool {
    matches!(trees, [TokenTree::Ident(_), TokenTree::Punct(colon), ..]
        if colon.as_char() == ':' && colon.spacing() == Spacing::Alone)
}

/// Where the item ends that begins here: after its `;` or its braces.
fn end(trees: &[TokenTree], start: usize) -> usize {
    let mut at = start;
    while let Some(tree) = trees.get(at) {
        at += 1;
        match tree {
            TokenTree::Punct(punct) if punct.as_char() == ';' => break,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => match trees.get(at) {
                // `use a::{b};`, `Array<{ N }>`
                Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), ';' | '>' | ',') => {}
                _ => break,
            },
            _ => {}
        }
    }
    at
}

pub(super) fn applied(place: Place, arguments: TokenStream, item: TokenStream) -> Use {
    let mut trees: Vec<TokenTree> = rewrite(arguments, &item).into_iter().collect();
    let mut mistakes = Vec::new();
    while let Some(message) = mistake(&trees) {
        // The place of the call stands for the whole attribute.
        let there = self::place(&trees[0], &trees[MISTAKE - 1]).unwrap_or(place);
        mistakes.push((message, there));
        trees.drain(..MISTAKE);
    }
    Use { mistakes, item, output: trees.into_iter().collect() }
}

/// The tokens of `::core::compile_error! { "message" }`.
const MISTAKE: usize = 8;

fn mistake(trees: &[TokenTree]) -> Option<String> {
    let [TokenTree::Punct(colon), _, _, _, _, TokenTree::Ident(word), _, TokenTree::Group(group), ..] = trees else {
        return None;
    };
    if colon.spacing() != Spacing::Joint || word != "compile_error" {
        return None;
    }
    let literal: Literal = syn::parse2(group.stream()).expect("a message");
    match syn::Lit::new(literal) {
        syn::Lit::Str(text) => Some(text.value()),
        other => panic!("no message: {}", quote::ToTokens::to_token_stream(&other)),
    }
}

/// The place from one token to another. `None` for that of the call, which has none here.
fn place(from: &TokenTree, to: &TokenTree) -> Option<Place> {
    let (start, end) = (from.span().start(), to.span().end());
    let is_call = from.span().byte_range().is_empty();
    assert!(is_call || start.line == end.line, "what is underlined goes over lines {} to {}", start.line, end.line);
    (!is_call).then(|| (start.line, start.column + 1, end.column - start.column))
}

fn is_word(tree: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(tree, Some(TokenTree::Ident(word)) if word == wanted)
}
