//! One client against one server through all phases of the script.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until};

use crate::clients::{Answer, Kind, Setup};
use crate::figures::Figures;
use crate::script::{Behaviour, PATIENCE, Phase, Script};
use crate::server::Server;

/// A call as its caller sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub began: Instant,
    pub took: Duration,
    pub answer: Answer,
}

/// When the server fell sick, when it was well again, and when the calls ended.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    pub sick: Instant,
    pub well: Instant,
}

/// Servers run on a runtime of their own, so that a client that spins cannot make its server slow.
pub async fn run(kind: Kind, behaviour: Behaviour, script: Script, servers: Handle) -> anyhow::Result<Figures> {
    let server = Server::start(&servers, script.retry_after, script.chance).await?;
    let ask = (kind.make)(Setup::new(&server, script))?;
    let begin = Instant::now();
    let end = begin + script.healthy + script.sick + script.recovered;
    let calls = async {
        let mut calls = JoinSet::new();
        let mut ticks = interval(Duration::from_secs(1) / script.rate);
        // Callers do not wait for each other: what was due is made, however late.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while Instant::now() < end {
            ticks.tick().await;
            let ask = ask.clone();
            calls.spawn(async move {
                let began = Instant::now();
                let patience = if behaviour == Behaviour::Abandoned { PATIENCE } else { Duration::MAX };
                let answer = tokio::select! {
                    // On a machine that stands still for a while, the caller has given up all the same.
                    biased;
                    () = sleep(patience) => Answer::Failed,
                    answer = ask() => answer,
                };
                Call { began, took: began.elapsed(), answer }
            });
        }
        calls.join_all().await
    };
    let phases = async {
        sleep_until((begin + script.healthy).into()).await;
        server.behave(Phase::Sick, behaviour).await?;
        let sick = Instant::now();
        sleep_until((begin + script.healthy + script.sick).into()).await;
        server.behave(Phase::Recovered, Behaviour::Works).await?;
        anyhow::Ok(Marks { sick, well: Instant::now() })
    };
    let (calls, marks) = tokio::join!(calls, phases);
    Ok(Figures::of(&calls, marks?, &server.seen))
}
