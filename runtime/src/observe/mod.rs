//! Views of a registry for those who watch it: logs, metrics, alerts. Each is optional, takes what it
//! shows from [`Status`](crate::Status) and [`Event`](crate::Event), and costs a call nothing unless it says so.
//!
//! | feature | item | shows |
//! |---|---|---|
//! | `tracing`, `log` | `trace` | what happens, as log lines with fields |
//! | `prometheus` | `Prometheus` | metrics as text, when scraped |
//! | `metrics` | `MetricsBridge` | metrics, to the recorder of the metrics facade |
//! | `otel` | `instrument` | metrics, as observable instruments of OpenTelemetry |
//! | `prometheus` | `alerts` | what somebody should look at |
//!
//! # Metrics
//!
//! Every metric of a breaker has the label `name`; those of a store are of all breakers. All of them are there from the moment that a breaker is registered.
//!
//! | metric | labels | meaning |
//! |---|---|---|
//! | `circuit_breaker_state` | | what callers meet: 0 closed, 1 open, 2 half-open |
//! | `circuit_breaker_requests_total` | `state` | calls that ended or were refused, by the state that judged them |
//! | `circuit_breaker_successes_total` | | calls that succeeded |
//! | `circuit_breaker_failures_total` | | calls that failed, panicked or timed out |
//! | `circuit_breaker_ignored_total` | | calls whose outcome was ignored |
//! | `circuit_breaker_cancelled_total` | | calls that were dropped before they had an outcome |
//! | `circuit_breaker_late_total` | | calls that ended after the episode in which they began |
//! | `circuit_breaker_rejections_total` | `reason`: `open`, `half_open_full`, `forced_open` | calls that were refused |
//! | `circuit_breaker_trips_total` | | times that the circuit opened from closed |
//! | `circuit_breaker_transitions_total` | `from`, `to` | changes of state |
//! | `circuit_breaker_fallbacks_total` | | times that a fallback answered |
//! | `circuit_breaker_slow_calls_total` | | calls longer than `slow_call_duration` |
//! | `circuit_breaker_in_flight` | | calls under way; costs a call some nanoseconds, and can be left out |
//! | `circuit_breaker_forced` | | 1 while an operator's mode is set |
//! | `circuit_breaker_failure_ratio`, `circuit_breaker_slow_call_ratio` | | shares in the window, once it holds `minimum_calls` |
//! | `circuit_breaker_last_transition_timestamp_seconds` | | when the state last changed; 0 if it never did |
//! | `circuit_breaker_state_seconds_total` | `state` | time spent in each state |
//! | `circuit_breaker_call_duration_seconds` | `outcome`: `success`, `failure` | a histogram, if asked for |
//! | `circuit_breaker_lost_events_total` | (none) | events that slow listeners missed |
//! | `circuit_breaker_store_degraded` | `store` | 1 while states are not kept or shared as they should be, if a store is attached |
//! | `circuit_breaker_store_errors_total` | `store`, `op` | what a store failed at, if one is attached |
//!
//! The breakers of a family, one for each key, have the name of the family and their key: `fetch[api.example.com]`.
//! [`Registry::label_keys`](crate::Registry::label_keys) limits how many are shown by name; the others are shown together
//! as `fetch[*]`, without ratios and durations.
//!
//! At any time the sum of `requests` is that of `successes`, `failures`, `ignored`, `cancelled`, `late` and
//! `rejections`. Counters survive a reset of the breaker.

#[cfg(feature = "prometheus")]
pub(crate) mod accept;
#[cfg(feature = "prometheus")]
pub mod alerts;
#[cfg(feature = "metrics")]
mod facade;
#[cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))]
pub(crate) mod families;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))]
mod shown;
#[cfg(feature = "tracing")]
mod trace;

#[cfg(feature = "metrics")]
pub use facade::MetricsBridge;
#[cfg(feature = "metrics")]
pub use facade::Publisher;
#[cfg(feature = "otel")]
pub use otel::instrument;
#[cfg(feature = "prometheus")]
pub use prometheus::Exposition;
#[cfg(feature = "prometheus")]
pub use prometheus::Prometheus;
#[cfg(feature = "prometheus")]
pub use prometheus::PrometheusBuilder;
#[cfg(feature = "tracing")]
pub use trace::Tracing;
#[cfg(feature = "tracing")]
pub use trace::trace;
