//! The scripts decide as the pure rules do: random histories, told to a server and to the store in memory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use breakerbox::shared::{Beat, Counts, InMemoryStore, Order, Proposal, SharedStore, StoreError, Verdict, View};
use breakerbox::{Mode, State, SystemClock};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::server::Server;
use crate::support::LONG;

/// The clocks of the two stores are not the same, so a time is either over at once, or longer than any test.
fn time() -> impl Strategy<Value = Duration> + Clone {
    prop_oneof![1 => Just(Duration::ZERO), 2 => Just(LONG)]
}

fn small() -> impl Strategy<Value = u32> + Clone {
    prop_oneof![4 => 0..5_u32, 1 => Just(u32::MAX)]
}

/// What an epoch is to the one that holds.
#[derive(Clone, Copy, Debug)]
enum Epoch {
    Same,
    Older,
    Newer,
    /// None that a fleet has made.
    TwoDaysAhead,
}

#[derive(Clone, Debug)]
enum Step {
    Sync {
        lives: Duration,
        counts: Option<(Epoch, Counts)>,
    },
    Propose {
        on: Epoch,
        what: Proposal,
    },
    /// Naming the leases that are held, or none.
    Lease {
        on: Epoch,
        is_naming: bool,
        what: Proposal,
    },
    /// With so many of the leases that are held.
    Report {
        on: Epoch,
        leases: usize,
        successes: u32,
        failures: u32,
        close_at: u32,
        wait: Duration,
        lasts: Duration,
    },
    Reseed {
        epoch: Epoch,
        view: View,
    },
    Leave,
}

fn epoch() -> impl Strategy<Value = Epoch> {
    prop_oneof![6 => Just(Epoch::Same), 1 => Just(Epoch::Older), 1 => Just(Epoch::Newer)]
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![3 => Just(Mode::Auto), 1 => Just(Mode::ForcedOpen), 1 => Just(Mode::Disabled),
        1 => Just(Mode::MetricsOnly)]
}

fn counts() -> impl Strategy<Value = Option<(Epoch, Counts)>> {
    let numbers = (0..5_u64, 0..4_u64, 0..4_u64, time(), prop::option::of(1..9_u64));
    let rest =
        (prop::option::of(prop_oneof![Just(0.1), Just(1.0 / 3.0), Just(0.5), Just(1.0)]), 0..6_u64, small(), time());
    prop::option::of((epoch(), numbers, rest).prop_map(|(epoch, (serial, failures, successes, window, most), rest)| {
        let mut counts = Counts::default();
        counts.serial = serial;
        (counts.failures, counts.successes, counts.window, counts.failure_threshold) =
            (failures, successes, window, most);
        (counts.failure_rate_threshold, counts.minimum_calls, counts.quorum, counts.wait) = rest;
        (epoch, counts)
    }))
}

fn proposal() -> impl Strategy<Value = Proposal> {
    let by = prop::option::of(prop_oneof![Just("ada".into()), Just("".into()), Just("ü \n{}%".into())]);
    let order =
        prop_oneof![1 => mode().prop_map(Order::Mode), 4 => Just(Order::Reset), 1 => time().prop_map(Order::OpenFor)];
    prop_oneof![
        6 => (time(), small(), time()).prop_map(|(wait, quorum, lasts)| Proposal::Trip { wait, quorum, lasts }),
        3 => Just(Proposal::Withdraw),
        3 => (order, by, time()).prop_map(|(order, by, ago)| Proposal::Command { order, by, ago }),
    ]
}

fn view() -> impl Strategy<Value = View> {
    let state = prop_oneof![Just(State::Closed), Just(State::Open), Just(State::HalfOpen)];
    (state, mode(), time(), small(), prop::option::of(Just(Arc::from("ada")))).prop_map(
        |(state, mode, left, reopened, by)| {
            let mut view = View::default();
            (view.state, view.mode, view.left, view.reopened, view.by) = (state, mode, left, reopened, by);
            view
        },
    )
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let failures = prop_oneof![4 => Just(0_u32), 1 => Just(1)];
    let report = (epoch(), 0..3_usize, small(), failures, small(), time(), time()).prop_map(
        |(on, leases, successes, failures, close_at, wait, lasts)| Step::Report {
            on,
            leases,
            successes,
            failures,
            close_at,
            wait,
            lasts,
        },
    );
    let lease = (epoch(), any::<bool>(), (time(), time(), small(), 0..5_u32, time())).prop_map(
        |(on, is_naming, (waited, wait, places, want, lasts))| {
            let what = Proposal::Lease { waited, wait, places, want, lasts, held: Vec::new() };
            Step::Lease { on, is_naming, what }
        },
    );
    let reseeded = prop_oneof![2 => epoch(), 1 => Just(Epoch::TwoDaysAhead)];
    let what = prop_oneof![
        4 => (time(), counts()).prop_map(|(lives, counts)| Step::Sync { lives, counts }),
        6 => (epoch(), proposal()).prop_map(|(on, what)| Step::Propose { on, what }),
        3 => lease,
        4 => report,
        1 => (reseeded, view()).prop_map(|(epoch, view)| Step::Reseed { epoch, view }),
        1 => Just(Step::Leave),
    ];
    (0..4_usize, what)
}

/// What comes first, so that what follows is about more than an empty key: nothing, four that live, or a breaker that is
/// half-open besides.
fn beginning() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let alive: Vec<_> = (0..4).map(|instance| (instance, Step::Sync { lives: LONG, counts: None })).collect();
    let order = Proposal::Command { order: Order::OpenFor(Duration::ZERO), by: None, ago: Duration::ZERO };
    let places = Proposal::Lease { waited: Duration::ZERO, wait: LONG, places: 3, want: 1, lasts: LONG, held: vec![] };
    let half_open = [order, places].map(|what| (0, Step::Propose { on: Epoch::Same, what }));
    let all = alive.iter().cloned().chain(half_open).collect();
    prop_oneof![Just(Vec::new()), Just(alive), Just(all)]
}

