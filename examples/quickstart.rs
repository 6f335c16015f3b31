//! Two clients of one HTTP server that goes down in three ways and comes back. Each calls through a
//! breaker that an attribute put on its method, and answers from a cache while the circuit is open.
//!
//! Expect a table that grows for 17 seconds: in each outage both circuits open after a few
//! failures, refuse what would fail anyway, try again every second, and close when the server is
//! back. The program judges its own totals and exits with an error if a circuit did not.
//!
//! ```text
//! cargo run --example quickstart
//! ```

mod support;

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Event, State, circuit_breaker};
use tokio::time::{self, MissedTickBehavior};

use support::server::{Behaviour, Server};
use support::table::{self, Screen, Table};

/// The last answer for each article: what a fallback has to offer.
#[derive(Debug, Default)]
struct Cache(Mutex<HashMap<String, u32>>);

impl Cache {
    fn put(&self, article: &str, value: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(article.to_owned(), value);
    }

    fn get(&self, article: &str) -> Option<u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(article).copied()
    }
}

#[derive(Debug, thiserror::Error)]
enum PriceError {
    #[error("no answer from the price server: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the price is not a number: {0}")]
    Format(#[from] std::num::ParseIntError),
    /// A call that its `timeout` has cut off comes as this, and so would a refused one without a fallback.
    #[error(transparent)]
    Circuit(#[from] CircuitBreakerError),
    #[error("the price of {0} has never been known")]
    Unknown(String),
}

/// The async client.
struct Prices {
    http: reqwest::Client,
    server: String,
    last: Cache,
}

impl Prices {
    fn new(server: String) -> Result<Prices, PriceError> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Prices { http, server, last: Cache::default() })
    }

    /// The price in cents. While the circuit is open the last known one is the answer.
    #[circuit_breaker(
        name = "prices",
        failure_threshold = 5,
        recovery_timeout = 1,
        success_threshold = 3,
        timeout = "300ms",
        fallback = self.last_price
    )]
    async fn price(&self, article: &str) -> Result<u32, PriceError> {
        let url = format!("{}/price/{article}", self.server);
        let price = self.http.get(url).send().await?.error_for_status()?.text().await?.parse()?;
        self.last.put(article, price);
        Ok(price)
    }

    fn last_price(&self, article: &str) -> Result<u32, PriceError> {
        self.last.get(article).ok_or_else(|| PriceError::Unknown(article.to_owned()))
    }
}

#[derive(Debug, thiserror::Error)]
enum StockError {
    #[error("no answer from the stock server: {0}")]
    Http(#[from] ureq::Error),
    #[error("the stock is not a number: {0}")]
    Format(#[from] std::num::ParseIntError),
    #[error(transparent)]
    Circuit(#[from] CircuitBreakerError),
    #[error("the stock of {0} has never been known")]
    Unknown(String),
}

/// The sync client.
struct Stock {
    http: ureq::Agent,
    server: String,
    last: Cache,
}

impl Stock {
    fn new(server: String) -> Stock {
        // Nobody can cut a sync function off from outside, so its client has to give up by itself.
        let config = ureq::Agent::config_builder().proxy(None).timeout_global(Some(Duration::from_millis(300)));
        Stock { http: config.build().into(), server, last: Cache::default() }
    }

    /// How many there are. Answers from the cache after each failure too, not only while it is open.
    #[circuit_breaker(
        name = "stock",
        failure_threshold = 3,
        recovery_timeout = 1,
        success_threshold = 2,
        fallback = self.last_stock,
        fallback_on = any
    )]
    fn stock(&self, article: &str) -> Result<u32, StockError> {
        let url = format!("{}/stock/{article}", self.server);
        let stock = self.http.get(url).call()?.body_mut().read_to_string()?.parse()?;
        self.last.put(article, stock);
        Ok(stock)
    }

    fn last_stock(&self, article: &str) -> Result<u32, StockError> {
        self.last.get(article).ok_or_else(|| StockError::Unknown(article.to_owned()))
    }
}

/// Nobody calls it, and it is listed all the same: the linker has collected it before `main`.
#[allow(dead_code, reason = "its breaker is listed although it is never called")]
#[circuit_breaker(name = "orders", preset = external_api)]
fn order(article: &str) -> Result<(), StockError> {
    Err(StockError::Unknown(article.to_owned()))
}

/// What the server does, and for how many seconds.
const STORY: [(Behaviour, u32, &str); 7] = [
    (Behaviour::Works, 2, "▲ The server works"),
    (Behaviour::Refuses, 3, "▼ The server goes down: connections are refused"),
    (Behaviour::Works, 2, "▲ The server is back"),
    (Behaviour::Unavailable, 3, "▼ The server goes down: it answers 503"),
    (Behaviour::Works, 2, "▲ The server is back"),
    (Behaviour::Hangs, 3, "▼ The server goes down: it accepts and never answers"),
    (Behaviour::Works, 2, "▲ The server is back"),
];

/// How long a circuit may take to close at the end: many times what it needs.
const PATIENCE: Duration = Duration::from_secs(8);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut server = Server::start().await?;
    let callers = Callers::start(&server)?;
    let screen = Screen::new();
    table::line(format_args!(
        "Two clients call {} some hundred times a second:\n`prices` is async, `stock` is sync.",
        server.url()
    ));
    let watched = ["prices", "stock"].map(|name| breakerbox::breaker(name).ok_or(format!("no breaker named {name}")));
    let watched = watched.into_iter().collect::<Result<Vec<_>, _>>()?;

