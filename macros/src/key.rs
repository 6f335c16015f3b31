//! `key = ..`: reads it, and writes how a call looks up the breaker of its key. When that happens is
//! `expand`.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::parse::Parser;
use syn::{Error, Expr, ExprLit, Lit, Pat, Result, Signature};

use crate::answer::{mentions, plain};
use crate::errors::Errors;
use crate::fallback::{first, last, parenthesized, tidy};
use crate::limits;
use crate::signature::{Parameter, Parameters};
use crate::types::Passing;
use crate::value::{peel, wrong};

/// Reads an expression that can be evaluated in front of the body.
pub(crate) fn parse(expr: &Expr) -> Result<Expr> {
    match peel(expr) {
        Expr::Closure(closure) => {
            let body = tidy(&closure.body);
            return wrong(
                expr,
                format!("`key` is an expression of the arguments, not a closure: write `key = {body}`"),
            );
        }
        Expr::Async(_) => return wrong(expr, "`key` must be known at once: write an expression without `async`"),
        Expr::Tuple(parts) if parts.elems.len() > 1 => {
            let holes = vec!["{}"; parts.elems.len()].join("/");
            let parts = tidy(&parts.elems);
            return wrong(expr, format!("`key` must be one text: write `key = format_args!(\"{holes}\", {parts})`"));
        }
        _ => {}
    }
    match leaves(expr.to_token_stream()) {
        Some(error) => Err(error),
        None => Ok(expr.clone()),
    }
}

/// What would leave the function without a call of the breaker. A closure may `return`, so that what follows a `|` is
/// not looked at; the compiler does.
fn leaves(tokens: TokenStream) -> Option<Error> {
    for tree in tokens {
        let error = match &tree {
            TokenTree::Punct(punct) if punct.as_char() == '|' => return None,
            TokenTree::Punct(punct) if punct.as_char() == '?' => {
                let message = "`key` cannot leave the function, every call has one: write `.unwrap_or(\"-\")` or the like in place of `?`";
                Some(Error::new(tree.span(), message))
            }
            TokenTree::Ident(word) if word == "async" || word == "fn" => return None,
            TokenTree::Ident(word) if word == "return" => {
                Some(Error::new(tree.span(), "`key` cannot leave the function, every call has one: remove `return`"))
            }
            TokenTree::Ident(word) if word == "await" => {
                let message = "`key` must be known at once: write an expression of the arguments without `.await`";
                Some(Error::new(tree.span(), message))
            }
            TokenTree::Group(group) => leaves(group.stream()),
            _ => None,
        };
        if error.is_some() {
            return error;
        }
    }
    None
}

/// A string that is the name of a parameter was meant to be the parameter.
pub(crate) fn check(key: &Expr, signature: &Signature, errors: &mut Errors) {
    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = peel(key)
        && limits::names(signature).contains(&text.value())
    {
        let name = text.value();
        let message =
            format!("this `key` is the same for every call: to use the argument write `key = {name}` without quotes");
        errors.push(Error::new_spanned(key, message));
    }
}

/// An expression that is the breaker of this call's key. In a closure, so that nothing in it leaves the function, and
/// what it borrows and makes is gone before the body runs. Borrowed, so that a key that is an argument stays one.
pub(crate) fn look_up(
    key: &Expr,
    parameters: &Parameters,
    site: &Ident,
    private: &dyn Fn(Span) -> TokenStream,
) -> TokenStream {
    let here = Span::mixed_site();
    let (from, to) = (first(key), last(key));
    let krate = private(from);
    let scope: TokenStream =
        parameters.all.iter().filter_map(|parameter| scope(key, parameter, &private(here))).collect();
    let parentheses = parenthesized(key.to_token_stream(), to);
    let borrowed = quote_spanned!(from=> & #parentheses);
    let text = quote_spanned!(from=> #krate::Text::new);
    let text = [text, parenthesized(quote_spanned!(here=> __breakerbox_key), to).into()].into_iter();
    let text: TokenStream = text.collect();
    let of = quote_spanned!(from=> of);
    let krate = private(here);
    quote_spanned! {here=>
        #krate::held(|| {
            #scope
            match #borrowed { __breakerbox_key => #text.#of(&#site) }
        })
    }
}

