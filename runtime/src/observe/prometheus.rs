//! The metrics as text, for Prometheus and whoever reads its formats. Rendered when asked for, from the
//! counters that breakers keep anyway.

use std::fmt::{self, Write};
use std::time::Duration;

use super::accept::quality;
use super::families::{self, DURATIONS, FAMILIES, Kind, Label, STORE_DEGRADED, STORE_ERRORS};
use super::shown::shown;
use crate::config::ConfigError;
use crate::keeper::StoreErrors;
use crate::registry::Registry;
use crate::status::Status;
use crate::watch::DurationCounts;

/// Labels that metrics have besides the name of the breaker.
const TAKEN: [&str; 8] = ["state", "reason", "from", "to", "outcome", "le", "store", "op"];

/// Renders the metrics of a registry as text.
///
/// ```
/// use breakerbox::observe::Prometheus;
/// use breakerbox::{Config, Registry};
///
/// let registry = Registry::new();
/// registry.get_or_insert("quotes", Config::default())?;
/// let prometheus = Prometheus::new(&registry);
///
/// // In the handler of `GET /metrics`, with the `Accept` header of the request:
/// let answer = prometheus.respond(Some("text/plain"));
/// assert_eq!(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
/// assert!(answer.body.contains("circuit_breaker_state{name=\"quotes\"} 0\n"));
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
///
/// Nothing of it is on the path of a call but `circuit_breaker_in_flight`, which costs a call some
/// nanoseconds, and, if asked for, durations: see [`PrometheusBuilder`].
#[derive(Clone, Debug)]
pub struct Prometheus {
    registry: Registry,
    label: String,
}

/// The answer to a scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exposition {
    /// The value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The metrics.
    pub body: String,
}

/// The two text formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Prometheus,
    OpenMetrics,
}

/// What is shown, and how: made by [`Prometheus::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct PrometheusBuilder {
    registry: Registry,
    label: String,
    in_flight: bool,
    durations: Option<Vec<Duration>>,
}

impl PrometheusBuilder {
    /// The label that holds the name of the breaker. Default `name`; `service` for dashboards that expect it.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Whether calls under way are counted and shown, which costs a call some nanoseconds. Default `true`.
    pub fn in_flight(mut self, counted: bool) -> Self {
        self.in_flight = counted;
        self
    }

    /// Measures how long calls take, in buckets of these upper bounds, such as [`Prometheus::BUCKETS`]: see
    /// [`Registry::time_calls`]. Costs a call two readings of the clock. Default off.
    pub fn durations(mut self, bounds: &[Duration]) -> Self {
        self.durations = Some(bounds.to_vec());
        self
    }

    /// The renderer. What it shows is counted from now on.
    ///
    /// # Errors
    /// The label is no label of Prometheus, or one that metrics have already.
    pub fn build(self) -> Result<Prometheus, ConfigError> {
        let PrometheusBuilder { registry, label, in_flight, durations } = self;
        if TAKEN.contains(&&*label) || label.starts_with("__") || !is_name(&label) {
            let message = format!(
                "`label` must be letters, digits and underscores, such as `service`, and none of {}: `{label}` is not",
                TAKEN.join(", ")
            );
            return Err(ConfigError::new("label", message));
        }
        if in_flight {
            registry.count_in_flight();
        }
        if let Some(bounds) = durations {
            registry.time_calls(&bounds);
        }
        Ok(Prometheus { registry, label })
    }
}

fn is_name(label: &str) -> bool {
    label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && !label.is_empty()
}

impl Prometheus {
    /// Buckets for calls over a network: 1 ms to 10 s.
    pub const BUCKETS: [Duration; 13] = [
        Duration::from_millis(1),
        Duration::from_micros(2500),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_millis(500),
        Duration::from_secs(1),
        Duration::from_millis(2500),
        Duration::from_secs(5),
        Duration::from_secs(10),
    ];

    /// Renders the metrics of a registry, with the label `name`, calls under way, and no durations.
    pub fn new(registry: &Registry) -> Self {
        registry.count_in_flight();
        Prometheus { registry: registry.clone(), label: "name".to_owned() }
    }

    /// States what is shown, and how.
    pub fn builder(registry: &Registry) -> PrometheusBuilder {
        PrometheusBuilder { registry: registry.clone(), label: "name".to_owned(), in_flight: true, durations: None }
    }

    /// Appends the metrics in the text format 0.0.4, which other metrics may precede and follow.
    pub fn render(&self, into: &mut String) {
        self.write(Format::Prometheus, into);
    }

    /// The answer to a scrape with this `Accept` header: `OpenMetrics` for those who prefer it, else the text
    /// format 0.0.4.
    pub fn respond(&self, accept: Option<&str>) -> Exposition {
        let format = accept.map_or(Format::Prometheus, negotiate);
        let mut body = String::new();
        self.write(format, &mut body);
        let content_type = match format {
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        };
        if format == Format::OpenMetrics {
            body.push_str("# EOF\n");
        }
        Exposition { content_type, body }
    }

