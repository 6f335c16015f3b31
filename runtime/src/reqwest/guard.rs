//! One request through its breaker: asked before, told after, cut off in between. Which breaker it is
//! says `host`, what the end of a request means `judgement`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use reqwest::{Request, Response, Url};
use reqwest_middleware::{Error, Result};

use super::failed::stopped;
use super::host::Scope;
use super::judgement::Judgement;
use super::redirects::followed;
use crate::handle::CircuitBreaker;
use crate::limit::Limit;
use crate::outcome::Outcome;
use crate::owned::OwnedPermit;

/// What a breaker needs to know about requests.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) scope: Scope,
    pub(super) judgement: Judgement,
}

/// How a request ended.
pub(super) struct Ended {
    pub(super) result: Result<Response>,
    /// Whether the host that was asked has answered with the address of another one, or of another page.
    pub(super) redirected: bool,
}

impl Guard {
    /// Sends a request if its breaker lets it. Dropped before its end, it counts as cancelled.
    pub(super) async fn send<F>(&self, request: Request, send: impl FnOnce(Request) -> F) -> Ended
    where
        F: Future<Output = Result<Response>>,
    {
        let url = request.url().clone();
        let breaker = self.scope.of(&request);
        let permit = match breaker.try_acquire_owned() {
            Ok(permit) => permit,
            Err(refused) => return Ended { result: Err(stopped(&url, refused)), redirected: false },
        };
        // Made after the permit, so that it is dropped before: who waits for the place finds the connection free.
        let (result, led_to) = followed(limited(&breaker, send(request), &url)).await;
        let came_to = result.as_ref().map_or(led_to.as_ref().unwrap_or(&url), Response::url);
        self.tell(permit, self.scope.elsewhere(&url, came_to), &result);
        Ended { result, redirected: led_to.is_some() }
    }

    /// Whether the breaker of a request would let it through now.
    pub(super) fn would_send(&self, request: &Request) -> bool {
        self.scope.of(request).can_execute()
    }

    /// Tells the breaker, and that of the host where redirects have led to.
    fn tell(&self, permit: OwnedPermit, elsewhere: Option<CircuitBreaker>, result: &Result<Response>) {
        let outcome = self.judgement.outcome(result);
        if let Some(other) = elsewhere {
            // The host that was asked has answered.
            permit.success();
            return match outcome {
                Outcome::Success => other.record_success(),
                Outcome::Failure => other.record_failure(),
                Outcome::Ignored => {}
            };
        }
        match self.judgement.stay_away(result) {
            Some(time) if outcome == Outcome::Failure => permit.failure_for(time),
            _ => permit.finish(outcome),
        }
    }
}

/// Waits for the answer for as long as the breaker's `timeout` allows.
async fn limited(
    breaker: &CircuitBreaker,
    sent: impl Future<Output = Result<Response>>,
    url: &Url,
) -> Result<Response> {
    let mut sent = pin!(sent);
    let mut limit = Limit::unasked();
    poll_fn(|cx| match sent.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending => {
            let limit = limit.poll(&breaker.core, cx);
            limit.map(|limit| Err::<_, Error>(stopped(url, breaker.core.timed_out(limit))))
        }
    })
    .await
}
