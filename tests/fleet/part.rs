//! What another process does: calls the backend through a breaker whose state is shared, hears commands, and answers.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use breakerbox::shared::Fleet;
use breakerbox::{CircuitBreaker, Config, FileStore, RedisStore, Registry, State};

pub(crate) const STORE: &str = "BREAKERBOX_TEST_STORE";
pub(crate) const BACKEND: &str = "BREAKERBOX_TEST_BACKEND";
/// Trial calls that an episode of the fleet admits, and that close it.
pub(crate) const TRIALS: usize = 2;
pub(crate) const SYNC_INTERVAL: Duration = Duration::from_millis(250);
pub(crate) const RECOVERY_TIMEOUT: Duration = Duration::from_secs(2);

/// No test of its own: what another process does.
#[test]
fn plays_a_part() {
    let (Ok(store), Ok(backend)) = (env::var(STORE), env::var(BACKEND)) else { return };
    let Err(problem) = play(&store, &backend);
    println!("failed {problem}");
}

fn play(store: &str, backend: &str) -> Result<Infallible, Box<dyn Error>> {
    let registry = Registry::new();
    let fleet = match store.strip_prefix("file:") {
        Some(folder) => Fleet::new(FileStore::open(folder).shared()),
        None => Fleet::new(RedisStore::connect(store)?),
    };
    let fleet = fleet.sync_interval(SYNC_INTERVAL);
    registry.attach(&fleet)?;
    let config = Config::builder()
        .failure_threshold(3)
        .recovery_timeout(RECOVERY_TIMEOUT)
        .half_open_timeout(Duration::from_secs(4))
        .half_open_max_calls(TRIALS as u32)
        .success_threshold(TRIALS as u32);
    let quotes = registry.get_or_insert("quotes", config)?;
    println!("ready {}", fleet.ready(Duration::from_secs(20)));
    let pause = &*Box::leak(Box::new(AtomicU64::new(10)));
    let (caller, address) = (quotes.clone(), backend.to_owned());
    thread::spawn(move || {
        loop {
            let _ = call(&caller, &address);
            thread::sleep(Duration::from_millis(pause.load(Ordering::Relaxed)));
        }
    });
    // Ends with the test, which closes the pipe.
    for line in io::stdin().lock().lines() {
        let line = line?;
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["ask"] => println!("{}", answer(&quotes)),
            ["order", order] => {
                let alice = quotes.by("alice");
                match order {
                    "force_open" => alice.force_open(),
                    "disable" => alice.disable(),
                    "auto" => alice.auto(),
                    "reset" => alice.reset(),
                    "open" => alice.open_for(Duration::from_secs(60)),
                    _ => return Err(line.into()),
                }
                println!("done");
            }
            ["pause", millis] => {
                pause.store(millis.parse()?, Ordering::Relaxed);
                println!("done");
            }
            // The backend is out of reach of this one alone.
            ["fail", times] => {
                (0..times.parse()?).for_each(|_| quotes.record_failure());
                println!("done");
            }
            _ => return Err(line.into()),
        }
    }
    std::process::exit(0);
}

fn answer(quotes: &CircuitBreaker) -> String {
    let status = quotes.status();
    let store = status.store.expect("a store is attached");
    let (epoch, degraded) = (store.epoch.unwrap_or_default(), store.degraded.is_some());
    format!("status {} {} {epoch} {degraded}", status.state, status.mode)
}

/// One word back and forth. The backend hears whether it is a trial call, and of which epoch.
fn call(quotes: &CircuitBreaker, backend: &str) -> Result<String, Box<dyn Error>> {
    let permit = quotes.try_acquire()?;
    let status = quotes.status();
    let epoch = status.store.and_then(|store| store.epoch).unwrap_or_default();
    let word = if status.state == State::HalfOpen { format!("trial {epoch}\n") } else { "call\n".into() };
    match exchange(backend, &word) {
        Ok(answer) => {
            permit.success();
            Ok(answer)
        }
        Err(error) => {
            permit.failure();
            Err(error.into())
        }
    }
}

fn exchange(backend: &str, word: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(backend)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(word.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
}
