//! A breaker and its model: driven through the same steps, and compared after each.

use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Clock, Event, ManualClock, Mode, Permit, Registry, State};

use super::End;
use super::model::{Held, Model};
use super::seen::{Kept, Seen, Told};
use super::settings::{Layers, Stated, builder, nanos};

/// What operators do, and results without a permit.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Record(End),
    MoveTo(State),
    OpenFor(u64),
    Mode(Mode),
    Reset,
    Reconfigure(Stated),
    /// Another place in the code states settings.
    Merge(usize, Stated),
    /// Another clock, and what it shows.
    SetClock(u64),
    Restore(Kept),
}

/// A breaker in a registry of its own, and somebody who listens.
#[derive(Debug)]
pub(crate) struct Ground {
    is_watched: bool,
    registry: Registry,
    clock: ManualClock,
    breaker: CircuitBreaker,
    stated: Stated,
    heard: Arc<Mutex<Vec<Event>>>,
}

impl Ground {
    pub(crate) fn new(name: &str, stated: &Stated, now: u64) -> Result<Ground, breakerbox::ConfigError> {
        Self::on(name, stated, now, |clock| clock)
    }

    /// On a clock that shows the time of the manual one in its own way.
    pub(crate) fn on<C: Clock + 'static>(
        name: &str,
        stated: &Stated,
        now: u64,
        shows: impl FnOnce(ManualClock) -> C,
    ) -> Result<Ground, breakerbox::ConfigError> {
        let clock = ManualClock::new();
        clock.set(Duration::from_nanos(now));
        let registry = Registry::with_clock(shows(clock.clone()));
        // What monitoring asks for sends calls by other ways, which are to be as good.
        let is_watched = stated.len() % 2 == 1;
        if is_watched {
            registry.count_in_flight();
            registry.time_calls(&[Duration::from_millis(5)]);
            registry.tell_refusals(Duration::MAX);
        }
        let breaker = registry.get_or_insert(name, builder(stated))?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        registry
            .subscribe(move |event: &Event| ear.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone()))
            .keep();
        Ok(Ground { is_watched, registry, clock, breaker, stated: stated.clone(), heard })
    }

    pub(crate) fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// What was heard since the last time.
    /// Refusals, of which only some are told, left out.
    pub(crate) fn heard(&self) -> Vec<Event> {
        let mut heard = mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        heard.retain(|event| !matches!(event, Event::Refused { .. }));
        heard
    }
}

/// A call that both have let in.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    permit: Permit<'a>,
    held: Held,
}

#[derive(Debug)]
pub(crate) struct Pair<'a> {
    ground: &'a Ground,
    clock: ManualClock,
    pub(crate) breaker: &'a CircuitBreaker,
    model: Model,
}

/// The two say different things.
pub(crate) type Disagreement = String;

impl<'a> Pair<'a> {
    pub(crate) fn new(ground: &'a Ground) -> Result<Self, Disagreement> {
        let now = nanos(ground.clock.now());
        let mut model = Model::new(&ground.stated, now).map_err(|keys| format!("the model refuses {keys:?}"))?;
        model.under_way = ground.is_watched.then_some(0);
        Ok(Pair { ground, clock: ground.clock.clone(), breaker: &ground.breaker, model })
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    pub(crate) fn now(&self) -> u64 {
        nanos(self.clock.now())
    }

    pub(crate) fn set_time(&self, now: u64) {
        self.clock.set(Duration::from_nanos(now));
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// When time alone changes the state, if ever.
    pub(crate) fn deadline(&self) -> u64 {
        self.model.until
    }

    pub(crate) fn acquire(&mut self) -> Result<Result<Call<'a>, CircuitBreakerError>, Disagreement> {
        let ours = self.breaker.try_acquire();
        self.learn();
        match (ours, self.model.acquire(self.now())) {
            (Ok(permit), Ok(held)) => Ok(Ok(Call { permit, held })),
            (Err(refusal), Err((reason, left)))
                if refusal.reason() == reason && refusal.retry_after().map(nanos) == left =>
            {
                Ok(Err(refusal))
            }
            (ours, model) => Err(format!("a call: ours {ours:?}, the model's {model:?}")),
        }
    }

    pub(crate) fn end(&mut self, call: Call<'a>, end: End) {
        match end {
            End::Success => call.permit.success(),
            End::Failure => call.permit.failure(),
            End::Ignored => call.permit.ignore(),
            End::Cancelled => drop(call.permit),
        }
        self.learn();
        self.model.end(call.held, end, self.now());
    }

    pub(crate) fn command(&mut self, order: &Command) -> Result<(), Disagreement> {
        let now = self.now();
        match order {
            Command::Merge(place, stated) => return self.merge(*place, stated),
            Command::Reconfigure(changes) => {
                let ours = self.breaker.reconfigure(builder(changes));
                self.learn();
                return match (ours, self.model.reconfigure(changes, now)) {
                    (Ok(()), Ok(())) => Ok(()),
                    (Err(error), Err(keys)) if keys.iter().any(|key| key.as_str() == error.key()) => Ok(()),
                    (ours, model) => Err(format!("reconfigured: ours {ours:?}, the model's {model:?}")),
                };
            }
            Command::SetClock(to) => {
                self.clock = ManualClock::new();
                self.set_time(*to);
                self.breaker.set_clock(self.clock.clone());
            }
            order => command(self.breaker, order),
        }
        self.learn();
        match order {
            Command::SetClock(to) => self.model.set_clock(now, *to),
            order => command_model(&mut self.model, order, now),
        }
        Ok(())
    }

    /// Two places in the code state settings for the same name. What does not resolve by itself is refused
    /// before it comes to the breaker.
    fn merge(&mut self, place: usize, stated: &Stated) -> Result<(), Disagreement> {
        let (registry, name) = (&self.ground.registry, self.breaker.name());
        let ours = match place {
            0 => registry.get_or_insert(name, builder(stated)).is_ok(),
            _ => elsewhere(registry, name, stated),
        };
        let is_whole = Layers::new(stated).policy().is_ok();
        if ours != is_whole {
            return Err(format!("{stated:?} stated again: ours {ours}, the model's {is_whole}"));
        }
        if is_whole {
            self.learn();
            self.model.merge(place, stated, self.now());
        }
        Ok(())
    }

    /// Lets the model know what chance has decided.
    fn learn(&mut self) {
        for event in self.ground.heard.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Told::Changed(change) = Told::from(event)
                && let Some(time) = change.retry_after
            {
                self.model.chance.insert(change.generation, time);
            }
        }
    }

