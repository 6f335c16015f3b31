//! What happens in a trial, and when: how the server behaves, how many calls are made, how breakers are set.

use std::fmt;
use std::time::Duration;

/// What a server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers it.
    Works,
    /// Never sees it: the port is closed.
    Refuses,
    /// Takes it and never answers.
    Hangs,
    /// The same, and callers give up before the timeout of the client is over: the futures are dropped.
    Abandoned,
    /// Answers it after the timeout of the client.
    Late,
    /// Answers it well, slowly, but within the timeout.
    Slow,
    /// Sends the head and half of the body, and closes.
    HalfWay,
    /// Answers 503.
    Unavailable,
    /// Answers 503 with `Retry-After`.
    RetryAfter,
    /// Answers 503 to every other one, by chance.
    Flaky,
}

impl Behaviour {
    pub const SICK: [Behaviour; 9] = [
        Behaviour::Refuses,
        Behaviour::Hangs,
        Behaviour::Abandoned,
        Behaviour::Late,
        Behaviour::Slow,
        Behaviour::HalfWay,
        Behaviour::Unavailable,
        Behaviour::RetryAfter,
        Behaviour::Flaky,
    ];

    /// Whether a caller waits for its timeout before it knows.
    pub fn waits(self) -> bool {
        matches!(self, Behaviour::Hangs | Behaviour::Abandoned | Behaviour::Late)
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Behaviour::Works => "works",
            Behaviour::Refuses => "refuses",
            Behaviour::Hangs => "hangs",
            Behaviour::Abandoned => "abandoned",
            Behaviour::Late => "late",
            Behaviour::Slow => "slow",
            Behaviour::HalfWay => "half-way",
            Behaviour::Unavailable => "503",
            Behaviour::RetryAfter => "retry-after",
            Behaviour::Flaky => "flaky",
        })
    }
}

/// The phases of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Healthy,
    Sick,
    Recovered,
}

/// The same for every client of a run.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// Calls a second of each client, whether earlier ones have ended or not.
    pub rate: u32,
    pub healthy: Duration,
    pub sick: Duration,
    pub recovered: Duration,
    /// What each breaker waits before it tries again.
    pub recovery_timeout: Duration,
    /// What `Retry-After` says.
    pub retry_after: Duration,
    /// What chance is drawn from.
    pub chance: u64,
}

impl Script {
    pub const FULL: Script = Script {
        rate: 200,
        healthy: Duration::from_secs(1),
        sick: Duration::from_secs(6),
        recovered: Duration::from_secs(4),
        recovery_timeout: Duration::from_secs(1),
        retry_after: Duration::from_secs(2),
        chance: 0,
    };
    pub const QUICK: Script = Script {
        rate: 100,
        healthy: Duration::from_millis(300),
        sick: Duration::from_secs(2),
        recovered: Duration::from_secs(2),
        recovery_timeout: Duration::from_millis(500),
        retry_after: Duration::from_secs(1),
        chance: 0,
    };

    /// The script of one of several rounds. A server gets well at any moment of the open time of a breaker, which
    /// decides how long it takes until somebody sees it; the rounds spread evenly over it.
    pub fn round(self, round: usize, rounds: usize) -> Script {
        let shift = self.recovery_timeout.mul_f64(round as f64 / rounds as f64);
        Script { sick: self.sick + shift, chance: round as u64, ..self }
    }
}

/// How long the client waits for an answer, and for all of its body.
pub const TIMEOUT: Duration = Duration::from_millis(500);
/// How long callers wait for a server that hangs in `Behaviour::Abandoned`.
pub const PATIENCE: Duration = Duration::from_millis(250);
/// The `timeout` of the breaker that has one.
pub const LIMIT: Duration = Duration::from_millis(150);
/// How long `Behaviour::Slow` takes.
pub const SLOW: Duration = Duration::from_millis(300);
/// How long `Behaviour::Late` takes.
pub const LATE: Duration = Duration::from_millis(1500);
/// How often a call is tried again by clients with retries.
pub const RETRIES: u32 = 3;

/// The settings of every breaker, beside the time that it stays open.
pub const FAILURE_THRESHOLD: u32 = 5;
pub const TRIALS: u32 = 3;
pub const SLOW_CALL: Duration = Duration::from_millis(200);
pub const SLOW_SHARE: f64 = 0.5;
pub const WINDOW: Duration = Duration::from_secs(1);
pub const MINIMUM_CALLS: u32 = 20;
