//! What a step showed, in the words of the format, and whether that is what was expected.

use breakerbox::{Cause, Event, Mode, Status, Transition};
use serde_json::{Value, json};

use crate::trace::Step;

/// What a step showed.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Whether the call was let in, where the step asked for one.
    pub(crate) permitted: Option<bool>,
    /// What the refusal said of the time that is left, where there was one.
    pub(crate) refusal: Option<Value>,
    pub(crate) events: Vec<String>,
    /// Refusals since the state began.
    pub(crate) not_permitted: u64,
    pub(crate) status: Status,
}

/// Whether one key of an expectation is met.
#[derive(Debug, PartialEq)]
pub(crate) enum Judgement {
    Met,
    Not {
        got: Value,
    },
    /// We have no such number.
    Unchecked,
}

/// The format has one name for state and mode.
pub(crate) fn label(status: &Status) -> &'static str {
    name(status.mode, status.state.as_str())
}

fn name(mode: Mode, state: &'static str) -> &'static str {
    if mode == Mode::Auto { state } else { mode.as_str() }
}

impl Seen {
    pub(crate) fn judge(&self, key: &str, expected: &Value) -> Judgement {
        let window = self.status.window;
        let got = match key {
            "permitted" => self.permitted.map(Value::from),
            "state" => Some(json!(label(&self.status))),
            "consecutive_failures" => Some(json!(self.status.consecutive_failures)),
            "not_permitted" => Some(json!(self.not_permitted)),
            "retry_after_ms" => Some(self.retry_after()),
            "events" => Some(json!(self.events)),
            // No command of ours is ever refused.
            "error" => Some(Value::Null),
            "calls" => window.map(|window| json!(window.calls)),
            "failed" => window.map(|window| json!(window.failures)),
            "succeeded" => window.map(|window| json!(window.calls - window.failures)),
            "slow" => window.map(|window| json!(window.slow_calls)),
            "slow_failed" => window.map(|window| json!(window.slow_failures)),
            "failure_rate" => window.map(|window| json!(window.failure_rate)),
            "slow_rate" => window.map(|window| json!(window.slow_call_rate)),
            _ => None,
        };
        match got {
            None => Judgement::Unchecked,
            Some(got) if is_same(&got, expected) => Judgement::Met,
            Some(got) => Judgement::Not { got },
        }
    }

    /// The time left until a trial may be admitted: of the refusal, if there was one.
    fn retry_after(&self) -> Value {
        if let Some(refusal) = &self.refusal {
            return refusal.clone();
        }
        match label(&self.status) {
            "open" => self.status.retry_after.map_or(Value::Null, |left| json!(left.as_secs_f64() * 1000.0)),
            "forced_open" => Value::Null,
            // Nothing to wait for.
            _ => json!(0),
        }
    }
}

fn is_same(got: &Value, expected: &Value) -> bool {
    match (got, expected) {
        (Value::String(_), Value::Array(any)) => any.contains(got),
        (Value::Array(got), Value::Array(expected)) => got == expected,
        _ => match (got.as_f64(), expected.as_f64()) {
            (Some(got), Some(expected)) => (got - expected).abs() <= 1e-6,
            _ => got == expected,
        },
    }
}

/// The events of one step, in the words of the format.
#[derive(Debug)]
pub(crate) struct Telling {
    /// Shares that trip, for the thresholds that a transition has reached.
    pub(crate) rates: (Option<f64>, Option<f64>),
    /// A command that ends a mode and moves is one change to the format; we tell the two apart.
    pub(crate) is_command: bool,
}

impl Telling {
    pub(crate) fn of(step: &Step, rates: (Option<f64>, Option<f64>)) -> Self {
        Telling { rates, is_command: !step.is_call() }
    }

    pub(crate) fn tell(&self, events: &[Event]) -> Vec<String> {
        let mut told = Vec::new();
        let mut change: Option<(&str, &str)> = None;
        for event in events {
            let (from, to) = match event {
                Event::Transition(transition) => {
                    told.extend(self.thresholds(transition));
                    (transition.from.as_str(), transition.to.as_str())
                }
                Event::ModeChanged { from, to, state, .. } => (name(*from, state.as_str()), name(*to, state.as_str())),
                Event::WouldOpen { cause: Cause::FailureRateThreshold, .. } => {
                    told.push("failure_rate_exceeded".to_owned());
                    continue;
                }
                Event::WouldOpen { cause: Cause::SlowCallRateThreshold, .. } => {
                    told.push("slow_rate_exceeded".to_owned());
                    continue;
                }
                Event::Reset { .. } => {
                    told.extend(change.take().and_then(told_as));
                    told.push("reset".to_owned());
                    continue;
                }
                _ => continue,
            };
            change = match change {
                Some((first, last)) if self.is_command && last == from => Some((first, to)),
                before => {
                    told.extend(before.and_then(told_as));
                    Some((from, to))
                }
            };
        }
        told.extend(change.and_then(told_as));
        told
    }

    /// Which shares a trip has reached; its cause is the first.
    fn thresholds(&self, transition: &Transition) -> Vec<String> {
        if !matches!(transition.cause, Cause::FailureRateThreshold | Cause::SlowCallRateThreshold) {
            return Vec::new();
        }
        let reaches =
            |part: u64, rate: Option<f64>| rate.is_some_and(|rate| part as f64 / transition.calls as f64 >= rate);
        [
            (transition.failures, self.rates.0, "failure_rate_exceeded"),
            (transition.slow_calls, self.rates.1, "slow_rate_exceeded"),
        ]
        .into_iter()
        .filter(|(part, rate, _)| reaches(*part, *rate))
        .map(|(_, _, name)| name.to_owned())
        .collect()
    }
}

fn told_as((from, to): (&str, &str)) -> Option<String> {
    (from != to).then(|| format!("state_transition:{from}->{to}"))
}
