//! Settings from a real TOML file that a service shares with its breakers, and reads again when it changes.
//!
//! Without an argument it writes a file of its own, changes it three times, once wrongly, and ends. Given the path of a
//! file, it applies what stands there and follows its changes until it is interrupted.
//!
//! ```text
//! cargo run --example configured --features config
//! cargo run --example configured --features config -- service.toml
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io, thread};

use breakerbox::{Applied, CircuitBreaker, Config, Event, Key, Registry, Settings, circuit_breaker, registry};
use serde::Deserialize;

/// The file of the service: its own settings, and those of its circuit breakers in a table of it.
#[derive(Debug, Deserialize)]
struct Service {
    greeting: String,
    #[serde(default)]
    circuits: Settings,
}

const FIRST: &str = r#"greeting = "hello"

[circuits.defaults]
recovery_timeout = "45s"

[circuits.breakers.quotes]
failure_threshold = 2

[circuits.breakers.fetch]               # a family: all of its hosts
preset = "external_api"

[circuits.breakers."fetch[slow.example.com]"]
timeout = "2s"
"#;

/// The attribute says 5; the file is stronger.
#[circuit_breaker(name = "quotes", failure_threshold = 5)]
fn quote(symbol: &str) -> io::Result<f64> {
    if symbol == "ACME" { Ok(1.25) } else { Err(io::Error::other("no such symbol")) }
}

fn main() -> ExitCode {
    registry()
        .subscribe(|event| {
            if let Event::Reconfigured { .. } = event {
                println!("   {event}");
            }
        })
        .keep();
    let path = env::args_os().nth(1);
    let ended = path.map_or_else(|| demonstrate(registry()), |path| follow(Path::new(&path)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the file and applies it. A mistake in it changes nothing.
fn apply(registry: &Registry, text: &str) -> Result<Applied, Box<dyn Error>> {
    let service: Service = toml::from_str(text)?;
    let applied = registry.configure(service.circuits)?;
    println!("\"{}\": {} changed", service.greeting, applied.changed().len());
    for name in applied.unused() {
        println!("   no breaker is called '{name}' so far");
    }
    Ok(applied)
}

/// Looks at the file twice a second. Its text tells whether it has changed: its time may be too coarse for that, and
/// editors and orchestrators replace files.
fn follow(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut known = fs::read_to_string(path)?;
    // At the start a mistake ends the service: nobody wants it to run by other settings than those written.
    apply(registry(), &known)?;
    loop {
        thread::sleep(Duration::from_millis(500));
        // It may be missing for a moment while it is replaced.
        let Ok(text) = fs::read_to_string(path) else { continue };
        if text != known {
            if let Err(error) = apply(registry(), &text) {
                eprintln!("{} is not applied:\n{error}", path.display());
            }
            known = text;
        }
    }
}

fn demonstrate(registry: &Registry) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path: PathBuf = folder.path().join("service.toml");
    let fetch = registry.keyed("fetch", Config::default())?;
    fetch.get("api.example.com");
    let quotes = breakerbox::breaker("quotes").ok_or("the attribute names it so")?;

    println!("-- the first file");
    fs::write(&path, FIRST)?;
    apply(registry, &fs::read_to_string(&path)?)?;
    show(&quotes, Key::FailureThreshold);
    // One that comes later begins with what the file says of it.
    let slow = fetch.get("slow.example.com");
    show(&slow, Key::Timeout);
    show(&slow, Key::FailureRateThreshold);

    println!("-- two calls fail, as many as the file allows");
    assert!(quote("ACME").is_ok());
    assert!(quote("x").is_err() && quote("x").is_err());
    println!("   {}", quote("ACME").err().ok_or("the circuit is open")?);

    println!("-- a file with mistakes");
    fs::write(&path, FIRST.replace("failure_threshold = 2", "failure_treshold = 3"))?;
    if let Err(error) = apply(registry, &fs::read_to_string(&path)?) {
        println!("{error}");
    }
    fs::write(&path, FIRST.replace("failure_threshold = 2", "success_threshold = 2\nhalf_open_max_calls = 1"))?;
    if let Err(error) = apply(registry, &fs::read_to_string(&path)?) {
        println!("{error}");
    }
    show(&quotes, Key::FailureThreshold);

    println!("-- a file that says nothing of quotes; the circuit stays open, for its state is its own");
    fs::write(&path, "greeting = \"good day\"\n[circuits.breakers.qoutes]\n")?;
    apply(registry, &fs::read_to_string(&path)?)?;
    show(&quotes, Key::FailureThreshold);
    println!("   quotes: {}", quotes.state());
    assert!(quotes.is_open());
    Ok(())
}

fn show(breaker: &CircuitBreaker, key: Key) {
    let status = breaker.status();
    let setting = status.setting(key);
    println!("   {}: {key} is {}, from {}", status.name, setting.value, setting.origin);
}
