//! The part with dropped futures: tens of thousands of calls that are given up at any point, against a server that falls
//! sick and gets well all the time. Then nothing may be lost.

mod ways;

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, State};
use futures_util::future::{BoxFuture, join_all};
use tokio::runtime::{Builder, Handle};
use tokio::time::{sleep, timeout};

use crate::args::Options;
use crate::memory;
use crate::script::{Behaviour, Phase};
use crate::server::Server;
use ways::Way;

const CALLERS: usize = 64;
/// What a breaker waits: short, so that many half-open episodes come about.
const RECOVERY: Duration = Duration::from_millis(20);
/// A trial that is lost blocks a breaker for so long, which is longer than anybody waits here.
const LOST: Duration = Duration::from_mins(10);

pub fn config() -> ConfigBuilder {
    Config::builder().failure_threshold(5).recovery_timeout(RECOVERY).half_open_max_calls(3).half_open_timeout(LOST)
}

/// Half-open episodes that are to come about at least.
const EPISODES: u64 = 5;

/// The table, and what is not as it should be.
pub fn run(options: &Options) -> anyhow::Result<(String, Vec<String>)> {
    let calls = if options.quick { 10_000 } else { 50_000 };
    let servers = Builder::new_multi_thread().worker_threads(1).thread_name("servers").enable_all().build()?;
    let clients = Builder::new_multi_thread().worker_threads(2).thread_name("clients").enable_all().build()?;
    let mut broken = Vec::new();
    let mut text = format!(
        "## Dropped futures\n\n{calls} calls by {CALLERS} callers, dropped after a random number of polls or a random time \
         (or not), while the server works, hangs or answers 503 in turn. A lost trial would block the breaker for {LOST:?}. \
         The last column is the memory that is left when client, breaker and server are gone.\n\n\
         | | finished | dropped | successes | failures | cancelled | late | refused | half-open episodes | under way at rest \
         | recovers in | bytes left |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    for way in ways::ALL {
        let row = clients.block_on(judge(&way, calls, servers.handle(), &mut broken))?;
        let _ = writeln!(text, "{row}");
    }
    Ok((text, broken))
}

async fn judge(way: &Way, calls: usize, servers: &Handle, broken: &mut Vec<String>) -> anyhow::Result<String> {
    let before = memory::live();
    let server = Server::start(servers, Duration::from_secs(1), 0).await?;
    let token = Arc::new(());
    let (breaker, call) = (way.make)(&server, &token)?;
    let finished = AtomicU64::new(0);
    let mut made = 0;
    // A busy machine has fewer half-open episodes in as many calls.
    while made == 0 || made < 5 * calls && breaker.status().totals.transitions.open_to_half_open < EPISODES {
        torment(&server, &*call, calls, &finished).await?;
        made += calls;
    }
    server.behave(Phase::Recovered, Behaviour::Works).await?;
    rest(&breaker).await;
    let mut fact = |holds: bool, what: String| {
        if !holds {
            broken.push(format!("drops, {}: {what}", way.name));
        }
    };
    let status = breaker.status();
    let totals = status.totals;
    let ends = totals.successes + totals.failures + totals.ignored + totals.cancelled + totals.late;
    let sum = ends + totals.rejections.total();
    fact(totals.attempts == sum, format!("{} attempts are {sum} ends: {totals:?}", totals.attempts));
    fact(status.in_flight == Some(0), format!("{:?} calls are under way at rest", status.in_flight));
    let trials = status.half_open.map_or(0, |half_open| half_open.in_flight);
    fact(trials == 0, format!("{trials} trials are under way at rest"));
    fact(totals.cancelled > 0, "no call was cancelled".to_owned());
    let episodes = totals.transitions.open_to_half_open;
    fact(episodes >= EPISODES, format!("only {episodes} half-open episodes"));
    let begun = Instant::now();
    while breaker.state() != State::Closed && begun.elapsed() < LOST / 60 {
        call().await;
        sleep(Duration::from_millis(1)).await;
    }
    let recovered = begun.elapsed();
    fact(breaker.state() == State::Closed, format!("not closed after {recovered:?} of good answers"));
    drop(call);
    let holders = Arc::strong_count(&token);
    fact(holders == 1, format!("{} futures are left", holders - 1));
    drop((breaker, server));
    // Runtimes and what is global keep something, but not for each call. Connections take a while to be gone.
    let most = made * 2 + (64 << 10);
    let mut left = usize::MAX;
    for _ in 0..100 {
        sleep(Duration::from_millis(100)).await;
        left = memory::live().saturating_sub(before);
        if left < most {
            break;
        }
    }
    fact(left < most, format!("{left} bytes are left after {made} calls"));
    let finished = finished.into_inner();
    Ok(format!(
        "| {} | {finished} | {} | {} | {} | {} | {} | {} | {episodes} | {} | {:.0} ms | {left} |",
        way.name,
        made as u64 - finished,
        totals.successes,
        totals.failures,
        totals.cancelled,
        totals.late,
        totals.rejections.total(),
        status.in_flight.map_or_else(|| "?".to_owned(), |calls| calls.to_string()),
        recovered.as_secs_f64() * 1e3,
    ))
}

type Call = dyn Fn() -> BoxFuture<'static, ()> + Send + Sync;

/// Calls that are dropped at random points, while the server changes all the time.
async fn torment(server: &Server, call: &Call, calls: usize, finished: &AtomicU64) -> anyhow::Result<()> {
    let callers = join_all((0..CALLERS).map(|caller| async move {
        let each = calls / CALLERS + usize::from(caller < calls % CALLERS);
        for _ in 0..each {
            let dropping = Dropping { inner: call(), polls: fastrand::u32(0..6) };
            // Some are dropped at once, some when they wait for the answer, some never.
            let patience = Duration::from_micros(fastrand::u64(0..8_000));
            if matches!(timeout(patience, dropping).await, Ok(Some(()))) {
                finished.fetch_add(1, Ordering::Relaxed);
            }
            // Refusals take no time, and most calls should not be some.
            sleep(Duration::from_micros(fastrand::u64(0..4_000))).await;
        }
    }));
    let changes = async {
        loop {
            for behaviour in [Behaviour::Works, Behaviour::Unavailable, Behaviour::Works, Behaviour::Hangs] {
                server.behave(Phase::Sick, behaviour).await?;
                sleep(Duration::from_millis(15)).await;
            }
        }
    };
    tokio::select! {
        _ = callers => Ok(()),
        stopped = changes => stopped,
    }
}

/// Waits until what was dropped is gone; tasks of the client end a little later.
async fn rest(breaker: &CircuitBreaker) {
    for _ in 0..200 {
        sleep(Duration::from_millis(10)).await;
        if breaker.status().in_flight == Some(0) {
            return;
        }
    }
}

/// A future that gives up after so many polls; from five on it never does.
struct Dropping<F> {
    inner: F,
    polls: u32,
}

impl<F: Future + Unpin> Future for Dropping<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        if self.polls < 5 {
            self.polls -= 1;
        }
        Pin::new(&mut self.inner).poll(cx).map(Some)
    }
}
