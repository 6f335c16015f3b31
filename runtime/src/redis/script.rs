//! The scripts that decide in Redis as `shared/agreement.rs` does: what they are told and what they answer.

use std::sync::LazyLock;
use std::time::Duration;

use ::redis::{Cmd, Script, Value, cmd};

use super::keys::{self, Keys};
use super::servers::Ask;
use crate::shared::{Answer, Beat, Order, Proposal, Verdict, View};
use crate::state::{Mode, State};

const SYNC: &str = concat!(include_str!("agreement.lua"), include_str!("sync.lua"));
const PROPOSE: &str = concat!(include_str!("agreement.lua"), include_str!("propose.lua"));

/// By these sums a server knows the scripts.
static SUMS: LazyLock<[String; 2]> =
    LazyLock::new(|| [SYNC, PROPOSE].map(|text| Script::new(text).get_hash().to_owned()));

/// A script counts in floats, which are exact up to 2^53 microseconds: now and a hundred years are less.
const LONGEST: u64 = 100 * 365 * 24 * 3600 * 1_000_000;
/// A trillion calls between two beats are none that were made.
const MOST_CALLS: u64 = 1 << 40;
/// So many trial calls are granted at once; who wants more asks again.
const MOST_LEASES: u32 = 1000;

/// What all scripts are told.
#[derive(Debug)]
pub(super) struct Common<'a> {
    pub(super) keys: &'a Keys,
    pub(super) instance: &'a str,
    pub(super) ttl: Duration,
}

impl Common<'_> {
    pub(super) fn sync(&self, beat: &Beat) -> Ask {
        let mut ask = self.begin(&beat.breaker, &SUMS[0]);
        ask.arg(micros(beat.lives));
        if let Some(counts) = &beat.counts {
            ask.arg(counts.on).arg(counts.failures.min(MOST_CALLS)).arg(counts.successes.min(MOST_CALLS));
            ask.arg(micros(counts.window));
            ask.arg(counts.failure_threshold.map_or(String::new(), |threshold| threshold.to_string()));
            ask.arg(counts.failure_rate_threshold.map_or(String::new(), |threshold| threshold.to_string()));
            ask.arg(counts.minimum_calls).arg(counts.quorum).arg(micros(counts.wait));
            ask.arg(counts.serial);
        } else {
            ask.arg("");
        }
        self.end(&beat.breaker, ask, SYNC)
    }

    pub(super) fn propose(&self, breaker: &str, on: u64, what: &Proposal) -> Ask {
        let mut ask = self.begin(breaker, &SUMS[1]);
        match what {
            Proposal::Trip { wait, quorum, lasts } => {
                ask.arg("trip").arg(on).arg(micros(*wait)).arg(*quorum).arg(micros(*lasts));
            }
            Proposal::Withdraw => {
                ask.arg("withdraw").arg(on);
            }
            Proposal::Lease { waited, wait, places, want, lasts, held } => {
                // A server whose clock has stepped back is overruled by one that has stepped on.
                let is_over = *waited >= wait.saturating_add(Duration::from_secs(1));
                ask.arg("lease").arg(on).arg(u8::from(is_over));
                ask.arg(*places).arg((*want).min(MOST_LEASES)).arg(micros(*lasts)).arg(&held[..]);
            }
            Proposal::Report { leases, successes, failures, close_at, wait, lasts } => {
                ask.arg("report").arg(on).arg(*successes).arg(*failures).arg(*close_at);
                ask.arg(micros(*wait)).arg(micros(*lasts)).arg(&leases[..]);
            }
            Proposal::Command { order, by, ago } => {
                let (order, what) = match order {
                    Order::Mode(mode) => ("mode", mode.as_str().to_owned()),
                    Order::Reset => ("reset", String::new()),
                    Order::OpenFor(time) => ("open_for", micros(*time).to_string()),
                };
                let by = by.as_deref().unwrap_or("operator");
                ask.arg("command").arg(on).arg(order).arg(what).arg(by).arg(micros(*ago));
            }
            Proposal::Reseed(view) => {
                ask.arg("reseed").arg(on).arg(view.epoch).arg(view.state.as_str()).arg(view.mode.as_str());
                ask.arg(micros(view.left)).arg(view.reopened);
                ask.arg(u8::from(view.by.is_some())).arg(view.by.as_deref().unwrap_or_default());
            }
        }
        self.end(breaker, ask, PROPOSE)
    }

    fn begin(&self, breaker: &str, sum: &str) -> Cmd {
        let mut ask = cmd("EVALSHA");
        let keys = self.keys.of(breaker);
        ask.arg(sum).arg(keys.len()).arg(&keys[..]);
        ask.arg(self.keys.channel()).arg(breaker).arg(self.instance).arg(micros(self.ttl) / 1000);
        ask
    }

    fn end(&self, breaker: &str, command: Cmd, script: &'static str) -> Ask {
        let slot = keys::slot(&self.keys.of(breaker)[0]);
        Ask { slot, command, script: Some(script), breaker: breaker.into() }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(LONGEST).min(LONGEST)
}

/// What a script has answered; `None` if it is not what they answer.
pub(super) fn answer(value: &Value) -> Option<Answer> {
    let Value::Array(parts) = value else { return None };
    let text = |index: usize| match parts.get(index) {
        Some(Value::BulkString(text)) => std::str::from_utf8(text).ok(),
        _ => None,
    };
    let number = |index: usize| text(index)?.parse::<u64>().ok();
    let count = |index: usize| match parts.get(index) {
        Some(Value::Int(count)) => u32::try_from(*count).ok(),
        _ => u32::try_from(number(index)?).ok(),
    };
    let by = match parts.get(9)? {
        // Whoever has written it there.
        Value::BulkString(by) => Some(String::from_utf8_lossy(by).into()),
        _ => None,
    };
    let view = View {
        epoch: number(1)?,
        state: text(2)?.parse::<State>().ok()?,
        mode: mode(text(3)?)?,
        left: Duration::from_micros(number(4)?),
        reopened: count(5)?,
        successes: count(6)?,
        votes: count(7)?,
        needed: count(8)?,
        by,
    };
    let verdict = match text(0)? {
        "applied" | "" => Verdict::Applied,
        "voted" => Verdict::Voted,
        "granted" => Verdict::Granted((10..parts.len()).map(number).collect::<Option<_>>()?),
        "wait" => Verdict::Wait,
        "stale" => Verdict::Stale,
        _ => return None,
    };
    Some(Answer { verdict, view })
}

fn mode(name: &str) -> Option<Mode> {
    [Mode::Auto, Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly].into_iter().find(|mode| mode.as_str() == name)
}
