//! What the instances that share a folder have in common beside their agreements: a clock, and who lives.
//!
//! The clock never goes back, and nobody sets it. Within one start of a machine it goes with the time since that
//! start, which all processes of the machine see alike; over a restart, and between machines, the wall clock tells.
//! Whoever finds something in the folder that is later than his own time sets his part of the clock to it.

use serde::{Deserialize, Serialize};

use super::lives::{Ends, Lives};
use super::sealed::{Form, Unreadable};
use super::times::Moment;

const FORM: Form = Form { kind: "CBC", version: 1 };
/// Machines, and starts of machines, whose clocks are remembered.
const CLOCKS: usize = 32;
/// The year 2255: what is later is no time.
const LAST: u64 = 1 << 53;

/// A clock, and who lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Common {
    clocks: Vec<Ahead>,
    lives: Lives,
}

/// How far the clock of the folder is ahead of a steady clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ahead {
    of: String,
    us: i64,
}

impl Common {
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        FORM.seal(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Common, Unreadable> {
        FORM.unseal(bytes)
    }

    /// The time of the folder in microseconds, from one on.
    pub(super) fn time(&mut self, now: &Moment) -> u64 {
        let (of, us) = now.steady();
        let ahead = match self.clocks.iter().find(|clock| clock.of == of) {
            Some(clock) => clock.us,
            None => self.set(of, ahead(now.wall(), us)),
        };
        us.min(LAST).saturating_add_signed(ahead).clamp(1, LAST)
    }

    /// Makes the time at least this one.
    pub(super) fn advance(&mut self, to: u64, now: &Moment) -> u64 {
        let (time, (of, us)) = (self.time(now), now.steady());
        if to <= time {
            return time;
        }
        self.set(of, ahead(to, us));
        self.time(now)
    }

    fn set(&mut self, of: &str, us: i64) -> i64 {
        self.clocks.retain(|clock| clock.of != of);
        self.clocks.push(Ahead { of: of.to_owned(), us });
        let surplus = self.clocks.len().saturating_sub(CLOCKS);
        self.clocks.drain(..surplus);
        us
    }

    /// Who lives, of those that have this breaker.
    pub(super) fn alive(&self, breaker: &str) -> Ends {
        self.lives.of(breaker)
    }

    /// Takes up who lives. A sign of life that holds for most of its time is not renewed.
    pub(super) fn keep_alive(&mut self, breaker: &str, alive: Ends, now: u64) {
        self.lives.keep(breaker, alive, now);
    }

    /// Forgets who lives no more, also of breakers that nobody asks about.
    pub(super) fn forget(&mut self, now: u64) {
        self.lives.forget(now);
    }
}

fn ahead(time: u64, of: u64) -> i64 {
    time.min(LAST).cast_signed() - of.min(LAST).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::super::times::Moment;
    use super::{CLOCKS, Common, LAST};

    /// Seconds by the wall clock, and since the start of a machine.
    fn moment(wall: u64, start: &str, since: u64) -> Moment {
        Moment::of(wall * 1000, Some((start, since * 1000)))
    }

    fn seconds(time: u64) -> u64 {
        time / 1_000_000
    }

    #[test]
    fn within_one_start_the_wall_clock_may_jump() {
        let mut common = Common::default();
        assert_eq!(seconds(common.time(&moment(1000, "a", 5))), 1000);
        assert_eq!(seconds(common.time(&moment(9_000_000, "a", 15))), 1010);
        assert_eq!(seconds(common.time(&moment(0, "a", 25))), 1020);
    }

    #[test]
    fn over_a_restart_and_between_machines_the_wall_clock_tells_and_time_never_goes_back() {
        let mut common = Common::default();
        common.time(&moment(1000, "a", 5));
        assert_eq!(seconds(common.time(&moment(2000, "b", 1))), 2000);
        // A third one is behind: it finds what the second has written.
        assert_eq!(seconds(common.time(&moment(1500, "c", 7))), 1500);
        assert_eq!(seconds(common.advance(2_000_000_000, &moment(1500, "c", 7))), 2000);
        assert_eq!(seconds(common.time(&moment(1501, "c", 8))), 2001);
        assert_eq!(seconds(common.advance(1, &moment(1501, "c", 8))), 2001);
        assert_eq!(seconds(common.time(&moment(1000, "a", 6))), 1001);
    }

    #[test]
    fn without_a_steady_clock_the_wall_clock_is_one() {
        let mut common = Common::default();
        assert_eq!(seconds(common.time(&Moment::of(1_000_000, None))), 1000);
        assert_eq!(seconds(common.advance(2_000_000_000, &Moment::of(1_000_000, None))), 2000);
        assert_eq!(seconds(common.time(&Moment::of(1_005_000, None))), 2005);
    }

    #[test]
    fn absurd_times_are_survived() {
        let mut common = Common::default();
        assert_eq!(common.time(&moment(0, "a", 0)), 1);
        assert_eq!(common.time(&Moment::of(u64::MAX, Some(("b", 0)))), LAST);
        assert_eq!(common.time(&Moment::of(0, Some(("c", u64::MAX)))), 1);
        assert_eq!(common.advance(u64::MAX, &moment(1, "d", 0)), LAST);
        for start in 0..100 {
            common.time(&moment(1, &start.to_string(), 0));
        }
        assert_eq!(common.clocks.len(), CLOCKS);
    }
}
