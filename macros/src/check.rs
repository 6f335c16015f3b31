//! What may be annotated: takes an item apart if it is a function with a body, and says what to do
//! if it is anything else. The body stays as it was written, token by token.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, ReturnType, Safety, Signature, Type};

use crate::errors::Errors;
use crate::expand::MARK;

/// A function with a body.
pub(crate) struct Function {
    /// Attributes above the function, and those inside of its body, lifted.
    pub(crate) attributes: TokenStream,
    /// `pub`, and `default` where there is one.
    pub(crate) front: TokenStream,
    /// From the first modifier to the `where` clause, as it was written.
    pub(crate) header: TokenStream,
    pub(crate) signature: Signature,
    /// The body in the user's own braces, without inner attributes.
    pub(crate) body: Group,
}

/// Attributes that the compiler itself reads: no macro that may look into the body.
const INERT: [&str; 24] = [
    "allow",
    "automatically_derived",
    "cfg",
    "cold",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "ignore",
    "inline",
    "link_section",
    "must_use",
    "no_mangle",
    "optimize",
    "rustfmt",
    "clippy",
    "should_panic",
    "target_feature",
    "track_caller",
    "unsafe",
    "warn",
    "diagnostic",
];

impl Function {
    /// Whether no other attribute macro will see the expansion.
    pub(crate) fn is_last_macro(&self) -> bool {
        self.attributes.clone().into_iter().all(|tree| match tree {
            TokenTree::Group(group) => {
                matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(word)) if INERT.iter().any(|inert| word == inert))
            }
            _ => true,
        })
    }
}

/// Takes an item apart. On a mistake the answer is the item, to be emitted as it is, less a second
/// attribute of ours.
pub(crate) fn function(item: &TokenStream, errors: &mut Errors) -> Result<Function, TokenStream> {
    let mut trees: Vec<TokenTree> = flatten(item.clone());
    let Attributes { tokens: mut attributes, second, naked } = attributes(&mut trees);
    if let Some(second) = &second {
        let message = "this function already has a circuit breaker: remove one of the two attributes";
        errors.push(Error::new_spanned(second, message));
    }
    let item = if second.is_some() {
        [attributes.clone(), trees.iter().cloned().collect()].into_iter().collect()
    } else {
        item.clone()
    };
    let front = visibility(&mut trees);
    match find_fn(&trees, &front) {
        Found::Function => {}
        Found::Item(error) => {
            errors.push(error);
            return Err(item);
        }
        Found::Expression(error) => {
            errors.push(error);
            // Beside the error an expression would be read as a part of it.
            return Err(TokenStream::new());
        }
    }
    let Some(end) = trees.pop() else { return Err(item) };
    let Some(body) = braces(&end) else {
        errors.push(Error::new(end.span(), no_body(&end)));
        return Err(item);
    };
    let mut front = front;
    if matches!(trees.first(), Some(TokenTree::Ident(ident)) if ident == "default") {
        front.extend(trees.drain(..1));
    }
    let header: TokenStream = trees.into_iter().collect();
    let signature: Signature = match syn::parse2(header.clone()) {
        Ok(signature) => signature,
        Err(error) => {
            errors.push(error);
            return Err(item);
        }
    };
    let (inner, body) = lift(&body);
    if naked {
        errors.push(Error::new_spanned(
            &signature.ident,
            "a naked function has no room for a circuit breaker: annotate a function that calls it",
        ));
    }
    refuse(&signature, &body, errors);
    if !errors.is_empty() {
        return Err(item);
    }
    attributes.extend(inner);
    Ok(Function { attributes, front, header, signature, body })
}

/// The kinds of functions that cannot pass through a breaker.
fn refuse(signature: &Signature, body: &Group, errors: &mut Errors) {
    if let Some(constant) = &signature.constness {
        let message = "a `const fn` cannot have a circuit breaker, whose state changes while the program runs: \
                       remove `const`, or annotate a function that calls this one";
        errors.push(Error::new_spanned(constant, message));
    }
    if let Some(variadic) = &signature.variadic {
        let message = "a C-variadic function cannot have a circuit breaker, its arguments cannot be passed on: \
                       annotate a function that calls this one";
        errors.push(Error::new_spanned(variadic, message));
    }
    if let ReturnType::Type(_, returned) = &signature.output
        && let Type::Never(never) = &**returned
    {
        let message =
            "a function that never returns has no result to judge: remove `#[circuit_breaker]`, or return a `Result`";
        errors.push(Error::new_spanned(never, message));
    }
    if let Safety::Safe(safe) = &signature.safety {
        errors.push(Error::new_spanned(safe, "only functions with a body have a circuit breaker: remove `safe`"));
    }
    // Under another name the attribute cannot be seen on the item; its traces in the body can.
    if mentions(body.stream(), MARK, 4) {
        errors.push(Error::new(
            Span::call_site(),
            "this function already has a circuit breaker: remove one of the two attributes",
        ));
    }
}

