//! Those who look: at every breaker while everything goes on, and closely at one that is at rest.

use std::thread;
use std::time::Duration;

use breakerbox::State::{Closed, HalfOpen, Open};
use breakerbox::{Key, ManualClock, Mode, SystemClock, Value};
use fastrand::Rng;

use crate::law::{Law, check, same};
use crate::settings::{LONGEST_OPEN, milliseconds};
use crate::status;
use crate::tally::{Tally, one};
use crate::target::Kind::{Cancelled, Failed, RefusedFull, RefusedOpen, Succeeded};
use crate::target::Target;
use crate::world::World;

/// Looks at breakers while everything goes on.
pub(crate) fn watch(world: &World, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let mut seen: Vec<_> = world.targets.iter().map(|target| target.breaker.status()).collect();
    while !world.is_over() {
        for (target, before) in world.targets.iter().zip(&mut seen) {
            let now = target.breaker.status();
            one(Tally::Statuses);
            status::follows(before, &now);
            status::agrees(&now);
            *before = now;
        }
        thread::sleep(milliseconds(&mut rng, 1..20));
    }
}

/// Takes breakers to rest, one after the other, and looks closely.
pub(crate) fn inspect(world: &World, first: usize, step: usize, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let mine = || world.targets.iter().skip(first).step_by(step);
    while world.is_storm() {
        for target in mine() {
            world.sleep(milliseconds(&mut rng, 1..60));
            if !world.is_storm() {
                break;
            }
            at_rest(target);
        }
    }
}

/// What has to hold when no call is under way.
pub(crate) fn at_rest(target: &Target) {
    if target.rest() {
        one(Tally::Rests);
        target.audit();
        if target.is_operated {
            target.breaker.reset();
            is_new(target);
            if target.is_clocked {
                let clock = ManualClock::new();
                target.breaker.set_clock(clock.clone());
                is_new(target);
                examine(target, &clock);
                target.breaker.set_clock(SystemClock);
                is_new(target);
            }
            target.audit();
        }
    }
    target.resume();
}

/// Closed, with nothing in its window.
fn is_new(target: &Target) {
    let status = target.breaker.status();
    let window = status.window.map_or(0, |window| window.calls + window.failures);
    same(Law::ResetForgets, target.name(), &(window, status.consecutive_failures, status.mode), &(0, 0, Mode::Auto));
    same(Law::MovesAsOrdered, target.name(), &status.state, &Closed);
}

/// Leads a closed breaker through its states while time stands still, by whatever settings it has now.
fn examine(target: &Target, clock: &ManualClock) {
    let (breaker, name) = (&target.breaker, target.name());
    let is = |state| same(Law::MovesAsOrdered, name, &breaker.state(), &state);
    let count = |key| match breaker.status().setting(key).value {
        Value::Count(count) => count,
        _ => 0,
    };
    let (most, enough) = (count(Key::HalfOpenMaxCalls), count(Key::SuccessThreshold));

    breaker.half_open();
    let trials = || (0..=most).filter_map(|_| breaker.try_acquire().ok()).collect::<Vec<_>>();
    let mut held = trials();
    same(Law::TrialsAreLimited, name, &(held.len() as u32), &most);
    held.pop();
    let again = trials();
    same(Law::TrialsAreLimited, name, &(again.len() as u32), &1);
    held.extend(again);
    target.add(RefusedFull, 1 + u64::from(most));
    for permit in held.drain(..(enough as usize).min(held.len())) {
        permit.success();
    }
    target.add(Succeeded, u64::from(enough));
    target.add(Cancelled, 1 + u64::from(most - enough));
    drop(held);
    is_new(target);

    let time = LONGEST_OPEN / 2;
    breaker.open_for(time);
    for left in [time, Duration::from_nanos(1)] {
        let refused = breaker.try_acquire().err().and_then(|error| error.retry_after());
        same(Law::NoneWhileOpen, name, &refused, &Some(left));
        clock.advance(left.saturating_sub(Duration::from_nanos(1)));
    }
    target.add(RefusedOpen, 2);
    is(Open);
    clock.advance(Duration::from_nanos(1));
    is(HalfOpen);
    match breaker.try_acquire() {
        Ok(permit) => {
            permit.failure();
            target.add(Failed, 1);
        }
        Err(error) => check(Law::MovesAsOrdered, false, || format!("{error:?} after the open time")),
    }
    is(Open);
    breaker.reset();
    is_new(target);
}