    fn write(&self, format: Format, into: &mut String) {
        let mut page = Page { format, label: &self.label, text: into };
        let statuses = shown(&self.registry);
        // A string takes whatever is written to it.
        let _ = page.families(&statuses).and_then(|()| page.durations(&statuses)).and_then(|()| {
            let name = "circuit_breaker_lost_events_total";
            page.head(name, "counter", "Events that were lost because listeners were too slow.")?;
            writeln!(page.text, "{name} {}", self.registry.lost_events())?;
            page.store(families::store_of(&statuses), &self.registry.store_errors())
        });
    }
}

/// A text that is being written.
struct Page<'a> {
    format: Format,
    label: &'a str,
    text: &'a mut String,
}

impl Page<'_> {
    fn families(&mut self, statuses: &[Status]) -> fmt::Result {
        for family in FAMILIES {
            let kind = if family.kind == Kind::Counter { "counter" } else { "gauge" };
            self.head(family.name, kind, family.help)?;
            for status in statuses {
                (family.read)(status, &mut |labels, value| {
                    let _ = self.sample(family.name, &status.name, labels, value);
                });
            }
        }
        Ok(())
    }

    fn durations(&mut self, statuses: &[Status]) -> fmt::Result {
        if statuses.iter().all(|status| status.durations.is_none()) {
            return Ok(());
        }
        let (name, help) = DURATIONS;
        self.head(name, "histogram", help)?;
        for status in statuses {
            let Some(durations) = &status.durations else { continue };
            for (outcome, counts) in [("success", &durations.successes), ("failure", &durations.failures)] {
                self.histogram(name, &status.name, outcome, &durations.bounds, counts)?;
            }
        }
        Ok(())
    }

    fn histogram(
        &mut self,
        name: &str,
        breaker: &str,
        outcome: &'static str,
        bounds: &[Duration],
        counts: &DurationCounts,
    ) -> fmt::Result {
        let Page { label, text, .. } = self;
        let ends = bounds.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let mut below = 0;
        for (end, count) in ends.zip(&counts.buckets) {
            below += count;
            write!(text, "{name}_bucket{{{label}=\"{}\",outcome=\"{outcome}\",le=\"", Escaped(breaker))?;
            match end {
                f64::INFINITY => text.push_str("+Inf"),
                // OpenMetrics wants `1.0`, which is what `Debug` writes.
                end => write!(text, "{end:?}")?,
            }
            writeln!(text, "\"}} {below}")?;
        }
        let labels = [("outcome", outcome)];
        self.sample(&format!("{name}_sum"), breaker, &labels, counts.sum.as_secs_f64())?;
        self.sample(&format!("{name}_count"), breaker, &labels, below as f64)
    }

    /// Of the registry, not of a breaker; left out without a store.
    fn store(&mut self, store: Option<(&str, bool)>, errors: &[StoreErrors]) -> fmt::Result {
        if let Some((store, is_degraded)) = store {
            let (name, help) = STORE_DEGRADED;
            self.head(name, "gauge", help)?;
            writeln!(self.text, "{name}{{store=\"{}\"}} {}", Escaped(store), u8::from(is_degraded))?;
        }
        let (name, help) = STORE_ERRORS;
        if !errors.is_empty() {
            self.head(name, "counter", help)?;
        }
        for StoreErrors { store, op, count } in errors {
            writeln!(self.text, "{name}{{store=\"{}\",op=\"{}\"}} {count}", Escaped(store), Escaped(op))?;
        }
        Ok(())
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) -> fmt::Result {
        // OpenMetrics names a counter without the suffix of its samples.
        let name = if self.format == Format::OpenMetrics { name.trim_end_matches("_total") } else { name };
        writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
        if self.format == Format::OpenMetrics && name.ends_with("_seconds") {
            writeln!(self.text, "# UNIT {name} seconds")?;
        }
        Ok(())
    }

    fn sample(&mut self, name: &str, breaker: &str, labels: &[Label], value: f64) -> fmt::Result {
        write!(self.text, "{name}{{{}=\"{}\"", self.label, Escaped(breaker))?;
        for (label, value) in labels {
            write!(self.text, ",{label}=\"{value}\"")?;
        }
        writeln!(self.text, "}} {value}")
    }
}

/// A value of a label.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The format that an `Accept` header asks for: `OpenMetrics` only by name, and only if it is not liked less.
fn negotiate(accept: &str) -> Format {
    let open = quality(accept, "application/openmetrics-text").unwrap_or_default();
    let text = quality(accept, "text/plain").unwrap_or_default();
    if open > 0.0 && open >= text { Format::OpenMetrics } else { Format::Prometheus }
}
