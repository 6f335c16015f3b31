//! Which host a request has come to, when redirects have led away from the one that was asked. reqwest tells it of an
//! answer, but not of an error.

use std::cell::RefCell;
use std::future::Future;

use reqwest::Url;
use reqwest::redirect::Policy;

tokio::task_local! {
    /// Where the last redirect of the request under way has led to.
    static LED_TO: RefCell<Option<Url>>;
}

/// A policy of redirects that does as `policy` says, and notes where they lead.
///
/// Give it to the client of a [`CircuitBreakerMiddleware`](super::CircuitBreakerMiddleware) that follows redirects from
/// host to host: where one of them gives no answer, the one that redirected to it is not blamed then.
/// An [`HttpClient`](super::HttpClient) has it already.
///
/// ```
/// use reqwest::redirect::Policy;
///
/// let client = reqwest::Client::builder().redirect(breakerbox::reqwest::redirects(Policy::limited(5))).build();
/// ```
pub fn redirects(policy: Policy) -> Policy {
    Policy::custom(move |attempt| {
        // Polled elsewhere than in a request of ours, nobody asks.
        let _ = LED_TO.try_with(|led_to| led_to.replace(Some(attempt.url().clone())));
        policy.redirect(attempt)
    })
}

/// What a request came to, and where redirects have led it.
pub(super) async fn followed<F: Future>(request: F) -> (F::Output, Option<Url>) {
    LED_TO
        .scope(RefCell::default(), async {
            let output = request.await;
            (output, LED_TO.with(RefCell::take))
        })
        .await
}
