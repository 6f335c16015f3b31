//! What a fleet decides about one breaker, on the store in memory: the rules that every store has.

use std::time::Duration;

use breakerbox::shared::{Answer, Beat, Counts, InMemoryStore, Order, Proposal, SharedStore, Verdict, View};
use breakerbox::{ManualClock, Mode, State};

pub(crate) const WAIT: Duration = Duration::from_secs(30);

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A fleet of so many instances, named `0`, `1`, ...
pub(crate) struct Fleet {
    pub(crate) store: InMemoryStore,
    pub(crate) clock: ManualClock,
    pub(crate) lives: Duration,
}

impl Fleet {
    pub(crate) fn new(instances: usize) -> Fleet {
        let clock = ManualClock::new();
        clock.set(secs(100_000));
        let mut fleet = Fleet { store: InMemoryStore::new(clock.clone()), clock, lives: secs(1_000_000) };
        for instance in 0..instances {
            fleet.sync(instance);
        }
        fleet
    }

    pub(crate) fn sync(&mut self, instance: usize) -> View {
        let beat = Beat::new("quotes", self.lives);
        self.store.sync(&instance.to_string(), &[beat]).expect("it is in memory").remove(0).expect("it can be used")
    }

    pub(crate) fn count(&mut self, instance: usize, counts: &Counts) -> View {
        let mut beat = Beat::new("quotes", self.lives);
        beat.counts = Some(counts.clone());
        self.store.sync(&instance.to_string(), &[beat]).expect("it is in memory").remove(0).expect("it can be used")
    }

    pub(crate) fn propose(&mut self, instance: usize, on: u64, what: &Proposal) -> Answer {
        self.store.propose(&instance.to_string(), "quotes", on, what).expect("it is in memory")
    }

    fn trip(&mut self, instance: usize, on: u64) -> Answer {
        self.propose(instance, on, &Proposal::Trip { wait: WAIT, quorum: 3, lasts: secs(60) })
    }

    fn lease(&mut self, instance: usize, on: u64, waited: Duration, places: u32) -> Answer {
        self.propose(
            instance,
            on,
            &Proposal::Lease { waited, wait: WAIT, places, want: 1, lasts: secs(5), held: vec![] },
        )
    }

    fn report(&mut self, instance: usize, on: u64, leases: Vec<u64>, succeeded: bool) -> Answer {
        let (successes, failures) = (u32::from(succeeded), u32::from(!succeeded));
        self.propose(
            instance,
            on,
            &Proposal::Report { leases, successes, failures, close_at: 1, wait: WAIT, lasts: secs(5) },
        )
    }

    pub(crate) fn command(&mut self, order: Order) -> View {
        self.propose(0, 0, &Proposal::Command { order, by: None, ago: Duration::ZERO }).view
    }
}

pub(crate) fn granted(answer: &Answer) -> usize {
    let Verdict::Granted(leases) = &answer.verdict else { return 0 };
    leases.len()
}

#[test]
fn the_votes_that_open_a_fleet_are_half_of_it_and_three_at_most() {
    for (instances, needed) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3), (20, 3)] {
        let mut fleet = Fleet::new(instances);
        for voter in 1..needed {
            let answer = fleet.trip(voter - 1, 0);
            assert_eq!((answer.verdict, answer.view.state), (Verdict::Voted, State::Closed), "{voter} of {instances}");
            // The same one once more is no other vote.
            assert_eq!(fleet.trip(voter - 1, 0).verdict, Verdict::Voted);
        }
        let answer = fleet.trip(needed - 1, 0);
        assert_eq!((answer.verdict, answer.view.state, answer.view.left), (Verdict::Applied, State::Open, WAIT));
    }
}

#[test]
fn instances_that_are_gone_and_votes_that_are_old_do_not_count() {
    let mut fleet = Fleet::new(0);
    fleet.lives = secs(3);
    for instance in 0..4 {
        fleet.sync(instance);
    }
    assert_eq!(fleet.sync(0).needed, 2);
    fleet.clock.advance(secs(3));
    assert_eq!(fleet.sync(0).needed, 1);
    let mut fleet = Fleet::new(4);
    assert_eq!(fleet.trip(0, 0).verdict, Verdict::Voted);
    fleet.clock.advance(secs(60));
    assert_eq!(fleet.trip(1, 0).verdict, Verdict::Voted);
    assert_eq!(fleet.trip(2, 0).verdict, Verdict::Applied);
}

