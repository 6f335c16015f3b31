//! The windows over which rates are taken: the last calls, or the calls of the last time.
//!
//! A window holds failures and slow calls one by one, and successes as a number. As long as it
//! holds neither a failure nor a slow call it is clean: a success would change nothing but the
//! number of calls, and that is read off the stripes when it matters.

use crate::stripes::Stripes;

/// What a window holds, as far as a rate is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
    pub(crate) slow_failures: u64,
}

impl Tally {
    /// Whether a success would change nothing but the number of calls.
    pub(crate) fn is_clean(&self) -> bool {
        self.failures == 0 && self.slow == 0
    }
}

/// One recorded call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

#[derive(Debug)]
pub(crate) enum Window {
    Count(CountWindow),
    Time(TimeWindow),
}

/// The last `size` calls, as two rings of bits.
#[derive(Debug)]
pub(crate) struct CountWindow {
    size: u64,
    next: u64,
    filled: u64,
    failed: Box<[u64]>,
    slow: Box<[u64]>,
    tally: Tally,
    /// Successes in the stripes that the window knows of.
    seen: u64,
}

impl CountWindow {
    pub(crate) fn new(size: u32, successes: u64) -> Self {
        let words = (size as usize).div_ceil(64);
        CountWindow {
            size: u64::from(size),
            next: 0,
            filled: 0,
            failed: vec![0; words].into(),
            slow: vec![0; words].into(),
            tally: Tally::default(),
            seen: successes,
        }
    }

    /// Takes in the successes that passed while the window was clean: zeros over zeros.
    fn catch_up(&mut self, successes: u64) {
        if self.tally.is_clean() {
            let passed = successes.saturating_sub(self.seen);
            self.next = (self.next + passed % self.size) % self.size;
            self.filled = self.size.min(self.filled.saturating_add(passed));
            self.seen = successes;
        }
    }

    fn push(&mut self, entry: Entry) {
        let (word, bit) = ((self.next / 64) as usize, 1 << (self.next % 64));
        let (failed, slow) = (self.failed[word] & bit != 0, self.slow[word] & bit != 0);
        self.tally.failures -= u64::from(failed);
        self.tally.slow -= u64::from(slow);
        self.tally.slow_failures -= u64::from(failed && slow);
        self.failed[word] &= !bit;
        self.slow[word] &= !bit;
        if entry.failed {
            self.failed[word] |= bit;
            self.tally.failures += 1;
        }
        if entry.slow {
            self.slow[word] |= bit;
            self.tally.slow += 1;
            self.tally.slow_failures += u64::from(entry.failed);
        }
        self.next = (self.next + 1) % self.size;
        self.filled = self.size.min(self.filled + 1);
    }
}

/// How many buckets a time window has.
const BUCKETS: usize = 10;
const NEVER: u64 = u64::MAX;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    number: u64,
    failures: u32,
    slow: u32,
    slow_failures: u32,
}

impl Bucket {
    const EMPTY: Bucket = Bucket { number: NEVER, failures: 0, slow: 0, slow_failures: 0 };
}

/// How many successes a stripe had when its first one of a bucket came.
#[derive(Clone, Copy, Debug)]
struct Mark {
    number: u64,
    before: u64,
}

/// The calls of the last ten buckets of time. Failures and slow calls lie in the buckets;
/// successes are read off the stripes, between the oldest mark still in the window and now.
#[derive(Debug)]
pub(crate) struct TimeWindow {
    width: u64,
    newest: u64,
    buckets: [Bucket; BUCKETS],
    marks: Vec<(usize, [Mark; BUCKETS])>,
}

impl TimeWindow {
    pub(crate) fn new(duration: u64) -> Self {
        TimeWindow {
            width: (duration / BUCKETS as u64).max(1),
            newest: 0,
            buckets: [Bucket::EMPTY; BUCKETS],
            marks: Vec::new(),
        }
    }

    /// The bucket of a time. Never an earlier one than before, so that a clock may step back.
    fn advance(&mut self, now: u64) -> u64 {
        self.newest = self.newest.max(now / self.width);
        self.newest
    }

    fn oldest(newest: u64) -> u64 {
        newest.saturating_sub(BUCKETS as u64 - 1)
    }

