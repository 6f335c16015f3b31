//! What a fleet asks of its Redis, and how fast it agrees: 20 instances with 100 breakers each and one real server.
//!
//! ```text
//! cargo bench -p breakerbox --bench fleet --features redis
//! ```
//!
//! Instances are registries of one process, each with threads and connections of its own. `-- --seconds 60` measures
//! for longer than 20 s a phase.

#[expect(dead_code, reason = "nothing is restarted here")]
#[path = "../../../examples/support/redis.rs"]
mod redis;

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use breakerbox::shared::Fleet;
use breakerbox::{CircuitBreaker, Config, Event, RedisStore, Registry, State};

use redis::Redis;

const INSTANCES: usize = 20;
const BREAKERS: usize = 100;
const OPENINGS: usize = 50;

/// The counters of the server that matter.
struct Load {
    commands: f64,
    bytes_in: f64,
    bytes_out: f64,
    cpu: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let seconds = arguments.iter().position(|argument| argument == "--seconds");
    let seconds = seconds.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(if is_test { 1 } else { 20 });
    let phase = Duration::from_secs(seconds);
    let Some(server) = Redis::start()? else {
        println!("there is no redis-server on the PATH: nothing is measured");
        return Ok(());
    };
    let (instances, breakers) = if is_test { (5, 3) } else { (INSTANCES, BREAKERS) };
    let fleet = start(&server, instances, breakers)?;
    println!("{instances} instances, {breakers} breakers, one redis-server; a phase takes {phase:?}");

    // The sync interval and its spread, some times over.
    thread::sleep(Duration::from_secs(3).min(phase));
    report(&server, "at rest", || thread::sleep(phase))?;

    for (_, breakers) in &fleet {
        breakers.iter().skip(1).for_each(fail);
    }
    report(&server, "all down, calls go on", || {
        let start = Instant::now();
        while start.elapsed() < phase {
            for breaker in fleet.iter().flat_map(|(_, breakers)| breakers).skip(1) {
                if let Ok(permit) = breaker.try_acquire() {
                    permit.failure();
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
    })?;
    openings(&fleet, if is_test { 2 } else { OPENINGS });
    Ok(())
}

type Instance = (Registry, Vec<CircuitBreaker>);

fn start(server: &Redis, instances: usize, breakers: usize) -> Result<Vec<Instance>, Box<dyn Error>> {
    let mut fleet = Vec::new();
    for _ in 0..instances {
        let registry = Registry::new();
        let shared = Fleet::new(RedisStore::connect(server.url())?);
        registry.attach(&shared)?;
        let config = || Config::builder().recovery_timeout(Duration::from_secs(5));
        let breakers: Result<Vec<_>, _> =
            (0..breakers).map(|number| registry.get_or_insert(&format!("backend-{number}"), config())).collect();
        if !shared.ready(Duration::from_secs(30)) {
            return Err("redis is not ready".into());
        }
        fleet.push((registry, breakers?));
    }
    Ok(fleet)
}

fn fail(breaker: &CircuitBreaker) {
    (0..5).for_each(|_| breaker.record_failure());
}

/// What the server had to do meanwhile, each second.
fn report(server: &Redis, name: &str, phase: impl FnOnce()) -> Result<(), Box<dyn Error>> {
    let (before, start) = (load(server)?, Instant::now());
    phase();
    let (after, took) = (load(server)?, start.elapsed().as_secs_f64());
    let a_second = |count: fn(&Load) -> f64| (count(&after) - count(&before)) / took;
    println!(
        "{name:<24} {:>7.0} commands/s {:>8.1} KiB/s in {:>8.1} KiB/s out {:>6.1} % of a core",
        a_second(|load| load.commands),
        a_second(|load| load.bytes_in) / 1024.0,
        a_second(|load| load.bytes_out) / 1024.0,
        a_second(|load| load.cpu) * 100.0,
    );
    Ok(())
}

fn load(server: &Redis) -> Result<Load, Box<dyn Error>> {
    let mut stream = TcpStream::connect(server.url().trim_start_matches("redis://"))?;
    stream.write_all(b"INFO everything\r\nQUIT\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let value = |name: &str| -> Result<f64, Box<dyn Error>> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(line.ok_or_else(|| format!("no {name}"))?.trim().parse()?)
    };
    Ok(Load {
        // Scripts, and what they call.
        commands: value("total_commands_processed")?,
        bytes_in: value("total_net_input_bytes")?,
        bytes_out: value("total_net_output_bytes")?,
        cpu: value("used_cpu_sys")? + value("used_cpu_user")?,
    })
}

/// From the vote that opens the fleet until the last instance is open.
fn openings(fleet: &[Instance], rounds: usize) {
    let (tell, heard) = mpsc::channel();
    let subscriptions: Vec<_> = fleet
        .iter()
        .map(|(registry, _)| {
            let tell = tell.clone();
            registry.subscribe(move |event| {
                if let Event::Transition(change) = event
                    && &*change.breaker == "backend-0"
                    && change.to == State::Open
                {
                    let _ = tell.send(Instant::now());
                }
            })
        })
        .collect();
    let mut times = Vec::new();
    for _ in 0..rounds {
        fleet[0].1[0].reset();
        while fleet.iter().any(|(_, breakers)| breakers[0].state() != State::Closed) {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(50));
        while heard.try_recv().is_ok() {}
        let mut first = Instant::now();
        for (_, breakers) in fleet.iter().take(3) {
            first = Instant::now();
            fail(&breakers[0]);
        }
        let last = (0..fleet.len()).filter_map(|_| heard.recv_timeout(Duration::from_secs(10)).ok()).max();
        times.extend(last.map(|last| last.saturating_duration_since(first)));
    }
    drop(subscriptions);
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("the last vote to the last opening: median {:?}, 95 % {:?}, longest {:?}", at(50), at(95), at(100));
}
