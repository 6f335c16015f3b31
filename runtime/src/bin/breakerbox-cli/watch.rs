//! Follows what happens: a live table in a terminal, else a line for each event.

mod screen;

use std::iter;
use std::time::Duration;

use breakerbox::admin::listing::harmless;
use breakerbox::admin::{ClientError, Events, Happening, LiveEvent, SnapshotView};
use breakerbox::{Mode, State};
use futures_util::stream::{self, BoxStream, StreamExt};
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, note, print};
use crate::show;
use screen::Screen;

/// What can happen to a watcher.
enum Step {
    Event(Result<LiveEvent, ClientError>),
    /// The stream of events has ended for good.
    Ended,
    /// It is time to draw.
    Tick,
    Stop,
}

pub(crate) async fn run(events: Events, url: &str, interval: Duration, output: &Output) -> Result<(), Failure> {
    let mut view: Box<dyn View> = if output.json {
        Box::new(Json)
    } else if output.is_terminal {
        Box::new(Screen::new(url, output.colour)?)
    } else {
        Box::new(Lines::default())
    };
    let events = events.map(Step::Event).chain(stream::iter([Step::Ended]));
    let mut steps = stream::select(events, stream::select(ticks(interval), stop()));
    let mut has_connected = false;
    let mut last_error = None;
    while let Some(step) = steps.next().await {
        match step {
            Step::Event(Ok(event)) => {
                has_connected = true;
                last_error = None;
                view.event(event)?;
            }
            // A first connection that fails is a wrong address rather than a restart.
            Step::Event(Err(error)) if !has_connected || !error.is_temporary() => last_error = Some(error),
            Step::Event(Err(error)) => view.lost(&error)?,
            Step::Ended => {}
            Step::Tick => view.tick()?,
            Step::Stop => break,
        }
        if let Some(error) = last_error {
            drop(view);
            return Err(error.into());
        }
    }
    view.end()
}

fn ticks(interval: Duration) -> BoxStream<'static, Step> {
    let mut timer = tokio::time::interval(interval);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let ticks = stream::unfold(timer, |mut timer| async {
        timer.tick().await;
        Some((Step::Tick, timer))
    });
    ticks.boxed()
}

/// Ctrl-C, or a polite end from outside.
fn stop() -> BoxStream<'static, Step> {
    let interrupt = stream::once(async {
        // Without handlers the default holds, which is to end.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Step::Stop
    });
    stream::select(interrupt, terminate()).boxed()
}

#[cfg(unix)]
fn terminate() -> BoxStream<'static, Step> {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => stream::once(async move {
            terminate.recv().await;
            Step::Stop
        })
        .boxed(),
        Err(_) => stream::pending().boxed(),
    }
}

#[cfg(not(unix))]
fn terminate() -> BoxStream<'static, Step> {
    stream::pending().boxed()
}

/// One way of showing what happens.
trait View {
    fn event(&mut self, event: LiveEvent) -> Result<(), Failure>;
    /// The connection is lost; it is being tried again.
    fn lost(&mut self, error: &ClientError) -> Result<(), Failure>;
    fn tick(&mut self) -> Result<(), Failure> {
        Ok(())
    }
    fn end(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// An event a line, for programs.
struct Json;

impl View for Json {
    fn event(&mut self, event: LiveEvent) -> Result<(), Failure> {
        match event {
            LiveEvent::Snapshot(snapshot) => told("snapshot", *snapshot),
            LiveEvent::Stats(stats) => told("stats", *stats),
            LiveEvent::Lagged { missed } => told("lagged", json!({ "missed": missed })),
            LiveEvent::Happened(happening) => told(&happening.kind, happening.data),
            _ => Ok(()),
        }
    }

    fn lost(&mut self, error: &ClientError) -> Result<(), Failure> {
        lost(error);
        Ok(())
    }
}

/// Prints an event as a line of JSON.
fn told(event: &str, data: impl Serialize) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Told<'a, T> {
        event: &'a str,
        data: T,
    }
    Output::line(&Told { event, data })
}

/// A line for each event, for a pipe or a log.
#[derive(Default)]
struct Lines {
    has_lost: bool,
}

impl View for Lines {
    fn event(&mut self, event: LiveEvent) -> Result<(), Failure> {
        if std::mem::take(&mut self.has_lost) {
            note("connected again\n");
        }
        match event {
            LiveEvent::Snapshot(snapshot) => print(&standing(&snapshot)),
            LiveEvent::Happened(happening) => {
                let at = happening.at.map(|at| show::moment(at) + " ").unwrap_or_default();
                print(&(at + &line(&happening) + "\n"))
            }
            LiveEvent::Lagged { missed } => {
                note(&format!("{missed} events are missing here: the server has them no longer\n"));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn lost(&mut self, error: &ClientError) -> Result<(), Failure> {
        self.has_lost = true;
        lost(error);
        Ok(())
    }
}

fn lost(error: &ClientError) {
    note(&format!("connection lost, trying again: {}\n", harmless(&error.to_string())));
}

/// How things stand: what is wrong with the store, and the breakers that are not simply closed.
fn standing(snapshot: &SnapshotView) -> String {
    let others = snapshot.circuit_breakers.iter();
    let others = others.filter(|breaker| (breaker.state, breaker.mode) != (State::Closed, Mode::Auto));
    let others = others.map(|breaker| format!("  {}", show::sentence(breaker)));
    let problem = show::store_problem(snapshot.circuit_breakers.iter()).map(|problem| format!("  {problem}"));
    let lines: Vec<String> = iter::once(show::summary(&snapshot.summary)).chain(problem).chain(others).collect();
    lines.join("\n") + "\n"
}

/// What happened, in one line.
fn line(happening: &Happening) -> String {
    let by = match &happening.by {
        Some(by) if !happening.message.contains(by.as_str()) => format!(", by {by}"),
        _ => String::new(),
    };
    let breaker = happening.breaker.as_deref().unwrap_or_default();
    let message =
        if happening.message.is_empty() { format!("{}: {breaker}", happening.kind) } else { happening.message.clone() };
    harmless(&format!("{message}{by}"))
}