    fn push(&mut self, entry: Entry, now: u64) {
        let number = self.advance(now);
        let bucket = &mut self.buckets[(number % BUCKETS as u64) as usize];
        if bucket.number != number {
            *bucket = Bucket { number, ..Bucket::EMPTY };
        }
        let add = |count: &mut u32, is: bool| *count = count.saturating_add(u32::from(is));
        add(&mut bucket.failures, entry.failed);
        add(&mut bucket.slow, entry.slow);
        add(&mut bucket.slow_failures, entry.failed && entry.slow);
    }

    /// Notes where a stripe stands before its first success of a bucket; returns when the bucket ends.
    fn mark(&mut self, stripe: usize, before: u64, now: u64) -> u64 {
        let number = self.advance(now);
        let place = self.marks.iter().position(|(known, _)| *known == stripe).unwrap_or_else(|| {
            self.marks.push((stripe, [Mark { number: NEVER, before: 0 }; BUCKETS]));
            self.marks.len() - 1
        });
        let mark = &mut self.marks[place].1[(number % BUCKETS as u64) as usize];
        if mark.number != number {
            *mark = Mark { number, before };
        }
        number.saturating_add(1).saturating_mul(self.width)
    }

    fn tally(&self, now: u64, stripes: &Stripes) -> Tally {
        let newest = self.newest.max(now / self.width);
        let live = Self::oldest(newest)..=newest;
        let mut tally = Tally::default();
        for bucket in self.buckets.iter().filter(|bucket| live.contains(&bucket.number)) {
            tally.failures += u64::from(bucket.failures);
            tally.slow += u64::from(bucket.slow);
            tally.slow_failures += u64::from(bucket.slow_failures);
        }
        let successes: u64 = self
            .marks
            .iter()
            .filter_map(|(stripe, marks)| {
                let oldest = marks.iter().filter(|mark| live.contains(&mark.number)).map(|mark| mark.before).min()?;
                Some(stripes.successes_of(*stripe).saturating_sub(oldest))
            })
            .sum();
        tally.calls = successes + tally.failures;
        tally
    }
}

impl Window {
    /// Takes in a call. Its success, if it is one, stands in the stripes already.
    pub(crate) fn record(&mut self, entry: Entry, now: u64, stripes: &Stripes) {
        match self {
            Window::Count(window) => {
                if window.tally.is_clean() {
                    // A success of this very call is in the sum already, and must not count twice.
                    let own = u64::from(!entry.failed);
                    window.catch_up(stripes.successes().saturating_sub(own));
                    window.seen += own;
                }
                window.push(entry);
                if window.tally.is_clean() {
                    window.seen = stripes.successes();
                }
            }
            Window::Time(window) => {
                if entry.failed || entry.slow {
                    window.push(entry, now);
                }
            }
        }
    }

    /// What the window holds now. Reading alone lets a time window expire.
    pub(crate) fn tally(&self, now: u64, stripes: &Stripes) -> Tally {
        match self {
            Window::Count(window) => {
                let passed = if window.tally.is_clean() { stripes.successes().saturating_sub(window.seen) } else { 0 };
                Tally { calls: window.size.min(window.filled.saturating_add(passed)), ..window.tally }
            }
            Window::Time(window) => window.tally(now, stripes),
        }
    }

    /// Empties the window.
    pub(crate) fn clear(&mut self, stripes: &Stripes) {
        match self {
            Window::Count(window) => {
                window.failed.fill(0);
                window.slow.fill(0);
                (window.next, window.filled, window.tally) = (0, 0, Tally::default());
                window.seen = stripes.successes();
            }
            Window::Time(window) => {
                window.newest = 0;
                window.buckets = [Bucket::EMPTY; BUCKETS];
                window.marks.clear();
                stripes.expire_marks();
            }
        }
    }

    /// Lets a stripe know its bucket: called by its first success of each.
    pub(crate) fn mark(&mut self, stripe: usize, stripes: &Stripes, now: u64) {
        if let Window::Time(window) = self {
            let end = window.mark(stripe, stripes.successes_of(stripe), now);
            stripes.set_bucket_end(stripe, end);
        }
    }
}
