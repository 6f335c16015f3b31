//! `#[circuit_breaker]`, the attribute of [breakerbox](https://docs.rs/breakerbox). Use it from
//! there: what it expands to names the runtime. This crate only reads and writes code.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

use proc_macro::TokenStream;
use quote::quote;

use crate::args::Args;
use crate::errors::Errors;

mod answer;
mod args;
mod check;
mod conflict;
mod duration;
mod errors;
mod expand;
mod fallback;
mod future;
mod limits;
mod signature;
mod site;
mod suggest;
#[cfg(test)]
mod tests;
mod types;
mod value;

/// DOCS
#[proc_macro_attribute]
pub fn circuit_breaker(arguments: TokenStream, item: TokenStream) -> TokenStream {
    rewrite(arguments.into(), item.into()).into()
}

/// The expansion, or the mistakes with the item beside them, so that nothing else is missing.
fn rewrite(arguments: proc_macro2::TokenStream, item: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(arguments, &mut errors);
    let mut of_item = Errors::default();
    let function = match check::function(item.clone(), &mut of_item) {
        Ok(function) => function,
        Err(item) => {
            let (errors, of_item) = (errors.into_tokens(), of_item.into_tokens());
            return quote!(#errors #of_item #item);
        }
    };
    match expand::function(&args, &function, &mut errors) {
        Some(expansion) => expansion,
        None => {
            let errors = errors.into_tokens();
            quote!(#errors #item)
        }
    }
}
