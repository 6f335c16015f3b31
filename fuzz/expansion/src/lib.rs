//! The source of the attribute as a crate that a program can call: a proc-macro crate offers
//! nothing but its macro, and that to a compiler alone.
#![forbid(unsafe_code)]
// With places, spans are larger than those of a compiler, and so are expressions.
#![allow(clippy::large_enum_variant)]

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;

use crate::args::{Args, Key};
use crate::errors::Errors;
use crate::number::Given;

#[path = "../../../macros/src/answer.rs"]
mod answer;
#[path = "../../../macros/src/args.rs"]
mod args;
#[path = "../../../macros/src/check.rs"]
mod check;
#[path = "../../../macros/src/conflict.rs"]
mod conflict;
#[path = "../../../macros/src/context.rs"]
mod context;
#[path = "../../../macros/src/duration.rs"]
mod duration;
#[path = "../../../macros/src/errors.rs"]
mod errors;
#[path = "../../../macros/src/expand.rs"]
mod expand;
#[path = "../../../macros/src/fallback.rs"]
mod fallback;
#[path = "../../../macros/src/future.rs"]
mod future;
#[path = "../../../macros/src/key.rs"]
mod key;
#[path = "../../../macros/src/limits.rs"]
mod limits;
#[path = "../../../macros/src/number.rs"]
mod number;
#[path = "../../../macros/src/signature.rs"]
mod signature;
#[path = "../../../macros/src/site.rs"]
mod site;
#[path = "../../../macros/src/suggest.rs"]
mod suggest;
#[path = "../../../macros/src/types.rs"]
mod types;
#[path = "../../../macros/src/value.rs"]
mod value;

/// The expansion, or the mistakes with the item beside them. A copy of the function of the same
/// name in the root of the attribute's crate; `tests/replay.rs` compares the two.
pub fn rewrite(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let (mut errors, mut of_item) = (Errors::default(), Errors::default());
    let args = Args::parse(arguments, &mut errors);
    let function = match check::function(item, &mut of_item) {
        Ok(function) => function,
        Err(item) => {
            let (errors, of_item) = (errors.into_tokens(), of_item.into_tokens());
            return quote!(#errors #of_item #item);
        }
    };
    expand::function(&args, &function, &mut errors).unwrap_or_else(|| {
        let errors = errors.into_tokens();
        quote!(#errors #item)
    })
}

/// What the attribute makes of `recovery_timeout = ..`; `None` if it is refused.
pub fn recovery_timeout(value: &TokenStream) -> Option<Duration> {
    let mut errors = Errors::default();
    let args = Args::parse(quote!(recovery_timeout = #value), &mut errors);
    match args.setting(Key::RecoveryTimeout)?.given {
        Given::Time(time) if errors.is_empty() => Some(time),
        _ => None,
    }
}
