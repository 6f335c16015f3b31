//! How a cost is measured: samples of many calls, rounds that interleave the subjects, medians and quartiles.
//!
//! A *sample* is one run of enough calls that reading the clock does not matter. A *round* takes one sample of every
//! subject, so that whatever slows the machine down for a moment hits all of them. Nothing here knows what is called:
//! the caller hands in closures that hold their own, monomorphised loop.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Samples of each subject.
    pub rounds: usize,
    /// How long one sample takes at least.
    pub sample: Duration,
    /// A smoke run: it shows that everything works, not what it costs.
    pub quick: bool,
}

impl Effort {
    pub const FULL: Self = Self { rounds: 101, sample: Duration::from_micros(200), quick: false };
    pub const QUICK: Self = Self { rounds: 5, sample: Duration::from_micros(50), quick: true };
}

/// What can be timed: given a number of calls, it makes them and says how long that took.
pub type Timed<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

/// Nanoseconds a call, one figure a round.
#[derive(Clone, Debug)]
pub struct Samples(pub Vec<f64>);

/// The middle of some figures and the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Samples {
    pub fn spread(&self) -> Spread {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        Spread { lower: quantile(&sorted, 0.25), median: quantile(&sorted, 0.5), upper: quantile(&sorted, 0.75) }
    }

    /// The ratio to `base`, round by round, so that what slowed down both in a round cancels out.
    pub fn ratio_to(&self, base: &Samples) -> Spread {
        Samples(self.0.iter().zip(&base.0).map(|(own, base)| own / base).collect()).spread()
    }
}

/// The value below which the share `at` of `sorted` lies; between two values it is interpolated.
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = at * last as f64;
    let below = position.floor();
    let (low, high) = (sorted[below as usize], sorted[position.ceil() as usize]);
    low + (high - low) * (position - below)
}

/// Which subject comes when in a round: each round begins with another one, and every second runs backwards, so that
/// none is always measured after the same neighbour.
pub fn order(round: usize, subjects: usize) -> impl Iterator<Item = usize> {
    (0..subjects).map(move |step| {
        let forward = (round + step) % subjects;
        if round.is_multiple_of(2) { forward } else { subjects - 1 - forward }
    })
}

