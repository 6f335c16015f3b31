//! Operators: they command breakers at random while those are called, change their settings and
//! clocks, take snapshots and restore them.

use std::sync::Arc;
use std::thread;

use breakerbox::{CircuitBreaker, Key, ManualClock, Origin, Snapshot, SystemClock};
use fastrand::Rng;

use crate::law::{Law, check, same};
use crate::settings::{invalid, milliseconds, valid};
use crate::tally::{Tally, one};
use crate::target::Target;
use crate::world::World;

/// Commands breakers until the storm is over, one at a time.
pub(crate) fn operate(world: &World, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let operated: Vec<&Arc<Target>> = world.targets.iter().filter(|target| target.is_operated).collect();
    let mut snapshots: Vec<Snapshot> = Vec::new();
    while world.is_storm() {
        let target = operated[rng.usize(0..operated.len())];
        if target.enter() {
            // Two operators at once would undo what the other one is about to look at.
            if let Ok(_at_work) = target.operator.try_lock() {
                command(target, &mut snapshots, &mut rng);
                one(Tally::Commands);
            }
            target.leave();
        }
        thread::sleep(milliseconds(&mut rng, 1..20));
    }
}

fn command(target: &Target, snapshots: &mut Vec<Snapshot>, rng: &mut Rng) {
    let breaker = &target.breaker;
    let while_it_lasts = milliseconds(rng, 1..25);
    match rng.u8(0..22) {
        0 => breaker.reset(),
        1 => breaker.open(),
        2 => breaker.open_for(milliseconds(rng, 1..400)),
        3 => breaker.half_open(),
        4 => breaker.close(),
        5 | 6 => {
            breaker.force_open();
            thread::sleep(while_it_lasts);
            breaker.auto();
        }
        7 => {
            breaker.metrics_only();
            thread::sleep(while_it_lasts);
            breaker.auto();
        }
        8 => target.disabled(|| {
            breaker.disable();
            thread::sleep(while_it_lasts);
        }),
        // Each of these ends a mode.
        9 => target.disabled(|| {
            breaker.disable();
            [CircuitBreaker::reset, CircuitBreaker::half_open, CircuitBreaker::close][rng.usize(0..3)](breaker);
            thread::sleep(while_it_lasts);
        }),
        10..=12 => change(target, rng),
        13 | 14 => fail_to_change(target, rng),
        15..=17 => snapshots.push(breaker.snapshot()),
        18 => {
            if !snapshots.is_empty() {
                breaker.restore(&snapshots.swap_remove(rng.usize(0..snapshots.len())));
                one(Tally::Restored);
            }
        }
        19 if target.is_clocked => take_another_clock(breaker, rng),
        19 | 20 => breaker.auto(),
        _ => drop((breaker.locations(), format!("{breaker:?}"))),
    }
    snapshots.truncate(50);
}

/// Time stands still for a while, and jumps.
fn take_another_clock(breaker: &CircuitBreaker, rng: &mut Rng) {
    let clock = ManualClock::new();
    clock.set(milliseconds(rng, 0..100_000));
    breaker.set_clock(clock.clone());
    for _ in 0..rng.u8(0..6) {
        thread::sleep(milliseconds(rng, 1..4));
        clock.advance(milliseconds(rng, 0..100));
    }
    breaker.set_clock(SystemClock);
    one(Tally::ClockChanges);
}

/// The keys that every change states.
const STATED: [Key; 6] = [
    Key::RecoveryTimeout,
    Key::HalfOpenMaxCalls,
    Key::SuccessThreshold,
    Key::HalfOpenTimeout,
    Key::Multiplier,
    Key::Jitter,
];

fn change(target: &Target, rng: &mut Rng) {
    let change = valid(rng, target.way);
    let taken = target.breaker.reconfigure(change.clone());
    let status = target.breaker.status();
    one(Tally::ChangesTaken);
    match (taken, change.build()) {
        (Ok(()), Ok(wanted)) => {
            let is_in_force = |key: &Key| {
                let setting = status.setting(*key);
                setting.value == wanted.get(*key) && setting.origin == Origin::Runtime
            };
            let is_all = STATED.iter().all(is_in_force);
            check(Law::ValidIsTaken, is_all, || format!("'{}': {wanted:?} gave {:?}", status.name, status.settings));
        }
        refused => check(Law::ValidIsTaken, false, || format!("'{}': {refused:?}", status.name)),
    }
}

fn fail_to_change(target: &Target, rng: &mut Rng) {
    let (change, key) = invalid(rng);
    let before = target.breaker.status().settings;
    let refused = target.breaker.reconfigure(change);
    let after = target.breaker.status().settings;
    one(Tally::ChangesRefused);
    let named = refused.as_ref().map_err(|error| error.key().to_owned());
    same(Law::InvalidIsRefused, target.name(), &named, &Err(key.to_owned()));
    same(Law::InvalidIsRefused, target.name(), &after, &before);
}
