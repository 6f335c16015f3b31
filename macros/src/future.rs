//! Functions that are not `async` and return a future: reads the return type, and finds the `async`
//! block that a body ends in. What becomes of them is `expand`.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{GenericArgument, Path, PathArguments, ReturnType, Signature, Type, TypeParamBound};

use crate::types::{nameable, peel};

/// What a future is wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapper {
    /// `impl Future`
    Bare,
    /// `Pin<Box<dyn Future>>`, `BoxFuture`, `LocalBoxFuture`
    PinBox,
    /// `Box<dyn Future + Unpin>`
    Box,
    /// An alias, which `returns = future` vouches for.
    Alias,
}

/// The future that a function returns.
pub(crate) struct Returned {
    pub(crate) wrapper: Wrapper,
    /// What it resolves to, with `_` for `impl Trait`.
    pub(crate) output: TokenStream,
}

/// The future in a return type, if the type shows one.
pub(crate) fn returned(signature: &Signature, vouched: bool) -> Option<Returned> {
    let ReturnType::Type(_, ty) = &signature.output else { return None };
    let found = in_type(peel(ty));
    if found.is_none() && vouched {
        let ty = nameable(ty);
        let output = quote::quote!(<#ty as ::core::future::Future>::Output);
        return Some(Returned { wrapper: Wrapper::Alias, output });
    }
    found.map(|(wrapper, output)| Returned { wrapper, output: nameable(output) })
}

fn in_type(ty: &Type) -> Option<(Wrapper, &Type)> {
    match ty {
        Type::ImplTrait(bounds) => Some((Wrapper::Bare, in_bounds(&bounds.bounds)?)),
        Type::Path(path) if path.qself.is_none() => {
            let last = path.path.segments.last()?;
            if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" {
                return Some((Wrapper::PinBox, only_type(&path.path)?));
            }
            if last.ident == "Pin" {
                return match in_type(peel(only_type(&path.path)?))? {
                    (Wrapper::Box, output) => Some((Wrapper::PinBox, output)),
                    _ => None,
                };
            }
            if last.ident != "Box" {
                return None;
            }
            match peel(only_type(&path.path)?) {
                Type::TraitObject(object) => Some((Wrapper::Box, in_bounds(&object.bounds)?)),
                Type::ImplTrait(bounds) => Some((Wrapper::Box, in_bounds(&bounds.bounds)?)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn only_type(path: &Path) -> Option<&Type> {
    let PathArguments::AngleBracketed(generic) = &path.segments.last()?.arguments else { return None };
    let mut types = generic.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    let first = types.next()?;
    types.next().is_none().then_some(first)
}

fn in_bounds(bounds: &Punctuated<TypeParamBound, syn::Token![+]>) -> Option<&Type> {
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let last = bound.path.segments.last().filter(|last| last.ident == "Future")?;
        let PathArguments::AngleBracketed(generic) = &last.arguments else { return None };
        generic.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => Some(&output.ty),
            _ => None,
        })
    })
}

/// A body that ends in an `async` block, taken apart around the block.
pub(crate) struct Tail {
    pub(crate) before: TokenStream,
    /// `async`, and `move` where it stands.
    pub(crate) keywords: TokenStream,
    pub(crate) block: Group,
    /// The shape of what holds the block: `Box::pin(` .. `)`, `.boxed()`.
    holder: Option<(TokenStream, Group)>,
    after: TokenStream,
}

impl Tail {
    /// The body again, with something else in the place of the block.
    pub(crate) fn with(&self, replacement: TokenStream) -> TokenStream {
        let mut tokens = self.before.clone();
        match &self.holder {
            Some((function, parentheses)) => {
                tokens.extend(function.clone());
                let mut group = Group::new(Delimiter::Parenthesis, replacement);
                group.set_span(parentheses.span());
                tokens.extend([TokenTree::Group(group)]);
            }
            None => tokens.extend(replacement),
        }
        tokens.extend(self.after.clone());
        tokens
    }

    /// Whether every way through the body ends in the block.
    pub(crate) fn is_only_exit(&self) -> bool {
        !leaves(self.before.clone())
    }
}

/// Whether tokens may leave the function early. Those of a closure do not, but that is not looked
/// into: a wrong yes costs only the shorter expansion.
fn leaves(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == "return",
        TokenTree::Punct(punct) => punct.as_char() == '?' || punct.as_char() == '!',
        TokenTree::Group(group) => leaves(group.stream()),
        TokenTree::Literal(_) => false,
    })
}

