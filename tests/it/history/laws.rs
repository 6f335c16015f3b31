//! Long histories: eight threads and one that moves the clock, 100,000 operations, and what holds of all of
//! them whatever the order.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, Event, Permit, Reason, State};

use crate::rig::Dice;
use crate::support::{Bench, bench, millis};

const THREADS: u64 = 8;
const EACH: usize = 12_500;
const TRIALS: u32 = 4;
const SUCCESSES: u32 = 3;

fn settings() -> ConfigBuilder {
    let trials = Config::builder().half_open_max_calls(TRIALS).success_threshold(SUCCESSES);
    trials.failure_threshold(4).recovery_timeout(millis(10)).half_open_timeout(millis(50))
}

/// When a call asked, by the numbers of one counter, and what it heard: nothing, if it was let in.
#[derive(Clone, Copy, Debug)]
struct Asked {
    began: u64,
    ended: u64,
    refused: Option<(Reason, Option<Duration>)>,
}

/// From when to when the circuit was open for certain, and the time that was left.
#[derive(Clone, Copy, Debug)]
struct Open {
    from: u64,
    to: u64,
    left: Duration,
}

/// What one thread did, by its own count: successes, failures, ignored, cancelled.
#[derive(Debug, Default)]
struct Log {
    asked: Vec<Asked>,
    ended: [u64; 4],
}

struct Hand<'a> {
    b: &'a Bench,
    stamp: &'a AtomicU64,
    /// Out of a hundred calls so many succeed, fail and are ignored; the others are cancelled.
    shares: [u64; 3],
    dice: Dice,
    log: Log,
}

impl<'a> Hand<'a> {
    fn new(b: &'a Bench, stamp: &'a AtomicU64, shares: [u64; 3], seed: u64) -> Self {
        Hand { b, stamp, shares, dice: Dice::new(seed), log: Log::default() }
    }

    fn stamp(&self) -> u64 {
        self.stamp.fetch_add(1, Ordering::SeqCst)
    }

    fn work(mut self) -> Log {
        let mut under_way = Vec::new();
        let mut generation = 0;
        for _ in 0..EACH {
            match self.dice.roll(16) {
                0..8 => self.ask(&mut under_way),
                8..15 => self.end(&mut under_way),
                _ => generation = look(&self.b.breaker, generation),
            }
        }
        while !under_way.is_empty() {
            self.end(&mut under_way);
        }
        self.log
    }

    fn ask(&mut self, under_way: &mut Vec<Permit<'a>>) {
        let began = self.stamp();
        let answer = self.b.breaker.try_acquire();
        let ended = self.stamp();
        let refused = answer.as_ref().err().map(|refusal| (refusal.reason(), refusal.retry_after()));
        self.log.asked.push(Asked { began, ended, refused });
        if refused.is_some() {
            // The clock has to move, and there may be fewer processors than threads.
            thread::yield_now();
        }
        under_way.extend(answer.ok());
        if under_way.len() > 3 {
            self.end(under_way);
        }
    }

    fn end(&mut self, under_way: &mut Vec<Permit<'a>>) {
        if under_way.is_empty() {
            return;
        }
        let permit = under_way.remove(usize::try_from(self.dice.roll(under_way.len() as u64)).unwrap_or(0));
        let [succeed, fail, ignore] = self.shares;
        let kind = match self.dice.roll(100) {
            roll if roll < succeed => 0,
            roll if roll < succeed + fail => 1,
            roll if roll < succeed + fail + ignore => 2,
            _ => 3,
        };
        self.log.ended[kind] += 1;
        match kind {
            0 => permit.success(),
            1 => permit.failure(),
            2 => permit.ignore(),
            _ => drop(permit),
        }
    }
}

/// What a status has to show at any time; returns its generation.
fn look(breaker: &CircuitBreaker, before: u64) -> u64 {
    let status = breaker.status();
    assert!(status.generation >= before, "generation {} after {before}", status.generation);
    if let Some(half_open) = status.half_open {
        assert!(half_open.in_flight + half_open.successes <= TRIALS, "{half_open:?}");
        assert!(half_open.successes < SUCCESSES, "{half_open:?}");
    }
    status.generation
}

