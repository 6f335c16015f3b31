//! Answers that were lost, trials that last, orders that come late and clocks that were wrong: the rules that every
//! store has.

use std::time::Duration;

use breakerbox::shared::{self, InMemoryStore, Order, Proposal, Verdict, View};
use breakerbox::{Config, ManualClock, Mode, Registry, State};

use crate::store::{Fleet, WAIT, granted, secs};

fn lease(places: u32, want: u32, lasts: Duration, held: &[u64]) -> Proposal {
    Proposal::Lease { waited: Duration::ZERO, wait: WAIT, places, want, lasts, held: held.to_vec() }
}

fn report(leases: &[u64], successes: u32, lasts: Duration) -> Proposal {
    Proposal::Report { leases: leases.to_vec(), successes, failures: 0, close_at: 9, wait: WAIT, lasts }
}

fn order(order: Order, ago: Duration) -> Proposal {
    Proposal::Command { order, by: None, ago }
}

/// A fleet that is half-open, by leases that the first instance has.
fn half_open(places: u32, want: u32, lasts: Duration) -> (Fleet, View, Vec<u64>) {
    let mut fleet = Fleet::new(2);
    let open = fleet.command(Order::OpenFor(Duration::ZERO));
    let tried = fleet.propose(0, open.epoch, &lease(places, want, lasts, &[]));
    let Verdict::Granted(leases) = tried.verdict else { panic!("{tried:?}") };
    (fleet, tried.view, leases)
}

#[test]
fn a_lease_whose_answer_was_lost_blocks_nobody() {
    let (mut fleet, view, _) = half_open(1, 1, secs(1000));
    assert_eq!(granted(&fleet.propose(1, view.epoch, &lease(1, 1, WAIT, &[]))), 0, "it may be under way");
    assert_eq!(granted(&fleet.propose(0, view.epoch, &lease(1, 1, WAIT, &[]))), 1);
}

#[test]
fn a_lease_whose_answer_was_lost_ends_although_the_episode_was_not_known() {
    let (mut fleet, view, _) = half_open(1, 1, secs(1000));
    // It still asks on the epoch of the open time.
    assert_eq!(fleet.propose(0, view.epoch - 1, &lease(1, 1, WAIT, &[])).verdict, Verdict::Stale);
    assert_eq!(granted(&fleet.propose(1, view.epoch, &lease(1, 1, WAIT, &[]))), 1);
}

#[test]
fn leases_that_an_instance_names_stay_and_so_do_those_of_others() {
    let (mut fleet, view, mine) = half_open(4, 2, secs(1000));
    assert_eq!(granted(&fleet.propose(1, view.epoch, &lease(4, 1, WAIT, &[]))), 1);
    assert_eq!(granted(&fleet.propose(0, view.epoch, &lease(4, 9, WAIT, &mine))), 1);
}

#[test]
fn only_who_has_a_lease_ends_it() {
    let (mut fleet, view, leases) = half_open(1, 1, secs(1000));
    assert_eq!(fleet.propose(1, view.epoch, &report(&leases, 1, WAIT)).view.successes, 0);
    assert_eq!(granted(&fleet.propose(1, view.epoch, &lease(1, 1, WAIT, &[]))), 0);
    assert_eq!(fleet.propose(0, view.epoch, &report(&leases, 1, WAIT)).view.successes, 1);
}

#[test]
fn a_success_lets_the_other_trials_of_its_instance_last() {
    let (mut fleet, view, leases) = half_open(2, 2, secs(60));
    fleet.clock.advance(secs(50));
    // Never sooner than they did.
    fleet.propose(0, view.epoch, &report(&leases[..1], 1, secs(1)));
    fleet.clock.advance(secs(9));
    assert_eq!(granted(&fleet.propose(1, view.epoch, &lease(2, 1, WAIT, &[]))), 0);
    fleet.propose(0, view.epoch, &report(&[], 1, secs(60)));
    fleet.clock.advance(secs(59));
    assert_eq!(granted(&fleet.propose(1, view.epoch, &lease(3, 1, WAIT, &[]))), 0, "it may be under way");
    fleet.clock.advance(secs(1));
    assert_eq!(granted(&fleet.propose(1, view.epoch, &lease(3, 1, WAIT, &[]))), 1);
}

