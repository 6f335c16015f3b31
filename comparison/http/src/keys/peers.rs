//! What keys cost others: a plain map behind a lock, which every family of breakers stands on, and seatbelt, the peer
//! that has a breaker for each key.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures_util::FutureExt;
use layered::{Execute, Service, Stack};
use seatbelt::breaker::{Breaker, BreakerId};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;
use tokio::runtime::Builder;

use super::timing::{self, cost};
use super::{KNOWN, name, row};
use crate::memory;

pub fn rows(many: usize) -> anyhow::Result<[String; 2]> {
    Ok([map(many), seatbelt(many)?])
}

/// Nothing leaves it.
fn map(many: usize) -> String {
    let before = memory::live();
    let map = RwLock::new(HashMap::<String, Arc<u64>>::new());
    let get = |key: &str| {
        let known = map.read().expect("nobody panics").get(key).cloned();
        known.unwrap_or_else(|| Arc::clone(map.write().expect("nobody panics").entry(key.to_owned()).or_default()))
    };
    let new = cost(many, |number| drop(black_box(get(&name(number)))));
    let held = memory::live() - before;
    // As large as a family is, for a small map is faster.
    map.write().expect("nobody panics").clear();
    map.write().expect("nobody panics").shrink_to_fit();
    let keys: Vec<String> = (0..KNOWN).map(name).collect();
    for key in &keys {
        drop(get(key));
    }
    let known = timing::known(&keys, |key| drop(black_box(get(key))));
    row("`RwLock<HashMap<String, Arc<_>>>`, without limit", new, held, known)
}

/// A whole call, for a look-up alone cannot be had.
fn seatbelt(many: usize) -> anyhow::Result<String> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let before = memory::live();
    let clock = runtime.block_on(async { Clock::new_tokio() });
    let context = ResilienceContext::new(clock);
    let layer = Breaker::layer("keys", &context)
        .recovery_with(|result: &Result<u64, u64>, _| match result {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .rejected_input_error(|_: String, _| 0)
        .breaker_id(|key: &String| BreakerId::from(key.clone()))
        .sampling_duration(Duration::from_secs(10));
    let service = (layer, Execute::new(|key: String| async move { Ok::<u64, u64>(key.len() as u64) })).into_service();
    let _guard = runtime.enter();
    // It is ready at once, so nobody has to wait.
    let call = |key: String| black_box(service.execute(key).now_or_never());
    let new = cost(many, |number| _ = call(name(number)));
    let held = memory::live() - before;
    let keys: Vec<String> = (0..KNOWN).map(name).collect();
    let known = timing::known(&keys, |key| _ = call(key.clone()));
    Ok(row("seatbelt, a call with its `breaker_id`, without limit", new, held, known))
}
