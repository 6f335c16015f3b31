//! Redis as a cache in front of a service of record. It is killed and comes back empty: with a breaker callers go to
//! the service at once, without one they wait first for a client that connects again and again.
//!
//! ```text
//! cargo run --example redis_client
//! ```
//!
//! It needs a `redis-server` on the PATH (Debian: `apt-get install redis-server`), and says so where there is none; with
//! `BREAKERBOX_REQUIRE_REDIS=1` that is an error. Takes 10 seconds, and ends with 1 if something is not as said.

mod cache;
#[path = "../support/redis.rs"]
mod redis_server;
#[allow(dead_code, reason = "this server is always well")]
#[path = "../support/server.rs"]
mod server;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use breakerbox::State;
use redis::aio::ConnectionManager;
use tokio::sync::watch;
use tokio::task::{self, JoinSet};
use tokio::time::{self, Instant};

use cache::{Cache, Prices};
use redis_server::Redis;
use server::Server;

const CALLERS: usize = 10;
/// Between two calls of one caller.
const PAUSE: Duration = Duration::from_millis(20);
/// How long Redis works before, and is down.
const BEFORE: Duration = Duration::from_millis(500);
const DOWN: Duration = Duration::from_secs(3);
/// How long to wait until all is well again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What callers saw of calls that began while Redis was down.
struct Seen {
    calls: usize,
    failed: usize,
    median: Duration,
    longest: Duration,
    /// Reads of the service of record.
    reads: u64,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Some(mut redis) = task::block_in_place(Redis::start)? else {
        eprintln!("not run: there is no redis-server on the PATH; install Debian's package `redis-server`");
        let is_required = env::var("BREAKERBOX_REQUIRE_REDIS").is_ok_and(|value| value == "1");
        return Ok(if is_required { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    };
    let mut problems = what_a_failure_is(&redis).await?;
    let plain = outage(&mut redis, false).await?;
    let guarded = outage(&mut redis, true).await?;
    print(&plain, &guarded);
    problems.extend(problems_of(&plain, &guarded));
    for problem in &problems {
        eprintln!("not as it should be: {problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A client with its own settings: it tries to connect six times, for about six seconds, and all callers wait for it.
async fn connect(redis: &Redis) -> Result<Cache, redis::RedisError> {
    Ok(Cache::new(ConnectionManager::new(redis::Client::open(redis.url())?).await?))
}

/// A command that does not fit its key is a mistake of ours, and says that Redis works.
async fn what_a_failure_is(redis: &Redis) -> Result<Vec<String>, Box<dyn Error>> {
    let cache = connect(redis).await?;
    let breaker = breakerbox::breaker("cache").ok_or("no breaker named cache")?;
    redis::cmd("SET").arg("name").arg("tea").exec(&mut redis::Client::open(redis.url())?.get_connection()?)?;
    let mut problems = Vec::new();
    let Err(error) = cache.count("name").await else { return Err("`tea` was counted up".into()) };
    let totals = breaker.status().totals;
    println!(
        "counting up a text: {} ({} recorded)",
        detail(&error),
        if totals.failures == 0 { "no failure" } else { "a failure" }
    );
    if totals.failures > 0 || totals.successes != 1 {
        problems.push(format!("a wrong command is an answer: {totals:?}"));
    }
    Ok(problems)
}

fn detail(error: &cache::CacheError) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// Kills Redis under a load of callers, starts it again, and tells what they saw.
async fn outage(redis: &mut Redis, is_guarded: bool) -> Result<Seen, Box<dyn Error>> {
    let mut record = Server::start().await?;
    let prices = Prices::new(connect(redis).await?, record.url())?;
    let (stop, stopped) = watch::channel(false);
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (prices, stopped) = (prices.clone(), stopped.clone());
        callers.spawn(async move {
            let mut calls = Vec::new();
            while !*stopped.borrow() {
                let started = Instant::now();
                let price = if is_guarded { prices.guarded_price("tea").await } else { prices.price("tea").await };
                calls.push((started, started.elapsed(), price.is_ok_and(|price| price == 420)));
                time::sleep(PAUSE).await;
            }
            calls
        });
    }
    time::sleep(BEFORE).await;
    let (down, before) = (Instant::now(), record.requests());
    redis.kill()?;
    time::sleep(DOWN).await;
    let (up, after) = (Instant::now(), record.requests());
    task::block_in_place(|| redis.restart())?;

    // Redis came back empty. All is well when the price is there again, and the circuit closed.
    let end = Instant::now() + PATIENCE;
    while !is_closed() || !matches!(prices.cache.get("tea").await, Ok(Some(_))) {
        if Instant::now() > end {
            return Err(format!("not well {PATIENCE:?} after the restart").into());
        }
        time::sleep(PAUSE).await;
    }
    stop.send_replace(true);
    let mut calls: Vec<(Instant, Duration, bool)> = callers.join_all().await.into_iter().flatten().collect();
    record.close().await;
    calls.retain(|(started, ..)| (down..up).contains(started));
    let mut times: Vec<Duration> = calls.iter().map(|(_, took, _)| *took).collect();
    times.sort_unstable();
    Ok(Seen {
        calls: calls.len(),
        failed: calls.iter().filter(|(.., is_ok)| !is_ok).count(),
        median: times.get(times.len() / 2).copied().unwrap_or_default(),
        longest: times.last().copied().unwrap_or_default(),
        reads: after - before,
    })
}

fn is_closed() -> bool {
    breakerbox::breaker("cache").is_some_and(|breaker| breaker.state() == State::Closed)
}

fn print(plain: &Seen, guarded: &Seen) {
    println!("\n{CALLERS} callers; Redis is killed, and comes back empty after {DOWN:?}:");
    println!("  {:<32}{:>12}{:>12}", "", "no breaker", "breaker");
    let row = |what: &str, of: &dyn Fn(&Seen) -> String| println!("  {what:<32}{:>12}{:>12}", of(plain), of(guarded));
    row("calls while it is down", &|seen| seen.calls.to_string());
    row("of them failed", &|seen| seen.failed.to_string());
    row("median until the answer", &|seen| format!("{:.1?}", seen.median));
    row("longest", &|seen| format!("{:.1?}", seen.longest));
    row("reads of the service of record", &|seen| seen.reads.to_string());
}

fn problems_of(plain: &Seen, guarded: &Seen) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            problems.push(what.to_owned());
        }
    };
    check(plain.failed + guarded.failed == 0, "without its cache the service still answers");
    check(plain.median > Duration::from_millis(500), "without a breaker callers wait for the client to connect");
    check(guarded.median * 5 < plain.median, "with one they do not");
    check(guarded.reads > plain.reads, "and the service of record has all the work");
    let totals = breakerbox::breaker("cache").map(|breaker| breaker.status().totals).unwrap_or_default();
    check(totals.trips > 0 && totals.rejections.total() > 10 * totals.failures, "nearly all calls are refused");
    problems
}