/// Moves the clock to the end of each open time, and of some half-open ones, until all is done.
fn move_clock(b: &Bench, stamp: &AtomicU64, is_done: &AtomicBool) -> Vec<Open> {
    let mut dice = Dice::new(7);
    let mut spans = Vec::new();
    while !is_done.load(Ordering::Acquire) {
        let status = b.breaker.status();
        let from = stamp.fetch_add(1, Ordering::SeqCst);
        let left = status.retry_after.or(status.half_open.and_then(|half_open| half_open.time_left));
        let is_over = status.state == State::Open || dice.roll(50) == 0;
        // Nobody else moves the clock, and no call can end an open time.
        (0..dice.roll(20)).for_each(|_| thread::yield_now());
        if let Some(left) = left.filter(|_| is_over) {
            if status.state == State::Open {
                spans.push(Open { from, to: stamp.fetch_add(1, Ordering::SeqCst), left });
            }
            b.clock.advance(left);
        }
    }
    spans
}

/// Lets all threads loose, and returns what they did and when the circuit was open.
fn storm(b: &Bench, shares: [u64; 3], seed: u64) -> (Vec<Log>, Vec<Open>) {
    let (stamp, is_done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let mover = scope.spawn(|| move_clock(b, &stamp, &is_done));
        let hands: Vec<_> = (0..THREADS)
            .map(|at| Hand::new(b, &stamp, shares, seed + at))
            .map(|hand| scope.spawn(|| hand.work()))
            .collect();
        let logs: Vec<_> = hands.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_done.store(true, Ordering::Release);
        let spans = mover.join().expect("the clock moves");
        (logs.into_iter().map(|log| log.expect("no law is broken")).collect(), spans)
    })
}

#[track_caller]
fn assert_each_call_stands_in_one_counter(b: &Bench, logs: &[Log]) {
    let totals = b.totals();
    let refused = |reason: Reason| {
        let is_of = |asked: &&Asked| asked.refused.is_some_and(|(of, _)| of == reason);
        logs.iter().flat_map(|log| &log.asked).filter(is_of).count() as u64
    };
    let [succeeded, failed, ignored, cancelled] =
        [0, 1, 2, 3].map(|kind| logs.iter().map(|log| log.ended[kind]).sum::<u64>());
    assert_eq!(totals.rejections.open, refused(Reason::Open));
    assert_eq!(totals.rejections.half_open_full, refused(Reason::HalfOpenFull));
    assert_eq!(totals.rejections.forced_open, 0);
    assert_eq!(totals.cancelled, cancelled);
    let late = (succeeded - totals.successes) + (failed - totals.failures) + (ignored - totals.ignored);
    assert_eq!(totals.late, late, "{totals:?}");
    assert_eq!(totals.attempts, logs.iter().map(|log| log.asked.len() as u64).sum::<u64>());
}

#[track_caller]
fn assert_nobody_got_through(logs: &[Log], spans: &[Open]) {
    let mut within = 0;
    for asked in logs.iter().flat_map(|log| &log.asked) {
        let after = spans.partition_point(|span| span.from < asked.began);
        let Some(span) = after.checked_sub(1).map(|at| spans[at]).filter(|span| asked.ended < span.to) else {
            continue;
        };
        within += 1;
        assert_eq!(asked.refused, Some((Reason::Open, Some(span.left))), "{asked:?} in {span:?}");
    }
    assert!(within > 100, "only {within} calls met an open circuit");
}

/// All places are there: so many trials get in, and no more, and they close it.
#[track_caller]
fn assert_no_place_is_lost(b: &Bench) {
    if let Some(half_open) = b.breaker.status().half_open {
        assert_eq!(half_open.in_flight, 0, "in flight, and nobody is under way");
        // What is left of the episode is as good as what was used.
        let mut left: Vec<_> = (half_open.successes..TRIALS).map(|_| b.permit()).collect();
        assert_eq!(b.refusal().reason(), Reason::HalfOpenFull);
        left.drain(..).for_each(Permit::ignore);
    }
    b.breaker.open();
    b.clock.advance(b.breaker.status().retry_after.unwrap_or_default());
    let trials: Vec<_> = (0..TRIALS).map(|_| b.permit()).collect();
    assert_eq!(b.refusal().reason(), Reason::HalfOpenFull);
    trials.into_iter().for_each(Permit::success);
    assert_eq!(b.state(), State::Closed);
}

