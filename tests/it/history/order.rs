//! Searches for an order of recorded operations in which the reference model gives the same answers: one
//! that keeps what ended before something else began before it (Wing and Gong, with a memory of dead ends).
//!
//! An operation reads the clock before it takes effect, and the clock may have moved on when it does. So an
//! operation happens at any time that the clock has shown since the operation began; the end of a call reads it
//! up to three times.

use std::collections::HashMap;

use breakerbox::Reason;

use super::record::{Answer, Done, Op};
use crate::reference::model::{Held, Model};
use crate::reference::pair::command_model;
use crate::reference::seen::{Glance, Seen, Told};

/// Where the search stands: the model, the clock, and the calls that each thread has under way.
#[derive(Clone, Debug, PartialEq)]
struct World {
    model: Model,
    /// All that the clock has shown, and now shows.
    times: Vec<u64>,
    under_way: Vec<Vec<Held>>,
    /// The call whose result each thread is recording.
    recorded: Vec<Option<Result<Held, Reason>>>,
    /// How much of what was heard the model has told.
    told: usize,
}

/// What was seen when all had come to rest.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) seen: Seen,
    pub(super) heard: Vec<Told>,
}

pub(super) struct Search<'a> {
    threads: &'a [Vec<Done>],
    rest: &'a Rest,
    /// The operations that move the clock, in their order, for one thread does it.
    moves: Vec<&'a Done>,
    dead_ends: HashMap<Vec<usize>, Vec<World>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(threads: &'a [Vec<Done>], rest: &'a Rest) -> Self {
        let moves = threads.iter().flatten().filter(|done| matches!(done.op, Op::Advance(_))).collect();
        Search { threads, rest, moves, dead_ends: HashMap::new() }
    }

    pub(super) fn finds_an_order(&mut self, model: Model, now: u64) -> bool {
        let threads = self.threads.len();
        let world = World {
            model,
            times: vec![now],
            under_way: vec![Vec::new(); threads],
            recorded: vec![None; threads],
            told: 0,
        };
        self.goes_on(vec![0; threads], world)
    }

    /// Whether the operations after `places` can follow.
    fn goes_on(&mut self, places: Vec<usize>, world: World) -> bool {
        let next = |thread: usize| self.threads[thread].get(places[thread]);
        let Some(first_end) = (0..places.len()).filter_map(next).map(|done| done.ended).min() else {
            return world.told == self.rest.heard.len()
                && world.times.last().map(|now| world.model.seen(*now)).as_ref() == Some(&self.rest.seen);
        };
        if self.dead_ends.get(&places).is_some_and(|known| known.contains(&world)) {
            return false;
        }
        for thread in 0..places.len() {
            let Some(done) = self.threads[thread].get(places[thread]).filter(|done| done.began < first_end) else {
                continue;
            };
            let earliest = self.moves.iter().filter(|moved| moved.ended < done.began).count();
            for times in choices(&world.times[earliest..], matches!(done.op, Op::End(..) | Op::RecordEnd(_))) {
                let Some(after) = self.after(&world, times, thread, done) else { continue };
                let mut places = places.clone();
                places[thread] += 1;
                if self.goes_on(places, after) {
                    return true;
                }
            }
        }
        self.dead_ends.entry(places).or_default().push(world);
        false
    }

    /// The world after an operation; `None` if the model answers otherwise.
    fn after(&self, before: &World, at: [u64; 3], thread: usize, done: &Done) -> Option<World> {
        let mut world = before.clone();
        let World { model, times, under_way, recorded, told } = &mut world;
        let now = at[1];
        let answer = match &done.op {
            Op::Acquire => match model.acquire(now) {
                Ok(held) => {
                    under_way[thread].push(held);
                    Answer::Admitted
                }
                Err((reason, _)) => Answer::Refused(reason),
            },
            Op::End(which, end) => {
                model.end_at(under_way[thread].remove(*which), *end, at);
                Answer::Nothing
            }
            Op::Record(_) => {
                recorded[thread] = Some(model.ask(now));
                Answer::Nothing
            }
            Op::RecordEnd(end) => {
                if let Some(asked) = recorded[thread].take() {
                    model.end_record(asked, *end, at);
                }
                Answer::Nothing
            }
            Op::State => Answer::State(model.seen(now).state),
            Op::CanExecute => Answer::Is(model.would_admit(now)),
            Op::Look => Answer::Seen(Glance::from(model.seen(now))),
            Op::Command(command) => {
                command_model(model, command, now);
                Answer::Nothing
            }
            Op::Advance(by) => {
                times.extend(times.last().map(|last| last + by));
                Answer::Nothing
            }
        };
        let told_now = std::mem::take(&mut model.told);
        let is_heard = self.rest.heard.get(*told..*told + told_now.len()).is_some_and(|heard| heard == told_now);
        *told += told_now.len();
        (answer == done.answer && is_heard).then_some(world)
    }
}

/// The times at which an operation may have read the clock: one, or for the end of a call three in a row.
fn choices(times: &[u64], ends_a_call: bool) -> Vec<[u64; 3]> {
    if !ends_a_call {
        return times.iter().map(|now| [*now; 3]).collect();
    }
    let from = |at: usize| times[at..].iter().enumerate().map(move |(further, time)| (at + further, *time));
    from(0)
        .flat_map(|(at, measured)| from(at).map(move |(at, now)| (at, measured, now)))
        .flat_map(|(at, measured, now)| from(at).map(move |(_, dated)| [measured, now, dated]))
        .collect()
}