/// Samples of all subjects, in their order; `effort.rounds` figures each.
pub fn interleave(subjects: &mut [Timed<'_>], effort: &Effort) -> Vec<Samples> {
    let calls: Vec<u64> = subjects.iter_mut().map(|subject| calibrate(subject, effort.sample)).collect();
    interleave_calls(subjects, &calls, effort.rounds)
}

/// The same with the number of calls that each sample of a subject makes.
pub fn interleave_calls(subjects: &mut [Timed<'_>], calls: &[u64], rounds: usize) -> Vec<Samples> {
    let mut samples = vec![Samples(Vec::with_capacity(rounds)); subjects.len()];
    for round in 0..rounds {
        for index in order(round, subjects.len()) {
            let taken = subjects[index](calls[index]);
            samples[index].0.push(taken.as_secs_f64() * 1e9 / calls[index] as f64);
        }
    }
    samples
}

/// How many calls take `sample`. The runs that find it out warm the subject up.
pub fn calibrate(subject: &mut Timed<'_>, sample: Duration) -> u64 {
    let mut calls = 64;
    loop {
        let taken = subject(calls);
        if taken >= sample {
            return calls;
        }
        let missing = sample.as_secs_f64() / taken.as_secs_f64().max(1e-9);
        calls = (calls as f64 * missing.clamp(1.3, 16.0)).ceil() as u64;
    }
}

/// Time of `calls` calls, one after the other. The argument is the number of the call; what comes back is not
/// optimised away.
#[inline(always)]
pub fn time<R>(calls: u64, mut call: impl FnMut(u64) -> R) -> Duration {
    let start = Instant::now();
    for number in 0..calls {
        let _ = black_box(call(number));
    }
    start.elapsed()
}

/// Time of `calls` calls on each of two threads at once: the mean of both. `caller` makes what each thread calls.
///
/// The threads are not pinned: on two otherwise idle cores the scheduler keeps them apart. Where it did not, because
/// the machine has other work to do, the sample is taken again.
pub fn time_two<F, R>(calls: u64, caller: impl Fn() -> F + Sync) -> Duration
where
    F: FnMut(u64) -> R,
{
    at_once(|| {
        let waiting = AtomicUsize::new(2);
        let run = || {
            let mut call = caller();
            // What a thread sets up at its first calls is no cost of a call.
            time(16, &mut call);
            meet(&waiting);
            let start = Instant::now();
            time(calls, call);
            (start, Instant::now())
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(run);
            let own = run();
            (own, other.join().expect("the calls do not panic"))
        })
    })
}

/// When something began and ended.
pub type Span = (Instant, Instant);

/// Takes a sample of two threads until they ran at the same time, but not for ever: the mean of what they took.
pub fn at_once(mut sample: impl FnMut() -> (Span, Span)) -> Duration {
    let mut attempts = 0;
    loop {
        let (one, other) = sample();
        attempts += 1;
        if ran_at_once(one, other) || attempts == 50 {
            return (one.1 - one.0 + (other.1 - other.0)) / 2;
        }
    }
}

/// Whether nearly all of the shorter span lies within the other. The longer may go on alone: one of two threads that
/// fight for a lock can be much faster.
fn ran_at_once(one: Span, other: Span) -> bool {
    let common = one.1.min(other.1).saturating_duration_since(one.0.max(other.0));
    let shorter = (one.1 - one.0).min(other.1 - other.0);
    common >= shorter.mul_f64(0.9)
}

/// Waits until `waiting` threads are here. Spinning, because a thread that has to be woken up starts late.
fn meet(waiting: &AtomicUsize) {
    waiting.fetch_sub(1, Ordering::AcqRel);
    let mut spins = 0_u32;
    while waiting.load(Ordering::Acquire) > 0 {
        spins += 1;
        // The other thread may not have a core yet.
        if spins.is_multiple_of(1024) { std::thread::yield_now() } else { spin_loop() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_quartiles_lie_between_the_values() {
        let spread = Samples(vec![4.0, 1.0, 3.0, 2.0]).spread();
        assert_eq!(spread, Spread { lower: 1.75, median: 2.5, upper: 3.25 });
        assert_eq!(Samples(vec![7.0]).spread(), Spread { lower: 7.0, median: 7.0, upper: 7.0 });
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let bare = Samples(vec![1.0, 10.0, 2.0]);
        let twice = Samples(vec![2.0, 20.0, 4.0]);
        assert_eq!(twice.ratio_to(&bare), Spread { lower: 2.0, median: 2.0, upper: 2.0 });
    }

    #[test]
    fn a_round_has_every_subject_once_and_each_begins_with_another() {
        let mut first = Vec::new();
        for round in 0..10 {
            let mut round: Vec<usize> = order(round, 5).collect();
            first.push(round[0]);
            round.sort_unstable();
            assert_eq!(round, [0, 1, 2, 3, 4]);
        }
        first.sort_unstable();
        assert_eq!(first, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn rounds_interleave_the_subjects() {
        let log = std::cell::RefCell::new(Vec::new());
        let subject = |name: char| -> Timed<'_> {
            let log = &log;
            Box::new(move |calls| {
                log.borrow_mut().push(name);
                Duration::from_nanos(calls)
            })
        };
        let effort = Effort { rounds: 2, sample: Duration::from_nanos(64), quick: true };
        let samples = interleave(&mut [subject('a'), subject('b'), subject('c')], &effort);
        assert_eq!(
            log.borrow().iter().collect::<String>(),
            "abc" /* calibrating */
                .to_owned()
                + "abc"
                + "bac"
        );
        assert_eq!(samples[2].0, [1.0, 1.0]);
    }

    #[test]
    fn threads_that_ran_one_after_the_other_are_noticed() {
        let start = Instant::now();
        let span = |from, to| (start + Duration::from_micros(from), start + Duration::from_micros(to));
        assert!(ran_at_once(span(0, 100), span(1, 99)));
        assert!(ran_at_once(span(0, 100), span(5, 30)));
        assert!(!ran_at_once(span(0, 100), span(100, 200)));
        assert!(!ran_at_once(span(0, 100), span(50, 150)));
    }

    #[test]
    fn both_threads_make_their_calls() {
        let made = AtomicUsize::new(0);
        time_two(100, || |_| made.fetch_add(1, Ordering::Relaxed));
        let made = made.into_inner();
        // A sample that was taken again made them again.
        assert!(made > 0 && made.is_multiple_of(2 * (16 + 100)), "{made}");
    }
}
