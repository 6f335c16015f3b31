//! A chain of fallbacks on real sockets: the primary service, else a secondary one, else what a cache still holds, else
//! a default. Both services are taken down and brought back, and each answer says where it comes from.
//!
//! ```text
//! cargo run --example fallback_chain
//! ```
//!
//! Takes 4 seconds, and ends with 1 if somebody else answers than should.

#[path = "support/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use breakerbox::{CircuitBreakerError, State, circuit_breaker};
use moka::future::Cache;
use tokio::task::JoinSet;
use tokio::time;

use server::{Behaviour, Server};

/// How old a price may be and still be of use. In a shop that may be hours.
const USEFUL: Duration = Duration::from_secs(2);
/// How old it may be and still be called fresh.
const FRESH: Duration = Duration::from_millis(100);
/// How long a part of the story lasts at least, and at most.
const PART: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(20);

/// A price, and what it is worth.
#[derive(Clone, Copy, Debug)]
struct Price {
    cents: u32,
    source: Source,
    /// How long ago the service said so.
    age: Duration,
}

impl Price {
    /// What is said where nobody knows.
    const UNKNOWN: Price = Price { cents: 0, source: Source::Default, age: Duration::ZERO };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Primary,
    Secondary,
    /// What the primary said some time ago.
    Stale,
    /// Nobody knows: the page shows "ask us".
    Default,
}

#[derive(Debug, thiserror::Error)]
enum PriceError {
    #[error("the service cannot be reached")]
    Http(#[from] reqwest::Error),
    #[error("the service answered no number")]
    Number(#[from] std::num::ParseIntError),
    #[error("not asked")]
    Refused(#[from] CircuitBreakerError),
    #[error("not in the cache")]
    Unknown,
    #[error("somebody else asked, and failed")]
    Shared(#[from] Arc<PriceError>),
}

struct Prices {
    http: reqwest::Client,
    primary: String,
    secondary: String,
    /// What the primary said, and when.
    known: Cache<String, (u32, Instant)>,
    /// The same for a moment, so that many who ask at once are one request.
    fresh: Cache<String, Price>,
}

impl Prices {
    fn new(primary: String, secondary: String) -> Result<Prices, PriceError> {
        // `time_to_live` counts from the write: the age of an answer, not of its last use.
        let known = Cache::builder().max_capacity(10_000).time_to_live(USEFUL).build();
        let fresh = Cache::builder().max_capacity(10_000).time_to_live(FRESH).build();
        Ok(Prices { http: reqwest::Client::builder().no_proxy().build()?, primary, secondary, known, fresh })
    }

    /// Failed calls go down the chain too, so callers see no error at all; the breaker sees the primary's alone.
    #[circuit_breaker(
        name = "primary",
        failure_threshold = 3,
        recovery_timeout = "500ms",
        success_threshold = 2,
        timeout = "1s",
        fallback = [self.secondary_price, self.known_price, |_| Ok(Price::UNKNOWN)],
        fallback_on = any
    )]
    async fn price(&self, article: &str) -> Result<Price, PriceError> {
        let cents = self.ask(&self.primary, article).await?;
        self.known.insert(article.to_owned(), (cents, Instant::now())).await;
        Ok(Price { cents, source: Source::Primary, age: Duration::ZERO })
    }

    /// A service like the other, so it has a breaker of its own: while its circuit is open the chain goes on at once.
    #[circuit_breaker(
        name = "secondary",
        failure_threshold = 3,
        recovery_timeout = "500ms",
        success_threshold = 2,
        timeout = "1s"
    )]
    async fn secondary_price(&self, article: &str) -> Result<Price, PriceError> {
        Ok(Price { cents: self.ask(&self.secondary, article).await?, source: Source::Secondary, age: Duration::ZERO })
    }

    async fn known_price(&self, article: &str) -> Result<Price, PriceError> {
        let (cents, said) = self.known.get(article).await.ok_or(PriceError::Unknown)?;
        Ok(Price { cents, source: Source::Stale, age: said.elapsed() })
    }

    /// Many who ask at once share one answer.
    async fn price_together(&self, article: &str) -> Result<Price, PriceError> {
        Ok(self.fresh.try_get_with_by_ref(article, self.price(article)).await?)
    }

    async fn ask(&self, server: &str, article: &str) -> Result<u32, PriceError> {
        let response = self.http.get(format!("{server}/price/{article}")).send().await?;
        Ok(response.error_for_status()?.text().await?.parse()?)
    }
}

