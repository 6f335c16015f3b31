//! Who speaks for all breakers of a registry: in rounds it reads what the fleet has agreed about, and says what they
//! have to say. A store that fails, hangs or panics is its affair alone.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::Nudge;
use super::desk::{Desk, Taken};
use super::farewell::{Farewell, Farewells};
use super::fleet::Settings;
use super::line::{Failed, Line};
use super::note::Note;
use super::standing::{Round, Standing};
use super::worker::say;
use crate::breaker::Core;
use crate::bus::Bus;
use crate::clock::nanos;
use crate::remote::Find;

/// Breakers at rest are read in every so many rounds, if the store tells of changes.
const SELDOM: u64 = 2;
/// So long a breaker that notes something may not be listed yet.
const LISTED: Duration = Duration::from_secs(60);
/// And no more than so many of them are kept.
const EARLY: usize = 1000;
/// Rounds and pauses differ by up to this part, so that instances do not all ask at once.
const SPREAD: f64 = 0.2;

pub(super) struct Agent {
    desk: Arc<Desk>,
    settings: Arc<Mutex<Settings>>,
    bus: Weak<Bus>,
    find: Find,
    line: Line,
    standings: BTreeMap<Arc<str>, Standing>,
    /// Of breakers that have left the registry.
    farewells: Farewells,
    /// Notes of breakers that are not listed yet.
    early: BTreeMap<Arc<str>, Early>,
    /// Since when the store answers, unless it does not.
    connected: Option<u64>,
    /// Whether the round was the first one since the store answers.
    was_first: bool,
    rounds: u64,
    chance: RandomState,
}

struct Early {
    since: u64,
    note: Note,
}

impl Agent {
    pub(super) fn new(desk: Arc<Desk>, settings: Arc<Mutex<Settings>>, bus: Weak<Bus>, find: Find, line: Line) -> Self {
        Agent {
            desk,
            settings,
            bus,
            find,
            line,
            standings: BTreeMap::new(),
            farewells: Farewells::default(),
            early: BTreeMap::new(),
            connected: None,
            was_first: false,
            rounds: 0,
            chance: RandomState::new(),
        }
    }

