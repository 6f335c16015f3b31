//! Settings from environment variables, and which statement wins: run time, then the variable of
//! one breaker, then the attribute, then the variable of all breakers, then the preset, then the default.
//!
//! The program starts itself again with variables set, one of them wrong. Expect the settings of
//! three breakers, each with its origin, and one complaint about the wrong variable on stderr.
//!
//! ```text
//! cargo run --example environment
//! ```

use std::env;
use std::error::Error;
use std::process::{Command, Stdio};

use breakerbox::{CircuitBreaker, Config, Key, Origin, circuit_breaker};

const VARIABLES: [(&str, &str); 4] = [
    // For all breakers.
    ("CIRCUIT_BREAKER_FAILURE_THRESHOLD", "7"),
    // For one breaker: its name in upper case, what is no letter and no digit as `_`.
    ("CIRCUIT_BREAKER__CARD_PAYMENTS__FAILURE_THRESHOLD", "2"),
    ("CIRCUIT_BREAKER__CARD_PAYMENTS__TIMEOUT", "250ms"),
    // Not a number.
    ("CIRCUIT_BREAKER_SUCCESS_THRESHOLD", "many"),
];

/// The settings shown here, four of fifteen.
const SHOWN: [Key; 4] = [Key::FailureThreshold, Key::RecoveryTimeout, Key::SuccessThreshold, Key::Timeout];

/// The argument with which the program starts itself.
const CHILD: &str = "print-settings";

#[circuit_breaker(name = "search")]
async fn search(text: &str) -> std::io::Result<usize> {
    request().await?;
    Ok(text.len())
}

#[circuit_breaker(name = "card-payments", failure_threshold = 10, recovery_timeout = "2m")]
async fn pay(cents: u64) -> std::io::Result<u64> {
    request().await?;
    Ok(cents)
}

#[circuit_breaker(name = "invoices", preset = conservative, success_threshold = 4)]
async fn invoice(number: u64) -> std::io::Result<u64> {
    request().await?;
    Ok(number)
}

/// Stands for the network.
async fn request() -> std::io::Result<()> {
    tokio::task::yield_now().await;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    if env::args().nth(1).as_deref() == Some(CHILD) { child() } else { parent() }
}

/// Runs this program again, with the variables of this page and no others of their kind.
fn parent() -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(CHILD).stderr(Stdio::piped());
    for (variable, _) in env::vars_os() {
        if variable.to_string_lossy().starts_with("CIRCUIT_BREAKER_") {
            command.env_remove(variable);
        }
    }
    println!("The environment:");
    for (variable, value) in VARIABLES {
        println!("  {variable}={value}");
        command.env(variable, value);
    }
    println!();
    let child = command.spawn()?.wait_with_output()?;

    let complaints = String::from_utf8_lossy(&child.stderr);
    println!("\nOn stderr, once:");
    for complaint in complaints.lines() {
        println!("  {complaint}");
    }
    assert!(child.status.success(), "the child failed: {complaints}");
    assert_eq!(complaints.matches("CIRCUIT_BREAKER_SUCCESS_THRESHOLD=many").count(), 1);
    assert_eq!(complaints.lines().count(), 1);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn child() -> Result<(), Box<dyn Error>> {
    // The variables are read when the first call or the first look needs them, not by the attribute.
    search("tea").await?;
    pay(420).await?;
    invoice(1).await?;

    let payments = breakerbox::breaker("card-payments").ok_or("no breaker named card-payments")?;
    payments.reconfigure(Config::builder().success_threshold(1))?;

    for breaker in breakerbox::breakers() {
        println!("{}", breaker.name());
        for key in SHOWN {
            let (value, origin) = setting(&breaker, key)?;
            println!("  {key:<18} {value:>6}  from {}", described(origin));
        }
    }

    let expected = [
        ("card-payments", Key::FailureThreshold, "2", Origin::BreakerEnvironment),
        ("card-payments", Key::RecoveryTimeout, "2m", Origin::Code),
        ("card-payments", Key::SuccessThreshold, "1", Origin::Runtime),
        ("card-payments", Key::Timeout, "250ms", Origin::BreakerEnvironment),
        ("invoices", Key::FailureThreshold, "7", Origin::Environment),
        ("invoices", Key::RecoveryTimeout, "2m", Origin::Preset),
        ("invoices", Key::SuccessThreshold, "4", Origin::Code),
        ("search", Key::FailureThreshold, "7", Origin::Environment),
        ("search", Key::RecoveryTimeout, "1m", Origin::Default),
        ("search", Key::SuccessThreshold, "3", Origin::Default),
        ("search", Key::Timeout, "off", Origin::Default),
    ];
    for (name, key, value, origin) in expected {
        let breaker = breakerbox::breaker(name).ok_or(format!("no breaker named {name}"))?;
        assert_eq!(setting(&breaker, key)?, (value.to_owned(), origin), "{name}, {key}");
    }
    assert_eq!(breakerbox::registry().warnings().len(), 1);
    Ok(())
}

/// The value of a setting as text, and where it came from.
fn setting(breaker: &CircuitBreaker, key: Key) -> Result<(String, Origin), String> {
    let settings = breaker.status().settings;
    let found = settings.iter().find(|setting| setting.key == key);
    found.map(|setting| (setting.value.to_string(), setting.origin)).ok_or(format!("{key} is not listed"))
}

fn described(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "the default",
        Origin::Preset => "the preset",
        Origin::Environment => "CIRCUIT_BREAKER_<KEY>",
        Origin::Code => "the attribute",
        Origin::BreakerEnvironment => "CIRCUIT_BREAKER__<NAME>__<KEY>",
        Origin::Runtime => "a change at run time",
        _ => "elsewhere",
    }
}
