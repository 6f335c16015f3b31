//! Breakers that only this steers, on clocks that stand still: a crew races, and what must come of
//! each race is known exactly, whoever is faster.

use std::thread;
use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, ManualClock, Registry, State};
use fastrand::Rng;

use crate::law::{self, Law, check, same};
use crate::race::{Crew, HANDS, Order, Report};
use crate::settings::milliseconds;
use crate::tally::{Tally, one};
use crate::target::Kind;
use crate::world::World;

const NANOSECOND: Duration = Duration::from_nanos(1);

/// Experiments until the storm is over, each on a new breaker.
pub(crate) fn experiment(world: &World, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    while world.is_storm() {
        let clock = ManualClock::new();
        clock.set(milliseconds(&mut rng, 0..1_000_000));
        let registry = Registry::with_clock(clock.clone());
        let plan = Plan::new(&mut rng);
        let Ok(breaker) = registry.get_or_insert("experiment", plan.settings()) else {
            check(Law::MovesAsOrdered, false, || format!("{plan:?} is refused"));
            return;
        };
        thread::scope(|scope| {
            let crew = Crew::gather(scope, &breaker, &mut rng);
            let mut bench =
                Bench { breaker: &breaker, clock: &clock, crew, plan, book: Book::default(), rng: &mut rng };
            for _ in 0..20 {
                // After a broken law there is nothing to learn from the next round.
                if world.is_storm() && !law::is_any_broken() {
                    bench.round();
                    one(Tally::Rounds);
                }
            }
        });
    }
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Failures in a row that open it; none, and calls of the experiment may fail as they like.
    threshold: Option<u32>,
    recovery: Duration,
    most: u32,
    enough: u32,
    patience: Duration,
    window: u8,
}

impl Plan {
    fn new(rng: &mut Rng) -> Plan {
        let most = rng.u32(1..8);
        Plan {
            threshold: rng.bool().then(|| rng.u32(1..6)),
            recovery: milliseconds(rng, 1..10_000),
            most,
            enough: rng.u32(1..=most),
            patience: milliseconds(rng, 1..10_000),
            window: rng.u8(0..3),
        }
    }

    fn settings(&self) -> ConfigBuilder {
        let settings = Config::builder()
            .failure_threshold(self.threshold.unwrap_or(1_000_000))
            .recovery_timeout(self.recovery)
            .half_open_max_calls(self.most)
            .success_threshold(self.enough)
            .half_open_timeout(self.patience);
        // The rate is not reached, because some calls succeed.
        match self.window {
            0 => settings,
            1 => settings.failure_rate_threshold(1.0).window_size(64).minimum_calls(64),
            _ => settings.failure_rate_threshold(1.0).window_duration(Duration::from_secs(100)).minimum_calls(64),
        }
    }
}

/// What the breaker must have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Book {
    ended: [u64; 7],
    late: u64,
    trips: u64,
}

struct Bench<'b> {
    breaker: &'b CircuitBreaker,
    clock: &'b ManualClock,
    crew: Crew,
    plan: Plan,
    book: Book,
    rng: &'b mut Rng,
}