    let _subscription = breakerbox::registry().subscribe(move |event| {
        if let Event::Transition(transition) = event {
            screen.transition(transition.to, transition);
        }
    });

    let mut table = Table::new(screen, watched.clone());
    let mut seconds = time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    seconds.tick().await;
    for (behaviour, lasts, announcement) in STORY {
        table.part(announcement);
        server.behave(behaviour).await?;
        for _ in 0..lasts {
            seconds.tick().await;
            table.second(behaviour);
        }
    }
    // On a busy machine a circuit may be late; `judge` tells if it is too late.
    let _ = time::timeout(PATIENCE, all_closed(&watched)).await;
    callers.stop().await?;
    server.close().await;

    table::list(screen, &breakerbox::breakers());
    judge(&watched)
}

async fn all_closed(breakers: &[CircuitBreaker]) {
    while breakers.iter().any(|breaker| breaker.state() != State::Closed) {
        time::sleep(Duration::from_millis(50)).await;
    }
}

/// Those who call all the time: three tasks and two threads, each some twenty times a second.
struct Callers {
    tasks: Vec<tokio::task::JoinHandle<()>>,
    threads: Vec<thread::JoinHandle<()>>,
    is_over: Arc<AtomicBool>,
}

impl Callers {
    const PAUSE: Duration = Duration::from_millis(50);

    fn start(server: &Server) -> Result<Callers, PriceError> {
        let is_over = Arc::new(AtomicBool::new(false));
        let prices = Arc::new(Prices::new(server.url())?);
        let stock = Arc::new(Stock::new(server.url()));
        let task = |_| {
            let (prices, is_over) = (Arc::clone(&prices), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    // A shop would show the price or the error; here the breaker's counters tell.
                    let _ = prices.price("tea").await;
                    time::sleep(Callers::PAUSE).await;
                }
            })
        };
        let thread = |_| {
            let (stock, is_over) = (Arc::clone(&stock), Arc::clone(&is_over));
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = stock.stock("tea");
                    thread::sleep(Callers::PAUSE);
                }
            })
        };
        Ok(Callers { tasks: (0..3).map(task).collect(), threads: (0..2).map(thread).collect(), is_over })
    }

    /// Lets every call that is under way end.
    async fn stop(self) -> Result<(), Box<dyn Error>> {
        self.is_over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await?;
        }
        for thread in self.threads {
            thread.join().map_err(|_| "a thread that asks for the stock has panicked")?;
        }
        Ok(())
    }
}

/// Whether it all came as promised, by totals alone: seconds are not exact on a busy machine.
fn judge(breakers: &[CircuitBreaker]) -> Result<(), Box<dyn Error>> {
    let (mut calls, mut refused, mut cached) = (0, 0, 0);
    for breaker in breakers {
        let (name, totals) = (breaker.name(), breaker.status().totals);
        let promises = [
            (totals.trips > 0, "did not open"),
            (totals.transitions.half_open_to_closed > 0, "did not close again"),
            (totals.rejections.total() > 0, "has refused no call"),
            (totals.fallbacks > 0, "has not answered from its cache"),
            (breaker.state() == State::Closed, "is not closed at the end"),
        ];
        if let Some((_, complaint)) = promises.iter().find(|(is_kept, _)| !is_kept) {
            return Err(format!("circuit '{name}' {complaint}").into());
        }
        calls += totals.attempts;
        refused += totals.rejections.total();
        cached += totals.fallbacks;
    }
    table::line(format_args!(
        "
Of {calls} calls {refused} were refused at once instead of waiting for a server that is
down, and {cached} were answered from a cache. Each circuit opened in an outage, and
closed after it. `order` was never called, and is listed all the same.

A call is late if its circuit changed before it ended: it decides nothing."
    ));
    Ok(())
}
