//! The windows over which rates are taken: the last calls, or the calls of the last time.
//!
//! A window holds failures and slow calls one by one, and successes as a number, which is read off
//! the stripes when it matters. So a success writes its counter and nothing else: that it pushes an
//! old failure out of the window is made up for at the next look.

use crate::policy::{Least, Policy};
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
    /// Of a breaker without a window.
    pub(crate) const NONE: &Tally = &Tally { calls: 0, failures: 0, slow: 0, slow_failures: 0 };

    /// Whether every success has to be looked at. With enough calls one can only lower the rates;
    /// before, it may be the one that brings the window to its minimum. Not only if there are failures: a
    /// success that is under way while the first one is counted would be looked at by nobody.
    pub(crate) fn waits_for_calls(&self, policy: &Policy) -> bool {
        self.calls < u64::from(policy.minimum_calls)
    }

    /// Whether there are as many failures or slow calls as a rate takes at least.
    #[inline]
    pub(crate) fn may_reach(&self, least: &Least) -> bool {
        self.failures >= u64::from(least.failures) || self.slow >= u64::from(least.slow)
    }
}

/// One recorded call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

impl Entry {
    pub(crate) const SUCCEEDED: Entry = Entry { failed: false, slow: false };
    const FAILED: Entry = Entry { failed: true, slow: false };
}

#[derive(Debug)]
pub(crate) enum Window {
    Count(Box<CountWindow>),
    Time(Box<TimeWindow>),
}

/// The last `size` calls, as two rings of bits.
#[derive(Debug)]
pub(crate) struct CountWindow {
    size: u64,
    next: u64,
    /// For each 64 calls, a bit each that failed and that was slow. There are calls in the
    /// `tally.calls` places before `next`; in the others there may be anything.
    bits: Box<[Bits]>,
    /// Whether no bit is set anywhere.
    is_zero: bool,
    tally: Tally,
    /// Successes in the stripes that the window knows of.
    seen: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bits {
    failed: u64,
    slow: u64,
}

impl CountWindow {
    fn new(size: u32, successes: u64) -> Self {
        CountWindow {
            size: u64::from(size),
            next: 0,
            bits: vec![Bits::default(); (size as usize).div_ceil(64)].into(),
            is_zero: true,
            tally: Tally::default(),
            seen: successes,
        }
    }

    fn record(&mut self, entry: Entry, stripes: &Stripes) -> &Tally {
        // A success of this very call is in the sum already, and must not count twice.
        let own = u64::from(!entry.failed);
        self.catch_up(stripes.successes().saturating_sub(own));
        self.seen += own;
        self.push(entry);
        &self.tally
    }

    #[inline]
    fn fail(&mut self, stripes: &Stripes) -> &Tally {
        self.catch_up(stripes.successes());
        self.push(Entry::FAILED);
        &self.tally
    }

    /// Takes in the successes that have passed since the last look: zeros over what is oldest.
    #[inline]
    fn catch_up(&mut self, successes: u64) {
        if successes > self.seen {
            let passed = successes - self.seen;
            self.seen = successes;
            self.advance(passed);
        }
    }

    #[inline(never)]
    fn advance(&mut self, passed: u64) {
        if passed >= self.size {
            if !self.is_zero {
                self.bits.fill(Bits::default());
                self.is_zero = true;
            }
            self.tally = Tally { calls: self.size, ..Tally::default() };
            self.next = (self.next + passed % self.size) % self.size;
            return;
        }
        let blank = passed.min(self.size - self.tally.calls);
        self.overwrite(blank, false);
        self.overwrite(passed - blank, true);
        self.tally.calls += blank;
        self.is_zero |= self.tally.calls == self.size && self.tally.failures == 0 && self.tally.slow == 0;
    }

    /// Puts zeros in the next places, word by word. What was there counts, if it was a call.
    fn overwrite(&mut self, places: u64, counts: bool) {
        let mut left = places;
        while left > 0 {
            let (word, bit) = ((self.next / 64) as usize, self.next % 64);
            let length = left.min(64 - bit).min(self.size - self.next);
            if !self.is_zero {
                self.take_out(word, (u64::MAX >> (64 - length)) << bit, counts);
            }
            self.next = if self.next + length < self.size { self.next + length } else { 0 };
            left -= length;
        }
    }

    fn take_out(&mut self, word: usize, places: u64, counts: bool) {
        let bits = &mut self.bits[word];
        let (failed, slow) = (bits.failed & places, bits.slow & places);
        if counts {
            self.tally.failures -= u64::from(failed.count_ones());
            self.tally.slow -= u64::from(slow.count_ones());
            self.tally.slow_failures -= u64::from((failed & slow).count_ones());
        }
        bits.failed &= !places;
        bits.slow &= !places;
    }

    #[inline]
    fn push(&mut self, entry: Entry) {
        let (word, bit) = ((self.next / 64) as usize, 1 << (self.next % 64));
        if self.tally.calls < self.size {
            self.fill(word, bit);
        }
        let bits = &self.bits[word];
        let oldest = Entry { failed: bits.failed & bit != 0, slow: bits.slow & bit != 0 };
        // Like over like changes nothing: in a storm of failures the window is full of them.
        if entry != oldest {
            self.replace(word, bit, oldest, entry);
        }
        self.next = if self.next + 1 < self.size { self.next + 1 } else { 0 };
    }

    /// Makes a place without a call one of a success.
    #[inline(never)]
    fn fill(&mut self, word: usize, bit: u64) {
        self.tally.calls += 1;
        self.take_out(word, bit, false);
    }