/// What happens to the services, and who has to answer then.
struct Part {
    what: &'static str,
    primary: Behaviour,
    secondary: Behaviour,
    answers: Source,
}

const STORY: [Part; 6] = {
    use Behaviour::{Refuses, Works};
    [
        Part { what: "both services work", primary: Works, secondary: Works, answers: Source::Primary },
        Part { what: "the primary dies", primary: Refuses, secondary: Works, answers: Source::Secondary },
        Part { what: "the secondary dies too", primary: Refuses, secondary: Refuses, answers: Source::Stale },
        Part { what: "time passes", primary: Refuses, secondary: Refuses, answers: Source::Default },
        Part { what: "the secondary is back", primary: Refuses, secondary: Works, answers: Source::Secondary },
        Part { what: "the primary is back", primary: Works, secondary: Works, answers: Source::Primary },
    ]
};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut primary, mut secondary) = (Server::start().await?, Server::start().await?);
    let prices = Arc::new(Prices::new(primary.url(), secondary.url())?);
    let breaker = breakerbox::breaker("primary").ok_or("no breaker named primary")?;

    println!("{:<24}{:>9}{:>11}{:>22}{:>9}", "who answered", "primary", "secondary", "stale (how old)", "default");
    let mut all: BTreeMap<Source, u64> = BTreeMap::new();
    for part in STORY {
        primary.behave(part.primary).await?;
        secondary.behave(part.secondary).await?;
        let (mut answers, mut oldest) = (BTreeMap::new(), Duration::ZERO);
        let start = Instant::now();
        loop {
            let price = prices.price("tea").await?;
            *answers.entry(price.source).or_insert(0) += 1;
            *all.entry(price.source).or_insert(0) += 1;
            oldest = oldest.max(price.age);
            if price.cents != 420 && price.source != Source::Default {
                return Err(format!("not the price: {price:?}").into());
            }
            if start.elapsed() > PART && price.source == part.answers && breaker.state() == settled(part.primary) {
                break;
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("{}: still {price:?}, not {:?}", part.what, part.answers).into());
            }
            time::sleep(Duration::from_millis(10)).await;
        }
        let count = |source| answers.get(&source).copied().unwrap_or(0);
        let stale = match count(Source::Stale) {
            0 => "0".to_owned(),
            stale => format!("{stale} (up to {:.1} s)", oldest.as_secs_f32()),
        };
        println!(
            "{:<24}{:>9}{:>11}{stale:>22}{:>9}",
            part.what,
            count(Source::Primary),
            count(Source::Secondary),
            count(Source::Default)
        );
        if oldest > USEFUL {
            return Err(format!("a price of {oldest:?} was served").into());
        }
    }

    // What the chain answered is no success of the primary.
    let totals = breaker.status().totals;
    let by_primary = all.remove(&Source::Primary).unwrap_or(0);
    let by_others: u64 = all.into_values().sum();
    println!("\nthe primary's breaker: {} successes, {} answers by fallbacks", totals.successes, totals.fallbacks);
    let is_exact = (totals.successes, totals.fallbacks) == (by_primary, by_others);

    let before = primary.requests();
    let answers = at_once(&prices, |prices| async move { prices.price("tea").await.is_ok() }).await;
    let each = primary.requests() - before;
    let answers = answers + at_once(&prices, |prices| async move { prices.price_together("tea").await.is_ok() }).await;
    let together = primary.requests() - before - each;
    println!("{CALLERS} callers at once are {each} requests to the primary; {together} in single flight");
    let is_single = each > together && together == 1 && answers == 2 * CALLERS;

    println!("{}", if is_exact && is_single { "as it should be" } else { "NOT as it should be" });
    Ok(if is_exact && is_single { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The state that the primary's circuit comes to.
fn settled(primary: Behaviour) -> State {
    if primary == Behaviour::Works { State::Closed } else { State::Open }
}

const CALLERS: u64 = 50;

/// Many calls in one moment. How many were answered.
async fn at_once<F>(prices: &Arc<Prices>, call: impl Fn(Arc<Prices>) -> F) -> u64
where
    F: Future<Output = bool> + Send + 'static,
{
    let callers: JoinSet<bool> = (0..CALLERS).map(|_| call(Arc::clone(prices))).collect();
    callers.join_all().await.into_iter().map(u64::from).sum()
}
