//! Faults at random moments. After each, all instances agree; with the store in health, no episode has more trial calls
//! than allowed.

use std::thread;
use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::part::{RECOVERY_TIMEOUT, TRIALS};

const FAULTS: usize = 12;
const LONG: Duration = Duration::from_secs(30);

/// A number that looks random (`xorshift`); the seed is told, so that a failure can be repeated.
struct Chance(u64);

impl Chance {
    fn new() -> Chance {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) * 0x9e37_79b9 + 1);
        println!("SEED={seed}");
        Chance(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn wait(&mut self, most_millis: usize) {
        thread::sleep(Duration::from_millis(self.below(most_millis) as u64));
    }
}

/// Processes die and stand still, the backend goes down and comes back.
fn of_processes(fleet: &mut Fleet, chance: &mut Chance) {
    let at = chance.below(fleet.instances.len());
    match chance.below(4) {
        0 => {
            fleet.instances.remove(at).kill();
            chance.wait(500);
            fleet.add();
        }
        1 => {
            fleet.instances[at].stop();
            chance.wait(1500);
            fleet.instances[at].go_on();
        }
        2 => fleet.backend.set_down(true),
        _ => fleet.backend.set_down(false),
    }
}

fn of_redis(fleet: &mut Fleet, chance: &mut Chance) {
    match chance.below(3) {
        0 => {
            fleet.redis().kill();
            chance.wait(1500);
            fleet.redis().restart();
        }
        1 => {
            fleet.redis().stop();
            chance.wait(1500);
            fleet.redis().go_on();
        }
        _ => fleet.redis().flush(),
    }
}

/// Waits until all agree: in the end on what is so.
fn settle(fleet: &mut Fleet, start: Instant) {
    fleet.until_agreed();
    println!("  {:?} after the beginning: agreed", start.elapsed());
}

#[test]
fn after_faults_of_processes_all_agree_and_no_episode_has_more_trials_than_allowed() {
    let mut chance = Chance::new();
    let mut fleets = vec![Fleet::with_folder(4)];
    fleets.extend(Fleet::with_redis(4));
    for mut fleet in fleets {
        let start = Instant::now();
        for _ in 0..FAULTS {
            of_processes(&mut fleet, &mut chance);
            chance.wait(2 * RECOVERY_TIMEOUT.as_millis() as usize);
            settle(&mut fleet, start);
        }
        fleet.backend.set_down(false);
        fleet.all_closed(LONG);
        let trials = fleet.backend.trials();
        // One that stood still with a lease may have lost it meanwhile, and be a trial all the same.
        let too_many: Vec<_> = trials.iter().filter(|(_, trials)| **trials > TRIALS).collect();
        assert!(too_many.is_empty(), "{too_many:?} of {trials:?}");
    }
}

#[test]
fn after_faults_of_redis_all_agree() {
    let mut chance = Chance::new();
    let Some(mut fleet) = Fleet::with_redis(4) else { return };
    let start = Instant::now();
    for _ in 0..FAULTS {
        if chance.below(2) == 0 {
            of_redis(&mut fleet, &mut chance);
        } else {
            of_processes(&mut fleet, &mut chance);
        }
        chance.wait(RECOVERY_TIMEOUT.as_millis() as usize);
        settle(&mut fleet, start);
    }
    fleet.backend.set_down(false);
    fleet.all_closed(LONG);
    fleet.until_agreed();
}