    /// The same for an open time that shows already, although nothing has told of it.
    fn learn_what_shows(&mut self) {
        let now = self.now();
        if self.model.is_timed_out(now) {
            let status = self.breaker.status();
            let until = match status.retry_after {
                Some(left) => now.saturating_add(nanos(left)),
                None => now.saturating_sub(nanos(status.time_in_state)),
            };
            self.model.chance.insert(self.model.episode + 1, until.saturating_sub(self.model.until));
        }
    }

    /// Compares all that can be seen, and what was heard since the last time, which it returns.
    pub(crate) fn compare(&mut self) -> Result<Vec<Event>, Disagreement> {
        self.learn_what_shows();
        let (ours, model) = (Seen::of(self.breaker), self.model.seen(self.now()));
        if ours != model {
            return Err(difference(&ours, &model));
        }
        let heard = self.ground.heard();
        let (ours, model) = (heard.iter().map(Told::from).collect::<Vec<_>>(), mem::take(&mut self.model.told));
        if ours != model {
            return Err(difference(&ours, &model));
        }
        Ok(heard)
    }
}

fn elsewhere(registry: &Registry, name: &str, stated: &Stated) -> bool {
    registry.get_or_insert(name, builder(stated)).is_ok()
}

/// A command that needs nothing but the breaker.
pub(crate) fn command(breaker: &CircuitBreaker, command: &Command) {
    match command {
        Command::Record(End::Failure) => breaker.record_failure(),
        Command::Record(_) => breaker.record_success(),
        Command::MoveTo(State::Closed) => breaker.close(),
        Command::MoveTo(State::Open) => breaker.open(),
        Command::MoveTo(State::HalfOpen) => breaker.half_open(),
        Command::OpenFor(time) => breaker.open_for(Duration::from_nanos(*time)),
        Command::Mode(Mode::Auto) => breaker.auto(),
        Command::Mode(Mode::ForcedOpen) => breaker.force_open(),
        Command::Mode(Mode::Disabled) => breaker.disable(),
        Command::Mode(Mode::MetricsOnly) => breaker.metrics_only(),
        Command::Reset => breaker.reset(),
        Command::Restore(kept) => breaker.restore(&(*kept).into()),
        Command::Reconfigure(_) | Command::Merge(..) | Command::SetClock(_) => unreachable!("{command:?}"),
    }
}

/// The same to the model.
pub(crate) fn command_model(model: &mut Model, command: &Command, now: u64) {
    match command {
        Command::Record(end) => model.record(*end, now),
        Command::MoveTo(to) => model.move_to(*to, now),
        Command::OpenFor(time) => model.open_for(*time, now),
        Command::Mode(mode) => model.set_mode(*mode, now),
        Command::Reset => model.reset(now),
        Command::Restore(kept) => model.restore(*kept, now),
        Command::Reconfigure(_) | Command::Merge(..) | Command::SetClock(_) => unreachable!("{command:?}"),
    }
}

/// The lines in which the two differ.
fn difference<T: Debug>(ours: &T, model: &T) -> String {
    let (ours, model) = (format!("{ours:#?}"), format!("{model:#?}"));
    let only = |of: &str, other: &str| -> Vec<String> {
        let lines = of.lines().enumerate().filter(|(at, line)| other.lines().nth(*at) != Some(line));
        lines.map(|(_, line)| format!("  {}", line.trim())).collect()
    };
    format!("ours\n{}\nthe model's\n{}", only(&ours, &model).join("\n"), only(&model, &ours).join("\n"))
}
