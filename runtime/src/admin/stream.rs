//! Server-sent events: a snapshot, then what happens and what changes.
//!
//! Nothing is queued for a reader: when it can take more, it is given what it has not seen. One
//! that was away for longer than events are kept is told how many it missed, and given a snapshot.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use super::answers::AlertView;
use super::guard::{Named, Reader};
use super::places::{Place, STREAMS};
use super::problem::Refused;
use super::routes::Admin;
use super::sampler::Sampled;
use crate::clock;

/// Nanoseconds between two signs of life.
const BEAT: u64 = 15_000_000_000;

/// `GET /circuit-breakers/events`
pub(super) async fn all(_: Reader, State(admin): State<Arc<Admin>>, headers: HeaderMap) -> Result<Response, Refused> {
    open(admin, None, &headers)
}

/// `GET /circuit-breakers/{name}/events`
pub(super) async fn one(
    _: Reader,
    Named(breaker): Named,
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    open(admin, Some(breaker.name().into()), &headers)
}

fn open(admin: Arc<Admin>, only: Option<Arc<str>>, headers: &HeaderMap) -> Result<Response, Refused> {
    let Some(place) = admin.places.take(clock::precise()) else {
        let detail = format!("{STREAMS} streams are open, and there are no more: try again when one has ended");
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    };
    let news = admin.feed.reader();
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    // An event of another process is as good as none.
    let seen = last_id.and_then(|id| admin.feed.number(id));
    let stream = Stream { admin, only, place, news, seen, version: 0, wants_snapshot: true, greeted: false, beat: 0 };
    let body = Body::from_stream(futures_util::stream::unfold(stream, |mut stream| async {
        let chunk = stream.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(chunk)), stream))
    }));
    // Proxies that buffer would hold events back.
    let headers = [(header::CONTENT_TYPE.as_str(), "text/event-stream"), ("x-accel-buffering", "no")];
    Ok((headers, body).into_response())
}

struct Stream {
    admin: Arc<Admin>,
    only: Option<Arc<str>>,
    place: Place,
    news: watch::Receiver<()>,
    /// The number of the last event that the reader has, if it has any.
    seen: Option<u64>,
    /// The version of the sample that it has.
    version: u64,
    wants_snapshot: bool,
    greeted: bool,
    /// When to give the next sign of life, in nanoseconds of the system's clock.
    beat: u64,
}

impl Stream {
    /// What is next for the reader; `None` when the server ends, or the place is lost.
    async fn next(&mut self) -> Option<String> {
        if !self.greeted {
            self.greeted = true;
            self.beat = clock::precise().saturating_add(BEAT);
            return Some("retry: 2000\n\n".to_owned());
        }
        loop {
            if self.admin.feed.is_closed() || !self.place.keep(clock::precise()) {
                return None;
            }
            self.news.mark_unchanged();
            let said = if self.wants_snapshot { self.snapshot() } else { self.stats().or_else(|| self.events()) };
            if said.is_some() {
                return said;
            }
            let now = clock::precise();
            if now >= self.beat {
                self.beat = now.saturating_add(BEAT);
                return Some(": still here\n\n".to_owned());
            }
            let wait = Duration::from_nanos(self.admin.sampler.due().min(self.beat).saturating_sub(now));
            if self.wants_snapshot {
                // The next sample is waited for, and no event.
                tokio::time::sleep(wait).await;
            } else {
                // Why it ended is looked at above.
                let _ = tokio::time::timeout(wait, self.admin.feed.wait(&mut self.news)).await;
            }
        }
    }

    /// The events that the reader missed, and everything as it is. `None` if the last sample tells nothing that the
    /// reader does not know: the next one will.
    fn snapshot(&mut self) -> Option<String> {
        let admin = Arc::clone(&self.admin);
        let sample = admin.sampler.sample(|| admin.feed.newest());
        let mut said = String::new();
        if let Some(seen) = self.seen {
            match admin.feed.since(seen) {
                Some(missed) if sample.number >= seen => {
                    for event in missed.iter().filter(|event| event.number <= sample.number) {
                        self.say(&mut said, event);
                    }
                }
                None if sample.number > seen => {
                    said = frame("lagged", None, &format!("{{\"missed\":{}}}", sample.number - seen));
                }
                _ => return None,
            }
        }
        let wanted: Vec<_> = sample.breakers.iter().filter(|breaker| self.wants(breaker)).collect();
        let data = format!(
            "{{\"circuit_breakers\":[{}],\"summary\":{},\"alerts\":{},\"history\":{}}}",
            joined(&wanted),
            sample.summary,
            self.alerts(&sample.alerts),
            admin.sampler.history(self.only.as_deref())
        );
        said.push_str(&frame("snapshot", Some(&admin.feed.id(sample.number)), &data));
        (self.seen, self.version, self.wants_snapshot) = (Some(sample.number), sample.version, false);
        Some(said)
    }

    /// What has changed since the last sample that the reader has, once a second.
    fn stats(&mut self) -> Option<String> {
        let admin = Arc::clone(&self.admin);
        let sample = admin.sampler.sample(|| admin.feed.newest());
        if sample.version == self.version {
            return None;
        }
        let news = sample.news(self.version);
        self.version = sample.version;
        let Some((changed, gone, other_alerts)) = news else {
            self.wants_snapshot = true;
            return self.snapshot();
        };
        let changed: Vec<_> = changed.into_iter().filter(|breaker| self.wants(breaker)).collect();
        let gone: Vec<_> =
            gone.into_iter().filter(|name| self.only.as_deref().is_none_or(|only| only == *name)).collect();
        if changed.is_empty() && gone.is_empty() && !other_alerts {
            return None;
        }
        let data = format!(
            "{{\"circuit_breakers\":[{}],\"summary\":{},\"alerts\":{},\"removed\":{}}}",
            joined(&changed),
            sample.summary,
            self.alerts(&sample.alerts),
            serde_json::to_string(&gone).unwrap_or_default()
        );
        Some(frame("stats", None, &data))
    }

    /// What has happened since the reader's last event.
    fn events(&mut self) -> Option<String> {
        let seen = self.seen.unwrap_or_default();
        let Some(events) = self.admin.feed.since(seen) else {
            self.wants_snapshot = true;
            return self.snapshot();
        };
        let last = events.last()?.number;
        let mut said = String::new();
        for event in &events {
            self.say(&mut said, event);
        }
        self.seen = Some(last);
        (!said.is_empty()).then_some(said)
    }

    fn say(&self, said: &mut String, event: &super::feed::Happened) {
        if event.is_about(self.only.as_deref()) {
            said.push_str(self.admin.feed.say(event));
        }
    }

    fn wants(&self, breaker: &Sampled) -> bool {
        breaker.is_named(self.only.as_deref())
    }

    /// An alert that is about no single breaker is about this one too.
    fn has_asked_for(&self, alert: &AlertView) -> bool {
        self.only.as_deref().is_none_or(|only| alert.breaker.as_deref().is_none_or(|breaker| breaker == only))
    }

    fn alerts(&self, alerts: &[AlertView]) -> String {
        let wanted: Vec<_> = alerts.iter().filter(|alert| self.has_asked_for(alert)).collect();
        serde_json::to_string(&wanted).unwrap_or_default()
    }
}

fn joined(breakers: &[&Sampled]) -> String {
    breakers.iter().map(|breaker| breaker.json()).collect::<Vec<_>>().join(",")
}

fn frame(event: &str, id: Option<&str>, data: &str) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {event}\ndata: {data}\n\n")
}