/// A store with what it has answered.
struct Player<S> {
    store: S,
    epoch: u64,
    leases: Vec<u64>,
}

/// What can be compared: the numbers of epochs and leases are times.
#[derive(Debug, PartialEq)]
struct Seen {
    verdict: Option<Verdict>,
    is_new_epoch: bool,
    view: View,
}

impl<S: SharedStore> Player<S> {
    fn new(store: S) -> Self {
        Player { store, epoch: 0, leases: Vec::new() }
    }

    fn epoch(&self, epoch: Epoch) -> u64 {
        match epoch {
            Epoch::Same => self.epoch,
            Epoch::Older => self.epoch.saturating_sub(1),
            Epoch::Newer => self.epoch + 1,
            Epoch::TwoDaysAhead => self.epoch + 1 + 2 * 24 * 3600 * 1_000_000 + u64::from(u32::MAX) * 1_000_000_000,
        }
    }

    fn play(&mut self, breaker: &str, instance: &str, step: &Step) -> Result<Option<Seen>, StoreError> {
        let (verdict, view) = match step {
            Step::Sync { lives, counts } => {
                let mut beat = Beat::new(breaker, *lives);
                beat.counts = counts.clone().map(|(epoch, mut counts)| {
                    counts.on = self.epoch(epoch);
                    counts
                });
                (None, self.store.sync(instance, &[beat])?.remove(0)?)
            }
            Step::Leave => {
                self.store.leave(instance, &[breaker.into()]);
                return Ok(None);
            }
            Step::Propose { on, what } => self.propose(breaker, instance, *on, what)?,
            Step::Lease { on, is_naming, what } => {
                let mut what = what.clone();
                if let Proposal::Lease { held, .. } = &mut what
                    && *is_naming
                {
                    held.clone_from(&self.leases);
                }
                self.propose(breaker, instance, *on, &what)?
            }
            Step::Report { on, leases, successes, failures, close_at, wait, lasts } => {
                let leases = self.leases.drain(..(*leases).min(self.leases.len())).collect();
                let (successes, failures, close_at, wait) = (*successes, *failures, *close_at, *wait);
                let what = Proposal::Report { leases, successes, failures, close_at, wait, lasts: *lasts };
                self.propose(breaker, instance, *on, &what)?
            }
            Step::Reseed { epoch, view } => {
                let mut view = view.clone();
                view.epoch = self.epoch(*epoch);
                self.propose(breaker, instance, Epoch::Same, &Proposal::Reseed(view))?
            }
        };
        let is_new_epoch = view.epoch > self.epoch;
        assert!(view.epoch >= self.epoch, "an epoch went back from {} to {}", self.epoch, view.epoch);
        self.epoch = view.epoch;
        let mut view = view;
        view.epoch = 0;
        // What is left is next to nothing, or nearly all.
        view.left = if view.left > LONG / 2 { LONG } else { Duration::ZERO };
        Ok(Some(Seen { verdict, is_new_epoch, view }))
    }

    fn propose(
        &mut self,
        breaker: &str,
        instance: &str,
        on: Epoch,
        what: &Proposal,
    ) -> Result<(Option<Verdict>, View), StoreError> {
        let answer = self.store.propose(instance, breaker, self.epoch(on), what)?;
        let verdict = match answer.verdict {
            Verdict::Granted(leases) => {
                assert!(leases.iter().all(|lease| !self.leases.contains(lease)), "a lease twice: {leases:?}");
                let numbered = (0..leases.len() as u64).collect();
                self.leases.extend(leases);
                Verdict::Granted(numbered)
            }
            verdict => verdict,
        };
        Ok((Some(verdict), answer.view))
    }
}

#[test]
fn the_scripts_decide_as_the_pure_rules_do() {
    let Some(server) = Server::start() else { return };
    let redis = RefCell::new(Player::new(server.store()));
    let breaker = Cell::new(0);
    let verdicts = RefCell::new(BTreeMap::<String, u32>::new());
    let cases = Config { cases: 512, failure_persistence: None, ..Config::default() };
    let histories = (beginning(), prop::collection::vec(step(), 1..60));
    let result = TestRunner::new(cases).run(&histories, |(beginning, history)| {
        let mut pure = Player::new(InMemoryStore::new(SystemClock));
        let mut redis = redis.borrow_mut();
        breaker.set(breaker.get() + 1);
        (redis.epoch, redis.leases) = (0, Vec::new());
        let name = format!("b{}", breaker.get());
        for (number, (instance, step)) in beginning.iter().chain(&history).enumerate() {
            let instance = format!("i{instance}");
            let expected = pure.play(&name, &instance, step).expect("the store in memory answers");
            let seen = redis.play(&name, &instance, step).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(&seen, &expected, "step {}: {:?}", number, step);
            let Some(expected) = expected else { continue };
            let seen = match expected.verdict {
                Some(verdict) => format!("{verdict:?}"),
                None if expected.is_new_epoch => "counts that open".to_owned(),
                None => continue,
            };
            *verdicts.borrow_mut().entry(seen).or_default() += 1;
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let verdicts = verdicts.into_inner();
    println!("{verdicts:?}");
    for verdict in ["Applied", "Voted", "Wait", "Stale", "Granted([])", "Granted([0, 1])", "counts that open"] {
        assert!(verdicts.get(verdict).is_some_and(|count| *count > 20), "{verdict} was hardly seen: {verdicts:?}");
    }
}
