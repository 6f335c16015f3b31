//! Snapshots of all breakers for those who watch: at most one a second however many they are, and
//! none while nobody asks.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::answers::{AlertView, HealthView};
use super::view::BreakerView;
use crate::clock;
use crate::keeper::StoreStatus;
use crate::observe::alerts::Alerts;
use crate::observe::families;
use crate::registry::Registry;
use crate::state::State;
use crate::status::Status;
use crate::summary::Summary;
use crate::sync::Mutex;

/// Nanoseconds between two snapshots, at least.
const PERIOD: u64 = 1_000_000_000;

/// Seconds of totals that are kept for who comes new.
const HISTORY: f64 = 120.0;

/// Versions for which it is known which breakers have gone.
const VERSIONS: u64 = 120;

/// All breakers at one moment.
#[derive(Debug)]
pub(super) struct Sample {
    /// Grows when something but the passing of time has changed.
    pub(super) version: u64,
    /// The number of an event whose effects are all in it.
    pub(super) number: u64,
    pub(super) breakers: Vec<Sampled>,
    pub(super) summary: String,
    pub(super) alerts: Vec<AlertView>,
    alerts_since: u64,
    /// Breakers that have gone, and the version in which they had.
    gone: Vec<(u64, Arc<str>)>,
}

/// A breaker in a sample.
#[derive(Debug)]
pub(super) struct Sampled {
    pub(super) status: Status,
    /// The version of its last change.
    since: u64,
    json: OnceLock<String>,
}

impl Sampled {
    /// The view of the breaker, written once for all readers.
    pub(super) fn json(&self) -> &str {
        // A view has texts, numbers and texts as keys: it can be written.
        self.json.get_or_init(|| serde_json::to_string(&BreakerView::from(&self.status)).unwrap_or_default())
    }

    pub(super) fn is_named(&self, only: Option<&str>) -> bool {
        only.is_none_or(|only| only == &*self.status.name)
    }
}

impl Sample {
    /// What a reader who has this version has not: breakers that have changed, and gone, and whether the alerts
    /// have changed; `None` if it is not known any more.
    pub(super) fn news(&self, version: u64) -> Option<(Vec<&Sampled>, Vec<&str>, bool)> {
        if version + VERSIONS < self.version {
            return None;
        }
        let changed = self.breakers.iter().filter(|breaker| breaker.since > version).collect();
        let gone = self.gone.iter().filter(|(since, _)| *since > version).map(|(_, name)| &**name).collect();
        Some((changed, gone, self.alerts_since > version))
    }
}

/// Totals at one moment: Unix time, successes, failures, rejections.
type Point = (f64, u64, u64, u64);

/// Takes the samples.
pub(super) struct Sampler {
    registry: Registry,
    alerts: Arc<Alerts>,
    service: Option<Arc<str>>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    last: Option<Arc<Sample>>,
    /// Nanoseconds of the system's clock.
    at: u64,
    /// The Unix time of the sample before.
    before: f64,
    history: HashMap<Arc<str>, VecDeque<Point>>,
}

impl Sampler {
    pub(super) fn new(registry: Registry, alerts: Arc<Alerts>, service: Option<Arc<str>>) -> Self {
        Sampler { registry, alerts, service, taken: Mutex::default() }
    }

    /// The last sample, or another one if that is a second old. `newest` tells the number of the newest event.
    pub(super) fn sample(&self, newest: impl FnOnce() -> u64) -> Arc<Sample> {
        let mut taken = self.taken.lock();
        let now = clock::precise();
        match &taken.last {
            Some(last) if now < taken.at.saturating_add(PERIOD) => Arc::clone(last),
            _ => {
                // Asked before the breakers are: the effects of all events up to it are seen.
                let number = newest();
                let sample = Arc::new(self.take(&mut taken, number));
                taken.last = Some(Arc::clone(&sample));
                taken.at = now;
                sample
            }
        }
    }

    /// When the next sample may be taken, in nanoseconds of the system's clock.
    pub(super) fn due(&self) -> u64 {
        let taken = self.taken.lock();
        if taken.last.is_some() { taken.at.saturating_add(PERIOD) } else { 0 }
    }

