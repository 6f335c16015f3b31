//! The results as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use crate::args::Options;
use crate::figures::Figures;
use crate::script::{
    Behaviour, FAILURE_THRESHOLD, LATE, LIMIT, MINIMUM_CALLS, PATIENCE, RETRIES, SLOW, SLOW_CALL, SLOW_SHARE, TIMEOUT,
    TRIALS, WINDOW,
};
use crate::sick::Rows;

/// On which machine, and with what.
pub fn head(options: &Options) -> anyhow::Result<String> {
    let mut text = String::from("# Results\n\n");
    let threads = std::thread::available_parallelism()?;
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let versions: Vec<String> = versions().collect();
    writeln!(
        text,
        "Of one run in {profile} on {threads} hardware threads ({}, {}), with {}.",
        std::env::consts::OS,
        std::env::consts::ARCH,
        versions.join(", ")
    )?;
    if let Ok(load) = std::fs::read_to_string("/proc/loadavg") {
        let load: Vec<&str> = load.split(' ').take(1).collect();
        writeln!(text, "The load of the last minute before it was {}.", load.concat())?;
    }
    let quick = if options.quick { " A smoke run: its figures mean little." } else { "" };
    writeln!(text, "What is measured, and how to read it, is in [README.md](README.md).{quick}\n")?;
    Ok(text)
}

/// Of the packages that take part, from the lock file.
fn versions() -> impl Iterator<Item = String> {
    const PARTS: [&str; 7] = [
        "breakerbox",
        "reqwest",
        "reqwest-middleware",
        "reqwest-retry",
        "seatbelt",
        "tokio",
        "tower-resilience-circuitbreaker",
    ];
    let mut lines = include_str!("../Cargo.lock").lines();
    std::iter::from_fn(move || {
        loop {
            let name = lines.next()?.strip_prefix("name = ").map(|name| name.trim_matches('"'));
            if let Some(name) = name.filter(|name| PARTS.contains(name)) {
                let version = lines.next()?.strip_prefix("version = ")?.trim_matches('"');
                return Some(format!("{name} {version}"));
            }
        }
    })
}

pub fn sick_head(options: &Options) -> String {
    let script = options.script;
    format!(
        "## Sick servers\n\n\
         {} calls a second; healthy for {}, sick for {} and up to {} more, then well. Timeout of an attempt: {}; up to {} \
         retries. Breakers: {} failures in a row, or {:.0} % over {} of at least {} calls within {}; open for {}; {} \
         trials, all of which must succeed. The `timeout` of the breaker that has one: {}. {}. Medians of {} rounds.\n\n",
        script.rate,
        time(script.healthy),
        time(script.sick),
        time(script.recovery_timeout),
        time(TIMEOUT),
        RETRIES,
        FAILURE_THRESHOLD,
        SLOW_SHARE * 100.0,
        time(SLOW_CALL),
        MINIMUM_CALLS,
        time(WINDOW),
        time(script.recovery_timeout),
        TRIALS,
        time(LIMIT),
        if options.apart {
            "One client after the other"
        } else {
            "All clients at the same time, each with its own server"
        },
        options.rounds,
    )
}

fn title(behaviour: Behaviour) -> String {
    match behaviour {
        Behaviour::Works => "It works".to_owned(),
        Behaviour::Refuses => "It refuses: the port is closed".to_owned(),
        Behaviour::Hangs => "It hangs: takes requests and never answers".to_owned(),
        Behaviour::Abandoned => format!("It hangs, and callers give up after {}", time(PATIENCE)),
        Behaviour::Late => format!("It is too late: answers after {}", time(LATE)),
        Behaviour::Slow => format!("It is slow: answers well after {}", time(SLOW)),
        Behaviour::HalfWay => "It closes half-way: a good head, half of the body".to_owned(),
        Behaviour::Unavailable => "It answers 503 at once".to_owned(),
        Behaviour::RetryAfter => "It answers 503 with `Retry-After`".to_owned(),
        Behaviour::Flaky => "It answers 503 to every other request, by chance".to_owned(),
    }
}

pub fn sick(behaviour: Behaviour, rows: &Rows) -> String {
    let mut text = format!("### {}\n\n", title(behaviour));
    text.push_str(
        "| client | requests at the sick server | connections | a caller waits: median | p99 | longest \
         | success / failure / refusal | calls at once | first success after | steady after |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for (kind, figures) in rows {
        text.push_str(&row(kind.name, figures));
    }
    text
}

fn row(name: &str, figures: &Figures) -> String {
    let share = |share: f64| format!("{:.0}", share * 100.0);
    let recovery = |after: Option<Duration>| after.map_or_else(|| "never".to_owned(), time);
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} / {} / {} % | {} | {} | {} |\n",
        figures.reached,
        figures.connections,
        time(figures.median),
        time(figures.p99),
        time(figures.longest),
        share(figures.succeeded),
        share(figures.failed),
        share(figures.refused),
        figures.in_flight,
        recovery(figures.first_success),
        recovery(figures.steady),
    )
}

/// In the unit that suits it, with two or three digits.
pub fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        0.0 => "0".to_owned(),
        ..100.0 => format!("{micros:.0} µs"),
        ..10_000.0 => format!("{:.1} ms", micros / 1e3),
        ..1e6 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}
