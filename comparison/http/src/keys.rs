//! The part with the keys: a million of them, hostile ones, and what a look-up costs beside a plain map.

mod peers;
mod timing;

use std::fmt::Write as _;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Config, KeyedCircuitBreaker, Registry, State, circuit_breaker};

use crate::args::Options;
use crate::memory;
use timing::{Cost, cost};

/// The default of `max_keys`.
const PLACES: usize = 1000;
const OPEN: usize = 100;
/// Fewer than there are places beside the open ones, so that all of them stay.
const KNOWN: usize = 500;

/// The tables, and what is not as it should be.
pub fn run(options: &Options) -> anyhow::Result<(String, Vec<String>)> {
    let many = if options.quick { 100_000 } else { 1_000_000 };
    let mut broken = Vec::new();
    let mut text = format!(
        "## Many keys\n\n{many} keys, each used once, of which {PLACES} may have a breaker; {OPEN} of these are open all \
         the time. Then {KNOWN} known keys in turn. Medians of a hundred parts.\n\n\
         | | a new key | allocations | held for it at last | a known key | allocations |\n\
         |---|---:|---:|---:|---:|---:|\n"
    );
    let (row, grown) = family(many, &mut broken)?;
    text.push_str(&row);
    text.push_str(&attribute(many, &mut broken));
    for row in peers::rows(many)? {
        text.push_str(&row);
    }
    text.push('\n');
    if let Some(grown) = grown {
        let _ = writeln!(text, "The resident memory of the process grew by {} KiB in the first row.\n", grown / 1024);
    }
    text.push_str(&full(many, &mut broken)?);
    text.push_str(&hostile(&mut broken)?);
    Ok((text, broken))
}

fn name(number: usize) -> String {
    format!("host-{number:07}.example.com")
}

/// A row of the table: what new keys cost, what is held then, what known keys cost.
fn row(name: &str, new: Cost, held: usize, known: Cost) -> String {
    let held = held as f64 / 1024.0;
    let Cost { ns, allocations } = known;
    format!("| {name} | {:.0} ns | {:.1} | {held:.0} KiB | {ns:.0} ns | {allocations:.2} |\n", new.ns, new.allocations)
}

/// Also how much resident memory it took, where that can be told.
fn family(many: usize, broken: &mut Vec<String>) -> anyhow::Result<(String, Option<usize>)> {
    let before = memory::live();
    let registry = Registry::new();
    let fetch = registry.keyed("fetch", Config::default())?;
    let open: Vec<String> = (0..OPEN).map(|number| format!("open-{number}")).collect();
    for key in &open {
        (0..5).for_each(|_| fetch.get(key).record_failure());
    }
    let resident = memory::resident();
    let new = cost(many, |number| fetch.get(&name(number)).record_success());
    let held = memory::live() - before;
    let grown = memory::resident().zip(resident).map(|(now, then)| now.saturating_sub(then));
    fact(broken, fetch.len() == PLACES, || format!("{} of {PLACES} keys have a breaker", fetch.len()));
    fact(broken, held < 4 * 1024 * PLACES, || format!("{PLACES} breakers hold {held} bytes"));
    fact(broken, grown.unwrap_or(0) < 32 << 20, || format!("resident memory grew by {grown:?} bytes"));
    let evicted =
        open.iter().filter(|key| fetch.find(key).is_none_or(|breaker| breaker.state() != State::Open)).count();
    fact(broken, evicted == 0, || format!("{evicted} open breakers lost their places"));
    let known = lookups(&fetch);
    fact(broken, known.allocations == 0.0, || format!("a known key allocates {} times", known.allocations));
    let text = row("breakerbox, `family.get(key)`", new, held, known);
    // Displayed keys are told without allocating.
    let shown: Vec<usize> = (0..KNOWN).collect();
    for key in &shown {
        drop(fetch.get_display(key));
    }
    let displayed = timing::known(&shown, |key| drop(std::hint::black_box(fetch.get_display(key))));
    fact(broken, displayed.allocations == 0.0, || format!("a displayed key allocates {} times", displayed.allocations));
    let text = text
        + &format!(
            "| breakerbox, `family.get_display(&number)` | | | | {:.0} ns | {:.2} |\n",
            displayed.ns, displayed.allocations
        );
    drop((registry, fetch, open, shown));
    let left = memory::live().saturating_sub(before);
    fact(broken, left < 64 * 1024, || format!("{left} bytes are left after the registry"));
    Ok((text, grown))
}

fn lookups(fetch: &KeyedCircuitBreaker) -> Cost {
    let keys: Vec<String> = (0..KNOWN).map(name).collect();
    for key in &keys {
        drop(fetch.get(key));
    }
    timing::known(&keys, |key| drop(std::hint::black_box(fetch.get(key))))
}

#[circuit_breaker(name = "keyed-page", key = host)]
#[inline(never)]
fn page(host: &str) -> Result<usize, CircuitBreakerError> {
    Ok(std::hint::black_box(host.len()))
}

