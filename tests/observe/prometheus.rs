//! The text formats, line by line.

use std::time::Duration;

use breakerbox::observe::Prometheus;
use breakerbox::{Config, Registry};

use crate::{SECOND, fresh, live};

/// The samples of a page, without its comments.
fn samples(page: &str) -> Vec<&str> {
    page.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn every_series_is_there_from_registration_on() {
    let (registry, _, _) = fresh();
    let mut page = String::new();
    Prometheus::new(&registry).render(&mut page);
    let names: Vec<&str> = samples(&page).into_iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(names.len(), 29, "{page}");
    for line in samples(&page) {
        assert!(line.ends_with(" 0"), "{line}");
    }
}

#[test]
fn the_page_shows_what_happened() {
    let (registry, clock, breaker) = fresh();
    let prometheus = Prometheus::new(&registry);
    let _under_way = live(&clock, &breaker);
    let mut page = String::new();
    prometheus.render(&mut page);
    let at = page.lines().find(|line| line.starts_with("circuit_breaker_last_transition_timestamp_seconds{")).unwrap();
    let at: f64 = at.rsplit_once(' ').unwrap().1.parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((0.0..600.0).contains(&(now - at)), "{at} is not just before {now}");
    let others: Vec<&str> = samples(&page).into_iter().filter(|line| !line.contains("_timestamp_")).collect();
    assert_eq!(
        others,
        [
            r#"circuit_breaker_state{name="quotes"} 0"#,
            r#"circuit_breaker_requests_total{name="quotes",state="closed"} 7"#,
            r#"circuit_breaker_requests_total{name="quotes",state="open"} 2"#,
            r#"circuit_breaker_requests_total{name="quotes",state="half_open"} 4"#,
            r#"circuit_breaker_successes_total{name="quotes"} 6"#,
            r#"circuit_breaker_failures_total{name="quotes"} 5"#,
            r#"circuit_breaker_ignored_total{name="quotes"} 0"#,
            r#"circuit_breaker_cancelled_total{name="quotes"} 0"#,
            r#"circuit_breaker_late_total{name="quotes"} 0"#,
            r#"circuit_breaker_rejections_total{name="quotes",reason="open"} 2"#,
            r#"circuit_breaker_rejections_total{name="quotes",reason="half_open_full"} 0"#,
            r#"circuit_breaker_rejections_total{name="quotes",reason="forced_open"} 0"#,
            r#"circuit_breaker_trips_total{name="quotes"} 1"#,
            r#"circuit_breaker_transitions_total{name="quotes",from="closed",to="open"} 1"#,
            r#"circuit_breaker_transitions_total{name="quotes",from="closed",to="half_open"} 0"#,
            r#"circuit_breaker_transitions_total{name="quotes",from="open",to="half_open"} 2"#,
            r#"circuit_breaker_transitions_total{name="quotes",from="open",to="open"} 0"#,
            r#"circuit_breaker_transitions_total{name="quotes",from="open",to="closed"} 0"#,
            r#"circuit_breaker_transitions_total{name="quotes",from="half_open",to="open"} 1"#,
            r#"circuit_breaker_transitions_total{name="quotes",from="half_open",to="closed"} 1"#,
            r#"circuit_breaker_fallbacks_total{name="quotes"} 0"#,
            r#"circuit_breaker_slow_calls_total{name="quotes"} 0"#,
            r#"circuit_breaker_in_flight{name="quotes"} 1"#,
            r#"circuit_breaker_forced{name="quotes"} 0"#,
            r#"circuit_breaker_state_seconds_total{name="quotes",state="closed"} 5"#,
            r#"circuit_breaker_state_seconds_total{name="quotes",state="open"} 120"#,
            r#"circuit_breaker_state_seconds_total{name="quotes",state="half_open"} 0"#,
            "circuit_breaker_lost_events_total 0",
        ]
    );
    // One more call, and the window holds its minimum.
    breaker.record_success();
    page.clear();
    prometheus.render(&mut page);
    assert!(page.contains("circuit_breaker_failure_ratio{name=\"quotes\"} 0.25\n"), "{page}");
    breaker.force_open();
    page.clear();
    prometheus.render(&mut page);
    assert!(page.contains("circuit_breaker_state{name=\"quotes\"} 1\n"), "{page}");
    assert!(page.contains("circuit_breaker_forced{name=\"quotes\"} 1\n"), "{page}");
}

#[test]
fn rendering_appends_and_says_each_head_once() {
    let (registry, _, _) = fresh();
    registry.get_or_insert("payments", Config::default()).unwrap();
    let mut page = "up 1\n".to_owned();
    Prometheus::new(&registry).render(&mut page);
    assert!(page.starts_with("up 1\n# HELP circuit_breaker_state "), "{page}");
    let heads: Vec<&str> = page.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    let mut once = heads.clone();
    once.dedup();
    assert_eq!((heads.len(), &heads), (19, &once));
    assert!(page.ends_with('\n') && !page.contains("# EOF"));
    assert!(page.contains("circuit_breaker_state{name=\"payments\"} 0\ncircuit_breaker_state{name=\"quotes\"} 0\n"));
}

#[test]
fn a_name_cannot_break_out_of_its_label() {
    let registry = Registry::new();
    registry.get_or_insert(r#"a\b"} 1"#, Config::default()).unwrap();
    let mut page = String::new();
    Prometheus::new(&registry).render(&mut page);
    assert!(page.contains("circuit_breaker_state{name=\"a\\\\b\\\"} 1\"} 0\n"), "{page}");
}

#[test]
fn durations_are_a_histogram_when_asked_for() {
    let (registry, clock, breaker) = fresh();
    let bounds = [SECOND, Duration::from_millis(2500)];
    let prometheus = Prometheus::builder(&registry).durations(&bounds).label("service").build().unwrap();
    for seconds in [1, 2, 3] {
        let permit = breaker.try_acquire().unwrap();
        clock.advance(seconds * SECOND);
        permit.success();
    }
    let page = prometheus.respond(None).body;
    let name = "circuit_breaker_call_duration_seconds";
    let shown: Vec<&str> = samples(&page).into_iter().filter(|line| line.starts_with(name)).collect();
    assert_eq!(
        shown,
        [
            r#"circuit_breaker_call_duration_seconds_bucket{service="quotes",outcome="success",le="1.0"} 1"#,
            r#"circuit_breaker_call_duration_seconds_bucket{service="quotes",outcome="success",le="2.5"} 2"#,
            r#"circuit_breaker_call_duration_seconds_bucket{service="quotes",outcome="success",le="+Inf"} 3"#,
            r#"circuit_breaker_call_duration_seconds_sum{service="quotes",outcome="success"} 6"#,
            r#"circuit_breaker_call_duration_seconds_count{service="quotes",outcome="success"} 3"#,
            r#"circuit_breaker_call_duration_seconds_bucket{service="quotes",outcome="failure",le="1.0"} 0"#,
            r#"circuit_breaker_call_duration_seconds_bucket{service="quotes",outcome="failure",le="2.5"} 0"#,
            r#"circuit_breaker_call_duration_seconds_bucket{service="quotes",outcome="failure",le="+Inf"} 0"#,
            r#"circuit_breaker_call_duration_seconds_sum{service="quotes",outcome="failure"} 0"#,
            r#"circuit_breaker_call_duration_seconds_count{service="quotes",outcome="failure"} 0"#,
        ]
    );
    assert!(page.contains(&format!("# TYPE {name} histogram\n")));
}

#[test]
fn openmetrics_is_for_those_who_prefer_it() {
    let (registry, _, _) = fresh();
    let prometheus = Prometheus::new(&registry);
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (accept, content_type) in [
        (None, text),
        (Some(""), text),
        (Some("*/*"), text),
        (Some("text/plain"), text),
        (Some("application/openmetrics-text"), open),
        (Some("application/OpenMetrics-Text; version=1.0.0"), open),
        (Some("application/openmetrics-text;q=0.3, text/plain;q=0.5"), text),
        (Some("application/openmetrics-text;q=0"), text),
        (Some("application/openmetrics-text;q=much"), text),
        // What Prometheus sends.
        (
            Some(
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            ),
            open,
        ),
    ] {
        assert_eq!(prometheus.respond(accept).content_type, content_type, "{accept:?}");
    }
    let page = prometheus.respond(Some("application/openmetrics-text")).body;
    assert!(page.ends_with("\n# EOF\n"));
    assert!(page.contains("# TYPE circuit_breaker_requests counter\n"));
    assert!(
        page.contains("# TYPE circuit_breaker_state_seconds counter\n# UNIT circuit_breaker_state_seconds seconds\n")
    );
    assert!(page.contains("circuit_breaker_requests_total{name=\"quotes\",state=\"open\"} 0\n"));
}

#[test]
fn a_label_that_cannot_be_one_is_refused() {
    let registry = Registry::new();
    for label in ["", "a b", "1st", "__name", "état", "state", "le"] {
        let error = Prometheus::builder(&registry).label(label).build().unwrap_err();
        assert_eq!(error.key(), "label");
        assert!(error.to_string().contains(&format!("`{label}` is not")), "{error}");
    }
}

#[test]
fn without_calls_under_way_nothing_counts_them() {
    let (registry, _, breaker) = fresh();
    let prometheus = Prometheus::builder(&registry).in_flight(false).build().unwrap();
    assert_eq!(breaker.status().in_flight, None);
    assert!(!prometheus.respond(None).body.contains("circuit_breaker_in_flight{"));
}
