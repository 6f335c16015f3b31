//! Any settings, built, changed and merged, then any calls and commands at any time: `build` refuses
//! exactly what the design forbids, what is in force is what the design says, an accepted
//! configuration opens and recovers, and the counters add up.

mod draw;
mod model;
mod recovery;

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use breakerbox::{
    CircuitBreaker, Clock, ConfigError, Key, ManualClock, Mode, Outcome, Permit, Registry, Snapshot, State, Status,
};

use self::draw::{Wish, time};
use self::model::Model;
use crate::limits::{self, broken, in_force};

const NAME: &str = "a";
/// Permits that are held at one time.
const MOST_PERMITS: usize = 8;

/// One input: a configuration, then commands.
pub fn configuration(data: &[u8]) {
    // Where the bytes end, the input ends.
    let _ = play(&mut Unstructured::new(data));
}

fn play(bytes: &mut Unstructured<'_>) -> Result<()> {
    let wish = Wish::draw(bytes)?;
    let clock = ManualClock::new();
    clock.set(time(bytes)?);
    let registry = Registry::with_clock(clock.clone());
    let built = wish.builder().build();
    let inserted = registry.get_or_insert(NAME, wish.builder());
    assert_eq!(built.as_ref().err(), inserted.as_ref().err());
    is_judged(&built, &broken(&wish.alone()));
    let (Ok(config), Ok(breaker)) = (built, inserted) else { return Ok(()) };
    for (key, (value, _)) in in_force(&wish.alone()) {
        assert_eq!(config.get(key), value, "{key} of {wish:?}");
    }
    recovery::opens_and_recovers(&config, bytes.arbitrary()?);
    let mut world = World {
        model: Model::new(&wish),
        permits: Vec::new(),
        registry: &registry,
        breaker: &breaker,
        clock,
        refused: 0,
        ended: 0,
        snapshot: breaker.snapshot(),
        before: breaker.status(),
    };
    world.is_as_told();
    for _ in 0..64 {
        if bytes.is_empty() {
            break;
        }
        world.command(bytes)?;
        world.is_as_told();
    }
    Ok(())
}

/// It is an error exactly where a limit is broken, and names one of the keys.
fn is_judged<T>(result: &std::result::Result<T, ConfigError>, broken: &[Key]) {
    match result {
        Ok(_) => assert!(broken.is_empty(), "accepted in spite of {broken:?}"),
        Err(error) => {
            assert!(broken.iter().any(|key| key.as_str() == error.key()), "{error}, not {broken:?}");
            assert!(error.to_string().contains(error.key()), "{error}");
        }
    }
}

/// A breaker, and what has been done to it.
struct World<'a> {
    model: Model,
    /// With whether their end is counted.
    permits: Vec<(Permit<'a>, bool)>,
    registry: &'a Registry,
    breaker: &'a CircuitBreaker,
    clock: ManualClock,
    refused: u64,
    ended: u64,
    snapshot: Snapshot,
    before: Status,
}

