//! What an attribute says that its function cannot have: a `timeout` on a sync function, a fallback
//! for arguments that cannot be passed on. Not what is wrong with the attribute alone (`conflict`).

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, FnArg, GenericParam, ReceiverKind, ReturnType, Signature};

use crate::args::{Args, Key};
use crate::check::Function;
use crate::errors::Errors;
use crate::fallback::{Fallback, tidy};
use crate::future::{Returned, Wrapper};
use crate::key;
use crate::number::Given;
use crate::signature::{Parameters, is_pinned};
use crate::types::{self, Passing};

/// As many as the runtime has an implementation for.
const MOST_PARAMETERS: usize = 16;

/// Settings that do not fit the kind of function.
pub(crate) fn check(args: &Args, function: &Function, is_sync: bool, errors: &mut Errors) {
    let signature = &function.signature;
    if let Some(setting) = args.setting(Key::Timeout)
        && is_sync
        && setting.given != Given::Off
    {
        let message = "`timeout` needs an async function, a running sync one cannot be cut off: \
                       to count slow calls write `slow_call_duration = 2, slow_call_rate_threshold = 0.5`";
        errors.push(Error::new(setting.key_span, message));
    }
    if let Some(key) = &args.key {
        key::check(key, signature, errors);
    }
    if let Some(span) = args.returns_future {
        if signature.asyncness.is_some() {
            errors.push(Error::new(span, "`returns = future` has no effect on an `async fn`: remove it"));
        } else if matches!(signature.output, ReturnType::Default) {
            errors.push(Error::new(span, "`returns = future` needs a function that returns a future: remove it"));
        }
    }
    for setting in args.settings.iter().filter(|setting| setting.given == Given::Const) {
        for generic in &signature.generics.params {
            if let GenericParam::Const(generic) = generic
                && contains(&setting.value.to_token_stream(), &generic.ident.to_string())
            {
                let message = format!(
                    "`{}` cannot depend on `{}`: one circuit breaker serves every `{}`, write a constant",
                    setting.key.name(),
                    generic.ident,
                    generic.ident
                );
                errors.push(Error::new_spanned(&setting.value, message));
            }
        }
    }
}

/// Fallbacks that cannot be called after a future has been made of the arguments.
pub(crate) fn wrapped(args: &Args, signature: &Signature, returned: &Returned, errors: &mut Errors) {
    let copied = signature.inputs.iter().all(|input| match input {
        FnArg::Receiver(receiver) => match &receiver.kind {
            ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
            ReceiverKind::Typed(_, ty) => types::passing(ty) == Passing::Shared,
            _ => false,
        },
        FnArg::Typed(typed) => types::passing(&typed.ty) == Passing::Shared,
    });
    if copied {
        return;
    }
    for fallback in args.fallbacks.iter().filter(|fallback| !fallback.is_closure()) {
        let block = if returned.wrapper == Wrapper::Bare { "async move { .. }" } else { "Box::pin(async move { .. })" };
        let message = format!(
            "this `fallback` cannot have the arguments, which are gone into the returned future: \
             let the body be `{block}` alone, or write a closure that does without them, `fallback = |open| ..`"
        );
        errors.push(Error::new_spanned(fallback.tokens(), message));
    }
}

/// Parameters that cannot be passed on.
pub(crate) fn passed(args: &Args, signature: &Signature, parameters: &Parameters, errors: &mut Errors) {
    for fallback in &args.fallbacks {
        if let Fallback::Method(method) = fallback
            && parameters.receiver().is_none()
        {
            let message = "`fallback = self.method` needs a function with `self`: write the path of a function";
            errors.push(Error::new_spanned(method, message));
        }
    }
    if args.fallbacks.iter().all(Fallback::is_closure) {
        return;
    }
    for input in &signature.inputs {
        let attributes = match input {
            FnArg::Receiver(receiver) => &receiver.attrs,
            FnArg::Typed(typed) => &typed.attrs,
        };
        if let Some(cfg) = attributes
            .iter()
            .find(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
        {
            let message =
                "a parameter with `#[cfg]` cannot be passed to `fallback`: write a closure, `fallback = |open| ..`";
            errors.push(Error::new_spanned(cfg, message));
        }
    }
    if signature.inputs.len() > MOST_PARAMETERS
        && let Some(Fallback::Path(path)) = args.fallbacks.iter().find(|fallback| matches!(fallback, Fallback::Path(_)))
    {
        let message = format!(
            "a function as `fallback` takes at most {MOST_PARAMETERS} parameters: write a closure, `fallback = |open| ..`"
        );
        errors.push(Error::new_spanned(path, message));
    }
    if args.fallback_on_any
        && let Some(FnArg::Receiver(receiver)) = signature.inputs.first()
    {
        let lent = match &receiver.kind {
            ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
            ReceiverKind::Typed(_, ty) => types::passing(ty) == Passing::Mutable || is_pinned(ty),
            _ => false,
        };
        if lent {
            let shown = tidy(receiver);
            let message = format!(
                "`fallback_on = any` cannot pass `{shown}` to the fallback, the call has used it: \
                 write a closure that does without it, or leave out `fallback_on`"
            );
            errors.push(Error::new_spanned(receiver, message));
        }
    }
}

/// The names of the parameters, as far as they have one.
pub(crate) fn names(signature: &Signature) -> Vec<String> {
    signature
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed.pat.to_token_stream().into_iter().last()?.to_string()),
            FnArg::Receiver(_) => None,
        })
        .collect()
}

/// Whether an expression is, or is made of, a name by itself: not the end of a path, nor declared in it.
fn contains(tokens: &TokenStream, name: &str) -> bool {
    let trees: Vec<proc_macro2::TokenTree> = tokens.clone().into_iter().collect();
    let is_colon = |at: Option<usize>| matches!(at.and_then(|at| trees.get(at)), Some(proc_macro2::TokenTree::Punct(punct)) if punct.as_char() == ':');
    trees.iter().enumerate().any(|(at, tree)| match tree {
        proc_macro2::TokenTree::Ident(ident) => ident == name && !is_colon(at.checked_sub(1)),
        proc_macro2::TokenTree::Group(group) if group.delimiter() == proc_macro2::Delimiter::Brace => false,
        proc_macro2::TokenTree::Group(group) => contains(&group.stream(), name),
        _ => false,
    })
}
