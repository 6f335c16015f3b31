//! Plays one trace on a breaker of ours, through the public API alone, and on the reference model.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use breakerbox::{Config, Mode, State, Status, Totals};
use serde_json::{Value, json};

use crate::choices;
use crate::reference::End;
use crate::reference::pair::{Call, Command, Ground, Pair};
use crate::reference::settings::nanos;
use crate::seen::{Judgement, Seen, Telling, label};
use crate::settings::{Reading, Settings, stated};
use crate::shadow::Shadow;
use crate::trace::{Step, Trace};

/// What became of a trace.
#[derive(Debug)]
pub(crate) enum Played {
    /// With what there is to say about it.
    Agrees { remarks: Vec<String> },
    /// With the reason.
    Skipped(String),
    /// With every disagreement.
    Disagrees(Vec<String>),
}

/// Why playing ended before its end.
#[derive(Debug)]
enum Halt {
    /// The trace counts failures by a rule of its own, and it matters from here on.
    Parted,
    NotOfTheFormat(String),
}

pub(crate) fn play(trace: &Trace) -> Played {
    if let Some(fleet) = &trace.fleet {
        return play_fleet(trace, fleet);
    }
    let steps = match trace.steps() {
        Ok(steps) => steps,
        Err(problem) => return Played::Disagrees(vec![problem]),
    };
    if let Some(reason) = choices::why_not(trace, &steps) {
        return Played::Skipped(reason);
    }
    let settings = Settings::of(trace, &steps);
    for reading in [Reading::InARow, Reading::Share] {
        let config = match settings.translate(reading) {
            Ok(config) => config,
            Err(problem) if reading == Reading::InARow => return Played::Skipped(problem),
            Err(_) => break,
        };
        match play_as(trace, &steps, &settings, reading, &config) {
            Ok(played) => return played,
            Err(Halt::NotOfTheFormat(problem)) => return Played::Skipped(problem),
            Err(Halt::Parted) => {}
        }
    }
    Played::Skipped(
        "`failure_threshold` of failures in a window: ours counts failures in a row, and here that differs".into(),
    )
}

#[cfg(feature = "shared")]
use crate::fleet::play as play_fleet;

#[cfg(not(feature = "shared"))]
fn play_fleet(_trace: &Trace, _fleet: &Value) -> Played {
    Played::Skipped("a fleet: the tests were built without the feature `shared`".into())
}

fn play_as(
    trace: &Trace,
    steps: &[Step],
    settings: &Settings<'_>,
    reading: Reading,
    config: &Config,
) -> Result<Played, Halt> {
    let origin = origin(settings, steps);
    let ground = match Ground::new(&trace.id, &stated(config), nanos(origin)) {
        Ok(ground) => ground,
        Err(error) => return Ok(Played::Disagrees(vec![format!("no breaker of this name: {error}")])),
    };
    let mut pair = match Pair::new(&ground) {
        Ok(pair) => pair,
        Err(problem) => return Ok(Played::Disagrees(vec![problem])),
    };
    let mut problems = Vec::new();
    if let Some(command) = command_of(settings.initial_state(), 0) {
        problems.extend(pair.command(&command).and_then(|()| pair.compare()).err());
    }
    let window = settings.failure_window();
    let mut player = Player {
        trace,
        steps,
        settings,
        pair,
        origin,
        calls: HashMap::new(),
        shadow: Shadow::new(window, reading),
        asked: 0,
        refused: 0,
        refused_before: 0,
        problems,
        unchecked: BTreeSet::new(),
    };
    for (index, step) in steps.iter().enumerate() {
        match player.step(index, step) {
            Err(Halt::Parted) if !player.problems.is_empty() => break,
            other => other?,
        }
    }
    player.rest();
    if !player.problems.is_empty() {
        return Ok(Played::Disagrees(player.problems));
    }
    let mut remarks = Vec::new();
    match (window, reading) {
        (Some(_), Reading::InARow) => {
            remarks.push("failures in a window, played as failures in a row: the same here".into());
        }
        (Some(_), Reading::Share) => {
            remarks.push("failures in a window, played as a share of a full window: the same here".into());
        }
        (None, _) => {}
    }
    if !player.unchecked.is_empty() {
        let keys: Vec<_> = player.unchecked.into_iter().collect();
        remarks.push(format!("not checked, for we have no such number here: {}", keys.join(", ")));
    }
    Ok(Played::Agrees { remarks })
}