// dist-probe-002
#[test]
fn a_lease_of_an_instance_that_died_goes_to_another_when_it_is_over() {
    let mut fleet = Fleet::new(4);
    let open = fleet.command(Order::OpenFor(WAIT));
    assert_eq!(fleet.lease(0, open.epoch, secs(0), 1).verdict, Verdict::Wait);
    fleet.clock.advance(WAIT);
    let first = fleet.lease(0, open.epoch, WAIT, 1);
    assert_eq!((granted(&first), first.view.state), (1, State::HalfOpen));
    assert_eq!(fleet.lease(1, open.epoch, WAIT, 1).verdict, Verdict::Stale, "half-open is an epoch of its own");
    assert_eq!(granted(&fleet.lease(1, first.view.epoch, WAIT, 1)), 0);
    fleet.clock.advance(secs(5));
    assert_eq!(granted(&fleet.lease(1, first.view.epoch, WAIT, 1)), 1);
}

#[test]
fn a_lease_that_is_reported_when_it_is_over_ends_no_other() {
    let mut fleet = Fleet::new(2);
    let open = fleet.command(Order::OpenFor(Duration::ZERO));
    let first = fleet.lease(0, open.epoch, WAIT, 1);
    let Verdict::Granted(over) = first.verdict else { panic!("{first:?}") };
    fleet.clock.advance(secs(5));
    assert_eq!(granted(&fleet.lease(1, first.view.epoch, WAIT, 1)), 1);
    let what = Proposal::Report { leases: over, successes: 0, failures: 0, close_at: 1, wait: WAIT, lasts: secs(5) };
    fleet.propose(0, first.view.epoch, &what);
    assert_eq!(granted(&fleet.lease(0, first.view.epoch, WAIT, 1)), 0, "the place is taken by the second");
}

// dist-fence-001
#[test]
fn a_late_trip_of_an_old_epoch_opens_nothing() {
    let mut fleet = Fleet::new(4);
    fleet.trip(1, 0);
    let open = fleet.trip(2, 0).view;
    fleet.clock.advance(WAIT);
    let half_open = fleet.lease(1, open.epoch, WAIT, 1);
    let Verdict::Granted(leases) = half_open.verdict else { panic!("{half_open:?}") };
    assert_eq!(fleet.report(1, half_open.view.epoch, leases, true).view.state, State::Closed);
    for _ in 0..3 {
        let late = fleet.trip(0, 0);
        assert_eq!((late.verdict, late.view.state), (Verdict::Stale, State::Closed));
    }
}

// dist-fence-002
#[test]
fn a_trial_that_fails_after_the_fleet_closed_is_dropped() {
    let mut fleet = Fleet::new(4);
    let open = fleet.command(Order::OpenFor(Duration::ZERO));
    let first = fleet.lease(0, open.epoch, WAIT, 2);
    let second = fleet.lease(1, first.view.epoch, WAIT, 2);
    assert_eq!((granted(&first), granted(&second)), (1, 1));
    assert_ne!(first.verdict, second.verdict, "two leases have two numbers");
    assert_eq!(granted(&fleet.lease(2, first.view.epoch, WAIT, 2)), 0);
    let epoch = first.view.epoch;
    let closed = fleet.report(0, epoch, vec![], true);
    assert_eq!((closed.view.state, closed.view.reopened), (State::Closed, 0));
    let late = fleet.report(1, epoch, vec![], false);
    assert_eq!((late.verdict, late.view.state), (Verdict::Stale, State::Closed));
}

#[test]
fn a_failed_trial_opens_again_with_the_next_step_of_the_backoff() {
    let mut fleet = Fleet::new(1);
    let mut epoch = fleet.trip(0, 0).view.epoch;
    for reopened in 1..4 {
        fleet.clock.advance(WAIT);
        let half_open = fleet.lease(0, epoch, WAIT, 1);
        assert_eq!(half_open.view.reopened, reopened - 1);
        let again = fleet.report(0, half_open.view.epoch, vec![], false).view;
        assert_eq!((again.state, again.reopened, again.left), (State::Open, reopened, WAIT));
        epoch = again.epoch;
    }
}

// dist-loss-001
#[test]
fn what_a_store_lost_is_brought_back_by_the_highest_epoch() {
    let mut fleet = Fleet::new(4);
    let before = fleet.command(Order::OpenFor(WAIT));
    let open = fleet.command(Order::OpenFor(WAIT));
    fleet.store.clear();
    assert_eq!((fleet.sync(2).epoch, fleet.sync(2).state), (0, State::Closed));
    assert_eq!(fleet.propose(1, 0, &Proposal::Reseed(before.clone())).verdict, Verdict::Applied);
    let back = fleet.propose(0, 0, &Proposal::Reseed(open.clone()));
    assert_eq!((back.verdict, back.view.epoch, back.view.state), (Verdict::Applied, open.epoch, State::Open));
    assert_eq!(fleet.propose(1, 0, &Proposal::Reseed(before)).verdict, Verdict::Stale);
    assert_eq!(fleet.propose(1, 0, &Proposal::Reseed(open)).verdict, Verdict::Stale);
}

