//! Retries and a breaker, which of the two outside: five clients, each of its own HTTP server. All servers are flaky
//! for a second (each third answer is a 503), later hang for five seconds, and are well again. The numbers tell the clients apart.
//!
//! ```text
//! cargo run --example retries
//! ```
//!
//! Takes 10 seconds, and ends with 1 if a client does not do what `docs/retries.md` says of it.

mod clients;
mod measure;
#[path = "../support/server.rs"]
mod server;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{self, Instant};

use clients::Kind;
use measure::{Client, Counts, Figures};
use server::Behaviour;

/// How often each client is called, whatever becomes of the calls before.
const PACE: Duration = Duration::from_millis(40);
/// A call that takes longer is not what callers of a well server know.
const LONG: Duration = Duration::from_millis(200);
/// How long to wait at the end for circuits that are not closed yet.
const PATIENCE: Duration = Duration::from_secs(20);

const STORY: [(Behaviour, Duration); 5] = [
    (Behaviour::Works, Duration::from_millis(500)),
    (Behaviour::Flaky, Duration::from_secs(1)),
    (Behaviour::Works, Duration::from_secs(1)),
    (Behaviour::Hangs, Duration::from_secs(5)),
    (Behaviour::Works, Duration::from_secs(2)),
];

/// What a client did: while its server was flaky, while it was sick, and after.
struct Row {
    kind: Kind,
    flaky: Figures,
    /// Failures that the breaker recorded while the server was flaky.
    recorded: u64,
    sick: Figures,
    /// Requests that reached the sick server.
    requests: u64,
    trips: u64,
    /// From when the server was well until its callers were.
    recovery: Duration,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut clients = Vec::new();
    for kind in Kind::ALL {
        clients.push(Client::start(kind).await?);
    }
    let rows = play(&mut clients).await?;
    print(&rows);
    let problems = problems(&rows);
    for problem in &problems {
        eprintln!("not as it should be: {problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Calls while the servers go through the story, and until all calls are done and all circuits closed.
async fn play(clients: &mut [Client]) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut pace = time::interval(PACE);
    let mut borders = Vec::new();
    for (behaviour, lasts) in STORY {
        for client in &mut *clients {
            client.behave(behaviour).await?;
        }
        let counts: Vec<Counts> = clients.iter().map(Client::counts).collect();
        borders.push((Instant::now(), counts));
        let end = Instant::now() + lasts;
        while Instant::now() < end {
            pace.tick().await;
            clients.iter_mut().for_each(Client::call);
        }
    }
    let end = Instant::now() + PATIENCE;
    for client in &mut *clients {
        while !client.is_at_rest()? {
            if Instant::now() > end {
                return Err(format!("{}: not at rest {PATIENCE:?} after the end", client.kind).into());
            }
            pace.tick().await;
            if !client.is_closed() {
                client.call();
            }
        }
    }

    let [_, (flaky, at_flaky), (calm, _), (sick, at_sick), (well, at_well)] = &borders[..] else {
        return Err("a story of five parts".into());
    };
    let rows = clients.iter().enumerate().map(|(index, client)| Row {
        kind: client.kind,
        flaky: client.figures(*flaky, *calm),
        recorded: at_sick[index].recorded - at_flaky[index].recorded,
        sick: client.figures(*sick, *well),
        requests: at_well[index].requests - at_sick[index].requests,
        trips: client.counts().trips,
        recovery: client.bad_until(*well, LONG),
    });
    Ok(rows.collect())
}

fn print(rows: &[Row]) {
    println!("each third answer is a 503, for a second; tries are repeated up to three times");
    println!("  {:<24}{:>7}{:>8}{:>11}", "", "calls", "failed", "recorded");
    for Row { kind, flaky, recorded, .. } in rows {
        println!("  {kind:<24}{:>7}{:>8}{recorded:>11}", flaky.calls, flaky.failed);
    }
    println!("\nnothing is answered, for five seconds");
    println!(
        "  {:<24}{:>7}{:>8}{:>11}{:>9}{:>9}{:>8}{:>11}",
        "", "calls", "failed", "requests", "median", "p99", "trips", "recovery"
    );
    for Row { kind, sick, requests, trips, recovery, .. } in rows {
        let Figures { calls, failed, median, p99 } = sick;
        println!(
            "  {kind:<24}{calls:>7}{failed:>8}{requests:>11}{:>6} ms{:>6} ms{trips:>8}{:>8} ms",
            median.as_millis(),
            p99.as_millis(),
            recovery.as_millis()
        );
    }
    println!(
        "\n`failed` is what callers saw, `recorded` what the breaker counted, `requests` what reached the server;"
    );
    println!("`recovery`: from when the server was well until no call failed or took over {LONG:?}");
}

/// What `docs/retries.md` says, and is not so.
fn problems(rows: &[Row]) -> Vec<String> {
    let [alone, around, blind, stop, wait] = rows else { return vec![format!("{} rows", rows.len())] };
    let mut problems = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            problems.push(what.to_owned());
        }
    };
    // Now and then four tries in a row are each a third one.
    check(around.recorded * 2 < stop.recorded, "a breaker around retries records no failure that a retry mends");
    for row in [around, blind, stop, wait] {
        check(row.trips > 0, &format!("{}: the circuit opens", row.kind));
        check(row.requests * 4 < alone.requests * 3, &format!("{}: a quarter of the requests less at least", row.kind));
    }
    for row in [blind, stop, wait] {
        check(row.requests * 3 < alone.requests, &format!("{}: a third of the requests at most", row.kind));
    }
    check(stop.requests < around.requests, "it opens sooner when it sees each try");
    check(around.sick.median * 2 < alone.sick.median, "callers hear at once from a breaker around retries");
    check(stop.sick.median * 10 < alone.sick.median, "callers hear at once who stop at a refusal");
    check(blind.sick.median > stop.sick.median * 10, "retrying refusals costs callers time");
    check(wait.sick.failed < stop.sick.failed, "callers who wait fail less");
    check(wait.sick.median > stop.sick.median * 10, "and have their answer late");
    problems
}
