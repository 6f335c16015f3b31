//! A process of the fleet: calls the backend fifty times a second and prints what happens to its breaker.

use std::convert::Infallible;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use breakerbox::{Event, RedisStore, State, circuit_breaker};

/// Trial calls that a half-open episode of the fleet admits, and that close it.
pub(crate) const TRIALS: usize = 2;

/// One word back and forth. The backend hears whether it is a trial call.
#[circuit_breaker(
    name = "quotes",
    failure_threshold = 3,
    recovery_timeout = "3s",
    half_open_max_calls = 2,
    success_threshold = 2
)]
fn quote(backend: &str) -> Result<String, Box<dyn Error>> {
    let is_trial = breakerbox::breaker("quotes").is_some_and(|quotes| quotes.state() == State::HalfOpen);
    let mut stream = TcpStream::connect(backend)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(if is_trial { b"trial\n" } else { b"quote\n" })?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.is_empty() { Err("no answer".into()) } else { Ok(answer) }
}

/// Works until it is killed.
pub(crate) fn work(url: &str, backend: &str) -> Result<Infallible, Box<dyn Error>> {
    let registry = breakerbox::registry();
    let _subscription = registry.subscribe(|event| {
        if !matches!(event, Event::Registered { .. }) {
            println!("{event}");
        }
    });
    // Where the fleet stands is known before the first call, if Redis answers.
    let fleet = breakerbox::shared::Fleet::new(RedisStore::connect(url)?).sync_interval(Duration::from_millis(250));
    registry.attach(&fleet)?;
    fleet.ready(Duration::from_secs(10));
    println!("ready");
    loop {
        // A refusal costs nothing, so a service may go on asking.
        let _ = quote(backend);
        thread::sleep(Duration::from_millis(20));
    }
}