fn attribute(many: usize, broken: &mut Vec<String>) -> String {
    let before = memory::live();
    let new = cost(many, |number| drop(std::hint::black_box(page(&name(number)))));
    let held = memory::live() - before;
    let listed = breakerbox::breakers().iter().filter(|breaker| breaker.name().starts_with("keyed-page[")).count();
    fact(broken, listed <= PLACES, || format!("the attribute has {listed} breakers for {PLACES} places"));
    let keys: Vec<String> = (0..KNOWN).map(name).collect();
    for key in &keys {
        drop(page(key));
    }
    let known = timing::known(&keys, |key| drop(std::hint::black_box(page(key))));
    fact(broken, known.allocations == 0.0, || format!("a call by a known key allocates {} times", known.allocations));
    row("breakerbox, a call through the attribute's `key`", new, held, known)
}

/// All places are taken by open breakers: who comes then must not be refused, and must cost no memory.
fn full(many: usize, broken: &mut Vec<String>) -> anyhow::Result<String> {
    let registry = Registry::new();
    let fetch = registry.keyed("fetch", Config::builder().failure_threshold(1))?;
    let open: Vec<CircuitBreaker> = (0..PLACES).map(|number| fetch.get(&name(number))).collect();
    open.iter().for_each(CircuitBreaker::record_failure);
    drop(open);
    let before = memory::live();
    let mut refused = 0;
    let cost = cost(many, |number| {
        let breaker = fetch.get(&name(PLACES + number));
        match breaker.try_acquire() {
            Ok(permit) => permit.failure(),
            Err(_) => refused += 1,
        }
    });
    let held = memory::live().saturating_sub(before);
    let still = registry.open().len();
    fact(broken, still == PLACES, || format!("{still} of {PLACES} open breakers are left by keys without a place"));
    fact(broken, refused == 0, || format!("{refused} calls are refused for the failures of other keys"));
    fact(broken, held < 64 * 1024, || format!("keys without a place hold {held} bytes"));
    Ok(format!(
        "With all {PLACES} places taken by open circuits, {many} more keys, all of whose calls fail: {:.0} ns a call with \
         its key, {held} bytes more, {refused} calls refused, {still} circuits still open.\n\n",
        cost.ns
    ))
}

/// Keys that somebody sends to do harm.
fn hostile(broken: &mut Vec<String>) -> anyhow::Result<String> {
    const KEYS: usize = 200;
    let before = memory::live();
    let registry = Registry::new();
    let fetch = registry.keyed("fetch", Config::default())?;
    let mut key = "k".repeat(1 << 20);
    let long = cost(KEYS, |number| {
        key.replace_range(..8, &format!("{number:08}"));
        fetch.get(&key).record_success();
    });
    drop(key);
    let controls = [
        "",
        "\0",
        "\n",
        "\x1b[2J\x1b[31m",
        "*",
        "[",
        "]",
        "a]b[c",
        "\u{202e}moc.elpmaxe",
        "\u{200b}",
        "\\",
        "\"",
        "{}",
        "%s%n",
        "../../etc/passwd",
        "'; drop table breakers; --",
        "<script>",
    ];
    let made: Vec<CircuitBreaker> = controls.iter().map(|key| fetch.get(key)).collect();
    let names: std::collections::BTreeSet<&str> = made.iter().map(CircuitBreaker::name).collect();
    fact(broken, names.len() == controls.len(), || {
        format!("{} hostile keys share breakers", controls.len() - names.len())
    });
    let longest = fetch.breakers().iter().map(|breaker| breaker.name().len()).max().unwrap_or(0);
    fact(broken, longest <= 512, || format!("a name has {longest} bytes"));
    let raw = names.iter().filter(|name| name.chars().any(char::is_control)).count();
    fact(broken, raw == 0, || format!("{raw} names contain control characters"));
    let found = made.iter().filter(|breaker| registry.get(breaker.name()).is_some()).count();
    fact(broken, found == made.len(), || format!("{found} of {} breakers are found by their names", made.len()));
    let held = memory::live() - before;
    fact(broken, held < 4 << 20, || format!("hostile keys hold {held} bytes"));
    let mut text = format!(
        "{KEYS} keys of 1 MiB: {:.0} µs each, {} KiB held by all of them; the longest name has {longest} bytes. {} keys \
         with control characters, brackets, quotes and the like are as many breakers, and their names are plain:\n\n",
        long.ns / 1e3,
        held / 1024,
        controls.len(),
    );
    let shown: Vec<String> = names.iter().map(|name| format!("`` {name} ``")).collect();
    writeln!(text, "{}\n", shown.join(", "))?;
    Ok(text)
}

fn fact(broken: &mut Vec<String>, holds: bool, what: impl FnOnce() -> String) {
    if !holds {
        broken.push(format!("keys: {}", what()));
    }
}