/// Whether an identifier stands among the first tokens, however deep.
fn mentions(tokens: TokenStream, word: &str, depth: u32) -> bool {
    depth > 0
        && tokens.into_iter().take(24).any(|tree| match tree {
            TokenTree::Ident(ident) => ident == word,
            TokenTree::Group(group) => mentions(group.stream(), word, depth - 1),
            _ => false,
        })
}

/// The item, out of the invisible group that a `$item:item` of `macro_rules` puts around it.
fn flatten(item: TokenStream) -> Vec<TokenTree> {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    while let [TokenTree::Group(group)] = trees.as_slice() {
        if group.delimiter() != Delimiter::None {
            break;
        }
        trees = group.stream().into_iter().collect();
    }
    trees
}

/// A group in braces, also inside of the invisible one of a `$body:block`.
fn braces(tree: &TokenTree) -> Option<Group> {
    match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.clone()),
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => match flatten(group.stream()).as_slice() {
            [inner] => braces(inner),
            _ => None,
        },
        _ => None,
    }
}

struct Attributes {
    tokens: TokenStream,
    second: Option<Group>,
    naked: bool,
}

/// Takes the attributes off the front, a second one of ours apart.
fn attributes(trees: &mut Vec<TokenTree>) -> Attributes {
    let mut found = Attributes { tokens: TokenStream::new(), second: None, naked: false };
    while let [TokenTree::Punct(hash), TokenTree::Group(group), ..] = trees.as_slice() {
        if hash.as_char() != '#' || group.delimiter() != Delimiter::Bracket {
            break;
        }
        let path: Vec<String> = group
            .stream()
            .into_iter()
            .map_while(|tree| match tree {
                TokenTree::Ident(ident) => Some(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ':' => Some(":".to_owned()),
                _ => None,
            })
            .collect();
        let content = group.stream().to_string();
        found.naked |= content == "naked" || content.replace(' ', "") == "unsafe(naked)";
        if path.last().is_some_and(|last| last == "circuit_breaker") {
            found.second.get_or_insert(group.clone());
            trees.drain(..2);
        } else {
            found.tokens.extend(trees.drain(..2));
        }
    }
    found
}

/// Takes `pub`, `pub(..)` or the group of a `$vis:vis` off the front.
fn visibility(trees: &mut Vec<TokenTree>) -> TokenStream {
    let length = match trees.as_slice() {
        [TokenTree::Ident(word), TokenTree::Group(group), ..]
            if word == "pub" && group.delimiter() == Delimiter::Parenthesis =>
        {
            2
        }
        [TokenTree::Ident(word), ..] if word == "pub" => 1,
        [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::None => {
            let empty = group.stream().is_empty();
            let public = matches!(flatten(group.stream()).first(), Some(TokenTree::Ident(word)) if word == "pub");
            usize::from(empty || public)
        }
        _ => 0,
    };
    trees.drain(..length).collect()
}

/// What is annotated.
enum Found {
    Function,
    Item(Error),
    Expression(Error),
}

fn find_fn(trees: &[TokenTree], front: &TokenStream) -> Found {
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(word) if word == "fn" => return Found::Function,
            TokenTree::Ident(word)
                if word == "gen" && matches!(trees.get(at + 1), Some(TokenTree::Ident(next)) if next == "fn") =>
            {
                let message = "a `gen fn` yields many values and has no one result to judge: annotate the function that makes each value";
                return Found::Item(Error::new(word.span(), message));
            }
            TokenTree::Ident(word)
                if ["default", "const", "async", "unsafe", "safe", "extern"]
                    .iter()
                    .any(|modifier| word == modifier) => {}
            // The `"C"` of `extern "C"`.
            TokenTree::Literal(_) if at > 0 => {}
            TokenTree::Group(group) if group.delimiter() == Delimiter::None && at > 0 => {}
            _ => break,
        }
    }
    not_a_function(trees, front)
}

