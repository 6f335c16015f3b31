//! The parameters of a function: which of them the body must bind again, and how each is passed to
//! a fallback. The signature itself changes only where a pattern leaves no name to pass on.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Meta, Pat, PatType, Receiver, ReceiverKind, Signature, Type};

use crate::types::{self, Passing};

/// A parameter, the receiver included.
pub(crate) struct Parameter {
    /// The name by which generated code has the whole value.
    pub(crate) value: TokenStream,
    /// The type with `_` for `impl Trait`.
    pub(crate) ty: TokenStream,
    pub(crate) passing: Passing,
    pub(crate) is_receiver: bool,
    /// `#[cfg]`s, which statements about the parameter repeat.
    pub(crate) cfg: TokenStream,
    /// The names that the pattern binds.
    pub(crate) names: Vec<Ident>,
    /// The pattern, where it does not stand in the signature any more.
    pub(crate) pattern: Option<TokenStream>,
    /// Those of them that are bound as `mut`.
    pub(crate) changing: Vec<Ident>,
}

/// The parameters of a function, prepared for its expansion.
pub(crate) struct Parameters {
    pub(crate) all: Vec<Parameter>,
    /// What the body begins with: patterns and `mut`s that were taken out of the signature.
    pub(crate) prelude: TokenStream,
    /// The signature, if it changed.
    pub(crate) changed: Option<Signature>,
}

/// What the expansion does with the parameters.
#[derive(Clone, Copy)]
pub(crate) struct Needs {
    /// Each parameter must have a name, because a fallback takes it whole.
    pub(crate) whole: bool,
    /// The body runs in a closure or block of its own, so that a `mut` belongs there.
    pub(crate) rebind: bool,
    /// That block is a future, where a parameter that is bound again is stored again.
    pub(crate) is_async: bool,
}

impl Parameters {
    pub(crate) fn new(signature: &Signature, needs: Needs) -> Parameters {
        let mut changed = signature.clone();
        let mut differs = false;
        let mut prelude = TokenStream::new();
        let mut all = Vec::new();
        for (at, input) in changed.inputs.iter_mut().enumerate() {
            match input {
                FnArg::Receiver(receiver) => all.push(self_parameter(receiver)),
                FnArg::Typed(typed) => {
                    let before = typed.pat.to_token_stream().to_string();
                    all.push(parameter(typed, at, needs, &mut prelude));
                    differs |= before != typed.pat.to_token_stream().to_string();
                }
            }
        }
        Parameters { all, prelude, changed: differs.then_some(changed) }
    }

    pub(crate) fn receiver(&self) -> Option<&Parameter> {
        self.all.first().filter(|first| first.is_receiver)
    }
}

