//! The code that stands in place of an annotated function: first the breaker is asked, then the
//! body runs as a closure or future of its own and its value is judged, or something else answers.
//! What its parts share is `context`, the static `site`, what a refused call returns `answer`.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ReturnType;

use crate::answer::Answer;
use crate::args::Args;
use crate::check::{Function, braced};
use crate::context::{Context, private, return_edge};
use crate::errors::Errors;
use crate::fallback::first;
use crate::future::{self, Returned, Tail, Wrapper};
use crate::signature::{Needs, Parameters};
use crate::{key, limits, site, types};

/// The name of the static, by which a second expansion of the same function is seen.
pub(crate) const MARK: &str = "__BREAKERBOX_SITE";

/// Where the body of the function runs.
enum Shape {
    Sync,
    /// An `async fn`.
    Async,
    /// A function that ends in an `async` block, which is where the breaker is asked.
    Tail(Tail, Returned),
    /// Any other function that returns a future, which is wrapped.
    Wrapped(Returned),
}

/// Expands a function. On a mistake there is no expansion, and the reason is in `errors`.
pub(crate) fn function(args: &Args, function: &Function, errors: &mut Errors) -> Option<TokenStream> {
    let signature = &function.signature;
    let shape = shape(args, function);
    limits::check(args, function, matches!(shape, Shape::Sync), errors);
    if let Shape::Wrapped(returned) = &shape {
        limits::wrapped(args, signature, returned, errors);
    }
    let whole = args.fallbacks.iter().any(|fallback| !fallback.is_closure())
        || (args.fallback_on_any && !args.fallbacks.is_empty());
    let needs = Needs { whole, rebind: !matches!(shape, Shape::Tail(..)), is_async: matches!(shape, Shape::Async) };
    let mut parameters = Parameters::new(signature, needs);
    if let Some(key) = args.key.as_ref().filter(|_| !parameters.prelude.is_empty()) {
        let touched = key::touched(key, &parameters);
        parameters.prelude.extend(touched);
    }
    limits::passed(args, signature, &parameters, errors);
    if !errors.is_empty() {
        return None;
    }
    let returned = match &shape {
        Shape::Tail(_, returned) | Shape::Wrapped(returned) => returned.output.clone(),
        Shape::Sync | Shape::Async => match &signature.output {
            ReturnType::Type(_, ty) => types::nameable(ty),
            ReturnType::Default => quote_spanned!(first(&signature.ident)=> ()),
        },
    };
    let site = site::breaker(args, signature, &parameters, &|span| private(args, span));
    let context = Context { args, parameters, returned, site, breaker: local("breaker"), error: local("error") };
    let hold = context.hold();
    let body = match shape {
        Shape::Sync => sync(&context, function),
        Shape::Async => {
            // As the user's own, or the compiler would not call by name what the block captures.
            let span = raw(&context.returned);
            future_block(&context, &function.body, &quote_spanned!(span=> async move))
        }
        Shape::Tail(tail, _) => tail_block(&context, function, &tail),
        Shape::Wrapped(returned) => wrapped(&context, function, &returned),
    };
    let Function { attributes, front, header, .. } = function;
    let header = match &context.parameters.changed {
        Some(changed) => changed.to_token_stream(),
        None => header.clone(),
    };
    let body = braced(&function.body, quote!(#hold #body));
    Some(quote!(#attributes #front #header #body))
}

/// A name of generated code. Hygiene keeps it apart from the user's locals, and its look from the
/// constants and statics that a binding of the same name would mean.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("__breakerbox_{name}"), Span::mixed_site())
}

/// The span of the first token, as it came.
fn raw(tokens: &TokenStream) -> Span {
    tokens.clone().into_iter().next().map_or_else(Span::mixed_site, |tree| tree.span())
}

fn shape(args: &Args, function: &Function) -> Shape {
    if function.signature.asyncness.is_some() {
        return Shape::Async;
    }
    let Some(returned) = future::returned(&function.signature, args.returns_future.is_some()) else {
        return Shape::Sync;
    };
    let names = limits::names(&function.signature);
    match future::tail(&function.body) {
        Some(tail)
            if tail.is_only_exit()
                && returned.wrapper != Wrapper::Alias
                && (args.fallbacks.is_empty() || !future::shadows(&tail, &names)) =>
        {
            Shape::Tail(tail, returned)
        }
        _ => Shape::Wrapped(returned),
    }
}

/// The user's body as a closure of the user's return type.
fn closure(context: &Context<'_>, function: &Function) -> TokenStream {
    let (returned, prelude) = (&context.returned, &context.parameters.prelude);
    let inside = function.body.stream();
    let body =
        if prelude.is_empty() { function.body.clone() } else { braced(&function.body, quote!(#prelude #inside)) };
    // As the user's own, or the compiler would not call by name what the closure captures.
    let start = quote_spanned!(function.body.span_open()=> move || ->);
    quote!(#start #returned #body)
}

fn sync(context: &Context<'_>, function: &Function) -> TokenStream {
    let here = Span::mixed_site();
    let (core, body) = (context.core(), closure(context, function));
    if context.is_plain() {
        // One call: the shortest way for the compiler, and one error where the type does not fit.
        return context.judged("run", &quote!(#core, #body));
    }
    let Context { breaker, error, .. } = context;
    let answer = Answer::new(context, false);
    let (kept, lent, finally) = (answer.kept(), answer.lent(), answer.tokens());
    let admitted = if context.args.fallback_on_any {
        let attempt = context.judged("attempt", &quote_spanned!(here=> #breaker, __breakerbox_entered, #body));
        quote_spanned! {here=>
            match { #lent #attempt } {
                ::core::result::Result::Ok(__breakerbox_ret) => return __breakerbox_ret,
                ::core::result::Result::Err(__breakerbox_error) => __breakerbox_error,
            }
        }
    } else {
        let complete = context.judged("complete", &quote_spanned!(here=> __breakerbox_entered, #body));
        quote_spanned!(here=> return #complete)
    };
    let asked = asked(context, &admitted);
    quote_spanned! {here=>
        let #breaker = #core;
        #kept
        let #error = #asked;
        #finally
    }
}

/// Asks the breaker, and is the error if there is one to answer. In a block of its own, so that no
/// temporary of the question is kept while a future runs.
fn asked(context: &Context<'_>, admitted: &TokenStream) -> TokenStream {
    let here = Span::mixed_site();
    let (private, breaker) = (context.private(here), &context.breaker);
    quote_spanned! {here=> 'call: {
        let __breakerbox_entered = match #private::enter(#breaker) {
            ::core::result::Result::Ok(__breakerbox_entered) => __breakerbox_entered,
            ::core::result::Result::Err(__breakerbox_error) => break 'call __breakerbox_error,
        };
        #admitted
    }}
}

/// What runs inside of an `async fn` or of the `async` block that a function ends in.
fn future_block(context: &Context<'_>, body: &Group, keywords: &TokenStream) -> TokenStream {
    let (edge, prelude, inside) = (
        return_edge(&context.private(Span::mixed_site()), &context.returned),
        &context.parameters.prelude,
        body.stream(),
    );
    // The user's braces stay around the function. A body without a tail is told at the return type.
    let mut block = Group::new(Delimiter::Brace, quote!(#edge #prelude #inside));
    block.set_span(raw(&context.returned));
    guarded(context, &quote!(#keywords #block))
}

/// Asks the breaker, drives a future, judges what it resolves to, and answers in its place.
fn guarded(context: &Context<'_>, future: &TokenStream) -> TokenStream {
    let here = Span::mixed_site();
    if context.is_plain() && !context.has_timeout() {
        // One future for all: the shortest way at run time.
        let deferred = deferred(context, future);
        return if context.args.key.is_none() {
            quote_spanned!(here=> let __breakerbox_call = #deferred; __breakerbox_call.await)
        } else {
            // Before edition 2024 the call would be dropped after the breaker that it borrows.
            quote_spanned! {here=>
                let __breakerbox_call = #deferred;
                let __breakerbox_ret = __breakerbox_call.await;
                __breakerbox_ret
            }
        };
    }
    let (private, core) = (context.private(here), context.core());
    let Context { breaker, error, .. } = context;
    let answer = Answer::new(context, true);
    let (kept, lent, finally) = (answer.kept(), answer.lent(), answer.tokens());
    let any = context.args.fallback_on_any;
    let function = Ident::new(if context.has_timeout() { "guard_timeout" } else { "guard" }, here);
    let (returned, judge) = (&context.returned, context.judge());
    let (note, judge, unless) = if any {
        (
            quote_spanned!(here=> let mut __breakerbox_failed = false; let __breakerbox_judge = #private::typed::<#returned, _>(#judge);),
            quote_spanned!(here=> |__breakerbox_returned| #private::note(__breakerbox_judge(__breakerbox_returned), &mut __breakerbox_failed)),
            quote_spanned!(here=> if !__breakerbox_failed),
        )
    } else {
        (TokenStream::new(), judge, TokenStream::new())
    };
    let call = quote_spanned!(here=> #private::#function::<#returned, _, _>(__breakerbox_entered, #future, #judge));
    let ask = context.ask();
    let failed = any.then(|| quote_spanned!(here=> #private::failed(#breaker)));
    let admitted = match (context.has_timeout(), any) {
        (false, false) => quote_spanned!(here=> return #call.await),
        (false, true) => quote_spanned! {here=>
            #note
            #lent
            match #call.await {
                __breakerbox_ret #unless => return __breakerbox_ret,
                _ => #failed,
            }
        },
        (true, _) => {
            let others = failed.map(|failed| quote_spanned!(here=> ::core::result::Result::Ok(_) => #failed,));
            let cut_off = answer.cut_off();
            quote_spanned! {here=>
                #note
                #lent
                match #call.await {
                    ::core::result::Result::Ok(__breakerbox_ret) #unless => return __breakerbox_ret,
                    #others
                    ::core::result::Result::Err(__breakerbox_error) => #cut_off,
                }
            }
        }
    };
    let asked = asked(context, &admitted);
    quote_spanned! {here=>
        let #breaker = #core;
        #ask
        #kept
        let #error = #asked;
        #finally
    }
}

/// A function that ends in an `async` block. Where nothing but the body needs the arguments the block
/// is wrapped, which stores them once. But attributes below ours look for the block where it was.
fn tail_block(context: &Context<'_>, function: &Function, tail: &Tail) -> TokenStream {
    let keywords = &tail.keywords;
    if context.is_plain() && !context.has_timeout() && context.args.key.is_none() && function.is_last_macro() {
        let edge = return_edge(&context.private(Span::mixed_site()), &context.returned);
        let inside = tail.block.stream();
        let block = braced(&tail.block, quote!(#edge #inside));
        return tail.with(deferred(context, &quote!(#keywords #block)));
    }
    let (hold_on, inside) = (context.hold_on(), future_block(context, &tail.block, keywords));
    let block = braced(&tail.block, quote!(#hold_on #inside));
    tail.with(quote!(#keywords #block))
}

/// A future that asks the breaker when it is first polled.
fn deferred(context: &Context<'_>, future: &TokenStream) -> TokenStream {
    let here = Span::mixed_site();
    let (private, core, returned) = (context.private(here), context.core(), &context.returned);
    let (ask, judge) = (context.ask(), context.judge());
    quote_spanned! {here=> {
        #ask
        #private::deferred::<#returned, _, _>(#core, __breakerbox_asked.refuse, #future, #judge)
    }}
}

/// A function that returns a future in some other way: the future is wrapped.
fn wrapped(context: &Context<'_>, function: &Function, returned: &Returned) -> TokenStream {
    let here = Span::mixed_site();
    let private = context.private(here);
    let (output, prelude, inside) = (&context.returned, &context.parameters.prelude, function.body.stream());
    let inside = match future::tail(&function.body) {
        // The block keeps its place and is typed there.
        Some(tail) => {
            let edge = return_edge(&private, output);
            let (keywords, inner) = (&tail.keywords, tail.block.stream());
            let block = braced(&tail.block, quote!(#edge #inner));
            tail.with(quote!(#keywords #block))
        }
        None => inside,
    };
    let body = braced(&function.body, quote!(#prelude #inside));
    let declared = match &function.signature.output {
        ReturnType::Type(_, ty) => types::nameable(ty),
        ReturnType::Default => TokenStream::new(),
    };
    let future = match returned.wrapper {
        Wrapper::Bare => quote_spanned!(here=> #private::future::<#output, _, _>(move || #body)),
        Wrapper::PinBox | Wrapper::Alias => quote_spanned!(here=> #private::body(move || -> #declared #body)),
        Wrapper::Box => quote_spanned!(here=> #private::pinned(#private::body(move || -> #declared #body))),
    };
    let guarded = if context.is_plain() && !context.has_timeout() && context.args.key.is_none() {
        deferred(context, &future)
    } else {
        let (hold_on, asking) = (context.hold_on(), guarded(context, &quote_spanned!(here=> __breakerbox_future)));
        quote_spanned!(here=> { let __breakerbox_future = #future; async move { #hold_on #asking } })
    };
    match returned.wrapper {
        Wrapper::Bare => guarded,
        Wrapper::PinBox => quote_spanned!(here=> #private::Box::pin(#guarded)),
        // What borrows its breaker must not move, and this wrapper must be free to.
        Wrapper::Box if context.args.key.is_some() => {
            quote_spanned!(here=> #private::Box::new(#private::Box::pin(#guarded)))
        }
        Wrapper::Box => quote_spanned!(here=> #private::Box::new(#guarded)),
        Wrapper::Alias => quote_spanned!(first(&declared)=> #private::boxed::<#declared, _>(#guarded)),
    }
}
