//! What the parts of an expansion share: the path to the runtime, the returned type, and who judges
//! a value of it. Writes expressions only; where they stand is `expand` and `answer`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use crate::args::{Args, Key};
use crate::expand::local;
use crate::fallback::{first, last, parenthesized};
use crate::number::Given;
use crate::signature::Parameters;
use crate::value::Closure;

/// Everything that the parts of an expansion share.
pub(crate) struct Context<'a> {
    pub(crate) args: &'a Args,
    pub(crate) parameters: Parameters,
    /// The type that is judged, in the user's tokens.
    pub(crate) returned: TokenStream,
    /// The static, and an expression that is the breaker.
    pub(crate) site: TokenStream,
    /// A local of type `&Core`.
    pub(crate) breaker: Ident,
    /// A local of type `CircuitBreakerError`.
    pub(crate) error: Ident,
}

impl Context<'_> {
    /// The path to what generated code names, located at `span` without counting as user code.
    pub(crate) fn private(&self, span: Span) -> TokenStream {
        private(self.args, span)
    }

    /// With a `key`, before anything else: a local that holds the breaker of this call.
    pub(crate) fn hold(&self) -> TokenStream {
        let site = &self.site;
        self.held().map(|held| quote_spanned!(Span::mixed_site()=> let #held = #site;)).unwrap_or_default()
    }

    /// The same where a future begins that was made after that.
    pub(crate) fn hold_on(&self) -> TokenStream {
        self.held().map(|held| quote_spanned!(Span::mixed_site()=> let #held = #held;)).unwrap_or_default()
    }

    /// An expression of type `&Core`.
    pub(crate) fn core(&self) -> TokenStream {
        let Some(held) = self.held() else { return self.site.clone() };
        let private = self.private(Span::mixed_site());
        quote_spanned!(Span::mixed_site()=> #private::core(&#held))
    }

    fn held(&self) -> Option<Ident> {
        self.args.key.as_ref().map(|_| local("held"))
    }

    /// What reads the outcome off a returned value, where it is not the type: a closure.
    pub(crate) fn told(&self) -> Option<TokenStream> {
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
        let arguments = parenthesized(quote_spanned!(span=> #closure, __breakerbox_returned), last(&closure));
        let start = quote_spanned!(span=> |__breakerbox_returned| #private::#function::<);
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
    pub(crate) fn judge(&self) -> TokenStream {
        let span = first(&self.returned);
        let (private, returned) = (self.private(span), &self.returned);
        match self.told() {
            Some(judge) => judge,
            None if self.is_plain() => {
                quote_spanned!(span=> move |__breakerbox_returned| #private::judged(__breakerbox_asked.judge, __breakerbox_returned))
            }
            None => {
                quote_spanned!(span=> |__breakerbox_returned| #private::classify::<#returned>(__breakerbox_returned))
            }
        }
    }

    /// Asks the type, once, for what it knows of failures and refusals.
    pub(crate) fn ask(&self) -> TokenStream {
        if !self.is_plain() {
            return TokenStream::new();
        }
        let span = first(&self.returned);
        let (private, returned) = (self.private(span), &self.returned);
        let asked = quote_spanned!(span=> #private::ask::<#returned>());
        quote_spanned!(Span::mixed_site()=> let __breakerbox_asked = #asked;)
    }

    /// Whether a call is cut off after a time.
    pub(crate) fn has_timeout(&self) -> bool {
        self.args.setting(Key::Timeout).is_some_and(|setting| setting.given != Given::Off)
    }

    /// Whether nothing but the type of the error says what a refused call returns.
    pub(crate) fn is_plain(&self) -> bool {
        self.args.fallbacks.is_empty() && self.args.on_open.is_none()
    }
}

pub(crate) fn private(args: &Args, span: Span) -> TokenStream {
    let Some(path) = &args.krate else { return quote_spanned!(span=> ::breakerbox::__private) };
    // `$crate` resolves by where it was written; everything else is as good located elsewhere.
    let root = path.clone().into_iter().map(|mut tree| {
        let resolved = if tree.to_string() == "$crate" { tree.span() } else { Span::mixed_site() };
        tree.set_span(resolved.located_at(span));
        tree
    });
    let root: TokenStream = root.collect();
    quote_spanned!(span=> #root::__private)
}

/// Types an `async` block before its first statement: a `return` of the right type, never taken.
pub(crate) fn return_edge(private: &TokenStream, returned: &TokenStream) -> TokenStream {
    let span = first(returned);
    let call = quote_spanned!(span=> #private::ret::<#returned>());
    quote_spanned!(Span::mixed_site()=> if let ::core::option::Option::Some(__breakerbox_ret) = #call { return __breakerbox_ret; })
}
