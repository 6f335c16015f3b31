//! A fleet that agrees. Several processes call one backend; it dies, they open together; exactly the allowed number of
//! trial calls reaches it; it is well again, they close together. Redis is killed in between and nobody notices.
//!
//! ```text
//! cargo run --example fleet --features redis
//! ```
//!
//! It needs a `redis-server` on the PATH (Debian: `apt-get install redis-server`), which it starts on a free port and
//! ends. The processes are this program with an argument. Ends with 1 if something is not as said.

mod backend;
#[path = "../support/redis.rs"]
mod redis;
mod worker;

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use backend::Backend;
use redis::Redis;

/// The argument with which the program starts itself.
const WORKER: &str = "worker";
const WORKERS: usize = 4;
/// How long to wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A line that a worker has printed, and when it came.
struct Line {
    worker: usize,
    text: String,
    at: Instant,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [role, url, backend] = &arguments[..]
        && role == WORKER
    {
        worker::work(url, backend)?;
    }
    let Some(mut redis) = Redis::start()? else {
        eprintln!("there is no redis-server on the PATH: install Debian's package redis-server, or run `persistent`");
        return Ok(ExitCode::from(2));
    };
    let backend = Backend::start()?;
    let (mut fleet, lines) = start_workers(&redis.url(), &backend.address())?;
    let result = play(&mut redis, &backend, &lines);
    for process in &mut fleet {
        process.kill()?;
        process.wait()?;
    }
    match result {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(problem) => {
            eprintln!("not as it should be: {problem}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The story, and what has to be so.
fn play(redis: &mut Redis, backend: &Backend, lines: &Receiver<Line>) -> Result<(), String> {
    all(lines, "ready", WORKERS)?;
    println!("{WORKERS} processes call the backend through `quotes`, state in {}", redis.url());
    backend.until_requests(40, PATIENCE)?;

    println!("\nthe backend dies");
    backend.set_up(false);
    println!("the fleet is open after {:?} from the first to the last", together(lines, "-> open")?);
    // Calls that were under way when the last one opened are through by then.
    thread::sleep(Duration::from_millis(200));
    let calls = backend.calls();

    println!("\nRedis is killed, with all it knew");
    redis.kill().map_err(|error| error.to_string())?;
    thread::sleep(Duration::from_millis(500));
    redis.restart().map_err(|error| error.to_string())?;
    println!("and comes back empty");

    // The open time is over, once; the backend is still down.
    all(lines, "half_open -> open", 1)?;
    // Another trial of the same episode may be under way.
    thread::sleep(Duration::from_millis(500));
    let tried = backend.calls();
    println!(
        "\ntrial calls that reached the sick backend: {} (allowed: {})",
        tried.trials - calls.trials,
        worker::TRIALS
    );
    if tried.trials - calls.trials > worker::TRIALS || tried.others != calls.others {
        return Err(format!("before {calls:?}, after {tried:?}"));
    }

    println!("\nthe backend is well again");
    backend.set_up(true);
    println!("the fleet is closed after {:?} from the first to the last", together(lines, "-> closed")?);
    let healed = backend.calls();
    println!("trial calls that closed it: {} (needed: {})", healed.trials - tried.trials, worker::TRIALS);
    if healed.trials - tried.trials != worker::TRIALS {
        return Err(format!("before {tried:?}, after {healed:?}"));
    }
    backend.until_requests(healed.others + 40, PATIENCE)
}

/// Starts the workers, and reads what they print.
fn start_workers(url: &str, backend: &str) -> Result<(Vec<Child>, Receiver<Line>), Box<dyn Error>> {
    let (tell, lines) = mpsc::channel();
    let mut fleet = Vec::new();
    for worker in 0..WORKERS {
        let mut process =
            Command::new(env::current_exe()?).args([WORKER, url, backend]).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let tell = tell.clone();
        thread::spawn(move || {
            for text in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(Line { worker, text, at: Instant::now() }).is_err() {
                    break;
                }
            }
        });
        fleet.push(process);
    }
    Ok((fleet, lines))
}

/// Waits until every worker has printed a line like this, and tells how far the first and the last are apart.
fn together(lines: &Receiver<Line>, part: &str) -> Result<Duration, String> {
    let times = all(lines, part, WORKERS)?;
    let apart = times.iter().max().zip(times.iter().min()).map(|(last, first)| *last - *first);
    Ok(apart.unwrap_or_default())
}

/// Waits for lines like this of so many workers, and tells when they came. All lines are shown.
fn all(lines: &Receiver<Line>, part: &str, workers: usize) -> Result<Vec<Instant>, String> {
    let mut times = [None; WORKERS];
    let end = Instant::now() + PATIENCE;
    while times.iter().flatten().count() < workers {
        let left = end.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left).map_err(|_| format!("no `{part}` of {workers} workers in {PATIENCE:?}"))?;
        println!("  worker {}: {}", line.worker, line.text);
        if line.text.contains(part) {
            times[line.worker] = Some(line.at);
        }
    }
    Ok(times.into_iter().flatten().collect())
}
