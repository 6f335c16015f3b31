//! State that survives a restart. The program starts a service, itself with an argument, kills it while its
//! circuit is open, and starts it again: it is still open, for the time that is left.
//!
//! ```text
//! cargo run --example persistent --features persist
//! ```
//!
//! To do the same by hand, run the service in a folder of your choice, kill it with `kill -9`, and run it again:
//!
//! ```text
//! CIRCUIT_BREAKER_PERSISTENT=true CIRCUIT_BREAKER_STATE_DIR=states cargo run --example persistent --features persist -- service
//! ```

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use breakerbox::circuit_breaker;

/// The argument with which the program starts itself.
const SERVICE: &str = "service";

/// The backend is down.
#[circuit_breaker(name = "quotes", failure_threshold = 3, recovery_timeout = 20)]
fn quote(symbol: &str) -> Result<f64, Box<dyn Error>> {
    Err(format!("no answer for {symbol}").into())
}

fn main() -> Result<(), Box<dyn Error>> {
    if env::args().any(|argument| argument == SERVICE) {
        serve();
    }
    let folder = env::temp_dir().join(format!("breakerbox-persistent-{}", std::process::id()));
    for run in ["the first process", "the second process"] {
        println!("{run}:");
        let mut service = Command::new(env::current_exe()?)
            .arg(SERVICE)
            .env("CIRCUIT_BREAKER_PERSISTENT", "true")
            .env("CIRCUIT_BREAKER_STATE_DIR", &folder)
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(service.stdout.take().ok_or("no output")?).lines();
        for line in lines.take(6) {
            println!("  {}", line?);
        }
        // SIGKILL: it can do nothing about it.
        service.kill()?;
        service.wait()?;
        println!("killed\n");
        thread::sleep(Duration::from_secs(2));
    }
    for entry in std::fs::read_dir(&folder)? {
        println!("{}", entry?.path().display());
    }
    println!("{}", std::fs::read_to_string(folder.join("quotes.cbs"))?);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Asks for a quote twice a second.
fn serve() -> ! {
    loop {
        let answer = quote("ACME").map_err(|error| error.to_string());
        let left = breakerbox::breaker("quotes").and_then(|quotes| quotes.status().retry_after);
        let left = left.map_or_else(|| "not open".to_owned(), |left| format!("open for {:.1} s", left.as_secs_f64()));
        println!("{answer:?}, {left}");
        thread::sleep(Duration::from_millis(500));
    }
}
