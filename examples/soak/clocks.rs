//! Breakers on the system's clock: races for trials, as in `lab`, in a time that no run takes; and clocks
//! that are exchanged while an open circuit is called. What is left of its time stays, and no call compares
//! a time of one clock with a time of another.

use std::thread;
use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ManualClock, State, SystemClock};
use fastrand::Rng;

use crate::law::{self, Law, check, same};
use crate::race::{Crew, HANDS, Order};
use crate::settings::milliseconds;
use crate::tally::{Tally, one};
use crate::target::Kind;
use crate::world::World;

/// An open time that no experiment takes half of, on the slowest machine.
const OPEN: Duration = Duration::from_secs(3600);

/// Exchanges clocks until the storm is over, each time of a new breaker, which has the system's own.
pub(crate) fn exchange(world: &World, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let clocks = [0, 1_000_000_000].map(|seconds| {
        let clock = ManualClock::new();
        clock.set(Duration::from_secs(seconds));
        clock
    });
    while world.is_storm() && !law::is_any_broken() {
        let most = rng.u32(1..6);
        let settings = Config::builder().half_open_max_calls(most).half_open_timeout(OPEN);
        let Ok(breaker) = CircuitBreaker::new("clocks", settings) else { return };
        thread::scope(|scope| {
            let crew = Crew::gather(scope, &breaker, &mut rng);
            race_for_trials(&breaker, &crew, most);
            breaker.open_for(OPEN);
            let report = crew.meanwhile(Order::Ask(50), || {
                for _ in 0..rng.u8(1..20) {
                    match rng.usize(0..3) {
                        2 => breaker.set_clock(SystemClock),
                        number => breaker.set_clock(clocks[number].clone()),
                    }
                    one(Tally::ClockChanges);
                    if rng.bool() {
                        thread::yield_now();
                    }
                }
            });
            let is_left = |time: &Option<Duration>| time.is_some_and(|time| OPEN / 2 < time && time < OPEN * 2);
            let is_right = report.admitted == 0 && report.wrong == 0 && report.retry_after.iter().all(is_left);
            check(Law::NoneWhileOpen, is_right, || {
                let strange = report.retry_after.iter().filter(|time| !is_left(time)).collect::<Vec<_>>();
                let (admitted, wrong) = (report.admitted, report.wrong);
                format!("clocks exchanged: {admitted} admitted, {wrong} said not to be open, {strange:?} left")
            });
        });
        thread::sleep(milliseconds(&mut rng, 1..5));
    }
}

/// All ask as often as there are places; some give theirs back; all that are left succeed.
fn race_for_trials(breaker: &CircuitBreaker, crew: &Crew, most: u32) {
    breaker.half_open();
    let mut free = most;
    for _ in 0..3 {
        let report = crew.all(Order::Acquire(most));
        let found = (report.admitted, report.ended(Kind::RefusedFull));
        let expected = (free, u64::from(most * HANDS - free));
        same(Law::TrialsAreLimited, "on the system's clock", &found, &expected);
        free = crew.all(Order::End(Kind::Cancelled, 1)).ended(Kind::Cancelled) as u32;
    }
    let report = crew.all(Order::Acquire(most));
    same(Law::TrialsAreLimited, "on the system's clock", &report.admitted, &free);
    crew.all(Order::End(Kind::Succeeded, most));
    same(Law::MovesAsOrdered, "on the system's clock", &breaker.state(), &State::Closed);
}
