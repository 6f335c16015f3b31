//! Where results go: to a person or to a program.

use std::env;
use std::io::{self, IsTerminal, Write};

use breakerbox::admin::listing::harmless;
use serde::Serialize;

use crate::failure::Failure;
use crate::text::harmless_json;

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) is_terminal: bool,
    pub(crate) colour: bool,
    /// The columns of the terminal.
    pub(crate) width: Option<usize>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let says_no =
            |key, no: &str| env::var_os(key).is_some_and(|value| !value.is_empty() && (no.is_empty() || value == no));
        let colour = is_terminal && !says_no("NO_COLOR", "") && !says_no("TERM", "dumb");
        let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        Output { json, is_terminal, colour, width: width.filter(|width| *width > 0) }
    }

    /// Prints a result as JSON or as text.
    pub(crate) fn show(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if !self.json {
            return print(&(text() + "\n"));
        }
        let json = serde_json::to_string_pretty(value).map_err(|error| Failure::Output(error.into()))?;
        print(&(harmless_json(&json) + "\n"))
    }

    /// Prints a value in one line.
    pub(crate) fn line(value: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
        print(&(harmless_json(&json) + "\n"))
    }

    /// Prints text as it came, but for what a terminal must not get.
    pub(crate) fn raw(&self, text: &str) -> Result<(), Failure> {
        if !self.is_terminal {
            return print(text);
        }
        print(&text.lines().map(|line| harmless(line) + "\n").collect::<String>())
    }
}

/// Writes all of it now.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::Output)
}

/// Says something beside the results. If nobody hears it, the exit code still tells.
pub(crate) fn note(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
