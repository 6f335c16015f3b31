//! Breakers that come into a registry and go, while others call and list.

use std::thread;

use breakerbox::Registry;
use fastrand::Rng;

use crate::law::{Law, check};
use crate::settings::{milliseconds, valid};
use crate::tally::{Tally, one};
use crate::target::Way;
use crate::world::World;

/// Adds breakers to a registry, calls them, lists them, and removes them.
pub(crate) fn come_and_go(world: &World, registry: &Registry, prefix: &str, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let mut names: Vec<String> = Vec::new();
    let mut number = 0_u64;
    while world.is_storm() {
        number += 1;
        // Some of them longer than what an error holds without counting references.
        let name = format!("{prefix} {number}{}", if rng.bool() { ", with a long name" } else { "" });
        let Ok(breaker) = registry.get_or_insert(&name, valid(&mut rng, Way::Inside)) else {
            check(Law::RegistryLists, false, || format!("'{name}' is not taken"));
            return;
        };
        one(Tally::Inserted);
        for _ in 0..rng.u8(0..20) {
            let _ = breaker.call(|| rng.bool().then_some(1));
        }
        names.push(name);
        look_up(registry, &names);
        if names.len() > 30 {
            let gone = names.swap_remove(rng.usize(0..names.len()));
            let removed = registry.remove(&gone);
            let is_listed = registry.all().iter().any(|breaker| breaker.name() == gone);
            let is_found = registry.get(&gone).is_some() || registry.remove(&gone).is_some();
            let is_gone = removed.is_some() && !is_listed && !is_found;
            check(Law::RegistryLists, is_gone, || format!("'{gone}' was not removed"));
            // Whoever holds it keeps using it.
            let _ = removed.map(|breaker| breaker.call(|| Some(1)));
        }
        thread::sleep(milliseconds(&mut rng, 1..10));
    }
    for name in names {
        check(Law::RegistryLists, registry.remove(&name).is_some(), || format!("'{name}' is lost"));
    }
}

fn look_up(registry: &Registry, names: &[String]) {
    let all = registry.all();
    let is_sorted = all.windows(2).all(|pair| pair[0].name() < pair[1].name());
    check(Law::RegistryLists, is_sorted, || format!("not sorted: {all:?}"));
    for name in names {
        let is_listed = all.binary_search_by(|breaker| breaker.name().cmp(name)).is_ok();
        let is_found = registry.get(name).is_some_and(|breaker| breaker.name() == name);
        check(Law::RegistryLists, is_listed && is_found, || format!("'{name}' is not listed or found"));
    }
    let open = registry.open();
    let is_part = open.iter().all(|breaker| all.iter().any(|other| other.name() == breaker.name()));
    let is_whole = registry.statuses().len() == all.len();
    check(Law::RegistryLists, is_part && is_whole, || format!("open: {open:?} of {all:?}"));
    let summary = registry.summary();
    let adds_up = summary.healthy + summary.failing == summary.total
        && summary.open + summary.half_open == summary.failing
        && summary.total >= names.len();
    check(Law::RegistryLists, adds_up, || format!("{summary:?}"));
}
