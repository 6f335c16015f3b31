//! One breaker and the plain model of `model` take the same steps, and show the same after each.

use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, Mode, Permit, State};
use proptest::prelude::*;

use crate::model::{Held, Model};
use crate::support::{Bench, bench, millis};

#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) failure_threshold: Option<u32>,
    pub(crate) failure_rate: Option<f64>,
    pub(crate) slow: Option<(u64, f64)>,
    pub(crate) window: Span,
    pub(crate) minimum_calls: u32,
    pub(crate) recovery: u64,
    pub(crate) multiplier: u32,
    pub(crate) longest_recovery: u64,
    pub(crate) trials: u32,
    pub(crate) successes: u32,
    pub(crate) half_open: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Span {
    Calls(usize),
    Millis(u64),
}

impl Default for Span {
    fn default() -> Self {
        Span::Calls(1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    Failure,
    Ignored,
    Cancelled,
}

/// What can be seen from outside.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) state: State,
    pub(crate) mode: Mode,
    pub(crate) retry_after: Option<u64>,
    pub(crate) consecutive: u32,
    /// Calls, failures, slow calls, slow failures; compared while closed.
    pub(crate) window: Option<[u64; 4]>,
    /// Successes, failures, ignored, cancelled, late; refused open, half-open full, forced open; slow.
    pub(crate) counts: [u64; 9],
    pub(crate) trips: u64,
}

impl Seen {
    fn of(breaker: &CircuitBreaker, has_window: bool) -> Seen {
        let status = breaker.status();
        let totals = status.totals;
        let window = status.window.map_or([0; 4], |w| [w.calls, w.failures, w.slow_calls, w.slow_failures]);
        let refused = totals.rejections;
        Seen {
            state: status.state,
            mode: status.mode,
            retry_after: status.retry_after.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            consecutive: status.consecutive_failures,
            window: (has_window && status.state == State::Closed).then_some(window),
            counts: [
                totals.successes,
                totals.failures,
                totals.ignored,
                totals.cancelled,
                totals.late,
                refused.open,
                refused.half_open_full,
                refused.forced_open,
                totals.slow_calls,
            ],
            trips: totals.trips,
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Asks for a call and keeps it.
    Begin,
    /// Ends one of the calls that are kept.
    End(usize, End),
    /// Asks for a call and ends it.
    Call(End),
    /// Records a result without a permit.
    Record(bool),
    Advance(u64),
    MoveTo(State),
    OpenFor(u64),
    Mode(Mode),
    Reset,
}

fn settings() -> impl Strategy<Value = Settings> {
    let share = prop::sample::select(vec![0.1, 0.25, 1.0 / 3.0, 0.5, 0.6, 2.0 / 3.0, 1.0]);
    let window = prop_oneof![
        (1..12_usize).prop_map(Span::Calls),
        (60..70_usize).prop_map(Span::Calls),
        prop::sample::select(vec![10, 100, 1000]).prop_map(Span::Millis)
    ];
    let opens = (
        prop::option::weighted(0.6, 1..6_u32),
        prop::option::weighted(0.6, share.clone()),
        prop::option::weighted(0.5, (prop::sample::select(vec![1_u64, 50]), share)),
        window,
        1..8_u32,
    );
    let recovers = (1..200_u64, 1..4_u32, 0..3_u64, 1..4_u32, 0..4_u32, 1..300_u64);
    (opens, recovers).prop_map(|(opens, (recovery, multiplier, longest, trials, successes, half_open))| {
        let (mut failure_threshold, failure_rate, slow, window, minimum) = opens;
        if failure_rate.is_none() && slow.is_none() {
            failure_threshold = failure_threshold.or(Some(2));
        }
        let size = if let Span::Calls(size) = window { u32::try_from(size).unwrap_or(u32::MAX) } else { u32::MAX };
        Settings {
            failure_threshold,
            failure_rate,
            slow,
            window,
            minimum_calls: minimum.min(size),
            recovery,
            multiplier,
            longest_recovery: recovery * [1, 5, 1_000_000][usize::try_from(longest).unwrap_or(0)],
            trials,
            successes: successes.clamp(1, trials),
            half_open,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop::sample::select(vec![
        End::Success,
        End::Success,
        End::Failure,
        End::Failure,
        End::Failure,
        End::Ignored,
        End::Cancelled,
    ]);
    let time = prop_oneof![0..3_u64, 10..60_u64, 90..210_u64, 900..2100_u64];
    let mode = prop::sample::select(vec![Mode::Auto, Mode::Auto, Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly]);
    prop_oneof![
        8 => Just(Step::Begin),
        8 => (any::<usize>(), end.clone()).prop_map(|(which, end)| Step::End(which, end)),
        12 => end.prop_map(Step::Call),
        2 => any::<bool>().prop_map(Step::Record),
        8 => time.clone().prop_map(Step::Advance),
        1 => prop::sample::select(State::ALL.to_vec()).prop_map(Step::MoveTo),
        1 => time.prop_map(Step::OpenFor),
        1 => mode.prop_map(Step::Mode),
        1 => Just(Step::Reset),
    ]
}

fn config(settings: &Settings) -> ConfigBuilder {
    let config = Config::builder()
        .failure_threshold(settings.failure_threshold)
        .failure_rate_threshold(settings.failure_rate)
        .slow_call_duration(settings.slow.map(|(limit, _)| millis(limit)))
        .slow_call_rate_threshold(settings.slow.map(|(_, rate)| rate))
        .minimum_calls(settings.minimum_calls)
        .recovery_timeout(millis(settings.recovery))
        .multiplier(f64::from(settings.multiplier))
        .max_recovery_timeout(millis(settings.longest_recovery))
        .half_open_max_calls(settings.trials)
        .success_threshold(settings.successes)
        .half_open_timeout(millis(settings.half_open));
    match settings.window {
        Span::Calls(size) => config.window_size(u32::try_from(size).unwrap_or(u32::MAX)),
        Span::Millis(span) => config.window_duration(millis(span)),
    }
}

/// The breaker, the model, and the calls under way in both.
struct Pair<'a> {
    bench: &'a Bench,
    model: Model,
    now: u64,
    under_way: Vec<(Permit<'a>, Held)>,
}

impl Pair<'_> {
    fn begin(&mut self) -> Result<(), TestCaseError> {
        let breaker = &self.bench.breaker;
        prop_assert_eq!(breaker.can_execute(), self.model.would_admit(self.now));
        match (breaker.try_acquire(), self.model.acquire(self.now)) {
            (Ok(permit), Ok(held)) => self.under_way.push((permit, held)),
            (Err(refusal), Err(reason)) => prop_assert_eq!(refusal.reason(), reason),
            (ours, model) => prop_assert!(false, "ours: {:?}, model: {:?}", ours.map(|_| ()), model),
        }
        Ok(())
    }

    fn end(&mut self, which: usize, end: End) {
        if self.under_way.is_empty() {
            return;
        }
        let (permit, held) = self.under_way.swap_remove(which % self.under_way.len());
        match end {
            End::Success => permit.success(),
            End::Failure => permit.failure(),
            End::Ignored => permit.ignore(),
            End::Cancelled => drop(permit),
        }
        self.model.end(held, end, self.now);
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let (breaker, now) = (&self.bench.breaker, self.now);
        match *step {
            Step::Begin => self.begin()?,
            Step::End(which, end) => self.end(which, end),
            Step::Call(end) => {
                let before = self.under_way.len();
                self.begin()?;
                if self.under_way.len() > before {
                    let last = self.under_way.len() - 1;
                    self.end(last, end);
                }
            }
            Step::Record(true) => {
                breaker.record_success();
                self.model.record(End::Success, now);
            }
            Step::Record(false) => {
                breaker.record_failure();
                self.model.record(End::Failure, now);
            }
            Step::Advance(by) => {
                self.bench.clock.advance(millis(by));
                self.now += by;
            }
            Step::MoveTo(to) => {
                match to {
                    State::Closed => breaker.close(),
                    State::Open => breaker.open(),
                    State::HalfOpen => breaker.half_open(),
                }
                self.model.move_to(to, now);
            }
            Step::OpenFor(time) => {
                breaker.open_for(millis(time));
                self.model.open_for(time, now);
            }
            Step::Mode(mode) => {
                match mode {
                    Mode::Auto => breaker.auto(),
                    Mode::ForcedOpen => breaker.force_open(),
                    Mode::Disabled => breaker.disable(),
                    Mode::MetricsOnly => breaker.metrics_only(),
                }
                self.model.set_mode(mode, now);
            }
            Step::Reset => {
                breaker.reset();
                self.model.reset();
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn a_breaker_and_its_model_show_the_same_after_every_step(
        settings in settings(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let bench = bench(config(&settings));
        // The clock of a bench does not begin at zero.
        let now = u64::try_from(breakerbox::Clock::now(&bench.clock).as_millis()).unwrap_or(0);
        let has_window = settings.failure_rate.is_some() || settings.slow.is_some();
        let mut pair = Pair { bench: &bench, model: Model::new(settings), now, under_way: Vec::new() };
        for (index, step) in steps.iter().enumerate() {
            pair.take(step)?;
            let ours = Seen::of(&bench.breaker, has_window);
            let mut expected = pair.model.seen(pair.now);
            expected.window = expected.window.filter(|_| has_window);
            prop_assert_eq!(ours, expected, "ours and the model's, after step {}: {:?}", index, step);
        }
        drop(pair);
        let totals = bench.breaker.status().totals;
        prop_assert_eq!(totals.trips, totals.transitions.closed_to_open);
        // And it recovers, whatever happened to it.
        bench.breaker.auto();
        for _ in 0..30 {
            bench.clock.advance(bench.breaker.status().retry_after.unwrap_or(Duration::ZERO));
            if let Ok(permit) = bench.breaker.try_acquire() {
                permit.success();
            }
        }
        prop_assert_eq!(bench.breaker.state(), State::Closed);
    }
}
