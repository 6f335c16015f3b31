//! How many retries a client may make: a share of its calls, and a few each second. Whether a request may be
//! tried again at all is `retries`.
//!
//! Not tower's `TpsBudget`: its tokens are whole numbers, by which a share of 60 % comes to 100 %.

use parking_lot::Mutex;

/// Seconds for which retries of the reserve that nobody made are kept.
const KEPT: f64 = 10.0;

/// A bucket of retries. It starts with those of one second.
#[derive(Debug)]
pub(super) struct Budget {
    share: f64,
    per_second: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    retries: f64,
    /// Until when it is filled, in nanoseconds of the clock.
    filled: u64,
}

impl Budget {
    pub(super) fn new(share: f64, per_second: u32, now: u64) -> Self {
        let per_second = f64::from(per_second);
        Budget { share, per_second, bucket: Mutex::new(Bucket { retries: per_second, filled: now }) }
    }

    /// A call begins, which allows for a share of a retry.
    pub(super) fn deposit(&self, now: u64) {
        self.change(now, self.share);
    }

    /// Takes a retry out, if there is one.
    pub(super) fn withdraw(&self, now: u64) -> bool {
        self.change(now, -1.0)
    }

    /// Tells whether there was enough, and changes nothing if there was not.
    fn change(&self, now: u64, by: f64) -> bool {
        let mut bucket = self.bucket.lock();
        let seconds = now.saturating_sub(bucket.filled) as f64 / 1e9;
        bucket.filled = bucket.filled.max(now);
        // A burst of failures may use up what calls have saved, but not what they saved hours ago.
        let full = KEPT * self.per_second.max(1.0);
        let filled = (bucket.retries + self.per_second * seconds).min(full);
        let left = (filled + by).min(full);
        // Five fifths of a float are a little less than one.
        let is_enough = left > -1e-6;
        bucket.retries = if is_enough { left.max(0.0) } else { filled };
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn retries(budget: &Budget, now: u64) -> usize {
        (0..10_000).take_while(|_| budget.withdraw(now)).count()
    }

    #[test]
    fn a_share_of_the_calls_may_be_retried() {
        for (share, expected) in [(0.2, 200), (0.1, 100), (0.6, 600), (1.0, 1000), (2.5, 2500)] {
            let budget = Budget::new(share, 0, 0);
            let mut made = 0;
            for _ in 0..1000 {
                budget.deposit(0);
                made += retries(&budget, 0);
            }
            assert_eq!(made, expected, "{share}");
        }
    }

    #[test]
    fn a_reserve_of_each_second_is_kept_for_ten() {
        let budget = Budget::new(0.0, 3, SECOND);
        assert_eq!(retries(&budget, SECOND), 3);
        assert_eq!(retries(&budget, SECOND), 0);
        assert_eq!(retries(&budget, 2 * SECOND), 3);
        assert_eq!(retries(&budget, 2 * SECOND + SECOND / 3 + 1), 1);
        assert_eq!(retries(&budget, 100 * SECOND), 30);
    }

    #[test]
    fn what_calls_save_is_limited_and_a_clock_that_steps_back_gives_nothing() {
        let budget = Budget::new(0.2, 0, SECOND);
        for _ in 0..10_000 {
            budget.deposit(SECOND);
        }
        assert_eq!(retries(&budget, SECOND), 10);
        let budget = Budget::new(0.0, 1, 5 * SECOND);
        assert_eq!(retries(&budget, 5 * SECOND), 1);
        assert_eq!(retries(&budget, SECOND), 0);
        assert_eq!(retries(&budget, 5 * SECOND), 0);
    }

    #[test]
    fn without_a_share_and_a_reserve_nothing_is_retried() {
        let budget = Budget::new(0.0, 0, 0);
        budget.deposit(0);
        assert!(!budget.withdraw(u64::MAX));
    }
}