/// Where the trace's time begins on the clock: late enough for calls that began before the trace
/// did, and at an edge of our buckets.
fn origin(settings: &Settings<'_>, steps: &[Step]) -> Duration {
    let longest = steps.iter().filter_map(|step| step.duration_ms(settings.slow_call_ms())).max();
    let longest = Duration::from_millis(longest.unwrap_or(0));
    let edge = settings.window_time().filter(|time| !time.is_zero()).unwrap_or(Duration::from_secs(1));
    let edges = longest.as_nanos().div_ceil(edge.as_nanos());
    edge.saturating_mul(u32::try_from(edges).unwrap_or(u32::MAX))
}

struct Player<'a> {
    trace: &'a Trace,
    steps: &'a [Step],
    settings: &'a Settings<'a>,
    pair: Pair<'a>,
    origin: Duration,
    calls: HashMap<u64, Vec<Call<'a>>>,
    shadow: Shadow,
    /// Calls that were asked for while the breaker was not disabled, and those refused.
    asked: u64,
    refused: u64,
    /// Refusals up to the beginning of the state.
    refused_before: u64,
    problems: Vec<String>,
    unchecked: BTreeSet<String>,
}

impl<'a> Player<'a> {
    fn step(&mut self, index: usize, step: &Step) -> Result<(), Halt> {
        for round in 1..=step.repeat {
            self.set_clock(i128::from(step.at_ms));
            let seen = self.act(index, step)?;
            if round == step.repeat || !step.expect_last {
                self.compare(index, step, &seen);
            }
        }
        Ok(())
    }

    fn compare(&mut self, index: usize, step: &Step, seen: &Seen) {
        for (key, expected) in step.expectation(self.trace.is_quirk()) {
            match seen.judge(key, expected) {
                Judgement::Met => {}
                Judgement::Not { got } => self.problems.push(format!(
                    "step {index} (at {} ms, {}): {key}: expected {expected}, got {got}",
                    step.at_ms, step.op
                )),
                Judgement::Unchecked => {
                    self.unchecked.insert(key.clone());
                }
            }
        }
    }

    fn act(&mut self, index: usize, step: &Step) -> Result<Seen, Halt> {
        let before = self.pair.breaker.status();
        let (mut permitted, mut refusal) = (None, None);
        let mut events = Vec::new();
        let mut call = None;
        if step.op == "acquire" || step.ends_a_call() && step.call.is_none() {
            match self.acquire(index, step, &before) {
                Ok(admitted) => (permitted, call) = (Some(true), admitted),
                Err(left) => (permitted, refusal) = (Some(false), Some(left)),
            }
            events.append(&mut self.drain(index, step, &before));
            if permitted == Some(false) {
                events.push("not_permitted".to_owned());
            }
        }
        if step.op == "acquire" {
            let number = step.call.unwrap_or_default();
            self.calls.entry(number).or_default().extend(call);
        } else if step.ends_a_call() {
            if let Some(number) = step.call {
                call = self.calls.get_mut(&number).and_then(Vec::pop);
                if call.is_none() {
                    self.problems.push(format!("step {index}: call {number} was never admitted"));
                }
            }
            if let Some(call) = call {
                events.append(&mut self.end(index, step, call)?);
            }
        } else {
            self.command(index, step)?;
            events.append(&mut self.drain(index, step, &before));
        }
        let status = self.pair.breaker.status();
        let not_permitted = status.totals.rejections.total() - self.refused_before;
        Ok(Seen { permitted, refusal, events, not_permitted, status })
    }

    fn command(&mut self, index: usize, step: &Step) -> Result<(), Halt> {
        if step.op == "tick" {
            return Ok(());
        }
        let Some(command) = command_of(&step.op, step.ms.unwrap_or_default()) else {
            return Err(Halt::NotOfTheFormat(format!("op `{}` is not of the format", step.op)));
        };
        if let Command::Reset = command {
            self.shadow.forget();
        }
        let disagreement = self.pair.command(&command).err();
        self.note(index, disagreement);
        Ok(())
    }

    /// The model says something else than the breaker.
    fn note(&mut self, index: usize, disagreement: Option<String>) {
        self.problems
            .extend(disagreement.map(|problem| format!("step {index}: not as the reference model: {problem}")));
    }

