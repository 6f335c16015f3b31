//! The body of an answer whose head was a success: its breaker is told when it ends. Who waits for heads is `guard`.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body as _, Frame, SizeHint};
use reqwest::{Body, Response, ResponseBuilderExt};
use reqwest_middleware::Error;

use super::judgement::Judgement;
use crate::handle::CircuitBreaker;
use crate::outcome::Outcome;
use crate::owned::OwnedPermit;

/// Who is told of the body.
#[derive(Debug)]
pub(super) enum Teller {
    /// The breaker that let the request in.
    Asked(OwnedPermit),
    /// The same, whose trial was a success with the head: a body that lasts must not keep the circuit from closing.
    OfTrial(CircuitBreaker),
}

impl Teller {
    /// Who is told of the body, now that the head was a success.
    pub(super) fn after_head(permit: OwnedPermit) -> Self {
        if !permit.is_trial() {
            return Teller::Asked(permit);
        }
        let breaker = permit.breaker().clone();
        permit.success();
        Teller::OfTrial(breaker)
    }

    fn tell(self, outcome: Outcome) {
        match (self, outcome) {
            (Teller::Asked(permit), outcome) => permit.finish(outcome),
            (Teller::OfTrial(breaker), Outcome::Failure) => breaker.record_failure(),
            (Teller::OfTrial(_), Outcome::Success | Outcome::Ignored) => {}
        }
    }
}

/// The outcome of a request that is a success so far. Dropped, it is one, unless somebody waits for the server.
#[derive(Debug)]
pub(super) struct Untold {
    teller: Option<Teller>,
    judgement: Judgement,
    /// Whether the reader has asked for more, and the server has not sent it yet.
    is_awaited: bool,
    /// Since when the reader has what there was, by the clock of a breaker that measures calls.
    idle_since: Option<u64>,
}

impl Untold {
    /// The head is there.
    pub(super) fn new(teller: Teller, judgement: Judgement) -> Self {
        let mut untold = Untold { teller: Some(teller), judgement, is_awaited: false, idle_since: None };
        untold.idle();
        untold
    }

    /// The reader asks for more. The time that it has taken is not the server's.
    fn ask(&mut self) {
        self.is_awaited = true;
        if let (Some(since), Some(Teller::Asked(permit))) = (self.idle_since.take(), &mut self.teller) {
            permit.leave_out(since);
        }
    }

    /// The reader has got what it asked for.
    fn idle(&mut self) {
        self.is_awaited = false;
        if let Some(Teller::Asked(permit)) = &self.teller {
            self.idle_since = permit.time();
        }
    }

    pub(super) fn success(mut self) {
        self.tell(Outcome::Success);
    }

    fn broken(mut self, error: &Error) {
        // Taken before, so that a judge that panics leaves the permit to its own drop, for which that is a failure.
        if let Some(teller) = self.teller.take() {
            teller.tell(self.judgement.outcome(Err(error)));
        }
    }

    fn tell(&mut self, outcome: Outcome) {
        if let Some(teller) = self.teller.take() {
            teller.tell(outcome);
        }
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        if !self.is_awaited {
            self.ask();
            self.tell(Outcome::Success);
        } else if let Some(Teller::Asked(permit)) = self.teller.take() {
            // Explicitly, for a panic of the reader is not the server's.
            permit.cancel();
        }
    }
}

/// The same answer, whose body tells its end. One without a body tells it now.
pub(super) fn told_at_end(response: Response, untold: Untold) -> Response {
    if response.content_length() == Some(0) {
        untold.success();
        return response;
    }
    let mut address = http::Response::builder().url(response.url().clone());
    let (mut parts, body) = http::Response::<Body>::from(response).into_parts();
    // reqwest forgets the address on the way there, and takes it from here on the way back.
    parts.extensions.extend(address.extensions_mut().map(mem::take).unwrap_or_default());
    let body = if body.is_end_stream() {
        untold.success();
        body
    } else {
        Body::wrap(TellingBody { body, untold: Some(untold) })
    };
    http::Response::from_parts(parts, body).into()
}

struct TellingBody {
    body: Body,
    /// `None` once it is told.
    untold: Option<Untold>,
}

impl http_body::Body for TellingBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Error>>> {
        let TellingBody { body, untold } = self.get_mut();
        if let Some(untold) = untold {
            untold.ask();
        }
        let polled = Pin::new(&mut *body).poll_frame(cx).map_err(Error::Reqwest);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(_))) if !body.is_end_stream() => {
                if let Some(untold) = untold {
                    untold.idle();
                }
            }
            Poll::Ready(Some(Ok(_)) | None) => {
                if let Some(untold) = untold.take() {
                    untold.success();
                }
            }
            Poll::Ready(Some(Err(error))) => {
                if let Some(untold) = untold.take() {
                    untold.broken(error);
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
