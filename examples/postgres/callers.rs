//! Callers of the database, each of which asks again and again, and what they saw of an outage.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{self, Instant};

use crate::parts::{Parts, PartsError};

pub(crate) const CALLERS: usize = 20;
/// Between two calls of one caller.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Answered,
    Failed,
    Refused,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    started: Instant,
    ended: Instant,
    end: End,
}

pub(crate) struct Callers {
    tasks: JoinSet<Vec<Call>>,
    stop: watch::Sender<bool>,
}

/// What callers saw of an outage.
pub(crate) struct Seen {
    /// Calls that began while the database was down.
    pub(crate) calls: usize,
    pub(crate) answered: usize,
    pub(crate) failed: usize,
    pub(crate) refused: usize,
    pub(crate) median: Duration,
    /// From when the database was back until nobody was refused and nobody failed.
    pub(crate) recovery: Duration,
    /// Whether the last call of each was answered.
    pub(crate) is_well: bool,
}

impl Callers {
    pub(crate) fn start(parts: &Parts, is_guarded: bool) -> Callers {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for _ in 0..CALLERS {
            let (parts, stopped) = (parts.clone(), stopped.clone());
            tasks.spawn(async move {
                let mut calls = Vec::new();
                while !*stopped.borrow() {
                    let started = Instant::now();
                    let answer = if is_guarded { parts.guarded_name(1).await } else { parts.name(1).await };
                    let end = match answer {
                        Ok(_) => End::Answered,
                        Err(PartsError::Refused(_)) => End::Refused,
                        Err(PartsError::Database(_)) => End::Failed,
                    };
                    calls.push(Call { started, ended: Instant::now(), end });
                    time::sleep(PAUSE).await;
                }
                calls
            });
        }
        Callers { tasks, stop }
    }

    /// Ends them, and tells what they saw of an outage between these moments.
    pub(crate) async fn stop(mut self, down: Instant, up: Instant) -> Result<Seen, JoinError> {
        self.stop.send_replace(true);
        let (mut calls, mut is_well) = (Vec::new(), true);
        while let Some(of_one) = self.tasks.join_next().await {
            let of_one = of_one?;
            is_well &= of_one.last().is_some_and(|call| call.end == End::Answered);
            calls.extend(of_one);
        }
        let outage: Vec<&Call> = calls.iter().filter(|call| (down..up).contains(&call.started)).collect();
        let mut times: Vec<Duration> = outage.iter().map(|call| call.ended - call.started).collect();
        times.sort_unstable();
        let count = |end| outage.iter().filter(|call| call.end == end).count();
        let bad = calls.iter().filter(|call| call.end != End::Answered);
        Ok(Seen {
            calls: outage.len(),
            answered: count(End::Answered),
            failed: count(End::Failed),
            refused: count(End::Refused),
            median: times.get(times.len() / 2).copied().unwrap_or_default(),
            recovery: bad.map(|call| call.ended.saturating_duration_since(up)).max().unwrap_or_default(),
            is_well,
        })
    }
}
