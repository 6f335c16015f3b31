//! The live table: drawn in place on the terminal's other screen, which leaves what was there before.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

use breakerbox::admin::listing::{harmless, time};
use breakerbox::admin::{AlertView, BreakerView, ClientError, HealthView, LiveEvent};
use breakerbox::{Clock, SystemClock};

use super::{View, line};
use crate::failure::Failure;
use crate::output::print;
use crate::show;
use crate::table::{Tone, cut};

const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
const HOME: &str = "\u{1b}[H";
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";
/// Events that are kept in sight.
const RECENT: usize = 8;

pub(super) struct Screen {
    url: String,
    colour: bool,
    clock: SystemClock,
    /// Each with the time at which it came.
    breakers: BTreeMap<String, (BreakerView, Duration)>,
    summary: Option<HealthView>,
    alerts: Vec<AlertView>,
    recent: VecDeque<String>,
    /// Why there is no connection, and since when.
    lost: Option<(String, Duration)>,
    is_entered: bool,
}

impl Screen {
    pub(super) fn new(url: &str, colour: bool) -> Result<Self, Failure> {
        let mut screen = Screen {
            url: harmless(url),
            colour,
            clock: SystemClock,
            breakers: BTreeMap::new(),
            summary: None,
            alerts: Vec::new(),
            recent: VecDeque::new(),
            lost: None,
            is_entered: false,
        };
        print(ENTER)?;
        screen.is_entered = true;
        Ok(screen)
    }

    fn take(&mut self, breakers: Vec<BreakerView>) {
        let now = self.clock.now();
        self.breakers.extend(breakers.into_iter().map(|breaker| (breaker.name.clone(), (breaker, now))));
    }

    fn remember(&mut self, line: String) {
        self.recent.push_front(line);
        self.recent.truncate(RECENT);
    }

    fn draw(&self) -> Result<(), Failure> {
        let size = terminal_size::terminal_size_of(io::stdout());
        let (width, height) = size.map_or((80, 24), |(width, height)| (width.0.max(1), height.0.max(1)));
        let mut lines = self.lines(usize::from(width), usize::from(height));
        lines.truncate(usize::from(height));
        print(&format!("{HOME}{}{CLEAR_LINE}{CLEAR_BELOW}", lines.join(&format!("{CLEAR_LINE}\r\n"))))
    }

    /// Head, alerts, table and what happened last, each in its share of the height.
    fn lines(&self, width: usize, height: usize) -> Vec<String> {
        let now = self.clock.now();
        let share = (height / 4).max(1);
        let mut lines = self.head(width, share, now);
        let mut below = Vec::new();
        if !self.recent.is_empty() {
            below.push(String::new());
            below.extend(self.recent.iter().take(share).map(|line| cut(line, width)));
        }
        let aged = self.breakers.values().map(|(breaker, at)| (breaker, now.saturating_sub(*at))).collect();
        let mut table = show::rows(aged, Some(width), self.colour);
        let room = height.saturating_sub(lines.len() + below.len());
        if table.len() > room && room > 1 {
            let hidden = table.len() - (room - 1);
            table.truncate(room - 1);
            table.push(Tone::Quiet.paint(&cut(&format!("{hidden} more, in a larger window"), width), self.colour));
        }
        lines.extend(table);
        lines.extend(below);
        lines
    }

    fn head(&self, width: usize, most_alerts: usize, now: Duration) -> Vec<String> {
        let mut lines = vec![cut(&self.url, width)];
        if let Some((error, since)) = &self.lost {
            let age = time(now.saturating_sub(*since));
            let text = cut(&format!("no connection for {age}, trying again: {error}"), width);
            lines.push(Tone::Bad.paint(&text, self.colour));
        } else if let Some(summary) = &self.summary {
            lines.push(cut(&show::summary(summary), width));
        } else {
            lines.push(cut("connecting", width));
        }
        if let Some(problem) = show::store_problem(self.breakers.values().map(|(breaker, _)| breaker)) {
            lines.push(Tone::Warning.paint(&cut(&problem, width), self.colour));
        }
        for alert in self.alerts.iter().take(most_alerts) {
            let text = harmless(&format!("{}: {}", alert.severity, alert.summary));
            lines.push(show::severity(alert).paint(&cut(&text, width), self.colour));
        }
        if let Some(hidden) = self.alerts.len().checked_sub(most_alerts + 1) {
            lines.push(cut(&format!("{} more alerts", hidden + 1), width));
        }
        lines.push(String::new());
        lines
    }
}

impl View for Screen {
    fn event(&mut self, event: LiveEvent) -> Result<(), Failure> {
        self.lost = None;
        match event {
            LiveEvent::Snapshot(snapshot) => {
                self.breakers.clear();
                self.take(snapshot.circuit_breakers);
                self.summary = Some(snapshot.summary);
                self.alerts = snapshot.alerts;
            }
            LiveEvent::Stats(stats) => {
                self.take(stats.circuit_breakers);
                self.breakers.retain(|name, _| !stats.removed.contains(name));
                self.summary = Some(stats.summary);
                self.alerts = stats.alerts;
            }
            LiveEvent::Happened(happening) => {
                let at = happening.at.map(|at| show::time_of_day(at) + "  ").unwrap_or_default();
                self.remember(at + &line(&happening));
            }
            LiveEvent::Lagged { missed } => self.remember(format!("{missed} events are missing here")),
            _ => {}
        }
        self.draw()
    }

    fn lost(&mut self, error: &ClientError) -> Result<(), Failure> {
        let since = self.lost.take().map_or_else(|| self.clock.now(), |(_, since)| since);
        self.lost = Some((harmless(&error.to_string()), since));
        self.draw()
    }

    fn tick(&mut self) -> Result<(), Failure> {
        self.draw()
    }

    /// What was last seen stays.
    fn end(&mut self) -> Result<(), Failure> {
        self.leave()?;
        let size = terminal_size::terminal_size_of(io::stdout());
        let width = size.map_or(80, |(width, _)| usize::from(width.0.max(1)));
        print(&(self.lines(width, usize::MAX).join("\n") + "\n"))
    }
}

impl Screen {
    fn leave(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.is_entered) { print(LEAVE) } else { Ok(()) }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // An error on the way must not leave the terminal without its cursor.
        let _ = self.leave();
    }
}
