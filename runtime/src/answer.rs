//! What a refused call returns, where the returned type has a place for it.

use crate::error::CircuitBreakerError;
use crate::outcome::Classify;

/// A returned type that a breaker can judge and refuse by itself: what `CircuitBreaker::call` takes.
#[diagnostic::on_unimplemented(
    message = "a circuit breaker does not know when a returned `{Self}` is a failure, or what to return while it is open",
    label = "neither an `Option` nor a `Result` whose error is `From<CircuitBreakerError>`",
    note = "for other types use `try_acquire()` and tell the permit how the call ended"
)]
pub trait Protect: Classify {
    /// The refusal, as the returned type says it.
    fn answer(refusal: CircuitBreakerError) -> Self;
}

impl<T, E: From<CircuitBreakerError>> Protect for Result<T, E> {
    #[inline]
    fn answer(refusal: CircuitBreakerError) -> Self {
        Err(refusal.into())
    }
}

impl<T> Protect for Option<T> {
    #[inline]
    fn answer(_: CircuitBreakerError) -> Self {
        None
    }
}
