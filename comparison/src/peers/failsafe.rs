//! failsafe: a mutex around a policy.

use failsafe::{Config, Error, StateMachine, backoff, failure_policy};

use super::forever;
use crate::subject::Setting::{self, Consecutive, TimeWindow};
use crate::subject::{AsyncWay, HOUR, Peer, Plan, SyncWay};
use crate::work::{Fault, ready, verdict, work};

verdict!(Error<Fault>: refused Error::Rejected, failed Error::Inner(_));

const SETTINGS: &[Setting] = &[Consecutive, TimeWindow];
const NOTE: &str = "no limit of trials";
const RATE: &str = "its rate is a moving average";

type InARow = StateMachine<failure_policy::ConsecutiveFailures<backoff::Constant>, ()>;
type Rate = StateMachine<failure_policy::SuccessRateOverTimeWindow<backoff::Constant>, ()>;

fn in_a_row(plan: Plan) -> InARow {
    let policy = failure_policy::consecutive_failures(plan.failures(), backoff::constant(HOUR));
    Config::new().failure_policy(policy).build()
}

fn rate(plan: Plan) -> Rate {
    let backoff = backoff::constant(HOUR);
    let policy = failure_policy::success_rate_over_time_window(1.0 - plan.share(), 100, plan.window, backoff);
    Config::new().failure_policy(policy).build()
}

pub fn sync() -> Peer<SyncWay> {
    use failsafe::CircuitBreaker as _;
    Peer::new("failsafe", "failsafe", SETTINGS, |plan| {
        if plan.setting == Consecutive {
            let breaker = forever(in_a_row(plan));
            crate::loops::sync!(breaker, x => breaker.call(|| work(x)))
        } else {
            let breaker = forever(rate(plan));
            crate::loops::sync!(breaker, x => breaker.call(|| work(x)))
        }
    })
    .note(NOTE)
    .note(RATE)
}

pub fn asynchronous() -> Peer<AsyncWay> {
    use failsafe::futures::CircuitBreaker as _;
    Peer::new("failsafe", "failsafe", SETTINGS, |plan| {
        if plan.setting == Consecutive {
            let breaker = forever(in_a_row(plan));
            crate::loops::asynchronous!(breaker, x => breaker.call(ready(x)))
        } else {
            let breaker = forever(rate(plan));
            crate::loops::asynchronous!(breaker, x => breaker.call(ready(x)))
        }
    })
    .note(NOTE)
    .note(RATE)
}
