//! Breakers, alerts and health as a person reads them.

use std::time::{Duration, SystemTime};

use breakerbox::admin::listing::{self, harmless, percent, time};
use breakerbox::admin::{AlertView, BreakerView, HealthView, LocationView, StoreView, Word};
use breakerbox::{Key, Mode, State};

use crate::table::{Cell, Table, Tone};

/// The breakers as a table, what needs attention first.
pub(crate) fn list(breakers: &[BreakerView], width: Option<usize>, colour: bool) -> String {
    let aged: Vec<_> = breakers.iter().map(|breaker| (breaker, Duration::ZERO)).collect();
    rows(aged, width, colour).join("\n")
}

/// The same, of views that were taken some time ago.
pub(crate) fn rows(mut breakers: Vec<(&BreakerView, Duration)>, width: Option<usize>, colour: bool) -> Vec<String> {
    listing::sort(&mut breakers, |(breaker, _)| breaker);
    let mut table = Table::new(&listing::COLUMNS, 2);
    for (breaker, age) in breakers {
        let mut cells = listing::row(breaker, age).map(Cell::new);
        cells[1].tone = tone(breaker);
        table.push(cells.into());
    }
    table.lines(width, colour)
}

/// How its state looks.
fn tone(breaker: &BreakerView) -> Tone {
    match (breaker.mode, breaker.state) {
        (Mode::ForcedOpen, _) | (Mode::Auto, State::Open) => Tone::Bad,
        (Mode::Auto, State::Closed) => Tone::Good,
        _ => Tone::Warning,
    }
}

/// One breaker in one sentence.
pub(crate) fn sentence(breaker: &BreakerView) -> String {
    let name = harmless(&breaker.name);
    match breaker.mode {
        Mode::ForcedOpen => format!("{name} is forced open"),
        Mode::Disabled => format!("{name} is disabled"),
        Mode::MetricsOnly => format!("{name} only counts"),
        Mode::Auto => match breaker.retry_after {
            Some(left) => format!("{name} is {}, next trial in {}", breaker.state, time(left)),
            None => format!("{name} is {}", breaker.state),
        },
    }
}

/// How many are in which state.
pub(crate) fn summary(health: &HealthView) -> String {
    let plural = if health.total == 1 { "" } else { "s" };
    let HealthView { total, open, half_open, closed, .. } = health;
    format!("{total} circuit breaker{plural}: {open} open, {half_open} half_open, {closed} closed")
}

pub(crate) fn health(health: &HealthView, colour: bool) -> String {
    let tone = if health.status == "ok" { Tone::Good } else { Tone::Bad };
    let status = tone.paint(&harmless(&health.status), colour);
    let open = health.open_breakers.iter().map(|name| format!("\n  open: {}", harmless(name)));
    let store = health.store.as_ref().map(|store| {
        let state = if store.degraded { Tone::Warning.paint("degraded", colour) } else { "ok".to_owned() };
        format!("\n  store: {}, {state}", harmless(&store.store))
    });
    format!("{status}: {}{}{}", summary(health), open.collect::<String>(), store.unwrap_or_default())
}

pub(crate) fn alerts(alerts: &[AlertView], width: Option<usize>, colour: bool) -> String {
    let mut table = Table::new(&["SEVERITY", "ALERT", "BREAKER", "SINCE", "SUMMARY"], 5);
    for alert in alerts {
        table.push(vec![
            Cell::toned(harmless(&alert.severity), severity(alert)),
            Cell::new(harmless(&alert.name)),
            Cell::new(alert.breaker.as_deref().map_or("-".to_owned(), harmless)),
            Cell::new(moment(alert.since)),
            Cell::new(harmless(&alert.summary)),
        ]);
    }
    table.lines(width, colour).join("\n")
}

pub(crate) fn severity(alert: &AlertView) -> Tone {
    match alert.severity.as_ref() {
        "critical" => Tone::Bad,
        "warning" => Tone::Warning,
        _ => Tone::Plain,
    }
}

