//! Conflicts and bad variables are said on standard error until somebody listens who passes them on.

use std::process::Command;
use std::sync::{Arc, Mutex};

use breakerbox::observe::alerts::Alerts;
use breakerbox::observe::trace;
use breakerbox::{Config, Event, Registry};

const CHILD: &str = "BREAKERBOX_TEST_QUIET_LISTENERS";

/// Runs itself again in a process whose standard error is read.
#[test]
fn who_only_watches_silences_no_complaint() {
    if std::env::var_os(CHILD).is_some() {
        return complain();
    }
    let test = "complaints::who_only_watches_silences_no_complaint";
    let child =
        Command::new(std::env::current_exe().unwrap()).args(["--nocapture", "--exact", test]).env(CHILD, "1").output();
    let child = child.unwrap();
    let said = String::from_utf8(child.stderr).unwrap();
    let lines: Vec<_> = said.lines().filter(|line| line.starts_with("breakerbox: ")).collect();
    assert!(child.status.success() && lines.len() == 2, "{said}");
    assert!(lines[0].starts_with("breakerbox: circuit 'watched': `failure_threshold` is 3 at "), "{said}");
    assert!(lines[1].starts_with("breakerbox: circuit 'again': `failure_threshold` is 3 at "), "{said}");
}

fn complain() {
    let registry = Registry::new();
    let disagree = |name: &str| {
        for threshold in [3, 4] {
            registry.get_or_insert(name, Config::builder().failure_threshold(threshold)).unwrap();
        }
    };
    let _alerts = Alerts::new(&registry);
    disagree("watched");
    // The first one who passes them on hears what has waited, and the next complaint is not said.
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let subscription = registry.subscribe(move |event: &Event| {
        if let Event::Conflict(conflict) = event {
            ear.lock().unwrap().push(conflict.breaker.to_string());
        }
    });
    let logged = trace(&registry);
    disagree("heard");
    assert_eq!(*heard.lock().unwrap(), ["watched", "heard"]);
    drop((subscription, logged));
    disagree("again");
}
