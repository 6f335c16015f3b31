//! The part with the sick servers: each sickness, each client, some rounds.

use std::fmt::Write as _;

use futures_util::future::join_all;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::args::Options;
use crate::clients::{self, Kind};
use crate::figures::Figures;
use crate::script::{Behaviour, Script};
use crate::{facts, table, trial};

/// The figures of each client.
pub type Rows = Vec<(Kind, Figures)>;

/// The tables, and what is not as it should be.
pub fn run(options: &Options) -> anyhow::Result<(String, Vec<String>)> {
    let clients_run = runtime("clients", 2)?;
    let servers_run = runtime("servers", 1)?;
    let kinds: Vec<Kind> = clients::all()
        .into_iter()
        .filter(|kind| kind.name == clients::BARE || options.wants_client(kind.name))
        .collect();
    let mut text = table::sick_head(options);
    let mut broken = Vec::new();
    for behaviour in options.sicknesses() {
        eprintln!("a server: {behaviour} ...");
        let mut rounds = Vec::new();
        for round in 0..options.rounds {
            let script = options.script.round(round, options.rounds);
            let together = trials(&kinds, behaviour, script, options.apart, servers_run.handle());
            rounds.push(clients_run.block_on(together)?);
        }
        let rows: Rows = kinds
            .iter()
            .enumerate()
            .map(|(index, kind)| {
                let trials: Vec<Figures> = rounds.iter().map(|round: &Vec<Figures>| round[index].clone()).collect();
                (*kind, Figures::median_of(&trials))
            })
            .collect();
        let _ = writeln!(text, "{}", table::sick(behaviour, &rows));
        broken.extend(facts::broken(behaviour, options.script, &rows));
    }
    Ok((text, broken))
}

/// One trial of each client, in turn or at the same time.
async fn trials(
    kinds: &[Kind],
    behaviour: Behaviour,
    script: Script,
    apart: bool,
    servers: &Handle,
) -> anyhow::Result<Vec<Figures>> {
    let at_once = if apart { 1 } else { kinds.len() };
    let mut figures = Vec::new();
    for group in kinds.chunks(at_once) {
        let trials = group.iter().map(|kind| tokio::spawn(trial::run(*kind, behaviour, script, servers.clone())));
        for trial in join_all(trials).await {
            figures.push(trial??);
        }
    }
    Ok(figures)
}

fn runtime(name: &str, threads: usize) -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()
}