impl Bench<'_> {
    /// Enters what was counted at its time.
    fn enter(&mut self, report: &Report) {
        self.book.ended.iter_mut().zip(report.ended).for_each(|(sum, part)| *sum += part);
    }

    /// Enters what came too late: dropped calls count as that, the others as late.
    fn enter_late(&mut self, report: &Report) {
        self.book.ended[Kind::Cancelled as usize] += report.ended(Kind::Cancelled);
        self.book.late +=
            [Kind::Succeeded, Kind::Failed, Kind::Ignored].map(|kind| report.ended(kind)).iter().sum::<u64>();
    }

    fn is(&self, state: State) {
        same(Law::MovesAsOrdered, &format!("{:?}", self.plan), &self.breaker.state(), &state);
    }

    fn is_empty(&self) {
        let status = self.breaker.status();
        let window = status.window.map_or(0, |window| window.calls + window.failures);
        same(Law::ResetForgets, &format!("{:?}", self.plan), &(window, status.consecutive_failures), &(0, 0));
    }

    /// All ask, and nobody is let in.
    fn none_is_admitted(&mut self, law: Law, kind: Kind, left: Option<Duration>) {
        let report = self.crew.all(Order::Acquire(2));
        let is_right = report.admitted == 0
            && report.ended(kind) == u64::from(2 * HANDS)
            && report.retry_after.iter().all(|time| *time == left);
        check(law, is_right, || format!("{:?}, {left:?} left: {report:?}", self.plan));
        self.enter(&report);
    }

    /// All ask as often as there are trials, and as many are let in as there are places.
    fn so_many_are_admitted(&mut self, places: u32) {
        let report = self.crew.all(Order::Acquire(self.plan.most));
        let tries = u64::from(self.plan.most * HANDS);
        let is_right = report.admitted == places
            && report.ended(Kind::RefusedFull) == tries - u64::from(places)
            && report.all_refused() == report.ended(Kind::RefusedFull);
        check(Law::TrialsAreLimited, is_right, || format!("{:?}, {places} places: {report:?}", self.plan));
        self.enter(&report);
    }

    fn round(&mut self) {
        self.breaker.reset();
        self.is(State::Closed);
        self.is_empty();
        let before = self.crew.all(Order::Acquire(1));
        same(Law::MovesAsOrdered, "admitted while closed", &before.admitted, &HANDS);
        self.crew.all(Order::PutAside);
        self.call();
        self.disabled();
        self.open();
        self.half_open();
        self.forced();
        self.audit();
    }

    /// Calls of a closed circuit, of which none opens it.
    fn call(&mut self) {
        let may_fail = self.plan.threshold.is_none();
        let report = self.crew.all(Order::Call { times: 30, may_fail });
        same(Law::MovesAsOrdered, "refused while closed", &report.all_refused(), &0);
        self.enter(&report);
        self.is(State::Closed);
    }

    /// While disabled nothing counts. It ends an episode, so what was put aside is late either way.
    fn disabled(&mut self) {
        if self.rng.u8(0..4) == 0 {
            self.breaker.disable();
            let report = self.crew.all(Order::Call { times: 5, may_fail: true });
            same(Law::CountsAreExact, "refused while disabled", &report.all_refused(), &0);
            self.breaker.auto();
            self.is_empty();
        }
    }

    fn open(&mut self) {
        match self.plan.threshold {
            Some(threshold) => {
                let last = threshold - 1;
                self.breaker.record_success();
                self.fail(last);
                // What comes between failures starts their count again, also after a change of the clock.
                if self.rng.bool() {
                    self.breaker.set_clock(self.clock.clone());
                }
                self.breaker.record_success();
                self.fail(last);
                self.breaker.record_failure();
                self.book.ended[Kind::Succeeded as usize] += 2;
                self.book.ended[Kind::Failed as usize] += 1;
            }
            None => self.breaker.open(),
        }
        self.book.trips += 1;
        self.is(State::Open);
        self.wait();
    }

    /// Failures in a row, not yet enough.
    fn fail(&mut self, failures: u32) {
        for _ in 0..failures {
            self.breaker.record_failure();
            self.is(State::Closed);
        }
        self.book.ended[Kind::Failed as usize] += u64::from(failures);
    }

    /// The open time, to its last nanosecond.
    fn wait(&mut self) {
        self.none_is_admitted(Law::NoneWhileOpen, Kind::RefusedOpen, Some(self.plan.recovery));
        self.clock.advance(self.plan.recovery.saturating_sub(NANOSECOND));
        self.is(State::Open);
        self.none_is_admitted(Law::NoneWhileOpen, Kind::RefusedOpen, Some(NANOSECOND));
        self.clock.advance(NANOSECOND);
        self.is(State::HalfOpen);
    }

    fn half_open(&mut self) {
        let most = self.plan.most;
        self.so_many_are_admitted(most);

        // What began before the circuit opened says nothing any more, and frees no place.
        let kinds = [Kind::Succeeded, Kind::Failed, Kind::Ignored, Kind::Cancelled];
        let generation = self.breaker.status().generation;
        let first = self.rng.usize(0..4);
        let late = self.crew.each(|number| Order::EndAside(kinds[(first + number as usize) % 4]));
        self.enter_late(&late);
        let found = (self.breaker.state(), self.breaker.status().generation, self.breaker.can_execute());
        let expected = (State::HalfOpen, generation, false);
        same(Law::LateChangesNothing, &format!("{:?}", self.plan), &found, &expected);

        // Calls that say nothing give their places back, as many as were taken.
        let neutral = if self.rng.bool() { Kind::Cancelled } else { Kind::Ignored };
        let given_back = self.crew.all(Order::End(neutral, 1));
        self.enter(&given_back);
        let free = given_back.ended(neutral) as u32;
        self.so_many_are_admitted(free);
        if self.rng.u8(0..4) == 0 {
            // Another clock begins another episode, in which all places are free.
            self.breaker.set_clock(self.clock.clone());
            let kind = kinds[self.rng.usize(0..4)];
            let late = self.crew.all(Order::End(kind, most));
            self.enter_late(&late);
            self.is(State::HalfOpen);
            self.so_many_are_admitted(most);
        }
        self.verdict();
    }

    fn verdict(&mut self) {
        let (most, enough) = (u64::from(self.plan.most), u64::from(self.plan.enough));
        match self.rng.u8(0..4) {
            // One fails; the others are late.
            0 => {
                let report = self.crew.all(Order::End(Kind::Failed, self.plan.most));
                same(Law::TrialsAreLimited, "trials under way", &report.ended(Kind::Failed), &most);
                self.book.ended[Kind::Failed as usize] += 1;
                self.book.late += most - 1;
                self.is(State::Open);
                self.wait();
            }
            // Time is over.
            1 => {
                self.clock.advance(self.plan.patience);
                self.is(State::Open);
                self.none_is_admitted(Law::NoneWhileOpen, Kind::RefusedOpen, Some(self.plan.recovery));
                let report = self.crew.all(Order::End(Kind::Succeeded, self.plan.most));
                self.enter_late(&report);
                self.is(State::Open);
            }
            _ => {
                let report = self.crew.all(Order::End(Kind::Succeeded, self.plan.most));
                same(Law::TrialsAreLimited, "trials under way", &report.ended(Kind::Succeeded), &most);
                self.book.ended[Kind::Succeeded as usize] += enough;
                self.book.late += most - enough;
                self.is(State::Closed);
                self.is_empty();
            }
        }
    }

    fn forced(&mut self) {
        let state = self.breaker.state();
        self.breaker.force_open();
        self.is(State::Open);
        self.none_is_admitted(Law::NoneWhileForced, Kind::RefusedForced, None);
        self.breaker.auto();
        self.is(state);
    }

    fn audit(&self) {
        let status = self.breaker.status();
        let totals = status.totals;
        let found = Book {
            ended: [
                totals.successes,
                totals.failures,
                totals.ignored,
                totals.cancelled,
                totals.rejections.open,
                totals.rejections.half_open_full,
                totals.rejections.forced_open,
            ],
            late: totals.late,
            trips: totals.trips,
        };
        same(Law::CountsAreExact, &format!("{:?}", self.plan), &found, &self.book);
        let sum = self.book.ended.iter().sum::<u64>() + self.book.late;
        same(Law::CountsAreExact, &format!("attempts of {:?}", self.plan), &totals.attempts, &sum);
    }
}