#[test]
fn trials_of_others_and_without_a_success_do_not_last_longer() {
    let (mut fleet, view, _) = half_open(1, 1, secs(60));
    fleet.propose(0, view.epoch, &report(&[], 0, secs(1000)));
    fleet.propose(1, view.epoch, &report(&[], 1, secs(1000)));
    fleet.clock.advance(secs(60));
    assert_eq!(granted(&fleet.propose(1, view.epoch, &lease(2, 1, WAIT, &[]))), 1);
}

#[test]
fn an_order_that_comes_after_one_that_was_given_later_is_stale() {
    let mut fleet = Fleet::new(2);
    let forced = fleet.propose(1, 0, &order(Order::Mode(Mode::ForcedOpen), Duration::ZERO)).view;
    fleet.clock.advance(secs(1));
    // It stood still for twelve seconds.
    let late = fleet.propose(0, 0, &order(Order::Mode(Mode::Disabled), secs(12)));
    assert_eq!((late.verdict, late.view), (Verdict::Stale, fleet.sync(0)));
    assert_eq!((fleet.sync(0).mode, fleet.sync(0).epoch), (Mode::ForcedOpen, forced.epoch));
    // As long ago is no longer ago, and what the fleet does meanwhile is no order.
    let same = fleet.propose(0, 0, &order(Order::OpenFor(Duration::ZERO), secs(1)));
    assert_eq!(same.verdict, Verdict::Applied);
    fleet.propose(1, same.view.epoch, &lease(1, 1, WAIT, &[]));
    assert_eq!(fleet.propose(1, 0, &order(Order::Reset, secs(2))).verdict, Verdict::Stale);
    assert_eq!(fleet.propose(1, 0, &order(Order::Reset, Duration::ZERO)).view.state, State::Closed);
}

#[test]
fn orders_of_one_instance_hold_however_long_they_were_under_way() {
    let mut fleet = Fleet::new(1);
    // The first one was slow to arrive, and the second was given meanwhile.
    fleet.propose(0, 0, &order(Order::Mode(Mode::Disabled), Duration::ZERO));
    let second = fleet.propose(0, 0, &order(Order::Mode(Mode::Auto), secs(1)));
    assert_eq!((second.verdict, second.view.mode), (Verdict::Applied, Mode::Auto));
}

#[test]
fn an_order_keeps_its_age_when_the_clock_steps_back() {
    let mut fleet = Fleet::new(2);
    fleet.command(Order::Reset);
    fleet.clock.set(secs(50_000));
    fleet.sync(0);
    fleet.clock.advance(secs(5));
    assert_eq!(fleet.propose(1, 0, &order(Order::Reset, secs(6))).verdict, Verdict::Stale);
    assert_eq!(fleet.propose(1, 0, &order(Order::Reset, secs(4))).verdict, Verdict::Applied);
}

#[test]
fn a_clock_that_was_days_ahead_and_is_right_again_stops_nothing() {
    let mut fleet = Fleet::new(1);
    fleet.clock.advance(secs(3 * 24 * 3600));
    let mut last = fleet.command(Order::OpenFor(WAIT)).epoch;
    fleet.clock.set(secs(100_000));
    for round in 0..3 {
        assert_eq!((fleet.sync(0).epoch, fleet.sync(0).state), (last, State::Open), "{round}");
        fleet.clock.advance(WAIT);
        let tried = fleet.propose(0, last, &lease(1, 1, WAIT, &[]));
        assert_eq!((granted(&tried), tried.view.epoch), (1, last + 1));
        let failed = Proposal::Report {
            leases: vec![],
            successes: 0,
            failures: 1,
            close_at: 1,
            wait: WAIT,
            lasts: Duration::ZERO,
        };
        let again = fleet.propose(0, tried.view.epoch, &failed).view;
        assert_eq!((again.epoch, again.left), (last + 2, WAIT));
        last = again.epoch;
    }
    assert_eq!(fleet.command(Order::Reset).epoch, last + 1);
}

#[test]
fn a_stepped_fleet_says_what_is_left_when_its_registry_is_flushed() {
    let store = InMemoryStore::new(ManualClock::new());
    let registry = Registry::new();
    registry.attach(shared::Fleet::new(store.clone()).stepped()).expect("neither has another");
    let quotes = registry.get_or_insert("quotes", Config::default()).expect("the name is good");
    // The first round does nothing but connect.
    assert!(!registry.flush(Duration::ZERO));
    quotes.force_open();
    assert!(registry.flush(Duration::ZERO));
    assert_eq!(store.view("quotes").mode, Mode::ForcedOpen);
}
