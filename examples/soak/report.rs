//! What a soak tells people: how it goes on, and what came of it.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use breakerbox::Transitions;

use crate::args::Args;
use crate::law::{self, Law};
use crate::memory::{Heap, Samples};
use crate::tally::{self, Tally};
use crate::target::Kind;
use crate::world::World;

/// Writes a line. A reader who has left, as `head` does, is no reason to fail.
fn line(text: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{}", text.to_string().trim_end());
}

/// A number with a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    let mut text = head.to_owned();
    for (place, digit) in rest.chars().enumerate() {
        if place % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn mebibytes(bytes: usize) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 { String::new() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

/// What came of one soak.
#[derive(Debug)]
pub(crate) struct Figures {
    ended: [u64; 7],
    late: u64,
    fallbacks: u64,
    slow: u64,
    moved: [(&'static str, u64); 7],
    resident: Option<(usize, usize)>,
    heap: Option<(usize, usize)>,
}

impl Figures {
    pub(crate) fn of(world: &World, samples: &Samples) -> Figures {
        let all = |count: fn(&breakerbox::Totals) -> u64| world.targets.iter().map(|target| target.since(count)).sum();
        let moved = |name, count: fn(&Transitions) -> u64| {
            let all = world.targets.iter().map(|target| target.since(|totals| count(&totals.transitions)));
            (name, all.sum())
        };
        Figures {
            ended: Kind::ALL.map(|kind| world.targets.iter().map(|target| target.calls(kind)).sum()),
            late: all(|totals| totals.late),
            fallbacks: all(|totals| totals.fallbacks),
            slow: all(|totals| totals.slow_calls),
            moved: [
                moved("closed -> open", |moved| moved.closed_to_open),
                moved("closed -> half_open", |moved| moved.closed_to_half_open),
                moved("open -> half_open", |moved| moved.open_to_half_open),
                moved("open -> open", |moved| moved.open_to_open),
                moved("open -> closed", |moved| moved.open_to_closed),
                moved("half_open -> open", |moved| moved.half_open_to_open),
                moved("half_open -> closed", |moved| moved.half_open_to_closed),
            ],
            resident: samples.resident(),
            heap: samples.heap(),
        }
    }
}

pub(crate) fn begin(args: &Args) {
    let Args { seconds, seed, breakers, tasks, threads, .. } = args;
    line(format_args!("soak of breakerbox: {seconds} s, seed {seed}"));
    line(format_args!(
        "{breakers} breakers and 6 of the global registry, {tasks} tasks, {threads} threads, 4 backends; \
         a short run first, to warm up"
    ));
    line("");
}

/// A line on how far it has come.
pub(crate) fn progress(time: Duration, world: &World) {
    let calls: u64 = world.targets.iter().map(|target| target.all_calls()).sum();
    let checks: u64 = Law::ALL.iter().map(|law| law::checks(*law)).sum();
    line(format_args!(
        "{:>6} s {:>15} calls {:>8} kills {:>10} rests {:>15} checks",
        time.as_secs(),
        grouped(calls),
        grouped(tally::of(Tally::Kills)),
        grouped(tally::of(Tally::Rests)),
        grouped(checks),
    ));
}

fn heading(text: &str, notes: &str) {
    line(format_args!("\n{text:<52}{notes:>26}"));
}

fn row(name: &str, number: impl Display, note: &str) {
    line(format_args!("  {name:<50}{number:>16}{note:>10}"));
}

fn count(name: &str, number: u64) {
    row(name, grouped(number), "");
}

fn counts(rows: &[(&str, Tally)]) {
    for (name, tally) in rows {
        count(name, tally::of(*tally));
    }
}

/// The whole report. Returns whether all laws held.
pub(crate) fn end(args: &Args, figures: &Figures, before: Heap, after: Heap) -> bool {
    let calls = figures.ended.iter().sum::<u64>();
    heading("calls", "");
    row("all", grouped(calls), &format!("{}/s", grouped(calls / args.seconds)));
    let names = [
        "succeeded",
        "failed",
        "ignored",
        "cancelled",
        "refused: open",
        "refused: trials taken",
        "refused: forced open",
    ];
    for (name, number) in names.into_iter().zip(figures.ended) {
        row(name, grouped(number), &share(number, calls));
    }
    count("of the ended: late", figures.late);
    count("of the ended: slow", figures.slow);
    count("answered by a fallback", figures.fallbacks);
    counts(&[
        ("that panicked", Tally::Panics),
        ("futures dropped halfway", Tally::DroppedFutures),
        ("calls within calls", Tally::NestedCalls),
        ("permits that ended elsewhere than they began", Tally::SentPermits),
    ]);

    heading("transitions", "");
    for (name, number) in figures.moved {
        count(name, number);
    }

    heading("trouble", "");
    counts(&[
        ("backends killed", Tally::Kills),
        ("backends started again", Tally::Restarts),
        ("backends hung", Tally::Hangs),
        ("backends slow", Tally::SlowSpells),
        ("backends closed halfway", Tally::HalfCloses),
        ("backends reset connections", Tally::ConnectionResets),
        ("backends said no", Tally::ErrorSpells),
        ("connections", Tally::Connections),
        ("commands of operators", Tally::Commands),
        ("changes of settings", Tally::ChangesTaken),
        ("changes of settings that were refused", Tally::ChangesRefused),
        ("changes of clocks", Tally::ClockChanges),
        ("snapshots restored", Tally::Restored),
        ("events heard", Tally::Events),
        ("panics of listeners", Tally::ListenerPanics),
        ("listeners that came and went", Tally::Subscriptions),
        ("breakers that came and went", Tally::Inserted),
        ("statuses looked at", Tally::Statuses),
        ("breakers brought to rest", Tally::Rests),
        ("races on clocks that stand still", Tally::Rounds),
    ]);

    let (arrived, made) = (tally::of(Tally::SparedConnections), tally::of(Tally::SparedCalls));
    heading("a backend that is down", "");
    count("calls to the one that no operator touches", made);
    row("connections that reached it", grouped(arrived), &share(arrived, made));

    heading("memory", "");
    for (name, found) in [("resident", figures.resident), ("heap", figures.heap)] {
        if let Some((first, last)) = found {
            row(&format!("{name}, median of the first quarter"), mebibytes(first), "");
            row(&format!("{name}, median of the last quarter"), mebibytes(last), "");
        }
    }
    row("blocks before, with everything dropped", grouped(before.blocks as u64), "");
    row("blocks after", grouped(after.blocks as u64), "");
    laws(args)
}

fn laws(args: &Args) -> bool {
    let broken = law::broken();
    heading("laws", "checked     ");
    for law in Law::ALL {
        let held = if broken.iter().any(|(other, _)| other == law) { "BROKEN" } else { "" };
        row(law.text(), grouped(law::checks(*law)), held);
    }
    line("");
    if broken.is_empty() {
        line("all laws held");
        return true;
    }
    for (law, seen) in &broken {
        line(format_args!("{}:\n    {seen}", law.text()));
    }
    let is_broken = |law: &&Law| broken.iter().any(|(other, _)| other == *law);
    let names: Vec<&str> = Law::ALL.iter().filter(is_broken).map(|law| law.text()).collect();
    line(format_args!("\nbroken, with seed {}: {}", args.seed, names.join("; ")));
    false
}