    fn take(&self, taken: &mut Taken, number: u64) -> Sample {
        let statuses = self.registry.statuses();
        let alerts: Vec<AlertView> = self.alerts.active().iter().map(AlertView::from).collect();
        let summary = HealthView::new(&summary(&statuses), families::store_of(&statuses), self.service.as_deref());
        taken.remember(&statuses);
        let last = taken.last.as_deref();
        let version = last.map_or(1, |last| last.version + 1);
        let mut before: HashMap<&str, &Sampled> =
            last.iter().flat_map(|last| &last.breakers).map(|known| (&*known.status.name, known)).collect();
        let mut breakers = Vec::with_capacity(statuses.len());
        for status in statuses {
            let known = before.remove(&*status.name).filter(|known| is_same(&known.status, &status));
            breakers.push(Sampled { since: known.map_or(version, |known| known.since), status, json: OnceLock::new() });
        }
        let mut gone: Vec<_> = last.map(|last| last.gone.clone()).unwrap_or_default();
        gone.retain(|(since, name)| since + VERSIONS >= version && !before.contains_key(&**name));
        gone.extend(before.values().map(|known| (version, Arc::clone(&known.status.name))));
        let old_alerts = last.filter(|last| are_same(&last.alerts, &alerts));
        let alerts_since = old_alerts.map_or(version, |last| last.alerts_since);
        let is_news = alerts_since == version
            || breakers.iter().any(|breaker| breaker.since == version)
            || gone.iter().any(|(since, _)| *since == version);
        Sample {
            version: if is_news { version } else { version - 1 },
            number,
            breakers,
            summary: serde_json::to_string(&summary).unwrap_or_default(),
            alerts,
            alerts_since,
            gone,
        }
    }

    /// What is known of the last two minutes, as JSON.
    pub(super) fn history(&self, only: Option<&str>) -> String {
        let taken = self.taken.lock();
        let wanted: HashMap<&str, &VecDeque<Point>> = taken
            .history
            .iter()
            .map(|(name, points)| (&**name, points))
            .filter(|(name, _)| only.is_none_or(|only| only == *name))
            .collect();
        serde_json::to_string(&wanted).unwrap_or_default()
    }
}

impl Taken {
    /// Adds the totals to the history. What has not changed is told by its last point.
    fn remember(&mut self, statuses: &[Status]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64 / 1e3);
        let mut before = std::mem::take(&mut self.history);
        for status in statuses {
            let totals = &status.totals;
            let point = (now, totals.successes, totals.failures, totals.rejections.total());
            let (name, mut points) =
                before.remove_entry(&status.name).unwrap_or_else(|| (Arc::clone(&status.name), VecDeque::new()));
            match points.back().copied() {
                Some(last) if (last.1, last.2, last.3) == (point.1, point.2, point.3) => {}
                last => {
                    // Until a sample ago there was no change: without this point it would look as if it were slow.
                    if let Some(last) = last.filter(|last| last.0 < self.before) {
                        points.push_back((self.before, last.1, last.2, last.3));
                    }
                    points.push_back(point);
                }
            }
            // The newest of the older points stays, so that the first change in sight has a beginning.
            while points.get(1).is_some_and(|second| second.0 < now - HISTORY) {
                points.pop_front();
            }
            self.history.insert(name, points);
        }
        self.before = now;
    }
}

fn summary(statuses: &[Status]) -> Summary {
    let in_state = |state| statuses.iter().filter(move |status| status.state == state);
    let (open, half_open) = (in_state(State::Open).count(), in_state(State::HalfOpen).count());
    Summary {
        total: statuses.len(),
        healthy: statuses.len() - open - half_open,
        failing: open + half_open,
        open,
        half_open,
        open_breakers: in_state(State::Open).map(|status| Arc::clone(&status.name)).collect(),
    }
}

/// Whether nothing but time has passed.
fn is_same(a: &Status, b: &Status) -> bool {
    let half_open = |status: &Status| status.half_open.map(|open| (open.max_calls, open.in_flight, open.successes));
    (a.state, a.mode, a.generation, a.reopened) == (b.state, b.mode, b.generation, b.reopened)
        && (a.consecutive_failures, a.in_flight) == (b.consecutive_failures, b.in_flight)
        && (a.totals, a.window, half_open(a)) == (b.totals, b.window, half_open(b))
        && (a.preset, &a.settings, &a.last_transition) == (b.preset, &b.settings, &b.last_transition)
        && (&a.locations, &a.conflicts) == (&b.locations, &b.conflicts)
        && a.store.as_ref().map(kept) == b.store.as_ref().map(kept)
}

/// How a state is kept. A fleet looks at it each second or so: that alone is told every ten seconds.
fn kept(store: &StoreStatus) -> StoreStatus {
    let mut kept = store.clone();
    if kept.epoch.is_some()
        && let Some(since) = kept.synced.and_then(|synced| synced.duration_since(UNIX_EPOCH).ok())
    {
        kept.synced = Some(UNIX_EPOCH + Duration::from_secs(since.as_secs() / 10 * 10));
    }
    kept
}

fn are_same(a: &[AlertView], b: &[AlertView]) -> bool {
    let said = |alert: &AlertView| (alert.name.clone(), alert.breaker.clone(), alert.summary.clone());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| said(a) == said(b))
}