/// The names of a pattern that does not stand in the signature any more, bound to parts of the argument.
fn scope(key: &Expr, parameter: &Parameter, private: &TokenStream) -> Option<TokenStream> {
    let here = Span::mixed_site();
    let (cfg, value, names) = (&parameter.cfg, &parameter.value, &parameter.names);
    let is_used = |name: &&Ident| mentions(&key.to_token_stream(), &plain(name));
    let pattern = parameter.pattern.clone().filter(|_| names.iter().any(|name| is_used(&name)))?;
    let pattern = without_mut(pattern);
    let mut lent = Vec::new();
    let (pattern, value) = match parameter.passing {
        Passing::Shared => (pattern, value.clone()),
        Passing::Mutable => (pattern, quote_spanned!(here=> &*#value)),
        Passing::Owned if is_explicit(pattern.clone()) => {
            let mut pattern = Pat::parse_single.parse2(pattern).ok()?;
            lend(&mut pattern, &mut lent);
            (pattern.into_token_stream(), value.clone())
        }
        Passing::Owned => {
            lent.clone_from(names);
            (pattern, quote_spanned!(here=> &#value))
        }
    };
    // As far as it can be, what is lent has the type that the parameter gave it.
    let lent = lent.iter().filter(is_used);
    let lent = lent.map(|name| quote_spanned!(here=> #cfg let #name = #private::Lent::new(#name).value();));
    // More may be bound than the key uses.
    Some(quote_spanned!(here=> #cfg let #pattern = #value; #cfg let _ = (#(&#names,)*); #(#lent)*))
}

/// Where the body binds a name again that perhaps the key alone uses: a use of it there.
pub(crate) fn touched(key: &Expr, parameters: &Parameters) -> TokenStream {
    let tokens = key.to_token_stream();
    let bound = parameters.all.iter().filter(|parameter| parameter.pattern.is_some() || !parameter.changing.is_empty());
    bound
        .map(|parameter| {
            let used = parameter.names.iter().filter(|name| mentions(&tokens, &plain(name)));
            let cfg = &parameter.cfg;
            quote_spanned!(Span::mixed_site()=> #(#cfg let _ = &#used;)*)
        })
        .collect()
}

/// Whether a pattern says itself what it borrows.
fn is_explicit(pattern: TokenStream) -> bool {
    pattern.into_iter().any(|tree| match &tree {
        TokenTree::Group(group) => is_explicit(group.stream()),
        tree => matches!(tree.to_string().as_str(), "&" | "ref"),
    })
}

fn without_mut(pattern: TokenStream) -> TokenStream {
    let kept = pattern.into_iter().filter(|tree| !matches!(tree, TokenTree::Ident(word) if word == "mut"));
    kept.map(|tree| match tree {
        TokenTree::Group(group) => {
            let mut inside = Group::new(group.delimiter(), without_mut(group.stream()));
            inside.set_span(group.span());
            TokenTree::Group(inside)
        }
        tree => tree,
    })
    .collect()
}

/// Makes a pattern borrow what it moves, and tells the names. Behind a reference it can only copy.
fn lend(pattern: &mut Pat, lent: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(ident) if ident.by_ref.is_none() && !ident.ident.to_string().starts_with(char::is_uppercase) => {
            ident.by_ref = Some(<syn::Token![ref]>::default());
            lent.push(ident.ident.clone());
        }
        Pat::Paren(paren) => lend(&mut paren.pat, lent),
        Pat::Slice(slice) => slice.elems.iter_mut().for_each(|part| lend(part, lent)),
        Pat::Struct(structure) => structure.fields.iter_mut().for_each(|field| lend(&mut field.pat, lent)),
        Pat::Tuple(tuple) => tuple.elems.iter_mut().for_each(|part| lend(part, lent)),
        Pat::TupleStruct(tuple) => tuple.elems.iter_mut().for_each(|part| lend(part, lent)),
        _ => {}
    }
}