    /// Asks for a call. A refusal says what time is left, or `null`.
    fn acquire(&mut self, index: usize, step: &Step, before: &Status) -> Result<Option<Call<'a>>, Value> {
        self.asked += u64::from(before.mode != Mode::Disabled);
        // A call of a given length has begun that much before it ends. Where admission depends on
        // the time the length does not matter: slow calls count in a closed circuit alone.
        if matches!(label(before), "closed" | "metrics_only")
            && let Some(began) = self.began(index, step)
        {
            self.set_clock(began);
        }
        let answer = self.pair.acquire();
        self.set_clock(i128::from(step.at_ms));
        match answer {
            Ok(Ok(call)) => Ok(Some(call)),
            Ok(Err(error)) => {
                self.refused += 1;
                Err(error.retry_after().map_or(Value::Null, |left| json!(left.as_secs_f64() * 1000.0)))
            }
            Err(disagreement) => {
                self.note(index, Some(disagreement));
                Ok(None)
            }
        }
    }

    /// When the call of a step has begun, where its length is given.
    fn began(&self, index: usize, step: &Step) -> Option<i128> {
        let slow_call_ms = Some(self.settings.slow_call_ms()?);
        let end = if step.op == "acquire" {
            let ends = |later: &&Step| later.ends_a_call() && later.call == step.call;
            self.steps.get(index..)?.iter().find(ends)?
        } else {
            step
        };
        let duration = end.duration_ms(slow_call_ms)?;
        Some(i128::from(end.at_ms) - i128::from(duration))
    }

    fn end(&mut self, index: usize, step: &Step, call: Call<'a>) -> Result<Vec<String>, Halt> {
        let before = self.pair.breaker.status();
        let end = match step.op.as_str() {
            "success" | "slow_success" => End::Success,
            "failure" | "slow_failure" => End::Failure,
            "ignored" => End::Ignored,
            _ => End::Cancelled,
        };
        self.pair.end(call, end);
        let after = self.pair.breaker.status().totals;
        let outcome = outcome(&before.totals, &after);
        if label(&before) == "closed"
            && let Some("success" | "error") = outcome
            && !self.shadow.agrees_after(step.at_ms, outcome == Some("error"))
        {
            return Err(Halt::Parted);
        }
        let mut events: Vec<_> = outcome.map(str::to_owned).into_iter().collect();
        events.append(&mut self.drain(index, step, &before));
        Ok(events)
    }

    /// The events since the last time, and what follows from them for us. The model has to show the same.
    fn drain(&mut self, index: usize, step: &Step, before: &Status) -> Vec<String> {
        let heard = match self.pair.compare() {
            Ok(heard) => heard,
            Err(disagreement) => {
                self.note(index, Some(disagreement));
                return Vec::new();
            }
        };
        if !heard.is_empty() {
            self.refused_before = before.totals.rejections.total();
        }
        if self.pair.breaker.state() != before.state || self.pair.breaker.mode() != before.mode {
            self.shadow.forget();
        }
        Telling::of(step, self.settings.rates()).tell(&heard)
    }

    fn set_clock(&self, at_ms: i128) {
        let origin = i128::try_from(self.origin.as_nanos()).unwrap_or(i128::MAX);
        let nanos = origin.saturating_add(at_ms.saturating_mul(1_000_000));
        self.pair.set_time(u64::try_from(nanos).unwrap_or(0));
    }

    /// Ends every call, and looks whether each stands in exactly one counter.
    fn rest(&mut self) {
        self.calls.drain().flat_map(|(_, calls)| calls).for_each(|call| self.pair.end(call, End::Cancelled));
        let disagreement = self.pair.compare().err();
        self.note(self.steps.len(), disagreement);
        let totals = self.pair.breaker.status().totals;
        let ended = totals.successes + totals.failures + totals.ignored + totals.cancelled + totals.late;
        let refused = totals.rejections.total();
        let law = [
            ("attempts", totals.attempts, "all ended and refused", ended + refused),
            ("attempts", totals.attempts, "the calls of the trace", self.asked),
            ("rejections", refused, "the refusals of the trace", self.refused),
            ("trips", totals.trips, "closed to open", totals.transitions.closed_to_open),
        ];
        for (name, got, other, expected) in law {
            if got != expected {
                self.problems.push(format!("at rest: {name} is {got}, but {other} {expected}"));
            }
        }
    }
}

/// What the format calls a state or an operation, as a command of ours.
fn command_of(name: &str, ms: u64) -> Option<Command> {
    Some(match name {
        "open" => Command::MoveTo(State::Open),
        "half_open" => Command::MoveTo(State::HalfOpen),
        "close" => Command::MoveTo(State::Closed),
        "open_for" => Command::OpenFor(nanos(Duration::from_millis(ms))),
        "reset" => Command::Reset,
        "force_open" | "forced_open" => Command::Mode(Mode::ForcedOpen),
        "disable" | "disabled" => Command::Mode(Mode::Disabled),
        "metrics_only" => Command::Mode(Mode::MetricsOnly),
        _ => return None,
    })
}

/// The event of a call that ended, off the counter that it moved. A late or a cancelled one has none.
fn outcome(before: &Totals, after: &Totals) -> Option<&'static str> {
    if after.successes > before.successes {
        Some("success")
    } else if after.failures > before.failures {
        Some("error")
    } else if after.ignored > before.ignored {
        Some("ignored")
    } else {
        None
    }
}
