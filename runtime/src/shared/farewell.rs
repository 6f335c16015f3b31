//! The last words of breakers that have left their registry: what others would wait for else. They wait here while the
//! store is away; what a breaker says while it is listed is `saying`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Proposal;
use super::line::{Failed, Line};
use super::note::Ordered;

/// So many wait at most for a store that is away. Votes and leases end there by themselves.
const WAITING: usize = 1000;

/// What is left to say of a breaker, on the epoch that it knew.
#[derive(Debug)]
pub(super) struct Farewell {
    pub(super) name: Arc<str>,
    on: u64,
    words: Words,
}

#[derive(Debug)]
enum Words {
    Order(Ordered),
    Proposal(Proposal),
}

impl Farewell {
    /// What an operator has ordered.
    pub(super) fn order(name: &Arc<str>, ordered: Ordered) -> Self {
        Farewell { name: Arc::clone(name), on: 0, words: Words::Order(ordered) }
    }

    pub(super) fn new(name: &Arc<str>, on: u64, what: Proposal) -> Self {
        Farewell { name: Arc::clone(name), on, words: Words::Proposal(what) }
    }

    pub(super) fn say(&self, line: &mut Line, now: u64) -> Result<(), Failed> {
        let said = match &self.words {
            Words::Order(ordered) => line.propose(&self.name, self.on, &command(ordered, now)),
            Words::Proposal(what) => line.propose(&self.name, self.on, what),
        };
        match said {
            // Nobody else has to hear of a breaker that has left.
            Err(failed) if !failed.is_of_breaker => Err(failed),
            _ => Ok(()),
        }
    }
}

/// Last words that are not said yet, the first ones first: of two orders the later one holds.
#[derive(Debug, Default)]
pub(super) struct Farewells {
    waiting: VecDeque<Farewell>,
}

impl Farewells {
    pub(super) fn add(&mut self, farewell: Farewell) {
        if self.waiting.len() >= WAITING {
            // An order does not end by itself, so the others go first.
            let ends = |farewell: &Farewell| matches!(farewell.words, Words::Proposal(_));
            self.waiting.remove(self.waiting.iter().position(ends).unwrap_or_default());
        }
        self.waiting.push_back(farewell);
    }

    pub(super) fn say(&mut self, line: &mut Line, now: u64) -> Result<(), Failed> {
        while let Some(farewell) = self.waiting.front() {
            farewell.say(line, now)?;
            self.waiting.pop_front();
        }
        self.waiting.shrink_to_fit();
        Ok(())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.waiting.iter().map(|farewell| &farewell.name)
    }
}

/// How an order is brought to the store.
pub(super) fn command(ordered: &Ordered, now: u64) -> Proposal {
    let Ordered { order, by, at } = ordered.clone();
    Proposal::Command { order, by, ago: Duration::from_nanos(now.saturating_sub(at)) }
}
