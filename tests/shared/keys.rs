//! Breakers of keys that give their places to others: what they held in the fleet is given back, and what was ordered
//! is brought. Stepped by hand.

use std::time::Duration;

use breakerbox::shared::{Fleet, View};
use breakerbox::{CircuitBreaker, Config, KeyedCircuitBreaker, ManualClock, Registry, State};

use crate::faulty::{Place, Way};
use crate::rig::{INTERVAL, WAIT, secs};

const TRIAL: Duration = Duration::from_secs(60);
/// After that nobody minds a circuit that was open.
const LONG: Duration = Duration::from_secs(3600);

struct Instance {
    clock: ManualClock,
    fleet: Fleet,
    _registry: Registry,
    fetch: KeyedCircuitBreaker,
}

/// Instances that have a place for one key each.
fn instances<const COUNT: usize>(place: &Place, quorum: u32) -> [Instance; COUNT] {
    std::array::from_fn(|number| {
        let (clock, registry) = (ManualClock::new(), Registry::new());
        registry.set_clock(clock.clone());
        let fleet = Fleet::new(place.connect(&number.to_string())).sync_interval(INTERVAL).quorum(quorum);
        let fleet = fleet.clock(clock.clone()).stepped();
        registry.attach(&fleet).expect("neither has another");
        let config = Config::builder()
            .failure_threshold(3)
            .recovery_timeout(WAIT)
            .half_open_timeout(TRIAL)
            .half_open_max_calls(1)
            .max_keys(1);
        let fetch = registry.keyed("fetch", config).expect("the settings are good");
        Instance { clock, fleet, _registry: registry, fetch }
    })
}

impl Instance {
    fn key(&self, key: &str) -> CircuitBreaker {
        self.fetch.get(key)
    }

    fn fail(&self, key: &str) {
        (0..3).for_each(|_| self.key(key).record_failure());
    }

    /// Another key takes the place of this one.
    #[track_caller]
    fn evict(&self, key: &str) {
        drop(self.key("other"));
        assert!(self.fetch.find(key).is_none(), "it has left");
    }
}

fn pass(place: &Place, instances: &[Instance], by: Duration) {
    place.clock.advance(by);
    for instance in instances {
        instance.clock.advance(by);
        instance.fleet.sync();
    }
}

fn view(place: &Place, key: &str) -> View {
    place.store.view(&format!("fetch[{key}]"))
}

#[test]
fn the_lease_of_a_key_that_leaves_is_given_back() {
    let place = Place::at(secs(50_000_000));
    let all = instances::<2>(&place, 1);
    for instance in &all {
        drop(instance.key("a"));
    }
    (0..2).for_each(|_| pass(&place, &all, INTERVAL));
    all[0].fail("a");
    (0..2).for_each(|_| pass(&place, &all, INTERVAL));
    pass(&place, &all, WAIT);
    assert!(all[0].key("a").try_acquire().is_err(), "it asks for a trial");
    all[0].fleet.sync();
    assert_eq!((place.granted("0"), view(&place, "a").state), (1, State::HalfOpen));
    // Only its own clock says that this was long ago.
    all[0].clock.advance(LONG);
    all[0].evict("a");
    all[0].fleet.sync();
    assert!(all[1].key("a").try_acquire().is_err(), "it asks for a trial");
    all[1].fleet.sync();
    all[1].key("a").try_acquire().expect("nobody else has a trial").success();
    pass(&place, &all, INTERVAL);
    assert_eq!(view(&place, "a").state, State::Closed);
}

#[test]
fn the_vote_of_a_key_that_leaves_is_taken_back() {
    for is_away in [false, true] {
        let place = Place::at(secs(50_000_000));
        let all = instances::<3>(&place, 3);
        for instance in &all {
            drop(instance.key("a"));
        }
        (0..2).for_each(|_| pass(&place, &all, INTERVAL));
        all[0].fail("a");
        all[0].fleet.sync();
        assert_eq!(view(&place, "a").votes, 1);
        if is_away {
            place.set(Way::Cut);
        }
        all[0].clock.advance(LONG);
        all[0].evict("a");
        all[0].fleet.sync();
        place.set(Way::Free);
        all[0].fleet.sync();
        assert_eq!(view(&place, "a").votes, 0);
    }
}

#[test]
fn an_order_for_a_key_that_leaves_before_the_next_round_is_brought() {
    let place = Place::at(secs(50_000_000));
    let all = instances::<2>(&place, 1);
    drop(all[1].key("a"));
    (0..2).for_each(|_| pass(&place, &all, INTERVAL));
    all[1].fail("a");
    all[1].fleet.sync();
    assert_eq!(view(&place, "a").state, State::Open);
    all[0].key("a").reset();
    all[0].evict("a");
    assert!(all[0].fleet.flush(Duration::ZERO));
    assert_eq!(view(&place, "a").state, State::Closed);
}

#[test]
fn of_two_orders_for_a_key_that_leaves_twice_the_later_one_holds() {
    let place = Place::at(secs(50_000_000));
    let all = instances::<1>(&place, 1);
    drop(all[0].key("a"));
    (0..2).for_each(|_| pass(&place, &all, INTERVAL));
    place.set(Way::Cut);
    all[0].key("a").open_for(secs(1));
    pass(&place, &all, LONG);
    all[0].evict("a");
    all[0].fleet.sync();
    all[0].key("a").reset();
    all[0].fleet.sync();
    all[0].evict("a");
    all[0].fleet.sync();
    place.set(Way::Free);
    (0..2).for_each(|_| pass(&place, &all, INTERVAL));
    let view = view(&place, "a");
    assert!(view.epoch > 0 && view.state == State::Closed, "{view:?}");
}

#[test]
fn a_key_that_comes_back_between_two_rounds_hears_of_its_fleet() {
    let place = Place::at(secs(50_000_000));
    let all = instances::<2>(&place, 1);
    for instance in &all {
        drop(instance.key("a"));
    }
    (0..2).for_each(|_| pass(&place, &all, INTERVAL));
    for _ in 0..3 {
        all[0].evict("a");
        drop(all[0].key("a"));
    }
    all[1].fail("a");
    all[1].fleet.sync();
    all[0].fleet.sync();
    let status = all[0].key("a").status();
    let epoch = status.store.expect("it is shared").epoch;
    assert_eq!((status.state, epoch), (State::Open, Some(view(&place, "a").epoch)));
}