#[test]
fn a_long_history_breaks_no_law() {
    let b = bench(settings());
    let heard = b.transitions();
    let (logs, spans) = storm(&b, [60, 30, 5], 100);
    let status = b.breaker.status();
    assert_each_call_stands_in_one_counter(&b, &logs);
    assert_nobody_got_through(&logs, &spans);

    // The transitions are a chain, one episode a link.
    let chain = heard.all();
    let mut last = (State::Closed, 0);
    for transition in &chain {
        assert_eq!((transition.from, transition.generation), (last.0, last.1 + 1), "{transition}");
        assert_eq!(transition.trials_succeeded == SUCCESSES, transition.to == State::Closed, "{transition}");
        last = (transition.to, transition.generation);
    }
    let counted = |from, to| chain.iter().filter(|link| (link.from, link.to) == (from, to)).count() as u64;
    for from in State::ALL {
        for to in State::ALL {
            assert_eq!(status.totals.transitions.between(from, to), counted(from, to), "{from} to {to}");
        }
    }
    assert_eq!(status.totals.trips, counted(State::Closed, State::Open));
    assert!(
        counted(State::HalfOpen, State::Closed) > 10,
        "it closed {} times",
        counted(State::HalfOpen, State::Closed)
    );
    assert_no_place_is_lost(&b);
}

/// No trial succeeds, so the circuit never closes and every call is a trial: each episode has so many
/// places, and one more for each call that gave its place back.
#[test]
fn no_half_open_episode_admits_more_trials_than_it_has_places() {
    let b = bench(settings());
    b.breaker.half_open();
    let (logs, _) = storm(&b, [0, 2, 98], 200);
    assert_each_call_stands_in_one_counter(&b, &logs);
    let totals = b.totals();
    let admitted = totals.attempts - totals.rejections.total();
    let transitions = totals.transitions;
    let episodes = transitions.closed_to_half_open + transitions.open_to_half_open;
    assert_eq!(transitions.half_open_to_closed, 0);
    assert!(episodes > 10, "{episodes} episodes");
    // What was ignored in time gave its place back; late, it counts as late.
    let kept = admitted - totals.ignored;
    assert!(kept <= u64::from(TRIALS) * episodes, "{kept} places of {episodes} episodes were taken");
    assert!(kept > episodes, "{kept} places of {episodes} episodes were taken");
    assert_no_place_is_lost(&b);
}

/// There are more threads than stripes to count in, so some share one.
#[test]
fn forty_threads_count_each_success_and_each_refusal_once() {
    const MANY: u64 = 40;
    const TIMES: u64 = 20_000;
    let b = bench(settings());
    let all_at_once = |call: &(dyn Fn() + Sync)| {
        let start = Barrier::new(40);
        thread::scope(|scope| {
            for _ in 0..MANY {
                scope.spawn(|| {
                    start.wait();
                    (0..TIMES).for_each(|_| call());
                });
            }
        });
    };
    all_at_once(&|| b.permit().success());
    assert_eq!(b.totals().successes, MANY * TIMES);
    b.breaker.open();
    all_at_once(&|| assert_eq!(b.refusal().reason(), Reason::Open));
    b.breaker.force_open();
    all_at_once(&|| assert_eq!(b.refusal().reason(), Reason::ForcedOpen));
    let totals = b.totals();
    assert_eq!((totals.rejections.open, totals.rejections.forced_open), (MANY * TIMES, MANY * TIMES));
    assert_eq!(totals.attempts, 3 * MANY * TIMES);
}

/// The listener comes between the end of the lock and the end of the call that asked.
#[test]
fn a_trial_whose_episode_a_listener_ends_is_late() {
    let b = bench(settings().failure_threshold(1));
    let breaker = b.breaker.clone();
    let undo = move |event: &Event| {
        if let Event::Transition(transition) = event
            && transition.to == State::HalfOpen
        {
            breaker.close();
        }
    };
    b.registry.subscribe(undo).keep();
    b.fail(1);
    b.clock.advance(millis(10));
    let trial = b.permit();
    assert_eq!(b.state(), State::Closed);
    trial.failure();
    assert_eq!((b.state(), b.totals().late, b.totals().failures), (State::Closed, 1, 1));
}
