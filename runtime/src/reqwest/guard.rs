//! One request through its breaker: asked before, told after, cut off in between. Which breaker it is
//! says `host`, what the end of a request means `judgement`, and when its body ends `body`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use reqwest::{Request, Response, Url};
use reqwest_middleware::{Error, Result};

use super::body::{Teller, Untold, told_at_end};
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
    /// Whether the outcome of a good head is told before its body is there.
    pub(super) outcome_at_head: bool,
}

/// How a request ended, up to the head of its answer.
pub(super) struct Ended {
    pub(super) result: Result<Response>,
    /// A success that the breaker has not been told of, for the body may still break off.
    untold: Option<Untold>,
    /// Whether the host that was asked has answered with the address of another one, or of another page.
    pub(super) redirected: bool,
}

impl Ended {
    /// The answer, whose body tells its end.
    pub(super) fn into_result(self) -> Result<Response> {
        match (self.result, self.untold) {
            (Ok(response), Some(untold)) => Ok(told_at_end(response, untold)),
            (result, _) => result,
        }
    }

    /// For an answer whose body nobody is going to read: a place is free for the next try.
    pub(super) fn tell_head(&mut self) {
        if let Some(untold) = self.untold.take() {
            untold.success();
        }
    }
}

impl Guard {
    /// Sends a request if its breaker lets it. Dropped before its end, it counts as cancelled.
    ///
    /// `gives_up` is when the caller does, if that is before hosts are too slow.
    pub(super) async fn send<F>(
        &self,
        request: Request,
        gives_up: Option<u64>,
        send: impl FnOnce(Request) -> F,
    ) -> Ended
    where
        F: Future<Output = Result<Response>>,
    {
        let url = request.url().clone();
        let breaker = self.scope.of(&request);
        let permit = match breaker.try_acquire_owned() {
            Ok(permit) => permit,
            Err(refused) => return Ended { result: Err(stopped(&url, refused)), untold: None, redirected: false },
        };
        // Made after the permit, so that it is dropped before: who waits for the place finds the connection free.
        let (result, led_to) = followed(limited(&breaker, send(request), &url)).await;
        let came_to = result.as_ref().map_or(led_to.as_ref().unwrap_or(&url), Response::url);
        let untold = if self.scope.is_elsewhere(&url, came_to) {
            // The host that was asked has answered. What another one makes of it is told to nobody: who redirects there
            // could open or close its circuit.
            permit.success();
            None
        } else {
            self.tell(permit, self.judgement.clone().until(gives_up), &result)
        };
        Ended { result, untold, redirected: led_to.is_some() }
    }

    /// The breaker of a request.
    pub(super) fn breaker(&self, request: &Request) -> CircuitBreaker {
        self.scope.of(request)
    }

    /// Tells the breaker; but not yet of a success that has a body.
    fn tell(&self, permit: OwnedPermit, judgement: Judgement, result: &Result<Response>) -> Option<Untold> {
        let outcome = judgement.outcome(result.as_ref());
        if outcome == Outcome::Success && result.is_ok() && !self.outcome_at_head {
            return Some(Untold::new(Teller::after_head(permit), judgement));
        }
        match judgement.stay_away(result) {
            Some(time) if outcome == Outcome::Failure => permit.failure_for(time),
            _ => permit.finish(outcome),
        }
        None
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
