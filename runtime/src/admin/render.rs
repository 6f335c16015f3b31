//! From what the registry tells to what the JSON of the admin API says.

use std::borrow::Cow;

use super::answers::{AlertView, HealthView, StoreHealthView};
use super::view::{
    BreakerView, ConflictView, HalfOpenView, LocationView, RejectionsView, RequestsView, StateSecondsView, StoreView,
    TotalsView, TransitionView, VotesView, WindowView,
};
use crate::event::{Conflict, Transition};
use crate::keeper::{Source, StoreStatus};
use crate::location::Location;
use crate::observe::alerts::Alert;
use crate::settings::{Key, Value};
use crate::status::{HalfOpenStatus, Status, Totals};
use crate::summary::Summary;

impl From<&Status> for BreakerView {
    fn from(status: &Status) -> Self {
        let window = status.window;
        let rate = |rate: fn(&crate::status::WindowStatus) -> Option<f64>| window.as_ref().and_then(rate);
        let failure_threshold = match status.setting(Key::FailureThreshold).value {
            Value::Count(count) => Some(count),
            _ => None,
        };
        let recovery_timeout = match status.setting(Key::RecoveryTimeout).value {
            Value::Time(time) => time,
            _ => std::time::Duration::ZERO,
        };
        BreakerView {
            name: status.name.to_string(),
            state: status.state,
            mode: status.mode,
            generation: status.generation,
            since: status.since,
            time_in_state: status.time_in_state,
            retry_after: status.retry_after,
            in_flight: status.in_flight,
            reopened: status.reopened,
            window: WindowView {
                calls: window.map(|window| window.calls),
                failures: window.map(|window| window.failures),
                slow_calls: window.map(|window| window.slow_calls),
                failure_ratio: rate(|window| window.failure_rate),
                slow_call_ratio: rate(|window| window.slow_call_rate),
                consecutive_failures: status.consecutive_failures,
            },
            half_open: status.half_open.as_ref().map(HalfOpenView::from),
            totals: TotalsView::from(&status.totals),
            state_seconds: StateSecondsView {
                closed: status.time_in_states.closed,
                open: status.time_in_states.open,
                half_open: status.time_in_states.half_open,
            },
            last_transition: status.last_transition.as_ref().map(TransitionView::from),
            last_failure: status.last_failure,
            preset: status.preset.map(|preset| Cow::Borrowed(preset.as_str())),
            config: status.settings.iter().map(|setting| (setting.key, setting.value)).collect(),
            origins: status.settings.iter().map(|setting| (setting.key, setting.origin.as_str().into())).collect(),
            location: status.locations.first().map(LocationView::from),
            locations: status.locations.iter().map(LocationView::from).collect(),
            conflicts: status.conflicts.iter().map(ConflictView::from).collect(),
            store: status.store.as_ref().map(StoreView::from),
            failure_count: status.consecutive_failures,
            success_count: status.half_open.map_or(0, |half_open| half_open.successes),
            total_calls: status.totals.attempts,
            failure_threshold,
            recovery_timeout,
            last_failure_time: status.last_failure,
            time_in_current_state: status.time_in_state,
            recovery_in_seconds: status.retry_after,
            recovery_success_rate: status.recovery_rate(),
        }
    }
}

impl From<&HalfOpenStatus> for HalfOpenView {
    fn from(status: &HalfOpenStatus) -> Self {
        HalfOpenView {
            max_calls: status.max_calls,
            in_flight: status.in_flight,
            successes: status.successes,
            success_threshold: status.success_threshold,
            time_left: status.time_left,
        }
    }
}

impl From<&Totals> for TotalsView {
    fn from(totals: &Totals) -> Self {
        let by_direction = totals.transitions;
        let transitions = [
            ("closed_to_open", by_direction.closed_to_open),
            ("closed_to_half_open", by_direction.closed_to_half_open),
            ("open_to_half_open", by_direction.open_to_half_open),
            ("open_to_open", by_direction.open_to_open),
            ("open_to_closed", by_direction.open_to_closed),
            ("half_open_to_open", by_direction.half_open_to_open),
            ("half_open_to_closed", by_direction.half_open_to_closed),
        ];
        TotalsView {
            requests: totals.attempts,
            successes: totals.successes,
            failures: totals.failures,
            ignored: totals.ignored,
            cancelled: totals.cancelled,
            late: totals.late,
            rejections: totals.rejections.total(),
            rejections_by_reason: RejectionsView {
                open: totals.rejections.open,
                half_open_full: totals.rejections.half_open_full,
                forced_open: totals.rejections.forced_open,
            },
            requests_by_state: RequestsView {
                closed: totals.requests.closed,
                open: totals.requests.open,
                half_open: totals.requests.half_open,
            },
            slow_calls: totals.slow_calls,
            fallbacks: totals.fallbacks,
            trips: totals.trips,
            transitions: transitions.map(|(direction, count)| (direction.into(), count)).into(),
        }
    }
}

impl From<&Transition> for TransitionView {
    fn from(transition: &Transition) -> Self {
        TransitionView {
            from: transition.from,
            to: transition.to,
            reason: transition.cause.as_str().into(),
            at: transition.at,
            message: transition.to_string(),
            by: transition.by.as_deref().map(str::to_owned),
        }
    }
}

impl From<&Location> for LocationView {
    fn from(location: &Location) -> Self {
        LocationView {
            module: location.module.into(),
            function: location.function.into(),
            file: location.file.into(),
            line: location.line,
        }
    }
}

impl From<&Conflict> for ConflictView {
    fn from(conflict: &Conflict) -> Self {
        ConflictView {
            key: conflict.key.into(),
            kept: conflict.kept.clone(),
            kept_at: conflict.kept_at.to_string(),
            ignored: conflict.ignored.clone(),
            ignored_at: conflict.ignored_at.to_string(),
        }
    }
}

impl From<&StoreStatus> for StoreView {
    fn from(status: &StoreStatus) -> Self {
        let source = match status.source {
            Source::Local => "local",
            Source::Restored => "restored",
            Source::Remote => "remote",
        };
        StoreView {
            store: status.store.into(),
            source: source.into(),
            epoch: status.epoch,
            votes: status.votes.map(|votes| VotesView { given: votes.given, needed: votes.needed }),
            synced: status.synced,
            degraded: status.degraded.clone(),
        }
    }
}

impl HealthView {
    /// `store`: its kind, and whether it is degraded.
    pub(super) fn new(summary: &Summary, store: Option<(&'static str, bool)>, service: Option<&str>) -> Self {
        HealthView {
            status: summary.health().as_str().into(),
            service: service.map(str::to_owned),
            total: summary.total,
            closed: summary.healthy,
            open: summary.open,
            half_open: summary.half_open,
            open_breakers: summary.open_breakers.iter().map(ToString::to_string).collect(),
            store: store.map(|(store, degraded)| StoreHealthView { store: store.into(), degraded }),
        }
    }
}

impl From<&Alert> for AlertView {
    fn from(alert: &Alert) -> Self {
        AlertView {
            name: alert.name.to_string().into(),
            breaker: alert.breaker.as_deref().map(str::to_owned),
            severity: alert.severity.as_str().into(),
            since: alert.since,
            value: alert.value,
            summary: alert.summary.clone(),
        }
    }
}