/// A point in time, in UTC.
pub(crate) fn moment(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The same without its date.
pub(crate) fn time_of_day(time: SystemTime) -> String {
    let moment = moment(time);
    moment.split_once('T').map_or_else(|| moment.clone(), |(_, time)| time.to_owned())
}

/// Settings after a change.
pub(crate) fn settings_of(breaker: &BreakerView, keys: &[String]) -> String {
    let known = keys.iter().filter_map(|key| key.parse::<Key>().ok());
    let lines = known.filter_map(|key| {
        let value = breaker.config.get(&key)?;
        Some(format!("{}: {key} = {value}", harmless(&breaker.name)))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Everything about one breaker.
pub(crate) fn detail(breaker: &BreakerView, colour: bool) -> String {
    let mut lines = vec![Tone::Heading.paint(&harmless(&breaker.name), colour)];
    for (label, text) in facts(breaker, colour) {
        lines.push(format!("  {label:<13} {text}"));
    }
    lines.push(String::new());
    let mut table = Table::new(&["SETTING", "VALUE", "FROM"], 3);
    for (key, value) in &breaker.config {
        let origin = breaker.origins.get(key).map(|origin| harmless(origin)).unwrap_or_default();
        let tone = if origin == "default" { Tone::Quiet } else { Tone::Plain };
        table.push(vec![
            Cell::toned(key.as_str(), tone),
            Cell::toned(value.to_string(), tone),
            Cell::toned(origin, tone),
        ]);
    }
    lines.extend(table.lines(None, colour));
    lines.join("\n")
}

fn facts(breaker: &BreakerView, colour: bool) -> Vec<(&'static str, String)> {
    let next = breaker.retry_after.map(|left| format!("; next trial in {}", time(left))).unwrap_or_default();
    let (lasts, since) = (time(breaker.time_in_state), moment(breaker.since));
    let now = format!("{} for {lasts}, since {since}{next}", tone(breaker).paint(listing::state(breaker), colour));
    let mut facts = vec![("state", now)];
    if let Some(last) = &breaker.last_transition {
        let by = last.by.as_ref().map(|by| format!(", by {}", harmless(by))).unwrap_or_default();
        facts.push(("last change", format!("{}: {}{by}", moment(last.at), harmless(&last.message))));
    }
    if let Some(trials) = breaker.half_open {
        let left = trials.time_left.map(|left| format!(", {} left", time(left))).unwrap_or_default();
        let asked = format!("{} of {} trials succeeded", trials.successes, trials.success_threshold);
        facts.push(("half_open", format!("{asked}, {} of {} under way{left}", trials.in_flight, trials.max_calls)));
    }
    facts.push(("in a row", format!("{} failed{}", breaker.window.consecutive_failures, opens_at(breaker))));
    facts.extend(window(breaker).map(|text| ("window", text)));
    facts.extend(totals(breaker));
    facts.extend(breaker.last_failure.map(|at| ("last failure", moment(at))));
    if let Some(store) = &breaker.store {
        facts.push(("store", kept(store)));
        facts.extend(store.degraded.as_ref().map(|why| ("degraded", Tone::Warning.paint(&harmless(why), colour))));
    }
    facts.extend(breaker.preset.as_ref().map(|preset| ("preset", harmless(preset))));
    facts.extend(breaker.locations.iter().map(|place| ("place", location(place))));
    for conflict in &breaker.conflicts {
        let text = format!(
            "{} is {} at {}, and {} at {} is ignored",
            conflict.key, conflict.kept, conflict.kept_at, conflict.ignored, conflict.ignored_at
        );
        facts.push(("conflict", Tone::Warning.paint(&harmless(&text), colour)));
    }
    facts
}

fn opens_at(breaker: &BreakerView) -> String {
    breaker.failure_threshold.map(|threshold| format!(", opens at {threshold}")).unwrap_or_default()
}

fn window(breaker: &BreakerView) -> Option<String> {
    let window = breaker.window;
    let share = |ratio: Option<f64>| ratio.map(|ratio| format!(" ({})", percent(ratio))).unwrap_or_default();
    let (calls, failures) = (window.calls?, window.failures?);
    let slow = window.slow_calls.map(|slow| format!(", {slow} slow{}", share(window.slow_call_ratio)));
    Some(format!("{calls} calls, {failures} failed{}{}", share(window.failure_ratio), slow.unwrap_or_default()))
}

fn totals(breaker: &BreakerView) -> Vec<(&'static str, String)> {
    let totals = &breaker.totals;
    let others = [
        (totals.rejections, "refused"),
        (totals.ignored, "ignored"),
        (totals.cancelled, "cancelled"),
        (totals.late, "late"),
    ];
    let others = others.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!(", {count} {word}"));
    let others: String = others.collect();
    let calls = format!("{}: {} ok, {} failed{others}", totals.requests, totals.successes, totals.failures);
    let mut facts = vec![("calls", calls)];
    facts.extend(breaker.in_flight.map(|count| ("under way", count.to_string())));
    let reasons = totals.rejections_by_reason;
    if totals.rejections > 0 {
        let (open, full, forced) = (reasons.open, reasons.half_open_full, reasons.forced_open);
        facts.push(("refused", format!("{open} open, {full} half_open_full, {forced} forced_open")));
    }
    let recovered =
        breaker.recovery_success_rate.map(|rate| format!(", {} of its half-open episodes closed it", percent(rate)));
    facts.push(("trips", format!("{}{}", totals.trips, recovered.unwrap_or_default())));
    facts.extend((totals.fallbacks > 0).then(|| ("fallbacks", totals.fallbacks.to_string())));
    facts.extend((totals.slow_calls > 0).then(|| ("slow", totals.slow_calls.to_string())));
    let spent = breaker.state_seconds;
    let (closed, open, half_open) = (time(spent.closed), time(spent.open), time(spent.half_open));
    facts.push(("time in", format!("closed {closed}, open {open}, half_open {half_open}")));
    facts
}

/// How a state is kept: `redis, remote, epoch 17, 1 of 2 votes, synced 2026-11-21T00:41:53Z`.
fn kept(store: &StoreView) -> String {
    let epoch = store.epoch.map(|epoch| format!("epoch {epoch}"));
    let votes = store.votes.map(|votes| format!("{} of {} votes", votes.given, votes.needed));
    let synced = store.synced.map_or("not synced yet".to_owned(), |at| format!("synced {}", moment(at)));
    let words = [harmless(&store.store), harmless(&store.source)].into_iter();
    words.chain(epoch).chain(votes).chain([synced]).collect::<Vec<_>>().join(", ")
}

/// What is wrong with the store, if something is, told once for all breakers.
pub(crate) fn store_problem<'a>(mut breakers: impl Iterator<Item = &'a BreakerView>) -> Option<String> {
    breakers.find_map(|breaker| {
        let store = breaker.store.as_ref()?;
        let problem = store.degraded.as_ref()?;
        Some(harmless(&format!("the {} store is degraded, breakers work in memory: {problem}", store.store)))
    })
}

fn location(place: &LocationView) -> String {
    let path: Vec<&str> =
        [&place.module, &place.function].into_iter().map(Word::as_ref).filter(|part| !part.is_empty()).collect();
    let at = format!("{}:{}", place.file, place.line);
    harmless(&if path.is_empty() { at } else { format!("{} at {at}", path.join("::")) })
}
