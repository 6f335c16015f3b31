//! Who hears what: in the order of the commits, once, and nothing that is not for him.

use std::sync::{Arc, Mutex};

use breakerbox::{Config, Event, Registry, Subscription};
use loom::thread;

use crate::support::{check, fail, join, settings};

type Lines = Arc<Mutex<Vec<String>>>;

/// A lock of std's, which the checker does not see: nothing happens while it is held.
fn listen(registry: &Registry) -> (Lines, Subscription) {
    let lines = Lines::default();
    let ear = Arc::clone(&lines);
    (lines, registry.subscribe(move |event: &Event| ear.lock().expect("no panic").push(event.to_string())))
}

fn heard(lines: &Lines) -> Vec<String> {
    lines.lock().expect("no panic").clone()
}

/// Every transition is heard once, those of one breaker in the order of their generations.
#[test]
fn transitions_are_heard_in_order() {
    check(|| {
        let registry = Registry::new();
        let breaker = registry.get_or_insert("quotes", settings()).expect("valid");
        let generations = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&generations);
        registry
            .subscribe(move |event| {
                if let Event::Transition(transition) = event {
                    ear.lock().expect("no panic").push(transition.generation);
                }
            })
            .keep();
        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || _ = fail(&breaker))
        };
        breaker.half_open();
        join(other);
        let generations = generations.lock().expect("no panic").clone();
        let expected: Vec<u64> = (1..=breaker.status().generation).collect();
        assert_eq!(generations, expected);
    });
}

/// Who listens no more hears nothing, and leaves nothing behind for the next listener.
#[test]
fn a_later_listener_hears_nothing_old() {
    check(|| {
        let registry = Registry::new();
        let breaker = registry.get_or_insert("quotes", settings()).expect("valid");
        let (_, leaving) = listen(&registry);
        let other = thread::spawn(move || breaker.open());
        drop(leaving);
        join(other);
        let (lines, _subscription) = listen(&registry);
        assert_eq!(heard(&lines), Vec::<String>::new());
    });
}

/// A conflict that arises while the first listener comes is heard by it, once.
#[test]
fn a_complaint_is_heard_once() {
    check(|| {
        let registry = Registry::new();
        registry.get_or_insert("quotes", settings()).expect("valid");
        let other = {
            let registry = registry.clone();
            thread::spawn(move || _ = registry.get_or_insert("quotes", Config::builder().failure_threshold(7)))
        };
        let (lines, _subscription) = listen(&registry);
        join(other);
        let lines = heard(&lines);
        assert!(lines.len() == 1 && lines[0].contains("`failure_threshold`"), "{lines:?}");
    });
}
