//! Runs a scenario: prepares each breaker, sees that it does what the scenario says, times all in turn, and looks again.

use std::collections::HashMap;
use std::time::Duration;

use crate::measure::{Effort, Samples, Timed, calibrate, interleave_calls};
use crate::scenario::{Calls, Scenario, Way};
use crate::subject::{AsyncWay, Caller, Peer, Plan, Setting, SyncWay, Use};
use crate::trial::{self, Behaviour};
use crate::work::Pattern;
use crate::{floors, peers};

/// A row of the table.
pub struct Row {
    pub name: &'static str,
    /// Empty for what is no breaker.
    pub package: &'static str,
    pub notes: Vec<String>,
    pub records_no_success: bool,
    /// Nanoseconds a call, or why there are none.
    pub samples: Result<Samples, String>,
}

/// All that takes part.
pub struct Field {
    sync: Side<SyncWay>,
    asynchronous: Side<AsyncWay>,
}

/// What is called in one way, with what each was seen to do.
struct Side<W> {
    bare: Peer<W>,
    peers: Vec<Peer<W>>,
    behaviours: HashMap<(&'static str, Setting), Result<Behaviour, String>>,
}

impl<W> Side<W> {
    fn watch(bare: Peer<W>, peers: Vec<Peer<W>>) -> Self {
        let mut behaviours = HashMap::new();
        for peer in &peers {
            for setting in peer.settings {
                behaviours.insert((peer.name, *setting), trial::watch(peer, *setting));
            }
        }
        Self { bare, peers, behaviours }
    }
}

/// The calls of a sample where the cost grows with the calls that a breaker has seen.
const FROM_NEW: u64 = 1_000;

/// The calls of a sample with cold caches, each of which costs a walk through 4 MiB.
const COLD: u64 = 25;

/// Samples of two threads are longer, so that it does not matter when each starts and ends.
const TWO_THREADS: u32 = 5;

impl Field {
    /// Watches what every breaker does.
    pub fn watch() -> Self {
        Self {
            sync: Side::watch(floors::bare(), peers::sync()),
            asynchronous: Side::watch(floors::async_bare(), peers::asynchronous()),
        }
    }

    /// The rows of `scenario`; the first is the bare call.
    pub fn run(&self, scenario: Scenario, effort: &Effort) -> Vec<Row> {
        let longer = Effort { sample: effort.sample * TWO_THREADS, ..*effort };
        match scenario.way {
            Way::Sync(way) => {
                let effort = if way == SyncWay::TwoThreads { &longer } else { effort };
                let floors = if scenario.calls == Calls::Floor { floors::all() } else { Vec::new() };
                let mut entries = vec![Entry::bare(&self.sync.bare, scenario.calls)];
                if floors.is_empty() {
                    entries.extend(self.sync.entries(scenario.calls));
                } else {
                    entries.extend(floors.iter().map(|floor| Entry::bare(floor, scenario.calls)));
                }
                rows(entries, scenario.calls, way, (way == SyncWay::Cold).then_some(COLD), effort)
            }
            Way::Async(way) => {
                let effort = if way == AsyncWay::TwoTasks { &longer } else { effort };
                let mut entries = vec![Entry::bare(&self.asynchronous.bare, scenario.calls)];
                entries.extend(self.asynchronous.entries(scenario.calls));
                rows(entries, scenario.calls, way, None, effort)
            }
        }
    }
}

impl<W> Side<W> {
    /// The breakers that take part, each ready or with the reason why it is not.
    fn entries(&self, calls: Calls) -> impl Iterator<Item = Entry<'_, W>> {
        self.peers.iter().filter_map(move |peer| {
            let setting = match calls {
                Calls::Floor => None,
                Calls::Refused => peer.settings.first().copied(),
                Calls::Closed(_, setting) => peer.settings.contains(&setting).then_some(setting),
            }?;
            Some(Entry::new(peer, setting, calls, self.behaviours.get(&(peer.name, setting))?))
        })
    }
}

/// A subject of a scenario.
struct Entry<'p, W> {
    peer: &'p Peer<W>,
    plan: Plan,
    pattern: Pattern,
    notes: Vec<String>,
    breaker: Result<Caller<W>, String>,
}

impl<'p, W> Entry<'p, W> {
    fn bare(peer: &'p Peer<W>, calls: Calls) -> Self {
        let pattern = if let Calls::Closed(pattern, _) = calls { pattern } else { Pattern::Success };
        let plan = Plan::new(Setting::Consecutive, Use::Timed(pattern));
        let notes = peer.notes.iter().map(ToString::to_string).collect();
        Self { peer, plan, pattern, notes, breaker: Ok((peer.start)(plan)) }
    }

