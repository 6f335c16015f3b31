//! `#[circuit_breaker]`, the attribute of breakerbox. Use it from
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
mod context;
mod duration;
mod errors;
mod expand;
mod fallback;
mod future;
mod key;
mod limits;
mod number;
mod signature;
mod site;
mod suggest;
#[cfg(test)]
mod tests;
mod types;
mod value;

/// Puts a circuit breaker on a function, sync or async.
///
/// While the circuit is closed the function runs. What it returns tells whether it worked: `Err`, `None`
/// and a panic are failures. After too many of them the circuit opens, and calls are refused without
/// running the function, until trial calls show that what it needs is there again.
///
/// ```
/// use breakerbox::{CircuitBreakerError, circuit_breaker};
///
/// #[derive(Debug, thiserror::Error)]
/// enum QuoteError {
///     #[error("no such symbol")]
///     Unknown,
///     #[error(transparent)]
///     Refused(#[from] CircuitBreakerError),
/// }
///
/// #[circuit_breaker(name = "quotes", failure_threshold = 3, recovery_timeout = 30, fallback = cached_quote)]
/// async fn quote(symbol: &str) -> Result<f64, QuoteError> {
///     Err(QuoteError::Unknown)
/// }
///
/// async fn cached_quote(_symbol: &str) -> Result<f64, QuoteError> {
///     Ok(42.0)
/// }
/// ```
///
/// # Where it goes
///
/// On any function with a body: free functions, methods with any receiver, methods of traits and of
/// their implementations, generic and unsafe ones, functions that return `impl Future` or a boxed
/// future, above or below other attributes such as `#[tokio::test]`, `#[tracing::instrument]` and
/// `#[async_trait]`. The function keeps its signature and its attributes, and its future stays `Send`
/// if it was. Every annotated function of the program is registered before `main`, called or not.
///
/// `#[track_caller]` is kept, but `Location::caller()` in the body does not see the caller.
///
/// # Arguments
///
/// All are optional, and so are the parentheses. Two functions with the same `name` share one breaker
/// and may state the settings together.
///
/// | argument | default | what it is |
/// |---|---|---|
/// | `name` | path of the function | the name of the breaker: a string literal |
/// | `key` | none | one breaker for each value of this expression of the arguments |
/// | `max_keys` | `1000` | with `key`: how many keys may have a breaker |
/// | `preset` | none | a set of settings: `conservative`, `aggressive`, `testing`, `kafka`, `postgres`, `postgres_pooled`, `redis`, `external_api`, `websocket`, `connection_recovery` |
/// | `failure_threshold` | `5` | consecutive failures that open the circuit, or `off` |
/// | `recovery_timeout` | `60` | how long it stays open |
/// | `half_open_max_calls` | `3`, or `success_threshold` | trial calls that are admitted then |
/// | `success_threshold` | `half_open_max_calls` | trial calls that must succeed to close it |
/// | `half_open_timeout` | `60`, or `recovery_timeout` | without a verdict in this time it opens again |
/// | `failure_rate_threshold` | `off` | share of failures that opens it, such as `0.5` |
/// | `slow_call_duration` | `off` | a call that takes longer is slow |
/// | `slow_call_rate_threshold` | `off` | share of slow calls that opens it |
/// | `window_size` | `100` | calls of which the shares are taken |
/// | `window_duration` | none | time in which they are taken, in place of `window_size` |
/// | `minimum_calls` | `10` | fewest calls of which a share is taken |
/// | `multiplier` | `1.0` | by how much the open time grows while the circuit keeps re-opening |
/// | `max_recovery_timeout` | `off` | how far it grows |
/// | `jitter` | `0` | random share by which it is spread |
/// | `timeout` | `off` | async functions: cuts a call off, which is a failure |
/// | `fallback` | none | what answers in place of the function |
/// | `fallback_on` | `open` | `open`: refused calls; `any`: failed ones too |
/// | `on_open` | `E::from` | the error of a refused call |
/// | `failure_if` | `Err`, `None` | whether a returned value is a failure |
/// | `ignore_if` | none | whether an error says nothing about the dependency |
/// | `returns` | | `future`: the return type is an alias of a boxed future |
/// | `crate` | `::breakerbox` | where breakerbox is found, if it is renamed or re-exported |
///
/// Lengths of time are seconds (`30`, `0.5`), strings with units (`"1m30s"`, `"250ms"`) or constants of
/// type `Duration`. Counts and shares are literals or constants. What cannot work is a compile error.
///
/// # While the circuit is open
///
/// The answer is that of `fallback`, else the error of `on_open`, else the error type made `From` the
/// `CircuitBreakerError`, else
/// a compile error. `io::Error`, `fmt::Error`, `String`, `()`, `Box<dyn Error>` and `anyhow::Error` need
/// nothing; an `Option` is `None`.
///
/// `on_open` is a closure, a function, or the error itself: `on_open = MyError::Unavailable`.
///
/// A `fallback` is one of these, or a list of them, tried in order until one succeeds:
///
/// - `path::to::function`, `Self::method`, `<T as Trait>::method`: takes the same parameters, the receiver
///   first, and at the end a `CircuitBreakerError` if it wants one;
/// - `self.method`: the same, without the error;
/// - `|open| ..` or `|| ..`: the parameters of the function are in scope by name.
///
/// Of an async function it may be sync or async. Its result is never recorded. The arguments move to it,
/// so that nothing needs `Clone`; with `fallback_on = any`, and for all but the last of a list, those that
/// are owned are cloned, and `&mut` ones are borrowed again.
///
/// # A breaker for each key
///
/// With one breaker for all hosts, the one that is down refuses calls of all others. `key` gives each its own:
///
/// ```
/// # use breakerbox::{CircuitBreakerError, circuit_breaker};
/// # struct Url;
/// # impl Url { fn host_str(&self) -> Option<&str> { Some("api.example.com") } }
/// #[circuit_breaker(name = "fetch", key = url.host_str().unwrap_or("-"), max_keys = 500)]
/// async fn fetch(url: Url) -> Result<u16, CircuitBreakerError> {
///     Ok(200)
/// }
/// # let _ = std::pin::pin!(fetch(Url)).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
/// assert!(breakerbox::breaker("fetch[api.example.com]").is_some());
/// ```
///
/// `key` is any expression of the parameters by their names, `self` included, that is `AsRef<str>` or `Display`:
/// `tenant`, `shard % 16`, `self.host`, `format_args!("{region}/{shard}")`. It is evaluated once a call, refused ones
/// included, before the body runs, and only borrows: an argument is the body's afterwards. It cannot leave the function
/// with `?` or `return`, nor `.await`. In an `async fn` that is at the first poll; a function that returns a future, as
/// `#[async_trait]` makes them, has its key when it is called. A panic of it goes on and is no failure of any breaker.
///
/// All keys have the settings of the function. A call holds its breaker to the end. What happens when there are more
/// than `max_keys` is said at `KeyedCircuitBreaker`; `breakerbox::keyed(name)` finds the family. A function of the same
/// name without `key` has a breaker of its own beside it.
///
/// # What a failure is
///
/// `failure_if` is asked about the returned value, by reference, and decides alone; with it and a
/// `fallback` a function may return any type. `ignore_if` is asked about the error of a `Result`. Each
/// is a closure or the path of a function. A type of your own can implement `Classify` instead.
///
/// ```
/// # use breakerbox::circuit_breaker;
/// #[circuit_breaker(failure_if = |status| *status >= 500, fallback = || 503)]
/// fn status(url: &str) -> u16 {
///     200
/// }
/// ```
#[proc_macro_attribute]
pub fn circuit_breaker(arguments: TokenStream, item: TokenStream) -> TokenStream {
    rewrite(arguments.into(), &item.into()).into()
}

/// The expansion, or the mistakes with the item beside them, so that nothing else is missing.
fn rewrite(arguments: proc_macro2::TokenStream, item: &proc_macro2::TokenStream) -> proc_macro2::TokenStream {
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
