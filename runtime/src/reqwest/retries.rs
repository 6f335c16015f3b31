//! Which requests are tried again, and when. How many of all is `budget`; who does it is `client`.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use reqwest_middleware::Error;

use super::failed::{is_timeout, refusal};
use super::guard::Ended;
use super::judgement::default_outcome;
use super::retry_after;
use crate::error::CircuitBreakerError;
use crate::outcome::Outcome;

/// How often a request is tried, and how long it waits in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retries {
    pub(super) attempts: u32,
    pub(super) base_delay: Duration,
    pub(super) max_delay: Duration,
    pub(super) non_idempotent: bool,
}

impl Retries {
    /// How long to wait before a request is tried again; `None` if it is not. `tried` counts the tries so far.
    pub(super) fn delay(&self, repeatable: bool, ended: &Ended, tried: u32) -> Option<Duration> {
        let again = tried < self.attempts
            && match &ended.result {
                Ok(response) => repeatable && is_transient(response.status()),
                Err(error) => is_transport(error) && (repeatable || is_unseen(error) && !ended.redirected),
            };
        let asked = ended.result.as_ref().ok().and_then(retry_after::of_response).unwrap_or_default();
        // A server that wants to be left alone for longer gets no retry: it cannot hold its callers.
        (again && asked <= self.max_delay).then(|| self.backoff(tried).max(asked))
    }

    /// Any time up to twice as much as the try before: clients that failed together come back one by one.
    fn backoff(&self, tried: u32) -> Duration {
        let factor = 1_u32.checked_shl(tried.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.base_delay.saturating_mul(factor).min(self.max_delay);
        // Half of it is certain, so that a server is never asked again at once.
        longest.mul_f64(0.5 + 0.5 * fastrand::f64())
    }

    /// Whether a request of this method may reach its server twice.
    pub(super) fn repeats(&self, method: &Method) -> bool {
        self.non_idempotent || method.is_idempotent()
    }
}

/// Answers that another try may mend.
fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

fn is_transport(error: &Error) -> bool {
    let is_refused = refusal(error).is_some_and(CircuitBreakerError::is_rejected);
    !is_refused && (default_outcome(Err(error)) == Outcome::Failure || is_timeout(error))
}

/// Without a connection, the server has seen nothing of the request.
fn is_unseen(error: &Error) -> bool {
    matches!(error, Error::Reqwest(error) if error.is_connect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_its_limit_and_half_of_it_is_chance() {
        let retries = Retries {
            attempts: u32::MAX,
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(2),
            non_idempotent: false,
        };
        for (tried, longest) in [(1, 100), (2, 200), (3, 400), (5, 1600), (6, 2000), (60, 2000), (u32::MAX, 2000)] {
            let delays: Vec<u128> = (0..200).map(|_| retries.backoff(tried).as_millis()).collect();
            assert!(delays.iter().all(|delay| (longest / 2..=longest).contains(delay)), "{tried}: {delays:?}");
            let (min, max) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
            assert!(max - min > longest / 4, "{tried}: {delays:?}");
        }
    }
}
