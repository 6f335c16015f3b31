//! What metrics show of a registry: the status of each breaker, but for keys that are shown together, where the labels
//! of a family are limited.

use std::sync::Arc;

use crate::handle::CircuitBreaker;
use crate::registry::{KeyedCircuitBreaker, Registry};
use crate::role::Role;
use crate::state::{Mode, State};
use crate::status::Status;

/// The statuses that metrics show, sorted by name.
pub(crate) fn shown(registry: &Registry) -> Vec<Status> {
    let Some(most) = registry.labelled_keys() else { return registry.statuses() };
    let is_member = |breaker: &CircuitBreaker| matches!(breaker.core.role(), Role::Member | Role::Others);
    let mut statuses: Vec<Status> =
        registry.all().iter().filter(|breaker| !is_member(breaker)).map(CircuitBreaker::status).collect();
    for keyed in registry.all_keyed() {
        statuses.extend(of_family(registry, &keyed, most));
    }
    statuses.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    statuses
}

/// Those in so many places by themselves, and all others as one.
fn of_family(registry: &Registry, keyed: &KeyedCircuitBreaker, most: usize) -> Vec<Status> {
    let (shown, rest, retired) = keyed.split(most);
    let mut statuses: Vec<Status> = shown.iter().map(CircuitBreaker::status).collect();
    let name: Arc<str> = format!("{}[*]", keyed.name()).into();
    let others = registry.get(&name).map(|others| others.status());
    let rest: Vec<Status> = rest.iter().map(CircuitBreaker::status).collect();
    // What all have in common is that of any of them.
    if let Some(any) = others.as_ref().or(rest.first()).or(statuses.first()) {
        let mut together = Status { name, totals: retired.totals, time_in_states: retired.times, ..any.clone() };
        (together.window, together.durations, together.last_transition) = (None, None, None);
        (together.state, together.mode, together.in_flight) = (State::Closed, Mode::Auto, None);
        let is_empty = others.is_none() && rest.is_empty() && retired.totals.attempts == 0;
        rest.iter().chain(&others).for_each(|status| add(&mut together, status));
        if !is_empty {
            statuses.push(together);
        }
    }
    statuses
}

fn add(together: &mut Status, status: &Status) {
    together.totals.add(&status.totals);
    together.time_in_states.add(&status.time_in_states);
    if let Some(calls) = status.in_flight {
        *together.in_flight.get_or_insert(0) += calls;
    }
    if status.last_transition.as_ref().map(|last| last.at) > together.last_transition.as_ref().map(|last| last.at) {
        together.last_transition.clone_from(&status.last_transition);
    }
    // An open circuit is worse than one that is being tried.
    let badness = |state: State| [State::Closed, State::HalfOpen, State::Open].iter().position(|one| *one == state);
    if badness(status.state) > badness(together.state) {
        together.state = status.state;
    }
    if status.mode != Mode::Auto {
        together.mode = status.mode;
    }
}
