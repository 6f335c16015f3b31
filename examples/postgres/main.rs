//! A pool of connections to a real Postgres, which is killed and comes back: what callers see with a breaker and
//! without, and which of the database's errors are failures.
//!
//! ```text
//! cargo run --example postgres
//! ```
//!
//! It needs Postgres's programs (Debian: `apt-get install postgresql`), which it runs in a temporary folder, and says
//! so where they are missing; with `BREAKERBOX_REQUIRE_POSTGRES=1` that is an error. Takes 12 seconds, and ends with 1
//! if something is not as said.

mod callers;
mod parts;
mod server;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use breakerbox::State;
use sqlx::{ConnectOptions, Connection};
use tokio::task;
use tokio::time::{self, Instant};

use callers::{CALLERS, Callers, Seen};
use parts::{ACQUIRE, CONNECTIONS, Parts, PartsError};
use server::Postgres;

/// How long the database works before, is down, and is watched when all is well again.
const BEFORE: Duration = Duration::from_millis(500);
const DOWN: Duration = Duration::from_millis(2500);
const AFTER: Duration = Duration::from_millis(500);
/// How long to wait until all is well again.
const PATIENCE: Duration = Duration::from_secs(30);
/// The connections asked for in this time are those that the restart met.
const RESTART: Duration = Duration::from_millis(500);

/// An outage, as callers saw it and as the server that came back did.
struct Outage {
    seen: Seen,
    connections: usize,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Some(programs) = server::programs() else {
        eprintln!("not run: there is no PostgreSQL here; install Debian's package `postgresql`");
        let is_required = env::var("BREAKERBOX_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
        return Ok(if is_required { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    };
    let mut server = task::block_in_place(|| Postgres::start(programs))?;
    let mut problems = what_a_failure_is(&server).await?;
    let plain = outage(&mut server, false).await?;
    let guarded = outage(&mut server, true).await?;
    print(&plain, &guarded);
    problems.extend(problems_of(&plain, &guarded));
    for problem in &problems {
        eprintln!("not as it should be: {problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes the database say no in several ways, and looks at what the breaker counts.
async fn what_a_failure_is(server: &Postgres) -> Result<Vec<String>, Box<dyn Error>> {
    let parts = Parts::new(server.socket());
    parts.guarded_execute("create table parts (id int primary key, name text not null)").await?;
    parts.guarded_execute("insert into parts values (1, 'screw')").await?;
    let breaker = breakerbox::breaker("parts").ok_or("no breaker named parts")?;

    println!("what the breaker makes of the database's errors:");
    let mut problems = Vec::new();
    let mut check = |what: &str, error: &PartsError, is_failure: bool, wanted: bool| {
        let code = match error {
            PartsError::Database(sqlx::Error::Database(error)) => error.code().unwrap_or_default().into_owned(),
            PartsError::Database(sqlx::Error::RowNotFound) => "no row".to_owned(),
            other => format!("{other:?}"),
        };
        println!("  {what:<28} {code:<7} {}", if is_failure { "failure" } else { "an answer" });
        if is_failure != wanted {
            problems.push(format!("{what}: a failure is {wanted}"));
        }
    };
    for (what, sql, is_failure) in [
        ("a key that is there already", "insert into parts values (1, 'nut')", false),
        ("a mistake in the query", "selekt 1", false),
        ("a conflict of transactions", "do $$ begin raise serialization_failure; end $$", false),
        ("a query that takes too long", "set local statement_timeout = 1; select pg_sleep(1)", true),
        ("a disk that is full", "do $$ begin raise disk_full; end $$", true),
    ] {
        let before = breaker.status().totals.failures;
        let Err(error) = parts.guarded_execute(sql).await else { return Err(format!("{what}: no error").into()) };
        check(what, &error, breaker.status().totals.failures > before, is_failure);
    }
    let before = breaker.status().totals.failures;
    let Err(error) = parts.guarded_name(7).await else { return Err("a part with id 7".into()) };
    check("no such row", &error, breaker.status().totals.failures > before, false);

    // The pool would wait for a free one, so these are opened by hand.
    let mut opened = Vec::new();
    let full = loop {
        match parts::options(server.socket()).connect().await {
            Ok(connection) => opened.push(connection),
            Err(error) => break PartsError::from(error),
        }
    };
    check("too many connections", &full, parts::is_outage(&full), true);
    for connection in opened {
        connection.close().await?;
    }
    parts.close().await;
    breaker.reset();
    Ok(problems)
}

/// Kills the database under a load of callers, starts it again, and tells what they saw.
async fn outage(server: &mut Postgres, is_guarded: bool) -> Result<Outage, Box<dyn Error>> {
    let parts = Parts::new(server.socket());
    let callers = Callers::start(&parts, is_guarded);
    time::sleep(BEFORE).await;
    let down = Instant::now();
    server.kill()?;
    time::sleep(DOWN).await;
    let before = server.connections()?;
    task::block_in_place(|| server.restart())?;
    let up = Instant::now();
    time::sleep(RESTART).await;
    let connections = server.connections()? - before;
    let end = Instant::now() + PATIENCE;
    while !is_closed() || parts.name(1).await.is_err() {
        if Instant::now() > end {
            return Err(format!("not well {PATIENCE:?} after the restart").into());
        }
        time::sleep(Duration::from_millis(20)).await;
    }
    time::sleep(AFTER).await;
    let seen = callers.stop(down, up).await?;
    parts.close().await;
    Ok(Outage { seen, connections })
}

fn print(plain: &Outage, guarded: &Outage) {
    println!(
        "\n{CALLERS} callers, {CONNECTIONS} connections, {ACQUIRE:?} to wait for one; the database is killed, and comes back after {DOWN:?}:"
    );
    println!("  {:<32}{:>12}{:>12}", "", "no breaker", "breaker");
    let row = |what: &str, of: &dyn Fn(&Outage) -> String| {
        println!("  {what:<32}{:>12}{:>12}", of(plain), of(guarded));
    };
    row("calls while it is down", &|outage| outage.seen.calls.to_string());
    row("of them failed after waiting", &|outage| outage.seen.failed.to_string());
    row("of them answered, after waiting", &|outage| outage.seen.answered.to_string());
    row("of them refused", &|outage| outage.seen.refused.to_string());
    row("median until the caller knows", &|outage| format!("{:.1?}", outage.seen.median));
    row("connections at the restart", &|outage| outage.connections.to_string());
    row("well again after", &|outage| format!("{} ms", outage.seen.recovery.as_millis()));
}

fn problems_of(plain: &Outage, guarded: &Outage) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            problems.push(what.to_owned());
        }
    };
    check(plain.seen.median * 2 > ACQUIRE, "without a breaker callers wait for the pool");
    check(guarded.seen.median < ACQUIRE / 10, "with one they know at once");
    check(guarded.seen.refused > 10 * guarded.seen.failed, "nearly all of them are refused");
    // A slow start meets more trial calls, but never all callers.
    let few = plain.connections.max(2 * CONNECTIONS as usize);
    check(guarded.connections <= few, "the restart meets no more connections than without a breaker");
    check(is_closed() && guarded.seen.is_well, "the circuit is closed again");
    check(plain.seen.is_well, "without a breaker it is well again too");
    problems
}

fn is_closed() -> bool {
    breakerbox::breaker("parts").is_some_and(|breaker| breaker.state() == State::Closed)
}
