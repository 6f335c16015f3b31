//! One breaker for all methods of a client: they state the same name.
//!
//! A warehouse goes down while one method calls it, and the other methods are refused without
//! having failed once. At the end two functions contradict each other, which is reported, not fatal.
//!
//! ```text
//! cargo run --example shared_breaker
//! ```

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use breakerbox::{CircuitBreakerError, circuit_breaker};

#[derive(Debug, thiserror::Error)]
enum WarehouseError {
    #[error("the warehouse does not answer")]
    Down,
    #[error(transparent)]
    Circuit(#[from] CircuitBreakerError),
}

impl WarehouseError {
    fn is_refusal(&self) -> bool {
        matches!(self, WarehouseError::Circuit(error) if error.is_rejected())
    }
}

/// A client whose methods go to the same place, and so are up and down together.
#[derive(Debug, Default)]
struct Warehouse {
    is_down: AtomicBool,
    requests: AtomicU32,
}

impl Warehouse {
    /// The first states the settings. The others only name the breaker, or add what is not stated yet.
    #[circuit_breaker(name = "warehouse", failure_threshold = 3, recovery_timeout = 30)]
    async fn stock(&self, article: &str) -> Result<usize, WarehouseError> {
        self.request_async().await?;
        Ok(article.len())
    }

    #[circuit_breaker(name = "warehouse", timeout = "2s")]
    async fn reserve(&self, _article: &str, count: usize) -> Result<usize, WarehouseError> {
        self.request_async().await?;
        Ok(count)
    }

    /// Sync and async functions share a breaker as well.
    #[circuit_breaker(name = "warehouse")]
    fn ping(&self) -> Result<(), WarehouseError> {
        self.request()
    }

    /// Stands for the network, as does the other one.
    async fn request_async(&self) -> Result<(), WarehouseError> {
        tokio::task::yield_now().await;
        self.request()
    }

    fn request(&self) -> Result<(), WarehouseError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.is_down.load(Ordering::Relaxed) { Err(WarehouseError::Down) } else { Ok(()) }
    }
}

/// Two functions that name one breaker and want it different: a mistake that is easily made.
mod mail {
    use super::circuit_breaker;

    #[circuit_breaker(name = "mail", failure_threshold = 3)]
    pub(crate) fn send(to: &str) -> Result<(), String> {
        if to.contains('@') { Ok(()) } else { Err(format!("{to} is no address")) }
    }

    #[circuit_breaker(name = "mail", failure_threshold = 10)]
    pub(crate) fn send_later(to: &str) -> Result<(), String> {
        if to.contains('@') { Ok(()) } else { Err(format!("{to} is no address")) }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let breaker = breakerbox::breaker("warehouse").ok_or("the linker has not listed the warehouse")?;
    println!("Behind '{}':", breaker.name());
    for location in breaker.locations() {
        println!("  {location}  {}", location.function);
    }
    let functions: Vec<_> = breaker.locations().iter().map(|location| location.function).collect();
    assert_eq!(functions, ["stock", "reserve", "ping"]);

    let warehouse = Warehouse::default();
    println!("\nThe warehouse works:");
    println!("  stock   -> {}", warehouse.stock("tea").await?);
    println!("  reserve -> {}", warehouse.reserve("tea", 2).await?);
    println!("  ping    -> {:?}", warehouse.ping()?);

    println!("\nIt goes down, and `stock` finds out:");
    warehouse.is_down.store(true, Ordering::Relaxed);
    while !breaker.is_open() {
        println!("  stock   -> {}", error_of(warehouse.stock("tea").await)?);
    }

    println!("\nThe other methods are refused, and the warehouse is left in peace:");
    let requests = warehouse.requests.load(Ordering::Relaxed);
    for (method, error) in
        [("reserve", error_of(warehouse.reserve("tea", 2).await)?), ("ping   ", error_of(warehouse.ping())?)]
    {
        println!("  {method} -> {error}");
        assert!(error.is_refusal(), "{method} is refused without a failure of its own");
    }
    assert_eq!(warehouse.requests.load(Ordering::Relaxed), requests);

    println!("\nTwo functions contradict each other; the first in the source wins:");
    mail::send("ann@example.org")?;
    mail::send_later("ben@example.org")?;
    let conflicts = breakerbox::registry().conflicts();
    for conflict in &conflicts {
        println!("  circuit '{}', {}:", conflict.breaker, conflict.key);
        println!("    {:>2} at {} is in force", conflict.kept, conflict.kept_at);
        println!("    {:>2} at {} is set aside", conflict.ignored, conflict.ignored_at);
    }
    let [conflict] = &conflicts[..] else { return Err(format!("{} conflicts", conflicts.len()).into()) };
    assert_eq!((conflict.key, conflict.kept.as_str(), conflict.ignored.as_str()), ("failure_threshold", "3", "10"));
    Ok(())
}

/// The error of a call that has to fail.
fn error_of<T>(returned: Result<T, WarehouseError>) -> Result<WarehouseError, &'static str> {
    returned.err().ok_or("a call to a warehouse that is down has succeeded")
}