    /// Hears from the store what others change.
    pub(super) fn listen(&mut self) {
        let desk = Arc::downgrade(&self.desk);
        let nudge = Nudge::new(move |breaker| {
            if let Some(desk) = desk.upgrade() {
                desk.nudged(breaker);
            }
        });
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.line.listen(nudge))) {
            self.fail(panicked(payload));
        }
    }

    /// Asks the store once: for all breakers, or for those with news. Returns whether it has answered.
    pub(super) fn round(&mut self, is_due: bool) -> bool {
        let settings = self.settings.lock().clone();
        let taken = self.desk.take();
        let is_due = is_due || taken.is_nudged;
        self.rounds += u64::from(is_due);
        let is_first = self.connected.is_none();
        let now = settings.now();
        let is_settled = self.connected.is_some_and(|since| now.saturating_sub(since) >= nanos(settings.interval));
        let round = Round { settings, now, is_first, is_settled };
        let mut unusable = Vec::new();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let talked = self.talk(taken, is_due || is_first, &round);
            unusable = self.line.unusable();
            talked
        }));
        let outcome = outcome.unwrap_or_else(|payload| Err(panicked(payload)));
        for (breaker, problem) in unusable {
            say(&self.bus, self.desk.unusable(breaker, problem));
        }
        let news = match outcome {
            Ok(()) => {
                self.connected.get_or_insert(now);
                self.was_first = is_first;
                self.desk.succeeded(is_first || self.standings.values().any(Standing::has_left))
            }
            Err(failed) => {
                self.fail(failed);
                None
            }
        };
        if let Some(news) = news {
            say(&self.bus, news);
        }
        self.desk.rest();
        self.connected.is_some()
    }

    /// The store does not answer: breakers work by themselves until it does.
    fn fail(&mut self, Failed { op, problem, .. }: Failed) {
        let was_connected = self.connected.take().is_some();
        let news = self.desk.failed(op, problem);
        if was_connected || news.is_some() {
            let spreads: Vec<f64> = self.standings.iter().map(|_| self.some() * SPREAD).collect();
            for (standing, spread) in self.standings.values_mut().zip(spreads) {
                standing.free(spread);
            }
        }
        if let Some(news) = news {
            say(&self.bus, news);
        }
    }

    fn talk(&mut self, taken: Taken, is_due: bool, round: &Round) -> Result<(), Failed> {
        for (name, note) in taken.gone {
            self.part(&name, note, round);
        }
        let mut heard = taken.notes;
        let mut early = mem::take(&mut self.early);
        let mut names: BTreeSet<Arc<str>> = heard.keys().chain(early.keys()).cloned().collect();
        if is_due {
            names.extend(self.standings.keys().cloned());
        }
        let mut due: Vec<(Arc<str>, Arc<Core>)> = Vec::with_capacity(names.len());
        let is_told = self.line.is_listening() && !round.is_first && !round.settings.is_stepped;
        for (place, name) in names.into_iter().enumerate() {
            let (mut note, mut since) = (heard.remove(&name), round.now);
            if let Some(early) = early.remove(&name) {
                since = early.since;
                let later = note.take().unwrap_or_default();
                note.insert(early.note).add(later);
            }
            let has_news = note.is_some();
            let Some(core) = self.meet(&name, note, since, round) else { continue };
            let Some(standing) = self.standings.get_mut(&name) else { continue };
            standing.count(&core, round);
            let is_turn = self.rounds.wrapping_add(place as u64).is_multiple_of(SELDOM);
            if has_news || !is_told || is_turn || !standing.is_at_rest() {
                due.push((name, core));
            }
        }
        self.forget_early();
        // Before those of the same name that have taken their places.
        self.farewells.say(&mut self.line, round.now)?;
        for (name, core) in &due {
            if let Some(standing) = self.standings.get_mut(name) {
                let said = standing.command(&mut self.line, core, round);
                self.settle(name, core, said)?;
            }
        }
        let mut beats = Vec::with_capacity(due.len());
        for (name, _) in &due {
            beats.extend(self.standings.get_mut(name).map(|standing| standing.beat(round)));
        }
        let views = self.line.sync(&beats)?;
        for ((name, core), view) in due.iter().zip(views) {
            let Some(standing) = self.standings.get_mut(name) else { continue };
            let stepped = view.and_then(|view| standing.step(&mut self.line, core, view, round));
            if stepped.is_ok() {
                let (view, is_remote) = (&standing.base, mem::take(&mut standing.is_remote));
                self.desk.know(name, view, round.settings.quorum, is_remote);
                self.desk.trouble(name, None);
            }
            self.settle(name, core, stepped)?;
        }
        Ok(())
    }

    /// A breaker that alone cannot be used in the store works by itself, and the others go on.
    fn settle(&mut self, name: &Arc<str>, core: &Arc<Core>, said: Result<(), Failed>) -> Result<(), Failed> {
        let failed = match said {
            Err(failed) if failed.is_of_breaker => failed,
            said => return said,
        };
        if let Some(standing) = self.standings.get_mut(name) {
            standing.give_up(core);
        }
        if let Some(news) = self.desk.trouble(name, Some((failed.op, failed.problem))) {
            say(&self.bus, news);
        }
        Ok(())
    }

    /// Finds a breaker, and takes what it has noted.
    fn meet(&mut self, name: &Arc<str>, note: Option<Note>, since: u64, round: &Round) -> Option<Arc<Core>> {
        let found = (self.find)(name);
        if let Some(standing) = self.take_gone(name, found.as_ref()) {
            let is_made = note.as_ref().is_some_and(|note| note.is_new);
            if !is_made {
                self.desk.forget(name);
            }
            self.say_farewell(standing, note.clone().filter(|_| !is_made), round);
        }
        let Some(core) = found else {
            // It is noted before it is listed.
            if let Some(note) = note.filter(|note| note.is_new) {
                if round.now.saturating_sub(since) < nanos(LISTED) {
                    self.early.insert(Arc::clone(name), Early { since, note });
                } else {
                    self.desk.forget(name);
                }
            }
            return None;
        };
        let standing = self.standings.entry(Arc::clone(name)).or_insert_with(|| Standing::new(name, &core));
        standing.take(note.unwrap_or_default());
        Some(core)
    }

    /// A breaker has left, maybe long before the thread hears of it: there may be another one of the name.
    fn part(&mut self, name: &Arc<str>, note: Note, round: &Round) {
        self.early.remove(name);
        let found = (self.find)(name);
        if let Some(standing) = self.take_gone(name, found.as_ref()) {
            self.say_farewell(standing, Some(note), round);
        } else if let Some(ordered) = note.order {
            self.farewells.add(Farewell::order(name, ordered));
        }
    }

    /// Takes away how a breaker stands if it is not the one that is listed.
    fn take_gone(&mut self, name: &Arc<str>, listed: Option<&Arc<Core>>) -> Option<Standing> {
        let standing = self.standings.get(name)?;
        if listed.is_some_and(|core| standing.is_of(core)) { None } else { self.standings.remove(name) }
    }

    /// One that has left the registry works by itself from now on.
    fn say_farewell(&mut self, mut standing: Standing, last: Option<Note>, round: &Round) {
        standing.free(0.0);
        standing.take(last.unwrap_or_default());
        if let Some(farewell) = standing.last_words(round) {
            self.farewells.add(farewell);
        }
    }

    /// Of more than can be, the first ones have left before they were listed.
    fn forget_early(&mut self) {
        let more = self.early.len().saturating_sub(EARLY);
        if more > 0 {
            let mut early: Vec<_> = self.early.iter().map(|(name, early)| (early.since, Arc::clone(name))).collect();
            early.sort_unstable();
            for (_, name) in early.into_iter().take(more) {
                self.early.remove(&name);
                self.desk.forget(&name);
            }
        }
    }

    /// How long to pause after a round that was good.
    pub(super) fn pause(&self) -> Duration {
        let interval = self.settings.lock().interval;
        if self.was_first { Duration::ZERO } else { self.spread(interval) }
    }

    /// A pause of about this length.
    pub(super) fn spread(&self, pause: Duration) -> Duration {
        pause.mul_f64(1.0 + SPREAD * (2.0 * self.some() - 1.0))
    }

    /// A number from 0 to 1, by chance; of a fleet that is stepped by hand always the same.
    fn some(&self) -> f64 {
        if self.settings.lock().is_stepped {
            return 0.0;
        }
        self.chance.hash_one((self.rounds, crate::clock::precise())) as f64 / u64::MAX as f64
    }

    /// The end: says what is left to say, and takes back what stands for this instance.
    pub(super) fn leave(&mut self) {
        let Taken { mut notes, gone, .. } = self.desk.take();
        if self.connected.is_some() {
            let settings = self.settings.lock().clone();
            let round = Round { now: settings.now(), settings, is_first: false, is_settled: true };
            for (name, note) in gone {
                self.part(&name, note, &round);
            }
            let mut names: Vec<_> = self.farewells.names().cloned().collect();
            let mut last = Vec::new();
            for (name, mut standing) in mem::take(&mut self.standings) {
                standing.take(notes.remove(&name).unwrap_or_default());
                last.extend(standing.last_words(&round));
                names.push(name);
            }
            let (farewells, line) = (&mut self.farewells, &mut self.line);
            let said = catch_unwind(AssertUnwindSafe(|| {
                let said = farewells.say(line, round.now);
                if said.and_then(|()| last.iter().try_for_each(|last| last.say(line, round.now))).is_ok() {
                    line.leave(&names);
                }
            }));
            if let Err(payload) = said {
                mem::forget(payload);
            }
        }
        self.desk.rest();
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("line", &self.line).finish_non_exhaustive()
    }
}

/// The panic hook has told of it; its payload might panic again when dropped, and so is not.
fn panicked(payload: Box<dyn Any + Send>) -> Failed {
    let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let problem = format!("the store panicked: {}", text.unwrap_or("it does not say why"));
    mem::forget(payload);
    Failed::new("panic", problem)
}
