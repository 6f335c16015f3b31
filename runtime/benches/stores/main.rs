//! What a store costs a call: nothing, reachable or not. Each path is measured with each store in turn, many times, so
//! that what the machine does meanwhile meets all of them.
//!
//! ```text
//! cargo bench -p breakerbox --bench stores --features persist,redis
//! ```
//!
//! It starts a `redis-server`, if there is one on the PATH. The columns are nanoseconds a call, medians; the ratios are
//! to the column without a store, of the same round.

#[expect(dead_code, reason = "nothing is restarted here")]
#[path = "../../../examples/support/redis.rs"]
mod redis;

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use breakerbox::shared::{Fleet, InMemoryStore};
use breakerbox::{CircuitBreaker, Config, FileStore, RedisStore, Registry, SystemClock};

use redis::Redis;

const CALLS: u32 = 20_000;

/// A path of a call: its name, a breaker that is ready for it, and one call.
struct Path {
    name: &'static str,
    config: fn() -> Config,
    ready: fn(&CircuitBreaker),
    call: fn(&CircuitBreaker),
}

fn paths() -> [Path; 5] {
    let default = Config::default;
    let window = || Config::builder().failure_rate_threshold(0.99).window_size(100).build().expect("it is right");
    let many = || Config::builder().failure_threshold(1_000_000).build().expect("it is right");
    [
        Path { name: "success", config: default, ready: |_| {}, call: succeed },
        Path { name: "success, count window", config: window, ready: |_| {}, call: succeed },
        Path { name: "failed", config: many, ready: |_| {}, call: fail },
        Path { name: "refused, open", config: default, ready: |breaker| breaker.open_for(DAY), call: succeed },
        Path { name: "refused, forced open", config: default, ready: CircuitBreaker::force_open, call: succeed },
    ]
}

const DAY: Duration = Duration::from_secs(86_400);

fn succeed(breaker: &CircuitBreaker) {
    let _ = black_box(breaker.try_acquire().map(breakerbox::Permit::success));
}

fn fail(breaker: &CircuitBreaker) {
    let _ = black_box(breaker.try_acquire().map(breakerbox::Permit::failure));
}

type Done = Result<(), Box<dyn Error>>;
type Attach<'a> = &'a dyn Fn(&Registry) -> Done;

fn main() -> Done {
    let rounds = if std::env::args().any(|argument| argument == "--test") { 3 } else { 301 };
    let server = Redis::start()?;
    let folder = std::env::temp_dir().join(format!("breakerbox-bench-{}", std::process::id()));
    let mut stores: Vec<(&str, Registry)> = vec![("no store", Registry::new())];
    let mut add = |name, attach: Attach<'_>| -> Done {
        let registry = Registry::new();
        attach(&registry)?;
        stores.push((name, registry));
        Ok(())
    };
    add("files", &|registry| Ok(registry.attach(FileStore::open(&folder))?))?;
    add("memory", &|registry| Ok(registry.attach(InMemoryStore::new(SystemClock))?))?;
    if let Some(server) = &server {
        add("redis", &|registry| {
            let fleet = Fleet::new(RedisStore::connect(server.url())?);
            registry.attach(&fleet)?;
            if fleet.ready(Duration::from_secs(10)) { Ok(()) } else { Err("redis is not ready".into()) }
        })?;
    } else {
        println!("there is no redis-server on the PATH: the column `redis` is left out");
    }
    // Nobody listens there: the connection is refused, again and again.
    add("redis away", &|registry| Ok(registry.attach(RedisStore::connect("redis://127.0.0.1:1")?)?))?;

    print!("{:<24}", "ns a call (ratio)");
    for (name, _) in &stores {
        print!("{name:>20}");
    }
    println!();
    for path in paths() {
        let breakers: Vec<CircuitBreaker> = stores
            .iter()
            .map(|(_, registry)| registry.get_or_insert(path.name, (path.config)()).expect("it is right"))
            .collect();
        breakers.iter().for_each(path.ready);
        print!("{:<24}", path.name);
        for (at, (time, ratio)) in measure(&breakers, path.call, rounds).into_iter().enumerate() {
            let ratio = if at == 0 { String::new() } else { format!(" ({ratio:.2})") };
            print!("{:>20}", format!("{time:.2}{ratio}"));
        }
        println!();
    }
    drop(stores);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Median time of a call and median ratio to the first, for each breaker.
fn measure(breakers: &[CircuitBreaker], call: fn(&CircuitBreaker), rounds: usize) -> Vec<(f64, f64)> {
    let mut times = vec![Vec::with_capacity(rounds); breakers.len()];
    for round in 0..rounds {
        // Another one is the first in each round.
        for at in (0..breakers.len()).map(|at| (at + round) % breakers.len()) {
            // Ends a run of failures, so that nothing opens.
            succeed(&breakers[at]);
            let start = Instant::now();
            for _ in 0..CALLS {
                call(black_box(&breakers[at]));
            }
            times[at].push(start.elapsed().as_nanos() as f64 / f64::from(CALLS));
        }
    }
    let ratios = |own: &[f64]| median(own.iter().zip(&times[0]).map(|(own, first)| own / first).collect());
    times.iter().map(|own| (median(own.clone()), ratios(own))).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
