//! The metrics as observable instruments of OpenTelemetry. Its conventions: dots between namespaces, no
//! `total`, and a state as 1 for the one that holds and 0 for the others.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use super::families::{self, FAMILIES, Family, Kind, STORE_DEGRADED, STORE_ERRORS};
use super::shown::shown as statuses;
use crate::keeper::StoreErrors;
use crate::registry::Registry;
use crate::state::State;
use crate::status::Status;

/// The name of a breaker, as an attribute.
const NAME: &str = "circuit_breaker.name";

/// Makes observable instruments of a meter that show the breakers of a registry whenever they are
/// collected. Calls under way are counted from now on, which costs a call some nanoseconds.
///
/// The instruments are those of [`Prometheus`](crate::observe#metrics) with dots: `circuit_breaker.requests`,
/// `circuit_breaker.failures`, ... with the attributes `circuit_breaker.name`, `circuit_breaker.state`,
/// `circuit_breaker.reason`, `circuit_breaker.from`, `circuit_breaker.to`; and in place of the number of the
/// state `circuit_breaker.status`, 1 for the state that holds and 0 for the others. What the store of the registry
/// does, if it has one, shows as `circuit_breaker.store.degraded` and `circuit_breaker.store.errors`, with the
/// attributes `circuit_breaker.store` and `circuit_breaker.op`.
///
/// They live as long as the meter's provider, and so does the registry.
///
/// ```
/// let meter = opentelemetry::global::meter("my-service");
/// breakerbox::observe::instrument(breakerbox::registry(), &meter);
/// ```
pub fn instrument(registry: &Registry, meter: &Meter) {
    registry.count_in_flight();
    instrument_store(registry, meter);
    let shown = registry.clone();
    meter
        .i64_observable_up_down_counter("circuit_breaker.status")
        .with_description("1 for the state that callers meet, 0 for the others.")
        .with_callback(move |observer| {
            for status in statuses(&shown) {
                for state in State::ALL {
                    let attributes = [attribute("state", state.as_str()), named(&status)];
                    observer.observe(i64::from(status.state == state), &attributes);
                }
            }
        })
        .build();
    for family in FAMILIES.into_iter().filter(|family| family.name != "circuit_breaker_state") {
        let shown = registry.clone();
        let name = dotted(family.name);
        match family.kind {
            Kind::Counter if family.name.ends_with("_seconds_total") => {
                let counter = meter.f64_observable_counter(name).with_unit("s").with_description(family.help);
                counter
                    .with_callback(move |observer| each(&shown, family, |value, on| observer.observe(value, on)))
                    .build();
            }
            Kind::Counter => {
                let counter = meter.u64_observable_counter(name).with_description(family.help);
                let show = move |observer: &dyn AsyncInstrument<u64>| {
                    each(&shown, family, |value, on| observer.observe(value as u64, on));
                };
                counter.with_callback(show).build();
            }
            Kind::Gauge => {
                let gauge = meter.f64_observable_gauge(name).with_description(family.help);
                gauge
                    .with_callback(move |observer| each(&shown, family, |value, on| observer.observe(value, on)))
                    .build();
            }
        }
    }
}

/// What the store of a registry does: nothing without one.
fn instrument_store(registry: &Registry, meter: &Meter) {
    let shown = registry.clone();
    let show_degraded = move |observer: &dyn AsyncInstrument<u64>| {
        if let Some((store, is_degraded)) = families::store_of(&statuses(&shown)) {
            observer.observe(u64::from(is_degraded), &[attribute("store", store)]);
        }
    };
    let (name, help) = STORE_DEGRADED;
    meter.u64_observable_gauge(dotted(name)).with_description(help).with_callback(show_degraded).build();
    let shown = registry.clone();
    let show_errors = move |observer: &dyn AsyncInstrument<u64>| {
        for StoreErrors { store, op, count } in shown.store_errors() {
            observer.observe(count, &[attribute("store", store), attribute("op", op)]);
        }
    };
    let (name, help) = STORE_ERRORS;
    meter.u64_observable_counter(dotted(name)).with_description(help).with_callback(show_errors).build();
}

/// Shows a metric of every breaker.
fn each(registry: &Registry, family: Family, mut show: impl FnMut(f64, &[KeyValue])) {
    for status in statuses(registry) {
        (family.read)(&status, &mut |labels, value| {
            let labels = labels.iter().map(|&(key, value)| attribute(key, value));
            let attributes: Vec<KeyValue> = labels.chain([named(&status)]).collect();
            show(value, &attributes);
        });
    }
}

fn named(status: &Status) -> KeyValue {
    KeyValue::new(NAME, status.name.to_string())
}

fn attribute(key: &'static str, value: &'static str) -> KeyValue {
    KeyValue::new(format!("circuit_breaker.{key}"), value)
}

/// `circuit_breaker_state_seconds_total` is `circuit_breaker.state.duration` there, and so on.
fn dotted(name: &str) -> String {
    match name {
        "circuit_breaker_state_seconds_total" => "circuit_breaker.state.duration".to_owned(),
        "circuit_breaker_last_transition_timestamp_seconds" => "circuit_breaker.last_transition.timestamp".to_owned(),
        "circuit_breaker_store_degraded" => "circuit_breaker.store.degraded".to_owned(),
        "circuit_breaker_store_errors_total" => "circuit_breaker.store.errors".to_owned(),
        name => name.trim_end_matches("_total").replacen("circuit_breaker_", "circuit_breaker.", 1),
    }
}
