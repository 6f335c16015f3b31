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
    // A smoke run has no time for one after the other.
    let at_once = if options.quick { 3 } else { 1 };
    for behaviours in options.sicknesses().chunks(at_once) {
        let names: Vec<String> = behaviours.iter().map(ToString::to_string).collect();
        eprintln!("sick servers: {} ...", names.join(", "));
        let judging = behaviours.iter().map(|behaviour| judge(&kinds, *behaviour, options, servers_run.handle()));
        for (behaviour, rows) in behaviours.iter().zip(clients_run.block_on(join_all(judging))) {
            let rows = rows?;
            let _ = writeln!(text, "{}", table::sick(*behaviour, &rows));
            broken.extend(facts::broken(*behaviour, options.script, &rows));
        }
    }
    Ok((text, broken))
}

/// All rounds of a sickness.
async fn judge(kinds: &[Kind], behaviour: Behaviour, options: &Options, servers: &Handle) -> anyhow::Result<Rows> {
    // A limit of the breaker is another setting than the others have; it is here for servers that make callers wait.
    let kinds: Vec<Kind> = kinds.iter().filter(|kind| !kind.cuts_off || behaviour.waits()).copied().collect();
    let mut trials = vec![Vec::new(); kinds.len()];
    for round in 0..options.rounds {
        let script = options.script.round(round, options.rounds);
        for (trials, figures) in
            trials.iter_mut().zip(round_of(&kinds, behaviour, script, options.apart, servers).await?)
        {
            trials.push(figures);
        }
    }
    Ok(kinds.iter().zip(&trials).map(|(kind, trials)| (*kind, Figures::median_of(trials))).collect())
}

/// One trial of each client, in turn or at the same time.
async fn round_of(
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