#[test]
fn an_epoch_after_a_loss_is_later_than_those_before_it() {
    let mut fleet = Fleet::new(1);
    let mut last = 0;
    for _ in 0..100 {
        let view = fleet.command(Order::OpenFor(WAIT));
        assert!(view.epoch > last, "{} after {last}", view.epoch);
        last = view.epoch;
    }
    fleet.store.clear();
    fleet.clock.advance(secs(1));
    assert!(fleet.command(Order::Reset).epoch > last);
}

#[test]
fn a_half_open_fleet_that_is_brought_back_waits_for_nothing() {
    let mut fleet = Fleet::new(1);
    let open = fleet.command(Order::OpenFor(Duration::ZERO));
    let half_open = fleet.lease(0, open.epoch, WAIT, 1).view;
    fleet.store.clear();
    let back = fleet.propose(0, 0, &Proposal::Reseed(half_open)).view;
    assert_eq!((back.state, back.left), (State::Open, Duration::ZERO));
    assert_eq!(granted(&fleet.lease(0, back.epoch, Duration::ZERO, 1)), 1);
}

// dist-clock-002
#[test]
fn a_store_whose_clock_stepped_back_lets_trials_in_a_second_late() {
    let mut fleet = Fleet::new(4);
    let open = fleet.command(Order::OpenFor(WAIT));
    fleet.clock.set(secs(100_000 - 3600));
    assert_eq!(fleet.lease(0, open.epoch, WAIT, 1).verdict, Verdict::Wait);
    assert_eq!(granted(&fleet.lease(0, open.epoch, WAIT + secs(1), 1)), 1);
}

// dist-lock-001
#[test]
fn an_order_holds_for_the_fleet_until_it_is_taken_back() {
    let mut fleet = Fleet::new(4);
    let forced = fleet.command(Order::Mode(Mode::ForcedOpen));
    fleet.clock.advance(secs(86_400));
    let seen = fleet.sync(1);
    assert_eq!((seen.mode, seen.epoch), (Mode::ForcedOpen, forced.epoch));
    for instance in 0..4 {
        assert_eq!(fleet.trip(instance, forced.epoch).verdict, Verdict::Stale);
        assert_eq!(fleet.lease(instance, forced.epoch, WAIT, 1).verdict, Verdict::Stale);
    }
    let reset = fleet.command(Order::Reset);
    assert_eq!((reset.mode, reset.state), (Mode::Auto, State::Closed));
    assert!(reset.epoch > forced.epoch);
}

#[test]
fn a_vote_that_is_withdrawn_does_not_count() {
    let mut fleet = Fleet::new(4);
    assert_eq!(fleet.trip(0, 0).verdict, Verdict::Voted);
    let answer = fleet.propose(0, 0, &Proposal::Withdraw);
    assert_eq!((answer.verdict, answer.view.votes, answer.view.epoch), (Verdict::Applied, 0, 0));
    assert_eq!(fleet.trip(1, 0).verdict, Verdict::Voted);
    assert_eq!(fleet.trip(2, 0).verdict, Verdict::Applied);
}

#[test]
fn an_episode_admits_so_many_trials_in_all() {
    let mut fleet = Fleet::new(4);
    let open = fleet.command(Order::OpenFor(Duration::ZERO));
    let half_open = fleet.lease(0, open.epoch, WAIT, 2).view;
    let lease = |fleet: &mut Fleet, instance: usize| fleet.lease(instance, half_open.epoch, WAIT, 2).verdict;
    let report = |leases: Vec<u64>, successes: u32| Proposal::Report {
        leases,
        successes,
        failures: 0,
        close_at: 2,
        wait: WAIT,
        lasts: secs(5),
    };
    let Verdict::Granted(second) = lease(&mut fleet, 1) else { panic!("a place is free") };
    assert_eq!(lease(&mut fleet, 2), Verdict::Granted(vec![]), "two are under way");
    let seen = fleet.propose(1, half_open.epoch, &report(second.clone(), 1)).view;
    assert_eq!((seen.state, seen.successes), (State::HalfOpen, 1));
    assert_eq!(lease(&mut fleet, 2), Verdict::Granted(vec![]), "one is under way, and one has succeeded");
    // The answer to a report may be lost.
    assert_eq!(fleet.propose(1, half_open.epoch, &report(second, 1)).view.successes, 1, "it counts once");
}