/// Finds the `async` block that a body ends in, also inside of `Box::pin(..)` or before `.boxed()`.
pub(crate) fn tail(body: &Group) -> Option<Tail> {
    let mut trees: Vec<TokenTree> = body.stream().into_iter().collect();
    let mut after = Vec::new();
    if let [.., TokenTree::Punct(dot), TokenTree::Ident(method), TokenTree::Group(group)] = trees.as_slice()
        && dot.as_char() == '.'
        && (method == "boxed" || method == "boxed_local")
        && group.stream().is_empty()
    {
        after = trees.split_off(trees.len() - 3);
    }
    let mut holder = None;
    if let [.., TokenTree::Ident(pin), TokenTree::Group(group)] = trees.as_slice()
        && pin == "pin"
        && group.delimiter() == Delimiter::Parenthesis
        && after.is_empty()
    {
        let group = group.clone();
        trees.pop();
        let start = path_start(&trees);
        let function = trees.split_off(start);
        if !function.iter().any(|tree| matches!(tree, TokenTree::Ident(word) if word == "Box"))
            || !statement_ends(&trees)
        {
            return None;
        }
        holder = Some((function.into_iter().collect(), group.clone()));
        let outside: TokenStream = trees.into_iter().collect();
        let mut inside: Vec<TokenTree> = group.stream().into_iter().collect();
        if matches!(inside.last(), Some(TokenTree::Punct(comma)) if comma.as_char() == ',') {
            inside.pop();
        }
        let (rest, keywords, block) = async_block(inside)?;
        return rest.is_empty().then(|| Tail { before: outside, keywords, block, holder, after: TokenStream::new() });
    }
    let (rest, keywords, block) = async_block(trees)?;
    statement_ends(&rest).then(|| Tail {
        before: rest.into_iter().collect(),
        keywords,
        block,
        holder,
        after: after.into_iter().collect(),
    })
}

/// Splits `async {..}` or `async move {..}` off the end.
fn async_block(mut trees: Vec<TokenTree>) -> Option<(Vec<TokenTree>, TokenStream, Group)> {
    let block = match trees.pop()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => group,
        _ => return None,
    };
    let is = |tree: Option<&TokenTree>, wanted: &str| matches!(tree, Some(TokenTree::Ident(word)) if word == wanted);
    let length = match trees.as_slice() {
        [.., before, last] if is(Some(last), "move") && is(Some(before), "async") => 2,
        [.., last] if is(Some(last), "async") => 1,
        _ => return None,
    };
    let keywords = trees.split_off(trees.len() - length).into_iter().collect();
    Some((trees, keywords, block))
}

/// Where the path that ends the tokens begins: `::std::boxed::Box::pin`.
fn path_start(trees: &[TokenTree]) -> usize {
    let mut start = trees.len();
    while start > 0 {
        let belongs = match &trees[start - 1] {
            TokenTree::Ident(word) => {
                let follows = trees
                    .get(start)
                    .is_none_or(|next| matches!(next, TokenTree::Punct(colon) if colon.as_char() == ':'));
                follows && word != "return" && word != "move"
            }
            TokenTree::Punct(punct) => punct.as_char() == ':',
            _ => false,
        };
        if !belongs {
            break;
        }
        start -= 1;
    }
    start
}

/// Whether a new expression may begin after these tokens.
fn statement_ends(trees: &[TokenTree]) -> bool {
    match trees.last() {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        _ => false,
    }
}

/// Whether a `let` before the block gives a name of the function a new meaning there.
pub(crate) fn shadows(tail: &Tail, names: &[String]) -> bool {
    let mut in_pattern = false;
    tail.before.clone().into_iter().any(|tree| match &tree {
        TokenTree::Ident(word) if word == "let" => {
            in_pattern = true;
            false
        }
        TokenTree::Punct(punct) if matches!(punct.as_char(), '=' | ';') => {
            in_pattern = false;
            false
        }
        _ => in_pattern && mentions(&tree, names),
    })
}

fn mentions(tree: &TokenTree, names: &[String]) -> bool {
    match tree {
        TokenTree::Ident(word) => names.iter().any(|name| word == name),
        TokenTree::Group(group) => group.stream().into_token_stream().into_iter().any(|tree| mentions(&tree, names)),
        _ => false,
    }
}
