//! What answers while the circuit is open: the six forms of `fallback`.
//!
//! A bank that tells exchange rates goes down. Expect a line for each form, with the answer, who
//! gave it, and how often the bank was bothered. Each line is asserted.
//!
//! ```text
//! cargo run --example fallbacks
//! ```

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use breakerbox::{CircuitBreakerError, circuit_breaker};

/// A rate, and who told it.
#[derive(Clone, Debug, PartialEq)]
struct Rate {
    value: f64,
    source: String,
}

#[derive(Debug, thiserror::Error)]
enum RateError {
    #[error("the bank is down")]
    BankIsDown,
    #[error("{0} has no rate for {1}")]
    Unknown(String, String),
    #[error(transparent)]
    Circuit(#[from] CircuitBreakerError),
}

/// Everybody here knows the euro alone.
fn euro(value: f64, source: &str, currency: &str) -> Result<Rate, RateError> {
    if currency != "EUR" {
        return Err(RateError::Unknown(source.to_owned(), currency.to_owned()));
    }
    Ok(Rate { value, source: source.to_owned() })
}

static BANK_IS_UP: AtomicBool = AtomicBool::new(true);
static QUESTIONS: AtomicU32 = AtomicU32::new(0);

/// The dependency, which every example below calls.
fn bank(currency: &str) -> Result<Rate, RateError> {
    QUESTIONS.fetch_add(1, Ordering::Relaxed);
    if BANK_IS_UP.load(Ordering::Relaxed) { euro(1.08, "the bank", currency) } else { Err(RateError::BankIsDown) }
}

/// 1. A function with the same parameters.
#[circuit_breaker(name = "path", failure_threshold = 2, fallback = of_yesterday)]
fn by_path(currency: &str) -> Result<Rate, RateError> {
    bank(currency)
}

fn of_yesterday(currency: &str) -> Result<Rate, RateError> {
    euro(1.07, "yesterday's list", currency)
}

/// 2. The same, with the refusal as its last argument.
#[circuit_breaker(name = "error", failure_threshold = 2, fallback = at_par)]
fn with_the_error(currency: &str) -> Result<Rate, RateError> {
    bank(currency)
}

fn at_par(currency: &str, refusal: CircuitBreakerError) -> Result<Rate, RateError> {
    let guess = euro(1.0, &format!("a guess, as '{}' is {}", refusal.name(), refusal.reason()), currency);
    guess.map_err(|_| RateError::Circuit(refusal))
}

/// 3. A method of the same value. The function may be async, and its fallback sync or async.
struct Exchange {
    last: f64,
}

impl Exchange {
    #[circuit_breaker(name = "method", failure_threshold = 2, fallback = self.last_known)]
    async fn rate(&self, currency: &str) -> Result<Rate, RateError> {
        tokio::task::yield_now().await;
        bank(currency)
    }

    fn last_known(&self, currency: &str) -> Result<Rate, RateError> {
        euro(self.last, "the last one known", currency)
    }
}

/// 4. A closure. The parameters of the function are in its scope.
#[circuit_breaker(
    name = "closure",
    failure_threshold = 2,
    fallback = |refusal| euro(1.0, &format!("a closure, as it is {}", refusal.reason()), currency)
)]
fn by_closure(currency: &str) -> Result<Rate, RateError> {
    bank(currency)
}

/// 5. Several, tried in order until one succeeds.
#[circuit_breaker(name = "chain", failure_threshold = 2, fallback = [other_bank, cache, at_par])]
fn by_chain(currency: &str) -> Result<Rate, RateError> {
    bank(currency)
}

fn other_bank(currency: &str) -> Result<Rate, RateError> {
    Err(RateError::Unknown("the other bank".to_owned(), currency.to_owned()))
}

fn cache(currency: &str) -> Result<Rate, RateError> {
    euro(1.06, "the cache, second in line", currency)
}

/// 6. After failed calls too. The other forms leave those to the caller, as an error.
#[circuit_breaker(name = "any", failure_threshold = 2, fallback = of_yesterday, fallback_on = any)]
fn on_any(currency: &str) -> Result<Rate, RateError> {
    bank(currency)
}

/// Calls until the circuit is open, and once more: the answer to that, and how many errors came before it.
async fn through_an_outage(
    name: &str,
    call: impl AsyncFn() -> Result<Rate, RateError>,
) -> Result<(Rate, u32), Box<dyn Error>> {
    let breaker = breakerbox::breaker(name).ok_or(format!("no breaker named {name}"))?;
    BANK_IS_UP.store(true, Ordering::Relaxed);
    assert_eq!(call().await?.source, "the bank", "while the bank works it answers itself");
    BANK_IS_UP.store(false, Ordering::Relaxed);
    let mut errors = 0;
    while !breaker.is_open() {
        errors += u32::from(call().await.is_err());
    }
    let asked = QUESTIONS.load(Ordering::Relaxed);
    let answer = call().await?;
    assert_eq!(QUESTIONS.load(Ordering::Relaxed), asked, "an open circuit does not bother the bank");
    Ok((answer, errors))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let exchange = Exchange { last: 1.05 };
    let outages = [
        ("a path", through_an_outage("path", async || by_path("EUR")).await?),
        ("a path, with the error", through_an_outage("error", async || with_the_error("EUR")).await?),
        ("self.method", through_an_outage("method", async || exchange.rate("EUR").await).await?),
        ("a closure", through_an_outage("closure", async || by_closure("EUR")).await?),
        ("[other_bank, cache, at_par]", through_an_outage("chain", async || by_chain("EUR")).await?),
        ("a path, fallback_on = any", through_an_outage("any", async || on_any("EUR")).await?),
    ];

    println!("The bank goes down. Two failures open each circuit; then its fallback answers.\n");
    println!("  {:<27} {:<13} {:>5}  who answered", "fallback", "errors before", "rate");
    for (form, (answer, errors)) in &outages {
        println!("  {form:<27} {errors:>13} {:>5.2}  {}", answer.value, answer.source);
    }
    println!("\nOnly `fallback_on = any` spares the caller the errors before the circuit opened.");

    let answered = outages.map(|(_, (answer, errors))| (answer.source, errors));
    let expected = [
        ("yesterday's list", 2),
        ("a guess, as 'error' is open", 2),
        ("the last one known", 2),
        ("a closure, as it is open", 2),
        ("the cache, second in line", 2),
        ("yesterday's list", 0),
    ];
    assert_eq!(answered, expected.map(|(source, errors)| (source.to_owned(), errors)));
    Ok(())
}