fn not_a_function(trees: &[TokenTree], front: &TokenStream) -> Found {
    let word = |at: usize| match trees.get(at) {
        Some(TokenTree::Ident(ident)) => Some(ident),
        _ => None,
    };
    let is = |at: usize, wanted: &str| word(at).is_some_and(|ident| ident == wanted);
    let keyword = [
        "struct",
        "enum",
        "union",
        "trait",
        "impl",
        "mod",
        "const",
        "static",
        "type",
        "use",
        "macro_rules",
        "macro",
        "let",
    ];
    // Behind `unsafe`, `auto` and `default` stands the word that tells.
    let lead = (0..3)
        .find(|at| word(*at).is_some_and(|ident| keyword.iter().any(|keyword| ident == keyword)) || is(*at, "extern"))
        .unwrap_or(0);
    let at = |span: Span, what: &str| {
        Found::Item(Error::new(span, format!("`#[circuit_breaker]` goes on a function, not on {what}")))
    };
    let plain = |kind: &Ident| at(kind.span(), &format!("a `{kind}`"));
    match word(lead) {
        Some(kind) if kind == "trait" => at(kind.span(), "a `trait`: put it on the methods of the implementations"),
        Some(kind) if kind == "impl" => at(kind.span(), "an `impl`: put it on each method"),
        Some(kind) if kind == "extern" && is(lead + 1, "crate") => at(kind.span(), "an `extern crate`"),
        Some(kind) if kind == "extern" => at(
            kind.span(),
            "an `extern` block, whose functions have no body: annotate a function that calls one of them",
        ),
        Some(kind) if kind == "macro_rules" || kind == "macro" => {
            at(kind.span(), "a macro: put it on the function inside of the macro")
        }
        Some(kind) if kind == "let" => at(kind.span(), "a statement: put it on the function around it"),
        Some(kind) if kind == "union" && word(lead + 1).is_none() => expression(kind.span()),
        Some(kind) if keyword.iter().any(|keyword| kind == keyword) => plain(kind),
        Some(kind) if calls_macro(trees) => {
            at(kind.span(), "the call of a macro: put it on the function inside of the macro")
        }
        Some(kind) => expression(kind.span()),
        None => trees.first().map_or_else(
            || at(if front.is_empty() { Span::call_site() } else { first_span(front) }, "nothing"),
            |tree| expression(tree.span()),
        ),
    }
}

fn expression(span: Span) -> Found {
    let message = "`#[circuit_breaker]` goes on a function, not on a closure or another expression: \
                   move it into a function, or use `breakerbox::breaker(..)` and `call(..)`";
    Found::Expression(Error::new(span, message))
}

fn first_span(tokens: &TokenStream) -> Span {
    tokens.to_token_stream().into_iter().next().map_or_else(Span::call_site, |tree| tree.span())
}

/// `path::to::name!`
fn calls_macro(trees: &[TokenTree]) -> bool {
    let rest = trees.iter().position(|tree| match tree {
        TokenTree::Ident(_) => false,
        TokenTree::Punct(punct) => punct.as_char() != ':',
        _ => true,
    });
    matches!(rest.and_then(|at| trees.get(at)), Some(TokenTree::Punct(punct)) if punct.as_char() == '!')
}

fn no_body(end: &TokenTree) -> &'static str {
    match end {
        TokenTree::Punct(punct) if punct.as_char() == ';' => {
            "this function has no body to protect: put `#[circuit_breaker]` on one that has, such as the method of the \
             implementation"
        }
        _ => "expected the body of the function in braces",
    }
}

/// Lifts `#![..]` out of a body: rustc takes inner attributes only at the start of the function's
/// own block, which the expansion opens.
fn lift(body: &Group) -> (TokenStream, Group) {
    let mut trees: Vec<TokenTree> = body.stream().into_iter().collect();
    let mut lifted = TokenStream::new();
    while let [hash, bang, group, ..] = trees.as_slice() {
        let (hash, bang, group) = (&bare(hash), &bare(bang), &bare(group));
        let is_bracketed = matches!(group, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket);
        if !is_sign(hash, '#') || !is_sign(bang, '!') || !is_bracketed {
            break;
        }
        lifted.extend([hash, group].map(TokenTree::clone));
        trees.drain(..3);
    }
    if lifted.is_empty() {
        return (lifted, body.clone());
    }
    (lifted, braced(body, trees.into_iter().collect()))
}

/// A token without invisible groups around it.
fn bare(tree: &TokenTree) -> TokenTree {
    let TokenTree::Group(group) = tree else { return tree.clone() };
    let inside: Vec<TokenTree> = group.stream().into_iter().collect();
    match inside.as_slice() {
        [only] if group.delimiter() == Delimiter::None => bare(only),
        _ => tree.clone(),
    }
}

fn is_sign(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// New content in the user's own braces, which other attributes take for the place of the body.
pub(crate) fn braced(original: &Group, content: TokenStream) -> Group {
    let mut group = Group::new(Delimiter::Brace, content);
    group.set_span(original.span());
    group
}
