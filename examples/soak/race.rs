//! A crew of threads that does the same thing to one breaker at the same moment, on command, and
//! reports. What must come of it is for the one who commands to know: `lab`.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread::{self, Scope};
use std::time::Duration;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Permit, State};
use fastrand::Rng;

use crate::target::Kind;

/// What each of the crew is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Asks so often for a permit, and keeps what it gets.
    Acquire(u32),
    /// Ends so many of the permits that it holds.
    End(Kind, u32),
    /// Keeps what it holds apart from what it will get.
    PutAside,
    /// Ends what it has put aside.
    EndAside(Kind),
    /// Makes so many calls and ends them at once: by chance if none of them may fail.
    Call { times: u32, may_fail: bool },
    /// Asks an open breaker, in every way, so often.
    Ask(u32),
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) admitted: u32,
    /// Answers of an open breaker that it is not.
    pub(crate) wrong: u32,
    pub(crate) ended: [u64; 7],
    /// What refusals said of the time that is left.
    pub(crate) retry_after: Vec<Option<Duration>>,
}

impl Report {
    fn refused(&mut self, error: &CircuitBreakerError) {
        self.ended[Kind::of(error) as usize] += 1;
        self.retry_after.push(error.retry_after());
    }

    pub(crate) fn ended(&self, kind: Kind) -> u64 {
        self.ended[kind as usize]
    }

    /// Refusals for any reason.
    pub(crate) fn all_refused(&self) -> u64 {
        [Kind::RefusedOpen, Kind::RefusedFull, Kind::RefusedForced].map(|kind| self.ended(kind)).iter().sum()
    }
}

pub(crate) struct Crew {
    orders: Vec<Sender<Order>>,
    reports: Receiver<Report>,
}

pub(crate) const HANDS: u32 = 3;

impl Crew {
    pub(crate) fn gather<'s>(scope: &'s Scope<'s, '_>, breaker: &'s CircuitBreaker, rng: &mut Rng) -> Crew {
        let (sender, reports) = channel();
        let start = Arc::new(Barrier::new(HANDS as usize));
        let hand = |_| {
            let (orders, received) = channel();
            let (start, sender, rng) = (Arc::clone(&start), sender.clone(), rng.fork());
            scope.spawn(move || obey(breaker, &received, &sender, &start, rng));
            orders
        };
        Crew { orders: (0..HANDS).map(hand).collect(), reports }
    }

    /// Gives all the same order, and sums up their reports.
    pub(crate) fn all(&self, order: Order) -> Report {
        self.each(|_| order)
    }

    /// The same, while the one who commands does something else.
    pub(crate) fn meanwhile(&self, order: Order, deed: impl FnOnce()) -> Report {
        self.send(|_| order);
        deed();
        self.hear()
    }

    pub(crate) fn each(&self, order: impl FnMut(u32) -> Order) -> Report {
        self.send(order);
        self.hear()
    }

    fn send(&self, mut order: impl FnMut(u32) -> Order) {
        for (number, orders) in (0..).zip(&self.orders) {
            // One that has panicked is told of by the hook.
            let _ = orders.send(order(number));
        }
    }

    fn hear(&self) -> Report {
        let mut sum = Report::default();
        for report in self.reports.iter().take(self.orders.len()) {
            sum.admitted += report.admitted;
            sum.wrong += report.wrong;
            sum.ended.iter_mut().zip(report.ended).for_each(|(sum, part)| *sum += part);
            sum.retry_after.extend(report.retry_after);
        }
        sum
    }
}

fn obey(breaker: &CircuitBreaker, orders: &Receiver<Order>, reports: &Sender<Report>, start: &Barrier, rng: Rng) {
    let mut hand = Hand { breaker, rng, held: Vec::new(), aside: Vec::new(), report: Report::default() };
    for order in orders {
        start.wait();
        // One that has panicked, which the hook has told of, must not keep the others waiting.
        let _ = catch_unwind(AssertUnwindSafe(|| hand.obey(order)));
        if reports.send(mem::take(&mut hand.report)).is_err() {
            return;
        }
    }
}

struct Hand<'b> {
    breaker: &'b CircuitBreaker,
    rng: Rng,
    held: Vec<Permit<'b>>,
    aside: Vec<Permit<'b>>,
    report: Report,
}

impl Hand<'_> {
    fn obey(&mut self, order: Order) {
        let Hand { breaker, rng, held, aside, report } = self;
        match order {
            Order::Acquire(times) => {
                for _ in 0..times {
                    match breaker.try_acquire() {
                        Ok(permit) => {
                            report.admitted += 1;
                            held.push(permit);
                        }
                        Err(error) => report.refused(&error),
                    }
                    if rng.u8(0..4) == 0 {
                        thread::yield_now();
                    }
                }
            }
            Order::End(kind, number) => {
                let from = held.len().saturating_sub(number as usize);
                held.drain(from..).for_each(|permit| end(permit, kind, report));
            }
            Order::Ask(times) => {
                for _ in 0..times {
                    match breaker.try_acquire() {
                        Ok(permit) => {
                            report.admitted += 1;
                            drop(permit);
                        }
                        Err(error) => report.refused(&error),
                    }
                    let is_right = breaker.is_open() && !breaker.can_execute() && breaker.status().state == State::Open;
                    report.wrong += u32::from(!is_right);
                }
            }
            Order::PutAside => aside.append(held),
            Order::EndAside(kind) => aside.drain(..).for_each(|permit| end(permit, kind, report)),
            Order::Call { times, may_fail } => {
                for _ in 0..times {
                    let kind = match rng.u8(0..8) {
                        0 => Kind::Ignored,
                        1 => Kind::Cancelled,
                        2 | 3 if may_fail => Kind::Failed,
                        _ => Kind::Succeeded,
                    };
                    match breaker.try_acquire() {
                        Ok(permit) => end(permit, kind, report),
                        Err(error) => report.refused(&error),
                    }
                }
            }
        }
    }
}

fn end(permit: Permit<'_>, kind: Kind, report: &mut Report) {
    report.ended[kind as usize] += 1;
    match kind {
        Kind::Succeeded => permit.success(),
        Kind::Failed => permit.failure(),
        Kind::Ignored => permit.ignore(),
        _ => drop(permit),
    }
}
