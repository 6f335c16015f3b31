//! One server that falls sick in two ways and gets well again, and three clients of it: the plain one, one with retries
//! only, and `HttpClient`, which has a breaker around each try. What do their callers see, and what does the server get?
//!
//! ```text
//! cargo run --example http_client --features reqwest
//! ```
//!
//! It starts its servers itself, on free ports of this machine. Ends with 1 if the breaker did not help.

#[path = "support/server.rs"]
mod server;

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use breakerbox::reqwest::{CircuitBreakerMiddleware, HttpClient, HttpError};
use breakerbox::{Config, Registry};
use reqwest::StatusCode;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use tokio::time::{self, Instant};

use server::{Behaviour, Server};

const CALLS: u32 = 300;
/// How long a client waits for the head of an answer.
const LIMIT: Duration = Duration::from_millis(250);
const SICK: Duration = Duration::from_secs(3);
const TRIES: u32 = 3;

/// How a call ended, for its caller.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Answered,
    Failed,
    Refused,
}

/// What the callers of a sick server saw, and what it got.
#[derive(Default)]
struct Seen {
    calls: Vec<(End, Duration)>,
    requests: u64,
    well_after: Duration,
}

impl Seen {
    fn count(&self, end: End) -> usize {
        self.calls.iter().filter(|(ended, _)| *ended == end).count()
    }

    /// How long the slowest of so many percent of the calls took.
    fn percentile(&self, percent: usize) -> Duration {
        let mut times: Vec<Duration> = self.calls.iter().map(|(_, time)| *time).collect();
        times.sort();
        times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

fn of_status(status: StatusCode) -> End {
    if status.is_success() { End::Answered } else { End::Failed }
}

async fn plain(client: reqwest::Client, url: String) -> End {
    client.get(url).send().await.map_or(End::Failed, |answer| of_status(answer.status()))
}

async fn retrying(client: ClientWithMiddleware, url: String) -> End {
    client.get(url).send().await.map_or(End::Failed, |answer| of_status(answer.status()))
}

async fn guarded(client: HttpClient, url: String) -> End {
    match client.get(url).send().await {
        Ok(answer) => of_status(answer.status()),
        Err(error) if error.is_rejected() => End::Refused,
        Err(_) => End::Failed,
    }
}

fn plain_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().timeout(LIMIT).build()
}

fn client_with_retries() -> reqwest::Result<ClientWithMiddleware> {
    let delays = ExponentialBackoff::builder().retry_bounds(Duration::from_millis(50), Duration::from_secs(1));
    let retries = RetryTransientMiddleware::new_with_policy(delays.build_with_max_retries(TRIES - 1));
    Ok(ClientBuilder::new(plain_client()?).with(retries).build())
}

fn client_with_breaker() -> Result<HttpClient, HttpError> {
    let breakers =
        Config::builder().failure_threshold(5).recovery_timeout(Duration::from_millis(500)).half_open_max_calls(1);
    HttpClient::builder()
        .client(reqwest::Client::builder().no_proxy())
        .circuit_breaker(CircuitBreakerMiddleware::keyed(Registry::new().keyed("http", breakers)?))
        .attempts(TRIES)
        .base_delay(Duration::from_millis(50))
        .try_timeout(LIMIT)
        .build()
}

/// Calls a server while it is sick, then until it answers again.
async fn watch<F>(sickness: Behaviour, call: impl Fn(String) -> F + Clone) -> Result<Seen, Box<dyn Error>>
where
    F: Future<Output = End> + Send + 'static,
{
    let mut server = Server::start().await?;
    let url = format!("{}/price/tea", server.url());
    if call(url.clone()).await != End::Answered {
        return Err("a server that works should have answered".into());
    }
    server.behave(sickness).await?;
    let before = server.requests();
    // Calls come as they come, and do not wait for each other: as those of a service whose own callers know of nothing.
    let mut clock = time::interval(SICK / CALLS);
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        clock.tick().await;
        let call = call(url.clone());
        calls.push(tokio::spawn(async move {
            let begun = Instant::now();
            (call.await, begun.elapsed())
        }));
    }
    let mut seen = Seen::default();
    for call in calls {
        seen.calls.push(call.await?);
    }
    seen.requests = server.requests() - before;
    server.behave(Behaviour::Works).await?;
    let begun = Instant::now();
    while call(url.clone()).await != End::Answered {
        time::sleep(Duration::from_millis(20)).await;
    }
    seen.well_after = begun.elapsed();
    Ok(seen)
}

fn row(client: &str, seen: &Seen) {
    let millis = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
    let counts = [End::Answered, End::Failed, End::Refused].map(|end| seen.count(end));
    println!(
        "  {client:<16} {:>5} {:>8} {:>6} {:>7} {:>9} {:>9} {:>8} {:>10}",
        seen.calls.len(),
        counts[0],
        counts[1],
        counts[2],
        millis(seen.percentile(50)),
        millis(seen.percentile(99)),
        seen.requests,
        millis(seen.well_after)
    );
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    println!(
        "{CALLS} calls within {SICK:?} to a server that is sick; a try may take {LIMIT:?}, a call has {TRIES} tries"
    );
    let mut helped = true;
    for (sickness, what) in [(Behaviour::Unavailable, "it answers 503"), (Behaviour::Hangs, "it hangs")] {
        println!("\n{what}");
        println!("  client           calls answered failed refused    median       p99 requests well after");
        let client = plain_client()?;
        let alone = watch(sickness, move |url| plain(client.clone(), url)).await?;
        row("plain", &alone);
        let client = client_with_retries()?;
        let retried = watch(sickness, move |url| retrying(client.clone(), url)).await?;
        row("retries only", &retried);
        let client = client_with_breaker()?;
        let broken = watch(sickness, move |url| guarded(client.clone(), url)).await?;
        row("with a breaker", &broken);
        helped &= broken.requests * 2 < alone.requests && broken.requests * 2 < retried.requests;
        helped &= broken.percentile(50) < Duration::from_millis(20);
    }
    println!();
    if helped {
        println!("the breaker kept most requests from the sick server, and its callers did not wait for it");
        return Ok(ExitCode::SUCCESS);
    }
    println!("the breaker did not help");
    Ok(ExitCode::FAILURE)
}
