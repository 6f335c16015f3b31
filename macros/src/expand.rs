//! The code that stands in place of an annotated function: first the breaker is asked, then the
//! body runs as a closure or future of its own and its value is judged, or something else answers.
//! The parts are written elsewhere: `site` the static, `answer` what a refused call returns.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, ReturnType};

use crate::answer::Answer;
use crate::args::{Args, Key};
use crate::check::{Function, braced};
use crate::errors::Errors;
use crate::fallback::{Fallback, first, last, parenthesized};
use crate::future::{self, Returned, Tail, Wrapper};
use crate::signature::{Needs, Parameters};
use crate::types;
use crate::value::{Closure, Given};
use crate::{limits, site};

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

/// Everything that the parts of an expansion share.
pub(crate) struct Context<'a> {
    pub(crate) args: &'a Args,
    pub(crate) parameters: Parameters,
    /// The type that is judged, in the user's tokens.
    pub(crate) returned: TokenStream,
    /// A local of type `&'static CircuitBreaker`.
    pub(crate) breaker: Ident,
    /// A local of type `CircuitBreakerError`.
    pub(crate) error: Ident,
}

impl Context<'_> {
    /// The path to what generated code names, located at `span` without counting as user code.
    pub(crate) fn private(&self, span: Span) -> TokenStream {
        private(self.args, span)
    }

    /// What reads the outcome off a returned value, where it is not the type: a closure.
    fn told(&self) -> Option<TokenStream> {
        let returned = &self.returned;
        let (function, closure) = match (&self.args.failure_if, &self.args.ignore_if) {
            (Some(closure), _) => ("failure_if", closure),
            (None, Some(closure)) => ("ignore_if", closure),
            (None, None) => return None,
        };
        let closure = match closure {
            Closure::Closure(closure) => closure.to_token_stream(),
            Closure::Path(path) => path.to_token_stream(),
        };
        let span = first(&closure);
        let private = self.private(span);
        let function = Ident::new(function, span);
        let arguments = parenthesized(quote_spanned!(span=> #closure, returned), last(&closure));
        let start = quote_spanned!(span=> |returned| #private::#function::<);
        let end = quote_spanned!(span=> , _>);
        Some(quote!(#start #returned #end #arguments))
    }

    /// A call of the runtime about the returned value, which its type judges or `told`.
    pub(crate) fn judged(&self, function: &str, arguments: &TokenStream) -> TokenStream {
        let span = first(&self.returned);
        let (private, returned) = (self.private(span), &self.returned);
        // How many type arguments follow the returned type: the closure that runs.
        let others = std::iter::repeat_n(quote_spanned!(span=> , _), usize::from(function != "succeeded"));
        match self.told() {
            None => {
                let function = Ident::new(function, span);
                quote_spanned!(span=> #private::#function::<#returned #(#others)*>(#arguments))
            }
            Some(judge) => {
                let function = Ident::new(&format!("{function}_by"), span);
                quote_spanned!(span=> #private::#function::<#returned #(#others)*, _>(#arguments, #judge))
            }
        }
    }

    /// What judges the value of a future, as an expression.
    fn judge(&self) -> TokenStream {
        let span = first(&self.returned);
        let (private, returned) = (self.private(span), &self.returned);
        match self.told() {
            Some(judge) => judge,
            None if self.is_plain() => quote_spanned!(Span::mixed_site()=> by_type.judge),
            None => quote_spanned!(span=> #private::judge::<#returned>()),
        }
    }

    /// Asks the type, once, for what it knows of failures and refusals.
    fn by_type(&self) -> TokenStream {
        if !self.is_plain() {
            return TokenStream::new();
        }
        let span = first(&self.returned);
        let (private, returned) = (self.private(span), &self.returned);
        let asked = quote_spanned!(span=> #private::by_type::<#returned>());
        quote_spanned!(Span::mixed_site()=> let by_type = #asked;)
    }

    /// Whether a call is cut off after a time.
    fn has_timeout(&self) -> bool {
        self.args.setting(Key::Timeout).is_some_and(|setting| setting.given != Given::Off)
    }

    /// Whether nothing but the type of the error says what a refused call returns.
    pub(crate) fn is_plain(&self) -> bool {
        self.args.fallbacks.is_empty() && self.args.on_open.is_none()
    }
}

pub(crate) fn private(args: &Args, span: Span) -> TokenStream {
    let root = match &args.krate {
        // `$crate` resolves by where it was written; everything else is as good located elsewhere.
        Some(path) => path.clone().into_iter().map(|mut tree| {
            let resolved = if tree.to_string() == "$crate" { tree.span() } else { Span::mixed_site() };
            tree.set_span(resolved.located_at(span));
            tree
        }).collect(),
        None => quote_spanned!(span=> ::breakerbox),
    };
    quote_spanned!(span=> #root::__private)
}

/// Types an `async` block before its first statement: a `return` of the right type, never taken.
pub(crate) fn return_edge(private: &TokenStream, returned: &TokenStream) -> TokenStream {
    let span = first(returned);
    let call = quote_spanned!(span=> #private::ret::<#returned>());
    quote_spanned!(Span::mixed_site()=> if let ::core::option::Option::Some(ret) = #call { return ret; })
}

/// Expands a function. On a mistake there is no expansion, and the reason is in `errors`.
pub(crate) fn function(args: &Args, function: &Function, errors: &mut Errors) -> Option<TokenStream> {
    let signature = &function.signature;
    let shape = shape(args, function);
    limits::check(args, function, matches!(shape, Shape::Sync), errors);
    if let Shape::Wrapped(returned) = &shape {
        limits::wrapped(args, signature, returned, errors);
    }
    let whole = args.fallbacks.iter().any(|fallback| !fallback.is_closure()) || (args.fallback_on_any && !args.fallbacks.is_empty());
    let needs = Needs { whole, rebind: !matches!(shape, Shape::Tail(..)), is_async: matches!(shape, Shape::Async) };
    let parameters = Parameters::new(signature, needs);
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
    let here = Span::mixed_site();
    let context = Context { args, parameters, returned, breaker: Ident::new("breaker", here), error: Ident::new("error", here) };
    let site = site::breaker(args, signature, &|span| private(args, span));
    let body = match shape {
        Shape::Sync => sync(&context, function, &site),
        Shape::Async => future_block(&context, &function.body, &quote_spanned!(here=> async move), &site),
        Shape::Tail(tail, _) => tail_block(&context, function, &tail, &site),
        Shape::Wrapped(returned) => wrapped(&context, function, &returned, &site),
    };
    let Function { attributes, front, header, .. } = function;
    let header = match &context.parameters.changed {
        Some(changed) => changed.to_token_stream(),
        None => header.clone(),
    };
    let body = braced(&function.body, body);
    Some(quote!(#attributes #front #header #body))
}

fn shape(args: &Args, function: &Function) -> Shape {
    if function.signature.asyncness.is_some() {
        return Shape::Async;
    }
    let Some(returned) = future::returned(&function.signature, args.returns_future.is_some()) else { return Shape::Sync };
    let names = limits::names(&function.signature);
    match future::tail(&function.body) {
        Some(tail) if tail.is_only_exit() && returned.wrapper != Wrapper::Alias && (args.fallbacks.is_empty() || !future::shadows(&tail, &names)) => {
            Shape::Tail(tail, returned)
        }
        _ => Shape::Wrapped(returned),
    }
}

/// The user's body as a closure of the user's return type.
fn closure(context: &Context<'_>, function: &Function) -> TokenStream {
    let (returned, prelude) = (&context.returned, &context.parameters.prelude);
    let content = function.body.stream();
    let body = if prelude.is_empty() { function.body.clone() } else { braced(&function.body, quote!(#prelude #content)) };
    let start = quote_spanned!(Span::mixed_site()=> move || ->);
    quote!(#start #returned #body)
}

fn sync(context: &Context<'_>, function: &Function, site: &TokenStream) -> TokenStream {
    let here = Span::mixed_site();
    let body = closure(context, function);
    if context.is_plain() {
        // One call: the shortest way for the compiler, and one error where the type does not fit.
        return context.judged("run", &quote!(#site, #body));
    }
    let Context { breaker, error, .. } = context;
    let answer = Answer::new(context, false);
    let (kept, lent, finally) = (answer.kept(), answer.lent(), answer.tokens());
    let admitted = if context.args.fallback_on_any {
        let attempt = context.judged("attempt", &quote_spanned!(here=> #breaker, entered, #body));
        quote_spanned! {here=>
            match { #lent #attempt } {
                ::core::result::Result::Ok(ret) => return ret,
                ::core::result::Result::Err(error) => error,
            }
        }
    } else {
        let complete = context.judged("complete", &quote_spanned!(here=> entered, #body));
        quote_spanned!(here=> return #complete)
    };
    let asked = asked(context, &admitted);
    quote_spanned! {here=>
        let #breaker = #site;
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
        let entered = match #private::enter(#breaker) {
            ::core::result::Result::Ok(entered) => entered,
            ::core::result::Result::Err(error) => break 'call error,
        };
        #admitted
    }}
}

/// What runs inside of an `async fn` or of the `async` block that a function ends in.
fn future_block(context: &Context<'_>, body: &proc_macro2::Group, keywords: &TokenStream, site: &TokenStream) -> TokenStream {
    let (edge, prelude, content) = (return_edge(&context.private(Span::mixed_site()), &context.returned), &context.parameters.prelude, body.stream());
    // The user's braces stay around the function. A body without a tail is told at the return type.
    let mut block = proc_macro2::Group::new(proc_macro2::Delimiter::Brace, quote!(#edge #prelude #content));
    block.set_span(first(&context.returned));
    guarded(context, &quote!(#keywords #block), site)
}

/// Asks the breaker, drives a future, judges what it resolves to, and answers in its place.
fn guarded(context: &Context<'_>, future: &TokenStream, site: &TokenStream) -> TokenStream {
    let here = Span::mixed_site();
    let private = context.private(here);
    let Context { breaker, error, .. } = context;
    let answer = Answer::new(context, true);
    let (kept, lent, finally) = (answer.kept(), answer.lent(), answer.tokens());
    let any = context.args.fallback_on_any;
    let function = Ident::new(if context.has_timeout() { "guard_timeout" } else { "guard" }, here);
    let (returned, judge) = (&context.returned, context.judge());
    let (note, judge, unless) = if any {
        (
            quote_spanned!(here=> let mut failed = false; let judge = #private::typed::<#returned, _>(#judge);),
            quote_spanned!(here=> |returned| #private::note(judge(returned), &mut failed)),
            quote_spanned!(here=> if !failed),
        )
    } else {
        (TokenStream::new(), judge, TokenStream::new())
    };
    let call = quote_spanned!(here=> #private::#function::<#returned, _, _>(entered, #future, #judge));
    let by_type = context.by_type();
    let failed = any.then(|| quote_spanned!(here=> #private::failed(#breaker)));
    let admitted = match (context.has_timeout(), any) {
        (false, false) => quote_spanned!(here=> return #call.await),
        (false, true) => quote_spanned! {here=>
            #note
            #lent
            match #call.await {
                ret #unless => return ret,
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
                    ::core::result::Result::Ok(ret) #unless => return ret,
                    #others
                    ::core::result::Result::Err(error) => #cut_off,
                }
            }
        }
    };
    let asked = asked(context, &admitted);
    quote_spanned! {here=>
        let #breaker = #site;
        #by_type
        #kept
        let #error = #asked;
        #finally
    }
}

/// A function that ends in an `async` block. Where nothing but the body needs the arguments the block
/// is wrapped, which stores them once. But attributes below ours look for the block where it was.
fn tail_block(context: &Context<'_>, function: &Function, tail: &Tail, site: &TokenStream) -> TokenStream {
    let keywords = &tail.keywords;
    if context.is_plain() && !context.has_timeout() && function.is_last_macro() {
        let edge = return_edge(&context.private(Span::mixed_site()), &context.returned);
        let content = tail.block.stream();
        let block = braced(&tail.block, quote!(#edge #content));
        return tail.with(deferred(context, &quote!(#keywords #block), site));
    }
    let content = future_block(context, &tail.block, keywords, site);
    let block = braced(&tail.block, content);
    tail.with(quote!(#keywords #block))
}

/// A future that asks the breaker when it is first polled.
fn deferred(context: &Context<'_>, future: &TokenStream, site: &TokenStream) -> TokenStream {
    let here = Span::mixed_site();
    let (private, returned) = (context.private(here), &context.returned);
    let (by_type, judge) = (context.by_type(), context.judge());
    quote_spanned! {here=> {
        #by_type
        #private::deferred::<#returned, _, _>(#site, by_type.refuse, #future, #judge)
    }}
}

/// A function that returns a future in some other way: the future is wrapped.
fn wrapped(context: &Context<'_>, function: &Function, returned: &Returned, site: &TokenStream) -> TokenStream {
    let here = Span::mixed_site();
    let private = context.private(here);
    let (output, prelude, content) = (&context.returned, &context.parameters.prelude, function.body.stream());
    let content = match future::tail(&function.body) {
        // The block keeps its place and is typed there.
        Some(tail) => {
            let edge = return_edge(&private, output);
            let (keywords, inner) = (&tail.keywords, tail.block.stream());
            let block = braced(&tail.block, quote!(#edge #inner));
            tail.with(quote!(#keywords #block))
        }
        None => content,
    };
    let body = braced(&function.body, quote!(#prelude #content));
    let declared = match &function.signature.output {
        ReturnType::Type(_, ty) => types::nameable(ty),
        ReturnType::Default => TokenStream::new(),
    };
    let future = match returned.wrapper {
        Wrapper::Bare => quote_spanned!(here=> #private::future::<#output, _, _>(move || #body)),
        Wrapper::PinBox | Wrapper::Alias => quote_spanned!(here=> #private::body(move || -> #declared #body)),
        Wrapper::Box => quote_spanned!(here=> #private::pinned(#private::body(move || -> #declared #body))),
    };
    let guarded = if context.is_plain() && !context.has_timeout() {
        deferred(context, &future, site)
    } else {
        let inside = guarded(context, &quote_spanned!(here=> future), site);
        quote_spanned!(here=> { let future = #future; async move { #inside } })
    };
    match returned.wrapper {
        Wrapper::Bare => guarded,
        Wrapper::PinBox => quote_spanned!(here=> #private::Box::pin(#guarded)),
        Wrapper::Box => quote_spanned!(here=> #private::Box::new(#guarded)),
        Wrapper::Alias => quote_spanned!(first(&declared)=> #private::boxed::<#declared, _>(#guarded)),
    }
}

/// Reports a mistake at the tokens.
pub(crate) fn mistake(tokens: &impl ToTokens, message: impl std::fmt::Display) -> Error {
    Error::new_spanned(tokens, message)
}

/// Whether any fallback takes the arguments themselves.
pub(crate) fn passes_arguments(fallbacks: &[Fallback]) -> bool {
    fallbacks.iter().any(|fallback| !fallback.is_closure())
}