fn self_parameter(receiver: &Receiver) -> Parameter {
    let value = Ident::new("self", receiver.self_token.span).into_token_stream();
    let (ty, passing) = match &receiver.kind {
        ReceiverKind::Reference(and, lifetime, mutability) => (
            quote!(#and #lifetime #mutability Self),
            if mutability.is_some() { Passing::Mutable } else { Passing::Shared },
        ),
        ReceiverKind::Typed(_, ty) => (types::nameable(ty), types::passing(ty)),
        _ => (quote_spanned!(receiver.self_token.span=> Self), Passing::Owned),
    };
    Parameter {
        value,
        ty,
        passing,
        is_receiver: true,
        cfg: cfg(&receiver.attrs),
        names: Vec::new(),
        pattern: None,
        changing: Vec::new(),
    }
}

fn parameter(typed: &mut PatType, at: usize, needs: Needs, prelude: &mut TokenStream) -> Parameter {
    let cfg = cfg(&typed.attrs);
    let ty = types::nameable(&typed.ty);
    let passing = types::passing(&typed.ty);
    let mut names = Vec::new();
    bound(typed.pat.to_token_stream(), &mut names);
    let mut changing = Vec::new();
    bound_mut(typed.pat.to_token_stream(), &mut changing);
    let simple = match &*typed.pat {
        Pat::Ident(ident) if ident.by_ref.is_none() && ident.subpat.is_none() && ident.attrs.is_empty() => {
            Some(ident.clone())
        }
        _ => None,
    };
    // Passing on `_name` would be a use of a name that says that it is not used.
    let hidden = simple.as_ref().is_some_and(|ident| ident.ident.to_string().starts_with('_'));
    if let Some(ident) = simple.filter(|_| !(hidden && needs.whole)) {
        let name = &ident.ident;
        let parameter = Parameter {
            value: name.to_token_stream(),
            ty,
            passing,
            is_receiver: false,
            cfg,
            names: vec![name.clone()],
            pattern: None,
            changing,
        };
        if let Some(mutability) = ident.mutability
            && needs.rebind
            && !(needs.is_async && types::is_plain(&typed.ty))
        {
            let cfg = &parameter.cfg;
            let binding = quote!(#mutability #name);
            prelude.extend(quote_spanned!(Span::mixed_site()=> #cfg let #binding = #name;));
            *typed.pat = Pat::Ident(syn::PatIdent { mutability: None, ..ident });
        }
        return parameter;
    }
    let has_mut = typed.pat.to_token_stream().into_iter().any(|tree| contains_mut(&tree));
    let pattern = typed.pat.to_token_stream();
    let moves = has_mut && needs.rebind && !types::is_plain(&typed.ty);
    if !(needs.whole || moves) {
        // The pattern stays where it is.
        return Parameter { value: pattern, ty, passing, is_receiver: false, cfg, names, pattern: None, changing };
    }
    // Hygienic, so that it hides nothing of the user's; rustdoc shows it.
    let name = if hidden {
        let text = typed.pat.to_token_stream().into_iter().last().map(|tree| tree.to_string()).unwrap_or_default();
        visible_name(&text, at)
    } else {
        format!("arg{at}")
    };
    let name = format_ident!("{name}", span = Span::mixed_site().located_at(typed.pat.span()));
    let lints = lints(&typed.attrs);
    // In a tuple, because clippy asks what a `_name` alone is bound for.
    let binding = if hidden { quote!((#pattern,)) } else { quote!(#pattern) };
    let bound = if hidden { quote_spanned!(Span::mixed_site()=> (#name,)) } else { name.to_token_stream() };
    if text_of(&typed.pat).contains("ref mut") {
        // The pattern borrows the argument for change.
        prelude.extend(quote_spanned!(Span::mixed_site()=> #cfg let mut #name = #name;));
    }
    prelude.extend(quote_spanned!(Span::mixed_site()=> #cfg #lints let #binding = #bound;));
    typed.attrs.retain(|attribute| !is_lint(attribute));
    *typed.pat = Pat::Ident(syn::PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident: name.clone(),
        subpat: None,
    });
    Parameter {
        value: name.to_token_stream(),
        ty,
        passing,
        is_receiver: false,
        cfg,
        names,
        pattern: Some(pattern),
        changing,
    }
}

fn text_of(pattern: &Pat) -> String {
    pattern.to_token_stream().to_string()
}

/// `_name` without the underscore, where that is a name.
fn visible_name(text: &str, at: usize) -> String {
    let name = text.trim_start_matches('_');
    let is_name = name.starts_with(|first: char| first.is_alphabetic()) && syn::parse_str::<Ident>(name).is_ok();
    if is_name { name.to_owned() } else { format!("arg{at}") }
}

fn cfg(attributes: &[Attribute]) -> TokenStream {
    let kept =
        attributes.iter().filter(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"));
    quote!(#(#kept)*)
}

fn is_lint(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|level| attribute.path().is_ident(level))
        && matches!(attribute.meta, Meta::List(_))
}

fn lints(attributes: &[Attribute]) -> TokenStream {
    let kept = attributes.iter().filter(|attribute| is_lint(attribute));
    quote!(#(#kept)*)
}

/// The names that a pattern binds, and perhaps a constant or field among them: lower case, no path,
/// no call.
pub(crate) fn bound(pattern: TokenStream, names: &mut Vec<Ident>) {
    let trees: Vec<TokenTree> = pattern.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => bound(group.stream(), names),
            TokenTree::Ident(word) => {
                let text = word.to_string();
                let keyword = ["ref", "mut", "box", "self", "_", "true", "false", "const"].contains(&text.as_str());
                let upper = text.starts_with(char::is_uppercase);
                // `field: pattern`, `path::Name`, `Name { .. }`
                let colon = matches!(trees.get(at + 1), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
                let path = at > 0
                    && matches!(&trees[at - 1], TokenTree::Punct(punct) if punct.as_char() == ':')
                    && at > 1
                    && matches!(&trees[at - 2], TokenTree::Punct(punct) if punct.as_char() == ':');
                if !keyword && !upper && !colon && !path {
                    names.push(word.clone());
                }
            }
            _ => {}
        }
    }
}

/// The names that a pattern binds as `mut`, which is not `ref mut`.
fn bound_mut(pattern: TokenStream, names: &mut Vec<Ident>) {
    let trees: Vec<TokenTree> = pattern.into_iter().collect();
    let is = |at: Option<usize>, wanted: &str| {
        at.and_then(|at| trees.get(at)).is_some_and(|tree| tree.to_string() == wanted)
    };
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => bound_mut(group.stream(), names),
            TokenTree::Ident(word) if word != "mut" && is(at.checked_sub(1), "mut") => {
                let before = at.checked_sub(2);
                if !is(before, "ref") && !is(before, "&") {
                    names.push(word.clone());
                }
            }
            _ => {}
        }
    }
}

fn contains_mut(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Ident(word) => word == "mut",
        TokenTree::Group(group) => group.stream().into_iter().any(|tree| contains_mut(&tree)),
        _ => false,
    }
}

/// Whether a type is `Pin<&mut ..>`, which can be lent only once.
pub(crate) fn is_pinned(ty: &Type) -> bool {
    let Type::Path(path) = types::peel(ty) else { return false };
    path.path
        .segments
        .last()
        .is_some_and(|last| last.ident == "Pin" && last.arguments.to_token_stream().to_string().contains("mut"))
}