    fn new(peer: &'p Peer<W>, setting: Setting, calls: Calls, behaviour: &Result<Behaviour, String>) -> Self {
        let mut entry = Self { plan: Plan::new(setting, Use::Open), ..Self::bare(peer, calls) };
        entry.breaker = match behaviour {
            Err(wrong) => Err(wrong.clone()),
            Ok(behaviour) => {
                entry.notes.extend(behaviour.remarks(setting));
                match calls {
                    Calls::Closed(pattern, _) => entry.close(pattern),
                    _ if behaviour.opens_after.is_none() => Err("never refuses".to_owned()),
                    _ => entry.start().and_then(|mut breaker| trial::open(&mut breaker).map(|()| breaker)),
                }
            }
        };
        if (peer.grows)(setting, entry.pattern) && calls != Calls::Refused {
            entry.notes.push(format!("its cost grows with the calls: this is that of the first {FROM_NEW}"));
        }
        entry
    }

    #[expect(clippy::unnecessary_wraps, reason = "the start of a chain of steps that may fail")]
    fn start(&self) -> Result<Caller<W>, String> {
        Ok((self.peer.start)(self.plan))
    }

    /// A breaker that stays closed under the calls of `pattern`.
    fn close(&mut self, pattern: Pattern) -> Result<Caller<W>, String> {
        self.plan =
            Plan { unreachable: pattern == Pattern::Failure, ..Plan::new(self.plan.setting, Use::Timed(pattern)) };
        let mut breaker = self.start()?;
        let passed = trial::passes(&mut breaker, pattern, 10_000);
        let Err(why) = passed else { return Ok(breaker) };
        if pattern != Pattern::OnePercent {
            return Err(why);
        }
        self.notes.push("opens at 1 % failures: timed with a threshold that it never reaches".to_owned());
        self.plan.unreachable = true;
        let mut breaker = self.start()?;
        trial::passes(&mut breaker, pattern, 10_000).map(|()| breaker)
    }

    fn grows(&self, calls: Calls) -> bool {
        calls != Calls::Refused && (self.peer.grows)(self.plan.setting, self.pattern)
    }
}

/// Times the entries that are ready, in turn.
fn rows<W: Copy>(
    mut entries: Vec<Entry<'_, W>>,
    calls: Calls,
    way: W,
    fixed: Option<u64>,
    effort: &Effort,
) -> Vec<Row> {
    let mut subjects: Vec<Timed<'_>> = Vec::new();
    let mut counts = Vec::new();
    for entry in &mut entries {
        let from_new = entry.grows(calls);
        let Ok(breaker) = &mut entry.breaker else { continue };
        let (peer, plan, pattern) = (entry.peer, entry.plan, entry.pattern);
        let mut subject: Timed<'_> = if from_new {
            Box::new(move |calls| (peer.start)(plan).time(way, pattern, calls))
        } else {
            Box::new(move |calls| -> Duration { breaker.time(way, pattern, calls) })
        };
        counts.push(fixed.or(from_new.then_some(FROM_NEW)).unwrap_or_else(|| calibrate(&mut subject, effort.sample)));
        subjects.push(subject);
    }
    let mut samples = interleave_calls(&mut subjects, &counts, effort.rounds).into_iter();
    drop(subjects);
    let row = |entry: Entry<'_, W>| Row {
        name: entry.peer.name,
        package: entry.peer.package,
        notes: entry.notes,
        records_no_success: entry.peer.records_no_success,
        samples: entry.breaker.and_then(|breaker| {
            let samples = samples.next().unwrap_or(Samples(Vec::new()));
            let is_floor = entry.peer.package.is_empty();
            let still = if is_floor { Ok(()) } else { still(breaker, calls) };
            still.map(|()| samples).map_err(|why| format!("after it was timed: {why}"))
        }),
    };
    entries.into_iter().map(row).collect()
}

/// Sees that a breaker is after its rounds what it was before.
fn still<W>(mut breaker: Caller<W>, calls: Calls) -> Result<(), String> {
    match calls {
        Calls::Floor => Ok(()),
        Calls::Refused => trial::refuses(&mut breaker),
        Calls::Closed(pattern, _) => trial::passes(&mut breaker, pattern, 100),
    }
}
