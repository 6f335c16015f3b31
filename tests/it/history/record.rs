//! Runs plans on real threads and writes down what each operation answered, and when it began and ended.

use std::hint;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use breakerbox::{CircuitBreaker, Clock, ManualClock, Permit, Reason, State};

use crate::reference::End;
use crate::reference::pair::{Command, command};
use crate::reference::seen::Glance;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Acquire,
    /// Ends one of the calls that this thread has under way.
    End(usize, End),
    /// A result without a permit. It is two operations, for its call begins and ends.
    Record(End),
    RecordEnd(End),
    State,
    CanExecute,
    Look,
    Command(Command),
    Advance(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Nothing,
    Admitted,
    Refused(Reason),
    State(State),
    Is(bool),
    Seen(Glance),
}

/// An operation that was done, and its place among the others: numbers from one counter.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) op: Op,
    pub(super) answer: Answer,
    pub(super) began: u64,
    pub(super) ended: u64,
}

/// A clock that lets other threads go first, now and then: a breaker reads it in the middle of what it does, under
/// its lock too.
#[derive(Debug)]
pub(super) struct Restless {
    clock: ManualClock,
    readings: AtomicU64,
}

impl Restless {
    pub(super) fn new(clock: ManualClock) -> Self {
        Restless { clock, readings: AtomicU64::new(0) }
    }
}

impl Clock for Restless {
    fn now(&self) -> Duration {
        let reading = self.readings.fetch_add(1, Ordering::Relaxed);
        let now = self.clock.now();
        if reading.is_multiple_of(3) {
            thread::yield_now();
        }
        now
    }
}

/// Lets all threads go at once.
struct Start(AtomicUsize);

impl Start {
    fn wait(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
        for spins in 0_u32.. {
            if self.0.load(Ordering::Acquire) == 0 {
                return;
            }
            if spins > 200 { thread::yield_now() } else { hint::spin_loop() }
        }
    }
}

/// Runs each plan on a thread of its own. What is still under way in the end is dropped after its last operation,
/// as one more.
pub(super) fn run(breaker: &CircuitBreaker, clock: &ManualClock, plans: &[Vec<Op>]) -> Vec<Vec<Done>> {
    let (stamp, start) = (AtomicU64::new(0), Start(AtomicUsize::new(plans.len())));
    thread::scope(|scope| {
        let hand = |plan| Hand { breaker, clock, stamp: &stamp, plan };
        let threads: Vec<_> = plans
            .iter()
            .map(|plan| {
                let (hand, start) = (hand(plan), &start);
                scope.spawn(move || {
                    start.wait();
                    hand.work()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no operation panics")).collect()
    })
}

struct Hand<'a> {
    breaker: &'a CircuitBreaker,
    clock: &'a ManualClock,
    stamp: &'a AtomicU64,
    plan: &'a [Op],
}

impl<'a> Hand<'a> {
    fn work(&self) -> Vec<Done> {
        let mut done = Vec::with_capacity(self.plan.len() + 8);
        let mut under_way = Vec::new();
        for op in self.plan {
            let op = match *op {
                Op::End(_, _) if under_way.is_empty() => continue,
                Op::End(which, end) => Op::End(which % under_way.len(), end),
                ref op => op.clone(),
            };
            done.push(self.take(op, &mut under_way));
            if let Some(&Done { op: Op::Record(end), began, ended, .. }) = done.last() {
                done.push(Done { op: Op::RecordEnd(end), answer: Answer::Nothing, began, ended });
            }
        }
        while !under_way.is_empty() {
            done.push(self.take(Op::End(0, End::Cancelled), &mut under_way));
        }
        done
    }

    fn take(&self, op: Op, under_way: &mut Vec<Permit<'a>>) -> Done {
        // Made before the operation begins, so that it is short.
        let ending = if let Op::End(which, _) = op { Some(under_way.remove(which)) } else { None };
        let began = self.stamp.fetch_add(1, Ordering::SeqCst);
        let answer = match (&op, ending) {
            (Op::End(_, end), Some(permit)) => {
                match end {
                    End::Success => permit.success(),
                    End::Failure => permit.failure(),
                    End::Ignored => permit.ignore(),
                    End::Cancelled => drop(permit),
                }
                Answer::Nothing
            }
            (Op::Acquire, _) => match self.breaker.try_acquire() {
                Ok(permit) => {
                    under_way.push(permit);
                    Answer::Admitted
                }
                Err(refusal) => Answer::Refused(refusal.reason()),
            },
            (Op::Record(end), _) => {
                command(self.breaker, &Command::Record(*end));
                Answer::Nothing
            }
            (Op::State, _) => Answer::State(self.breaker.state()),
            (Op::CanExecute, _) => Answer::Is(self.breaker.can_execute()),
            (Op::Look, _) => Answer::Seen(Glance::from(&self.breaker.status())),
            (Op::Command(order), _) => {
                command(self.breaker, order);
                Answer::Nothing
            }
            (Op::Advance(by), _) => {
                self.clock.advance(Duration::from_nanos(*by));
                Answer::Nothing
            }
            (Op::End(..) | Op::RecordEnd(_), _) => unreachable!("there is a call that ends"),
        };
        let ended = self.stamp.fetch_add(1, Ordering::SeqCst);
        Done { op, answer, began, ended }
    }
}
