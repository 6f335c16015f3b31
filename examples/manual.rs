//! A breaker without the attribute: made by hand, asked by hand, operated by hand.
//!
//! For code that has no function to annotate: names known at run time, a permit that outlives a
//! function, results that come by callback. Each step prints what it did and asserts it.
//!
//! ```text
//! cargo run --example manual
//! ```

use std::error::Error;
use std::time::Duration;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Config, ManualClock, Mode, Registry, State};

#[derive(Debug, thiserror::Error)]
enum ShardError {
    #[error("the shard is down")]
    Down,
    #[error(transparent)]
    Circuit(#[from] CircuitBreakerError),
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // `breakerbox::registry()` is the one that a service uses. One of its own, on a clock that is
    // moved by hand, lets this program end at once.
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());

    let config = Config::builder().failure_threshold(3).recovery_timeout(Duration::from_secs(30)).success_threshold(2);
    let config = config.build()?;
    for shard in ["shard-1", "shard-2", "shard-3"] {
        registry.get_or_insert(shard, &config)?;
    }
    let breaker = registry.get("shard-1").ok_or("shard-1 has just been inserted")?;

    permits(&breaker)?;
    functions(&breaker).await;
    recovery(&breaker, &clock)?;
    results_without_permits(&breaker);
    operators(&breaker)?;
    settings(&breaker)?;

    breaker.force_open();
    let summary = registry.summary();
    println!("\nThe registry: {} breakers, {} healthy, {} failing", summary.total, summary.healthy, summary.failing);
    for status in registry.statuses() {
        println!("  {}: {:<9} {:>2} calls", status.name, status.state, status.totals.attempts);
    }
    assert_eq!((summary.total, summary.healthy, summary.failing), (3, 2, 1));
    Ok(())
}

/// A permit is the right to make one call. It ends once, in one of four ways.
fn permits(breaker: &CircuitBreaker) -> Result<(), CircuitBreakerError> {
    println!("Permits:");
    breaker.try_acquire()?.success();
    breaker.try_acquire()?.failure();
    // Not the fault of the dependency, such as a question that makes no sense.
    breaker.try_acquire()?.ignore();
    // Dropped without a word: the call was given up, which says nothing either.
    drop(breaker.try_acquire()?);
    let totals = breaker.status().totals;
    println!(
        "  {} succeeded, {} failed, {} ignored, {} cancelled",
        totals.successes, totals.failures, totals.ignored, totals.cancelled
    );
    assert_eq!((totals.successes, totals.failures, totals.ignored, totals.cancelled), (1, 1, 1, 1));
    Ok(())
}

/// Functions and futures go through the breaker whole. Refused, they do not run.
async fn functions(breaker: &CircuitBreaker) {
    println!("\nFunctions and futures:");
    let answer = breaker.call(|| Ok::<_, ShardError>(42));
    println!("  call       -> {answer:?}");
    assert!(matches!(answer, Ok(42)));
    while !breaker.is_open() {
        let failed = breaker.call_async(async || Err::<u32, _>(ShardError::Down)).await;
        println!("  call_async -> {failed:?}");
    }
    let refused: Result<u32, ShardError> = breaker.call_async(async || unreachable!("the circuit is open")).await;
    if let Err(error) = &refused {
        println!("  call_async -> {error}");
    }
    assert!(matches!(refused, Err(ShardError::Circuit(error)) if error.is_rejected()));
}

/// After the open time trial calls are let through, a limited number at once.
fn recovery(breaker: &CircuitBreaker, clock: &ManualClock) -> Result<(), CircuitBreakerError> {
    println!("\nRecovery:");
    clock.advance(Duration::from_secs(30));
    println!("  30 s later    {}", breaker.state());
    assert_eq!(breaker.state(), State::HalfOpen);

    let trials = [breaker.try_acquire()?, breaker.try_acquire()?, breaker.try_acquire()?];
    println!("  three trials  under way; a fourth would be admitted: {}", breaker.can_execute());
    assert!(!breaker.can_execute());
    for trial in trials.into_iter().take(2) {
        trial.success();
    }
    println!("  two succeed   {}", breaker.state());
    assert_eq!(breaker.state(), State::Closed);
    Ok(())
}

/// For results that are reported by somebody else, such as a callback.
fn results_without_permits(breaker: &CircuitBreaker) {
    println!("\nResults without permits:");
    breaker.record_failure();
    breaker.record_success();
    for _ in 0..3 {
        breaker.record_failure();
    }
    println!("  a success in between starts the count again; three failures in a row: {}", breaker.state());
    assert!(breaker.is_open());
}

type Command = fn(&CircuitBreaker);

/// What a person on call can do.
fn operators(breaker: &CircuitBreaker) -> Result<(), CircuitBreakerError> {
    println!("\nOperators:");
    breaker.reset();
    let commands: [(&str, Command, Mode, bool); 4] = [
        ("force_open", CircuitBreaker::force_open, Mode::ForcedOpen, false),
        ("disable", CircuitBreaker::disable, Mode::Disabled, true),
        ("metrics_only", CircuitBreaker::metrics_only, Mode::MetricsOnly, true),
        ("auto", CircuitBreaker::auto, Mode::Auto, true),
    ];
    for (name, command, mode, admits) in commands {
        command(breaker);
        println!(
            "  {name:<12}  mode {:<12}  state {:<6}  admits: {}",
            breaker.mode(),
            breaker.state(),
            breaker.can_execute()
        );
        assert_eq!((breaker.mode(), breaker.can_execute()), (mode, admits));
    }
    // A server that says `Retry-After: 90` is taken at its word.
    breaker.open_for(Duration::from_secs(90));
    let refusal = breaker.try_acquire().err();
    println!("  open_for      {}", refusal.as_ref().map(ToString::to_string).unwrap_or_default());
    assert_eq!(refusal.and_then(|error| error.retry_after()), Some(Duration::from_secs(90)));
    breaker.close();
    breaker.try_acquire()?.success();
    Ok(())
}

/// Settings change while calls go on. A change that makes no sense changes nothing.
fn settings(breaker: &CircuitBreaker) -> Result<(), Box<dyn Error>> {
    println!("\nSettings:");
    breaker.reconfigure(Config::builder().failure_threshold(1))?;
    breaker.record_failure();
    println!("  failure_threshold = 1, one failure: {}", breaker.state());
    assert!(breaker.is_open());

    let refused = breaker.reconfigure(Config::builder().failure_threshold(0));
    let error = refused.err().ok_or("a threshold of no failures was accepted")?;
    println!("  refused: {error}");
    assert_eq!(error.key(), "failure_threshold");
    Ok(())
}