#[test]
fn successes_by_other_settings_do_not_hold_up_the_rest() {
    let mut fleet = Fleet::new(2);
    let open = fleet.command(Order::OpenFor(Duration::ZERO));
    let first = fleet.lease(0, open.epoch, WAIT, 3);
    let Verdict::Granted(leases) = first.verdict else { panic!("a place is free") };
    let what = Proposal::Report { leases, successes: 1, failures: 0, close_at: 3, wait: WAIT, lasts: secs(5) };
    assert_eq!(fleet.propose(0, first.view.epoch, &what).view.state, State::HalfOpen);
    let second = fleet.lease(1, first.view.epoch, WAIT, 1);
    assert_eq!(granted(&second), 1, "one that admits a single trial is not stuck with that of the other");
    assert_eq!(granted(&fleet.lease(0, first.view.epoch, WAIT, 1)), 0);
}

#[test]
fn trials_made_without_the_fleet_count_once_its_open_time_is_over() {
    let mut fleet = Fleet::new(2);
    let open = fleet.trip(0, 0).view;
    let report =
        Proposal::Report { leases: vec![], successes: 2, failures: 0, close_at: 2, wait: WAIT, lasts: secs(5) };
    let early = fleet.propose(0, open.epoch, &report);
    assert_eq!((early.verdict, early.view.left), (Verdict::Wait, WAIT));
    fleet.clock.advance(WAIT);
    let closed = fleet.propose(0, open.epoch, &report);
    assert_eq!((closed.verdict, closed.view.state), (Verdict::Applied, State::Closed));
    assert_eq!(fleet.propose(1, open.epoch, &report).verdict, Verdict::Stale);
    assert_eq!(fleet.propose(1, closed.view.epoch, &report).verdict, Verdict::Stale, "it is closed");
}

#[test]
fn a_trial_that_failed_without_the_fleet_opens_it_again() {
    let mut fleet = Fleet::new(2);
    let open = fleet.trip(0, 0).view;
    fleet.clock.advance(WAIT);
    let report =
        Proposal::Report { leases: vec![], successes: 0, failures: 1, close_at: 2, wait: 2 * WAIT, lasts: secs(5) };
    let again = fleet.propose(0, open.epoch, &report).view;
    assert_eq!((again.state, again.left, again.reopened), (State::Open, 2 * WAIT, 1));
}

#[test]
fn an_order_says_whose_it_is_and_the_next_change_does_not() {
    let mut fleet = Fleet::new(1);
    let what = Proposal::Command { order: Order::Reset, by: Some("ada".into()), ago: Duration::ZERO };
    let reset = fleet.propose(0, 0, &what).view;
    assert_eq!(reset.by.as_deref(), Some("ada"));
    assert_eq!(fleet.trip(0, reset.epoch).view.by, None);
    let by_nobody = fleet.command(Order::Reset);
    assert_eq!(by_nobody.by.as_deref(), Some("operator"));
}

#[test]
fn half_open_by_hand_is_open_and_due() {
    let mut fleet = Fleet::new(1);
    let view = fleet.command(Order::OpenFor(Duration::ZERO));
    assert_eq!((view.state, view.left), (State::Open, Duration::ZERO));
    assert_eq!(granted(&fleet.lease(0, view.epoch, Duration::ZERO, 1)), 1);
}

#[test]
fn an_open_time_without_end_has_none() {
    let mut fleet = Fleet::new(1);
    let open = fleet.command(Order::OpenFor(Duration::MAX));
    assert_eq!(fleet.lease(0, open.epoch, secs(1), 1).verdict, Verdict::Wait);
    assert!(open.left > secs(1_000_000_000));
}

#[test]
fn an_epoch_that_cannot_be_is_not_brought_back() {
    let mut fleet = Fleet::new(1);
    let mut ahead = fleet.command(Order::Reset);
    ahead.epoch += 25 * 3600 * 1_000_000;
    assert_eq!(fleet.propose(0, 0, &Proposal::Reseed(ahead)).verdict, Verdict::Stale);
}

#[test]
fn time_goes_on_when_the_clock_has_stepped_back() {
    let mut fleet = Fleet::new(2);
    let open = fleet.command(Order::OpenFor(Duration::ZERO));
    let first = fleet.lease(0, open.epoch, WAIT, 1);
    fleet.clock.set(secs(100_000 - 3600));
    assert_eq!(granted(&fleet.lease(1, first.view.epoch, WAIT, 1)), 0);
    fleet.clock.advance(secs(5));
    let next = fleet.lease(1, first.view.epoch, WAIT, 1);
    assert_eq!(granted(&next), 1, "the lease of the first is over after its five seconds");
    assert!(fleet.command(Order::Reset).epoch > next.view.epoch, "epochs never fall");
}

#[test]
fn who_leaves_takes_its_vote_along() {
    let mut fleet = Fleet::new(4);
    fleet.trip(0, 0);
    fleet.store.leave("0", &["quotes".into(), "unknown".into()]);
    let view = fleet.store.view("quotes");
    assert_eq!((view.votes, view.needed), (0, 2));
    assert_eq!(fleet.trip(1, 0).verdict, Verdict::Voted);
}
