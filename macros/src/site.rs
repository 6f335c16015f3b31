//! The static of an annotated function: its name, its place, its settings. It is the only item that
//! the expansion makes, inside of a block, so that it leaks into no scope and works in methods.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Signature;
use syn::ext::IdentExt;

use crate::args::{Args, Key, Kind, Setting};
use crate::expand::MARK;
use crate::fallback::{first, last, parenthesized};
use crate::key;
use crate::number::Given;
use crate::signature::Parameters;

/// An expression: the `&'static Core` of the function's breaker, or with a `key` the `CircuitBreaker` of this call's.
pub(crate) fn breaker(
    args: &Args,
    signature: &Signature,
    parameters: &Parameters,
    private: &dyn Fn(Span) -> TokenStream,
) -> TokenStream {
    let here = Span::mixed_site();
    let krate = private(here);
    let site = Ident::new(MARK, here);
    let name = option(args.name.as_ref());
    let function = signature.ident.unraw().to_string();
    let preset = option(args.preset.as_ref().map(|(preset, _)| quote_spanned!(here=> #krate::Preset::#preset)));
    let location = quote_spanned! {here=>
        #krate::Location {
            module: ::core::module_path!(),
            file: ::core::file!(),
            line: ::core::line!(),
            column: ::core::column!(),
            function: #function,
        }
    };
    let (ty, kind, breaker) = match &args.key {
        None => (quote_spanned!(here=> Site), TokenStream::new(), quote_spanned!(here=> #site.breaker())),
        Some(key) => {
            let breaker = key::look_up(key, parameters, &site, private);
            (quote_spanned!(here=> KeyedSite), quote_spanned!(here=> keyed), breaker)
        }
    };
    if args.settings.is_empty() {
        return quote_spanned! {here=> {
            static #site: #krate::#ty = #krate::#ty::new(#name, #location, #preset, &[]);
            #krate::submit!(#kind &#site);
            #breaker
        }};
    }
    let settings = Ident::new("__BREAKERBOX_SETTINGS", here);
    // Each constant of the user's is an item of its own, so that all that are wrong are told.
    let constants = args.settings.iter().filter(|setting| setting.given == Given::Const);
    let constants = constants.map(|setting| constant(setting, private));
    let values = args.settings.iter().map(|setting| value(setting, private));
    let check = judged(args).map(|setting| {
        let (from, to) = (first(&setting.value), last(&setting.value));
        let krate = private(from);
        let arguments = parenthesized(quote_spanned!(from=> #preset, #settings), to);
        quote_spanned!(from=> const _: () = #krate::check #arguments;)
    });
    quote_spanned! {here=> {
        #(#constants)*
        const #settings: &[(#krate::Key, #krate::Value)] = &[#(#values),*];
        #check
        static #site: #krate::#ty = #krate::#ty::new(#name, #location, #preset, #settings);
        #krate::submit!(#kind &#site);
        #breaker
    }}
}

/// An `Option` in tokens.
fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(|| quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}

/// The setting at which a contradiction shows that only the compiler can see, because it depends on
/// a constant, a preset or a default.
fn judged(args: &Args) -> Option<&Setting> {
    let constant = args.settings.iter().rev().find(|setting| setting.given == Given::Const);
    constant.or_else(|| {
        args.settings.iter().rev().find(|setting| match setting.key {
            Key::FailureThreshold => setting.given == Given::Off,
            Key::RecoveryTimeout
            | Key::HalfOpenTimeout
            | Key::Timeout
            | Key::MaxKeys
            | Key::Multiplier
            | Key::Jitter
            | Key::FailureRateThreshold => false,
            _ => true,
        })
    })
}

/// One element of the list of settings.
fn value(setting: &Setting, private: &dyn Fn(Span) -> TokenStream) -> TokenStream {
    let here = Span::mixed_site();
    let krate = private(here);
    let key = format_ident!("{}", setting.key.variant(), span = here);
    let value = match setting.given {
        Given::Count(count) => quote_spanned!(here=> #krate::Value::Count(#count)),
        Given::Time(time) => {
            let (seconds, nanos) = (time.as_secs(), time.subsec_nanos());
            quote_spanned!(here=> #krate::Value::Time(#krate::Duration::new(#seconds, #nanos)))
        }
        Given::Share(share) => quote_spanned!(here=> #krate::Value::Share(#share)),
        Given::Off => quote_spanned!(here=> #krate::Value::Off),
        Given::Const => return constant_name(setting).into_token_stream(),
    };
    quote_spanned!(here=> (#krate::Key::#key, #value))
}

/// A constant of the user's, judged by the compiler at the place where it stands.
fn constant(setting: &Setting, private: &dyn Fn(Span) -> TokenStream) -> TokenStream {
    let (from, to) = (first(&setting.value), last(&setting.value));
    let krate = private(from);
    let key = format_ident!("{}", setting.key.variant(), span = from);
    let expr = &setting.value;
    let function = match setting.key.kind() {
        Kind::Count => quote_spanned!(from=> #krate::count),
        Kind::Time => quote_spanned!(from=> #krate::time),
        _ => quote_spanned!(from=> #krate::share),
    };
    let arguments = parenthesized(quote_spanned!(from=> #krate::Key::#key, #expr), to);
    let name = constant_name(setting);
    let start = quote_spanned!(Span::mixed_site()=> const #name: (#krate::Key, #krate::Value) =);
    let end = quote_spanned!(Span::mixed_site()=> ;);
    quote!(#start #function #arguments #end)
}

fn constant_name(setting: &Setting) -> Ident {
    format_ident!("__BREAKERBOX_{}", setting.key.name().to_uppercase(), span = Span::mixed_site())
}
