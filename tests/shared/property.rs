//! Whatever happens to instances, to their store and to the way between them: once it is over all agree again.

use std::time::Duration;

use breakerbox::{Permit, State};
use proptest::prelude::*;

use crate::faulty::Way;
use crate::rig::{INTERVAL, Rig, config};

#[derive(Clone, Debug)]
enum Act {
    /// Time passes, with a round of all in each interval.
    Pass(u64),
    /// Time passes, and nobody asks.
    Stall(u64),
    Sync(usize),
    Fail(usize),
    Succeed(usize),
    Begin(usize),
    End(usize, bool),
    Cancel(usize),
    Order(usize, u8),
}

#[derive(Clone, Debug)]
enum Fault {
    Way(Way),
    WayOf(usize, Way),
    Flush,
    Restart(usize),
    /// The clock of the store jumps, back or ahead.
    Jump(i64),
}

#[derive(Clone, Debug)]
enum Step {
    Act(Act),
    Fault(Fault),
}

fn act() -> impl Strategy<Value = Act> {
    let instance = 0..5usize;
    prop_oneof![
        4 => (1..40_000u64).prop_map(Act::Pass),
        1 => (1..10_000u64).prop_map(Act::Stall),
        6 => instance.clone().prop_map(Act::Sync),
        3 => instance.clone().prop_map(Act::Fail),
        2 => instance.clone().prop_map(Act::Succeed),
        6 => instance.clone().prop_map(Act::Begin),
        5 => (instance.clone(), any::<bool>()).prop_map(|(instance, well)| Act::End(instance, well)),
        1 => instance.clone().prop_map(Act::Cancel),
        1 => (instance, 0..7u8).prop_map(|(instance, order)| Act::Order(instance, order)),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let way = prop_oneof![3 => Just(Way::Free), 1 => Just(Way::Cut), 1 => Just(Way::Lost)];
    prop_oneof![
        4 => way.clone().prop_map(Fault::Way),
        6 => (0..5usize, way).prop_map(|(instance, way)| Fault::WayOf(instance, way)),
        1 => Just(Fault::Flush),
        2 => (0..5usize).prop_map(Fault::Restart),
        1 => (-7_200_000..7_200_000i64).prop_map(Fault::Jump),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![4 => act().prop_map(Step::Act), 1 => fault().prop_map(Step::Fault)];
    prop::collection::vec(step, 1..60)
}

/// A call under way: of a half-open fleet, in the episode of that epoch.
struct Call {
    instance: usize,
    trial_of: Option<u64>,
    permit: Permit<'static>,
}

struct World {
    rig: Rig,
    calls: Vec<Call>,
    trials: u32,
    /// Trials of the last episode that have succeeded.
    succeeded: (u64, u32),
}

impl World {
    fn act(&mut self, act: &Act) {
        let count = self.rig.instances.len();
        let of = |instance: &usize| instance % count;
        match act {
            Act::Pass(ms) => {
                let mut left = Duration::from_millis(*ms);
                while left > INTERVAL {
                    self.rig.pass(INTERVAL);
                    left -= INTERVAL;
                }
                self.rig.pass(left);
            }
            Act::Stall(ms) => self.rig.clocks(Duration::from_millis(*ms)),
            Act::Sync(instance) => self.rig.instances[of(instance)].fleet.sync(),
            Act::Fail(instance) => self.rig.instances[of(instance)].fail(),
            Act::Succeed(instance) => self.rig.instances[of(instance)].breaker.record_success(),
            Act::Begin(instance) => self.begin(of(instance)),
            Act::End(instance, well) => self.end(of(instance), Some(*well)),
            Act::Cancel(instance) => self.end(of(instance), None),
            Act::Order(instance, order) => {
                let breaker = self.rig.instances[of(instance)].breaker;
                match order {
                    0 => breaker.force_open(),
                    1 => breaker.disable(),
                    2 => breaker.auto(),
                    3 => breaker.open(),
                    4 => breaker.half_open(),
                    5 => breaker.close(),
                    _ => breaker.reset(),
                }
            }
        }
    }

    fn begin(&mut self, instance: usize) {
        let breaker = self.rig.instances[instance].breaker;
        let epoch = self.rig.instances[instance].store().epoch.unwrap_or_default();
        if let Ok(permit) = breaker.try_acquire() {
            let is_trial = breaker.status().half_open.is_some();
            self.calls.push(Call { instance, trial_of: is_trial.then_some(epoch), permit });
        }
    }

    fn end(&mut self, instance: usize, well: Option<bool>) {
        let Some(place) = self.calls.iter().position(|call| call.instance == instance) else { return };
        let call = self.calls.remove(place);
        match well {
            Some(true) => {
                call.permit.success();
                if let Some(epoch) = call.trial_of {
                    let before = if self.succeeded.0 == epoch { self.succeeded.1 } else { 0 };
                    self.succeeded = (epoch, before + 1);
                }
            }
            Some(false) => call.permit.failure(),
            None => drop(call.permit),
        }
    }

    fn fault(&mut self, fault: &Fault) {
        let count = self.rig.instances.len();
        let place = &self.rig.place;
        match fault {
            Fault::Way(way) => place.set(*way),
            Fault::WayOf(instance, way) => place.set_of(&(instance % count).to_string(), *way),
            Fault::Flush => {
                place.flush();
                // It takes a while, so that no epoch is made twice.
                place.clock.advance(Duration::from_millis(1));
            }
            Fault::Restart(instance) => {
                let instance = instance % count;
                self.calls.retain(|call| call.instance != instance);
                self.rig.restart(instance);
            }
            Fault::Jump(ms) => {
                let now = breakerbox::Clock::now(&place.clock);
                let by = Duration::from_millis(ms.unsigned_abs());
                place.clock.set(if *ms < 0 { now.saturating_sub(by) } else { now + by });
            }
        }
    }

    /// The faults are over, and nobody calls. Within two rounds after its last change all see the fleet alike.
    fn agree(&mut self) -> Result<(), String> {
        let place = &self.rig.place;
        place.set(Way::Free);
        self.rig.instances.iter().for_each(|instance| place.set_of(&instance.name, Way::Free));
        self.rig.round();
        let (mut last, mut since) = (None, 0);
        for _ in 0..12 {
            self.rig.pass(INTERVAL);
            let epoch = Some(self.rig.view().epoch);
            since = if epoch == last { since + 1 } else { 0 };
            last = epoch;
            if since == 2 {
                let view = self.rig.view();
                return self.rig.instances.iter().try_for_each(|instance| instance.agrees(&view));
            }
        }
        Err(format!("it never comes to rest: {:?}", self.rig.view()))
    }

    /// In a fleet without faults there are never more trials than places.
    fn judge_trials(&self) -> Result<(), String> {
        let view = self.rig.view();
        if view.state != State::HalfOpen {
            return Ok(());
        }
        let under_way = self.calls.iter().filter(|call| call.trial_of == Some(view.epoch)).count() as u32;
        let succeeded = if self.succeeded.0 == view.epoch { self.succeeded.1 } else { 0 };
        let places = self.trials;
        if under_way + succeeded <= places {
            return Ok(());
        }
        Err(format!("{under_way} under way, {succeeded} succeeded, but there are {places} places: {view:?}"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_all_faults_the_fleet_agrees_and_rations_its_trials(
        instances in 2..=5usize,
        trials in 1..=3u32,
        faulty in steps(),
        healthy in prop::collection::vec(act(), 1..60),
    ) {
        let rig = Rig::new(instances, config(trials));
        let mut world = World { rig, calls: Vec::new(), trials, succeeded: (0, 0) };
        for step in &faulty {
            match step {
                Step::Act(act) => world.act(act),
                Step::Fault(fault) => world.fault(fault),
            }
        }
        // Trials that nobody granted are the last ones.
        world.calls.clear();
        world.agree().map_err(TestCaseError::fail)?;
        for act in &healthy {
            world.act(act);
            world.judge_trials().map_err(TestCaseError::fail)?;
        }
        world.agree().map_err(TestCaseError::fail)?;
        prop_assert_eq!(world.rig.place.fallen(), Vec::<String>::new());
    }
}
