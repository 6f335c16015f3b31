//! The terminal of the quickstart: rows that line up, lines between them, colour where it is wanted.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use breakerbox::{CircuitBreaker, State, Totals};

use crate::support::server::Behaviour;

/// What a breaker counted in a row: `ok`, `failed`, `late`, `refused` and what was given up add up to `calls`.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    calls: u64,
    succeeded: u64,
    failed: u64,
    late: u64,
    refused: u64,
    cached: u64,
}

const COLUMNS: &str = "calls    ok failed  late refused cached";

impl Counts {
    fn since(before: &Totals, now: &Totals) -> Counts {
        Counts {
            calls: now.attempts - before.attempts,
            succeeded: now.successes - before.successes,
            failed: now.failures - before.failures,
            late: now.late - before.late,
            refused: now.rejections.total() - before.rejections.total(),
            cached: now.fallbacks - before.fallbacks,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { calls, succeeded, failed, late, refused, cached } = self;
        write!(f, "{calls:>5} {succeeded:>5} {failed:>6} {late:>5} {refused:>7} {cached:>6}")
    }
}

/// Writes a line. A reader who has left, as `head` does, is no reason to fail.
pub(crate) fn line(text: impl fmt::Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// How text looks: with or without colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    is_coloured: bool,
}

const DIM: &str = "2";
const BOLD: &str = "1";

impl Screen {
    /// With colour on a terminal, unless `NO_COLOR` is set: see <https://no-color.org>.
    pub(crate) fn new() -> Screen {
        let is_unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Screen { is_coloured: io::stdout().is_terminal() && !is_unwanted }
    }

    pub(crate) fn heading(self, text: &str) {
        line(format_args!("\n{}", self.painted(BOLD, text)));
    }

    /// A transition, in the colour of the new state.
    pub(crate) fn transition(self, to: State, text: impl fmt::Display) {
        line(format_args!("        {}", self.painted(colour(to), text)));
    }

    fn painted(self, colour: &str, text: impl fmt::Display) -> String {
        if self.is_coloured { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// A state with a sign that can be told apart without colour.
    fn state(self, state: State) -> String {
        let sign = match state {
            State::Closed => '●',
            State::Open => '○',
            State::HalfOpen => '◐',
        };
        self.painted(colour(state), format_args!("{sign} {state}"))
    }
}

fn colour(state: State) -> &'static str {
    match state {
        State::Closed => "32",
        State::Open => "31",
        State::HalfOpen => "33",
    }
}

/// One row for each second and breaker, with what happened in that second.
#[derive(Debug)]
pub(crate) struct Table {
    screen: Screen,
    second: u32,
    breakers: Vec<(CircuitBreaker, Totals)>,
}

impl Table {
    pub(crate) fn new(screen: Screen, breakers: impl IntoIterator<Item = CircuitBreaker>) -> Table {
        let breakers = breakers.into_iter().map(|breaker| (breaker, Totals::default())).collect();
        Table { screen, second: 0, breakers }
    }

    /// Begins a part of the story, with the columns again: the last time is off the screen by now.
    pub(crate) fn part(&self, announcement: &str) {
        self.screen.heading(announcement);
        line(self.screen.painted(DIM, format_args!("  time  server   breaker   {COLUMNS}  state")));
    }

    pub(crate) fn second(&mut self, behaviour: Behaviour) {
        self.second += 1;
        let mut beginning = format!("{:>4} s  {behaviour:<7}", self.second);
        for (breaker, before) in &mut self.breakers {
            let status = breaker.status();
            let counts = Counts::since(before, &status.totals);
            *before = status.totals;
            let state = self.screen.state(status.state);
            line(format_args!("{beginning}  {:<8}  {counts}  {state}", status.name));
            beginning = " ".repeat(15);
        }
    }
}

/// All breakers since the start, one a row.
pub(crate) fn list(screen: Screen, breakers: &[CircuitBreaker]) {
    screen.heading("All breakers of the program, as the linker has collected them");
    line(screen.painted(DIM, format_args!("  breaker   {COLUMNS} opened  state     function")));
    for breaker in breakers {
        let status = breaker.status();
        let counts = Counts::since(&Totals::default(), &status.totals);
        let state = screen.state(status.state);
        let functions: Vec<_> = status.locations.iter().map(|location| location.function).collect();
        let (trips, functions) = (status.totals.trips, functions.join(", "));
        line(format_args!("  {:<8}  {counts} {trips:>6}  {state}  {functions}", status.name));
    }
}