impl World<'_> {
    fn command(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let breaker = self.breaker;
        match bytes.int_in_range(0..=31)? {
            0..=6 => self.acquire(),
            7..=11 => self.finish(bytes)?,
            12..=14 => self.record(bytes.arbitrary()?),
            15..=17 => self.clock.advance(time(bytes)?),
            18 => self.set_clock(time(bytes)?),
            19 => breaker.force_open(),
            20 => breaker.disable(),
            21 => breaker.metrics_only(),
            22 => breaker.auto(),
            23 => breaker.reset(),
            24 => breaker.open(),
            25 => breaker.open_for(time(bytes)?),
            26 => breaker.half_open(),
            27 => breaker.close(),
            28 => self.reconfigure(&Wish::draw(bytes)?),
            29 => self.merge(&Wish::draw(bytes)?),
            30 => self.snapshot = breaker.snapshot(),
            _ => breaker.restore(&self.restored(bytes)?),
        }
        Ok(())
    }

    /// A step back may undo what was seen and not yet done, such as the end of a half-open episode.
    fn set_clock(&mut self, to: Duration) {
        if to < self.clock.now() {
            self.before.generation = 0;
        }
        self.clock.set(to);
    }

    fn acquire(&mut self) {
        let (can, counted) = (self.breaker.can_execute(), self.breaker.mode() != Mode::Disabled);
        match self.breaker.try_acquire() {
            Ok(permit) if self.permits.len() < MOST_PERMITS => self.permits.push((permit, counted)),
            Ok(permit) => {
                permit.ignore();
                self.ended += u64::from(counted);
            }
            Err(error) => {
                assert!(error.is_rejected() && !can);
                assert_eq!(error.state(), self.breaker.state());
                self.refused += 1;
                return;
            }
        }
        assert!(can, "admitted, although it was told otherwise");
    }

    fn finish(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        if self.permits.is_empty() {
            return Ok(());
        }
        let (permit, counted) = self.permits.swap_remove(bytes.choose_index(self.permits.len())?);
        match bytes.int_in_range(0..=3)? {
            0 => permit.finish(Outcome::Success),
            1 => permit.failure(),
            2 => permit.ignore(),
            _ => drop(permit),
        }
        self.ended += u64::from(counted);
        Ok(())
    }

    fn record(&mut self, failed: bool) {
        self.ended += u64::from(self.breaker.mode() != Mode::Disabled);
        if failed { self.breaker.record_failure() } else { self.breaker.record_success() }
    }

    fn reconfigure(&mut self, wish: &Wish) {
        let result = self.breaker.reconfigure(wish.builder());
        let (changed, defects) = self.model.reconfigured(wish);
        if wish.states_both_windows() && result.is_ok() {
            // Each time the later of the two is taken, where `build` would refuse them.
            assert_eq!(defects, []);
        } else {
            is_judged(&result, &defects);
        }
        if result.is_ok() {
            self.model = changed;
        }
    }

    fn merge(&mut self, wish: &Wish) {
        let result = self.registry.get_or_insert(NAME, wish.builder());
        is_judged(&result, &broken(&wish.alone()));
        if result.is_err() {
            return;
        }
        let set_aside = self.model.merge(wish);
        let told = self.breaker.status().conflicts;
        for key in set_aside {
            assert!(told.iter().any(|conflict| conflict.key == key), "{key} of {wish:?} is not told: {told:?}");
        }
    }

    /// The last snapshot, or one from nowhere.
    fn restored(&self, bytes: &mut Unstructured<'_>) -> Result<Snapshot> {
        if bytes.arbitrary()? {
            return Ok(self.snapshot);
        }
        let state = *bytes.choose(&[State::Closed, State::Open, State::HalfOpen])?;
        let mode = *bytes.choose(&[Mode::Auto, Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly])?;
        Ok(Snapshot::new(state, mode, bytes.arbitrary()?, time(bytes)?, bytes.arbitrary()?))
    }

    /// What the breaker tells fits together, and to what has been done.
    fn is_as_told(&mut self) {
        let status = self.breaker.status();
        limits::hold(&status);
        self.model.is_in_force(&status);
        assert_eq!((status.state, status.mode), (self.breaker.state(), self.breaker.mode()));
        let is_auto = status.mode == Mode::Auto;
        assert_eq!(status.retry_after.is_some(), is_auto && status.state == State::Open);
        assert_eq!(status.half_open.is_some(), is_auto && status.state == State::HalfOpen);
        assert!(status.generation >= self.before.generation);
        if let Some(window) = status.window {
            assert!(window.failures <= window.calls && window.slow_calls <= window.calls, "{window:?}");
            assert!(window.slow_failures <= window.failures.min(window.slow_calls), "{window:?}");
        }
        self.is_counted(&status);
        self.before = status;
    }

    fn is_counted(&self, status: &Status) {
        let (totals, before) = (status.totals, self.before.totals);
        let ended = totals.successes + totals.failures + totals.ignored + totals.cancelled + totals.late;
        assert_eq!((ended, totals.rejections.total()), (self.ended, self.refused), "{totals:?}");
        assert_eq!(totals.attempts, ended + totals.rejections.total());
        assert_eq!(totals.trips, totals.transitions.closed_to_open);
        assert!(totals.slow_calls <= totals.successes + totals.failures);
        let grows = |is: u64, was: u64| assert!(is >= was, "{before:?} {totals:?}");
        grows(totals.successes, before.successes);
        grows(totals.failures, before.failures);
        grows(totals.ignored, before.ignored);
        grows(totals.cancelled, before.cancelled);
        grows(totals.late, before.late);
        grows(totals.slow_calls, before.slow_calls);
        grows(totals.trips, before.trips);
        for (from, to) in
            [(State::Open, State::HalfOpen), (State::HalfOpen, State::Open), (State::HalfOpen, State::Closed)]
        {
            grows(totals.transitions.between(from, to), before.transitions.between(from, to));
        }
    }
}