    #[inline]
    fn replace(&mut self, word: usize, bit: u64, oldest: Entry, entry: Entry) {
        let (bits, tally) = (&mut self.bits[word], &mut self.tally);
        self.is_zero = false;
        let exchange = |count: &mut u64, was: bool, is: bool| *count = *count + u64::from(is) - u64::from(was);
        if entry.failed != oldest.failed {
            bits.failed ^= bit;
            exchange(&mut tally.failures, oldest.failed, entry.failed);
        }
        if entry.slow != oldest.slow {
            bits.slow ^= bit;
            exchange(&mut tally.slow, oldest.slow, entry.slow);
        }
        exchange(&mut tally.slow_failures, oldest.failed && oldest.slow, entry.failed && entry.slow);
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

impl Mark {
    /// No success came after it, even at the end of time, whose bucket may have the number.
    const NONE: Mark = Mark { number: NEVER, before: u64::MAX };
}

/// The calls of the last ten buckets of time. Failures and slow calls lie in the buckets;
/// successes are read off the stripes, between the oldest mark still in the window and now.
#[derive(Debug)]
pub(crate) struct TimeWindow {
    width: u64,
    newest: u64,
    buckets: [Bucket; BUCKETS],
    marks: Vec<(usize, [Mark; BUCKETS])>,
    /// As it was at the last look.
    tally: Tally,
}

impl TimeWindow {
    fn new(duration: u64) -> Self {
        TimeWindow {
            width: (duration / BUCKETS as u64).max(1),
            newest: 0,
            buckets: [Bucket::EMPTY; BUCKETS],
            marks: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// The bucket of a time. Never an earlier one than before, so that a clock may step back; then a mark
    /// of a bucket before is of no use to its stripe.
    fn advance(&mut self, now: u64, stripes: &Stripes) -> u64 {
        if now / self.width > self.newest {
            self.newest = now / self.width;
            stripes.expire_marks();
        }
        self.newest
    }

    fn oldest(newest: u64) -> u64 {
        newest.saturating_sub(BUCKETS as u64 - 1)
    }

    #[inline(never)]
    fn record(&mut self, entry: Entry, now: u64, stripes: &Stripes) -> &Tally {
        if entry.failed || entry.slow {
            self.push(entry, now, stripes);
        }
        self.tally(now, stripes)
    }

    fn push(&mut self, entry: Entry, now: u64, stripes: &Stripes) {
        let number = self.advance(now, stripes);
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
    fn mark(&mut self, stripe: usize, now: u64, stripes: &Stripes) -> u64 {
        let number = self.advance(now, stripes);
        let before = stripes.successes_of(stripe);
        let place = self.marks.iter().position(|(known, _)| *known == stripe).unwrap_or_else(|| {
            self.marks.push((stripe, [Mark::NONE; BUCKETS]));
            self.marks.len() - 1
        });
        let mark = &mut self.marks[place].1[(number % BUCKETS as u64) as usize];
        if mark.number != number || mark.before == Mark::NONE.before {
            *mark = Mark { number, before };
        }
        number.saturating_add(1).saturating_mul(self.width)
    }

    fn tally(&mut self, now: u64, stripes: &Stripes) -> &Tally {
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
        self.tally = tally;
        &self.tally
    }
}

impl Window {
    pub(crate) fn last_calls(size: u32, stripes: &Stripes) -> Self {
        Window::Count(Box::new(CountWindow::new(size, stripes.successes())))
    }

    pub(crate) fn last_time(duration: u64) -> Self {
        Window::Time(Box::new(TimeWindow::new(duration)))
    }

    /// Takes in a failure that was not slow.
    #[inline]
    pub(crate) fn fail(&mut self, now: u64, stripes: &Stripes) -> &Tally {
        match self {
            Window::Count(window) => window.fail(stripes),
            Window::Time(window) => window.record(Entry::FAILED, now, stripes),
        }
    }

    /// What it held when it was last looked at.
    pub(crate) fn last_tally(&self) -> &Tally {
        match self {
            Window::Count(window) => &window.tally,
            Window::Time(window) => &window.tally,
        }
    }

    /// Takes in a call, and tells what there is now. A success stands in the stripes already.
    pub(crate) fn record(&mut self, entry: Entry, now: u64, stripes: &Stripes) -> &Tally {
        match self {
            Window::Count(window) => window.record(entry, stripes),
            Window::Time(window) => window.record(entry, now, stripes),
        }
    }

    /// What the window holds now. Reading alone lets a time window expire.
    pub(crate) fn tally(&mut self, now: u64, stripes: &Stripes) -> &Tally {
        match self {
            Window::Count(window) => {
                window.catch_up(stripes.successes());
                &window.tally
            }
            Window::Time(window) => window.tally(now, stripes),
        }
    }

    /// Empties the window.
    pub(crate) fn clear(&mut self, stripes: &Stripes) {
        match self {
            Window::Count(window) => {
                // What is in the ring stays there, in places without a call.
                (window.tally, window.seen) = (Tally::default(), stripes.successes());
            }
            Window::Time(window) => {
                window.newest = 0;
                window.buckets = [Bucket::EMPTY; BUCKETS];
                window.marks.clear();
                stripes.expire_marks();
            }
        }
    }

    /// Lets a stripe know its bucket, before its first success of each.
    pub(crate) fn mark(&mut self, stripe: usize, stripes: &Stripes, now: u64) {
        if let Window::Time(window) = self
            && !stripes.is_marked(stripe, now)
        {
            let end = window.mark(stripe, now, stripes);
            stripes.set_bucket_end(stripe, end);
        }
    }
}
