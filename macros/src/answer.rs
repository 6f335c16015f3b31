//! What a refused call returns, and with `fallback_on = any` a failed one: a fallback, the error of
//! `on_open`, or the error that the return type makes of a `CircuitBreakerError`. Knows which
//! arguments are kept for it while the body uses its own.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ExprClosure;

use crate::context::Context;
use crate::fallback::{Call, Fallback, Passed, first, last, parenthesized};
use crate::signature::{Parameter, bound};
use crate::types::Passing;
use crate::value::OnOpen;

/// Writes the answer of one function.
pub(crate) struct Answer<'a> {
    context: &'a Context<'a>,
    is_async: bool,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(context: &'a Context<'a>, is_async: bool) -> Self {
        Answer { context, is_async }
    }

    /// Before the body runs: what a fallback needs after it.
    pub(crate) fn kept(&self) -> TokenStream {
        self.stored()
            .map(|(name, parameter)| {
                let (cfg, copy) = (&parameter.cfg, self.copy(&parameter.value, parameter));
                quote_spanned!(Span::mixed_site()=> #cfg let #name = #copy;)
            })
            .collect()
    }

    /// Around the body: what it borrows, so that the rest can be used after it.
    pub(crate) fn lent(&self) -> TokenStream {
        if !self.context.args.fallback_on_any {
            return TokenStream::new();
        }
        let lent = self
            .context
            .parameters
            .all
            .iter()
            .filter(|parameter| parameter.passing == Passing::Mutable && self.is_needed(parameter));
        lent.map(|parameter| {
            let (cfg, value) = (&parameter.cfg, &parameter.value);
            quote_spanned!(Span::mixed_site()=> #cfg let #value = &mut *#value;)
        })
        .collect()
    }

    /// The answer, once the error is known.
    pub(crate) fn tokens(&self) -> TokenStream {
        let Context { breaker, error, args, .. } = self.context;
        let private = self.context.private(Span::mixed_site());
        let Some((last, others)) = args.fallbacks.split_last() else {
            return self.without_fallback(&error.to_token_stream());
        };
        let count = quote_spanned!(Span::mixed_site()=> #private::count_fallback(#breaker););
        let mut tokens = self.call(last, false);
        for fallback in others.iter().rev() {
            let succeeded = self.context.judged("succeeded", &self.call(fallback, true));
            tokens = quote_spanned! {Span::mixed_site()=>
                match #succeeded {
                    ::core::option::Option::Some(__breakerbox_ret) => __breakerbox_ret,
                    ::core::option::Option::None => { #tokens }
                }
            };
        }
        quote!(#count #tokens)
    }

    /// What becomes of a call that was cut off. A value of the error's type goes on to the answer
    /// of refused calls; where that is a fallback for refused calls alone, the error type answers.
    pub(crate) fn cut_off(&self) -> TokenStream {
        let args = self.context.args;
        if args.fallbacks.is_empty() || args.fallback_on_any {
            return quote_spanned!(Span::mixed_site()=> __breakerbox_error);
        }
        let error = quote_spanned!(Span::mixed_site()=> __breakerbox_error);
        let answer = self.without_fallback(&error);
        quote_spanned!(Span::mixed_site()=> return #answer)
    }

    fn without_fallback(&self, error: &TokenStream) -> TokenStream {
        let returned = &self.context.returned;
        let Some(on_open) = &self.context.args.on_open else {
            if self.is_async && self.context.is_plain() {
                return quote_spanned!(Span::mixed_site()=> (__breakerbox_asked.refuse)(#error));
            }
            let span = first(returned);
            let private = self.context.private(span);
            return quote_spanned!(span=> #private::refuse::<#returned>(#error));
        };
        let (function, expr) = match on_open {
            OnOpen::Closure(closure) if closure.inputs.is_empty() => ("on_open_unasked", closure.to_token_stream()),
            OnOpen::Closure(closure) => ("on_open", closure.to_token_stream()),
            OnOpen::Expr(expr) => ("on_open_value", expr.to_token_stream()),
        };
        let span = first(&expr);
        let private = self.context.private(span);
        let function = Ident::new(function, span);
        let generics =
            if matches!(on_open, OnOpen::Expr(_)) { quote_spanned!(span=> _, _) } else { quote_spanned!(span=> _) };
        let start = quote_spanned!(span=> #private::#function::<);
        let end = quote_spanned!(span=> , #generics>);
        let arguments = parenthesized(quote_spanned!(span=> #expr, #error), last(&expr));
        quote!(#start #returned #end #arguments)
    }

    /// The call of one fallback, on copies if another one may follow.
    fn call(&self, fallback: &Fallback, copies: bool) -> TokenStream {
        let context = self.context;
        let error = &context.error;
        let here = Span::mixed_site();
        let private = context.private(here);
        let error =
            if copies { quote_spanned!(here=> #private::Clone::clone(&#error)) } else { error.to_token_stream() };
        let arguments = if fallback.is_closure() {
            Vec::new()
        } else {
            context
                .parameters
                .all
                .iter()
                .map(|parameter| {
                    let value = self.held(parameter);
                    let value = if copies { self.copy(&value, parameter) } else { value };
                    Passed { value, ty: parameter.ty.clone(), is_lent: parameter.passing == Passing::Mutable }
                })
                .collect()
        };
        let call = Call {
            krate: &|span| context.private(span),
            returned: &context.returned,
            arguments,
            receiver: context.parameters.receiver().is_some(),
            error,
            is_async: self.is_async,
        };
        let call = call.of(fallback);
        let scope =
            if let Fallback::Closure(closure) = fallback { self.scope(closure, copies) } else { TokenStream::new() };
        if scope.is_empty() { call } else { quote_spanned!(here=> { #scope #call }) }
    }

    /// The names that a closure uses, bound to what was kept for it.
    fn scope(&self, closure: &ExprClosure, copies: bool) -> TokenStream {
        let here = Span::mixed_site();
        let used = self
            .context
            .parameters
            .all
            .iter()
            .filter(|parameter| !parameter.is_receiver && is_used(parameter, closure));
        used.filter_map(|parameter| {
            let held = self.held(parameter);
            let is_kept = held.to_string() != parameter.value.to_string();
            let value = if copies && parameter.passing != Passing::Shared { self.copy(&held, parameter) } else { held };
            let changing = &parameter.changing;
            let is_copy = copies && parameter.passing != Passing::Shared;
            let changes = is_kept || is_copy || parameter.pattern.is_some() || !changing.is_empty();
            let pattern = parameter.pattern.clone().unwrap_or_else(|| {
                let (mutable, value) = (changing.first().map(|_| quote_spanned!(here=> mut)), &parameter.value);
                quote!(#mutable #value)
            });
            let cfg = &parameter.cfg;
            let constant = parameter.names.iter().filter(|name| !changing.contains(name));
            // More may be bound, and as `mut`, than the closure uses.
            let touched = (parameter.pattern.is_some() || !changing.is_empty())
                .then(|| quote_spanned!(here=> #cfg let _ = (#(&#constant,)* #(&mut #changing,)*);));
            changes.then(|| quote_spanned!(here=> #cfg let #pattern = #value; #touched))
        })
        .collect()
    }

    /// What holds the argument when a fallback runs.
    fn held(&self, parameter: &Parameter) -> TokenStream {
        let stored = self.stored().find(|(_, stored)| std::ptr::eq(*stored, parameter));
        stored.map_or_else(|| parameter.value.clone(), |(name, _)| name.into_token_stream())
    }

    /// The arguments that are cloned before the body runs, which takes the originals.
    fn stored(&self) -> impl Iterator<Item = (Ident, &'a Parameter)> {
        let any = self.context.args.fallback_on_any;
        let parameters = self.context.parameters.all.iter().enumerate();
        let needed: Vec<_> = parameters
            .filter(|(_, parameter)| any && parameter.passing == Passing::Owned && self.is_needed(parameter))
            .map(|(at, parameter)| (format_ident!("__breakerbox_kept{at}", span = Span::mixed_site()), parameter))
            .collect();
        needed.into_iter()
    }

    /// Whether any fallback takes the argument.
    fn is_needed(&self, parameter: &Parameter) -> bool {
        self.context.args.fallbacks.iter().any(|fallback| match fallback {
            Fallback::Closure(closure) => !parameter.is_receiver && is_used(parameter, closure),
            Fallback::Path(_) | Fallback::Method(_) => true,
        })
    }

    /// The argument once more, with the type's own place for a missing `Clone`.
    fn copy(&self, value: &TokenStream, parameter: &Parameter) -> TokenStream {
        let here = Span::mixed_site();
        match parameter.passing {
            Passing::Shared => value.clone(),
            Passing::Mutable => quote_spanned!(here=> &mut *#value),
            Passing::Owned => {
                let (span, ty) = (first(&parameter.ty), &parameter.ty);
                let private = self.context.private(span);
                quote_spanned!(span=> #private::copy::<#ty>(&#value))
            }
        }
    }
}

/// Whether a closure uses a parameter by one of its names, in code or in a format string.
fn is_used(parameter: &Parameter, closure: &ExprClosure) -> bool {
    let mut own = Vec::new();
    closure.inputs.iter().for_each(|input| bound(input.to_token_stream(), &mut own));
    let used = |name: &&Ident| !own.contains(*name) && mentions(&closure.body.to_token_stream(), &plain(name));
    parameter.names.iter().any(|name| used(&name))
}

/// An identifier without the mark of a raw one, which a format string leaves out.
pub(crate) fn plain(name: &Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

/// Whether a local of this name is used: not a field, a label, or a part of a path.
pub(crate) fn mentions(tokens: &TokenStream, name: &str) -> bool {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let is_punct = |at: Option<usize>, wanted: char| matches!(at.and_then(|at| trees.get(at)), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
    trees.iter().enumerate().any(|(at, tree)| match tree {
        TokenTree::Ident(word) => {
            let is_field = is_punct(at.checked_sub(1), '.') && !is_punct(at.checked_sub(2), '.');
            let ends_path = is_punct(at.checked_sub(1), ':') && is_punct(at.checked_sub(2), ':');
            let is_label = is_punct(at.checked_sub(1), '\'');
            plain(word) == name && !is_field && !ends_path && !is_label && !is_punct(Some(at + 1), ':')
        }
        TokenTree::Group(group) => mentions(&group.stream(), name),
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            [format!("{{{name}}}"), format!("{{{name}:"), format!("{name}$")].iter().any(|use_| text.contains(use_))
        }
        TokenTree::Punct(_) => false,
    })
}
