//! What a process takes up that the one before has left.

use breakerbox::{Config, Mode, Source, State};

use crate::support::{Process, age, assert_about, earlier, edit, file, folder, kept, once, secs};

/// Opens `quotes` for ten minutes, and ends.
fn leave_open(folder: &std::path::Path) {
    once(folder, |process| process.quotes().open_for(secs(600)));
}

#[test]
fn an_open_circuit_is_open_for_the_time_that_is_left() {
    let folder = folder();
    leave_open(folder.path());
    age(&file(folder.path()), secs(200));
    let process = Process::start_alone(folder.path());
    let quotes = process.quotes();
    assert_eq!(quotes.state(), State::Open);
    assert_about(quotes.status().retry_after, secs(400));
    let lines = process.heard();
    assert_eq!(lines, ["circuit 'quotes': registered", "circuit 'quotes': closed -> open (restored)"]);
    process.clock.advance(secs(400));
    assert_eq!(quotes.state(), State::HalfOpen);
    assert!(quotes.try_acquire().is_ok());
}

#[test]
fn what_was_left_when_it_changed_counts_and_not_the_whole_open_time() {
    let folder = folder();
    once(folder.path(), |process| {
        let quotes = process.quotes();
        quotes.open_for(secs(600));
        process.clock.advance(secs(250));
        // A change of the mode writes the state beneath, as it is by then.
        quotes.force_open();
    });
    let process = Process::start_alone(folder.path());
    process.quotes().auto();
    assert_about(process.quotes().status().retry_after, secs(350));
}

#[test]
fn a_circuit_whose_time_is_over_takes_a_trial_at_once() {
    let folder = folder();
    leave_open(folder.path());
    age(&file(folder.path()), secs(601));
    let process = Process::start_alone(folder.path());
    assert_eq!(process.quotes().state(), State::HalfOpen);
    assert!(process.quotes().try_acquire().is_ok());
}

#[test]
fn a_half_open_circuit_is_taken_up_as_open_with_nothing_left() {
    let folder = folder();
    once(folder.path(), |process| {
        let quotes = process.quotes();
        quotes.half_open();
        // A trial that dies with its process.
        std::mem::forget(quotes.try_acquire());
    });
    let process = Process::start_alone(folder.path());
    let quotes = process.quotes();
    assert_eq!(
        quotes.status().last_transition.map(|last| (last.to, last.retry_after)),
        Some((State::Open, Some(secs(0))))
    );
    for _ in 0..3 {
        quotes.try_acquire().expect("all places are free").success();
    }
    assert_eq!(quotes.state(), State::Closed);
}

#[test]
fn a_mode_is_kept_for_however_long() {
    for mode in [Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly] {
        let folder = folder();
        once(folder.path(), |process| match mode {
            Mode::ForcedOpen => process.quotes().force_open(),
            Mode::Disabled => process.quotes().disable(),
            _ => process.quotes().metrics_only(),
        });
        edit(&file(folder.path()), |record| {
            record["saved"]["boot"] = serde_json::Value::Null;
            earlier(&mut record["saved"]["unix_ms"], secs(30 * 86400));
        });
        let process = Process::start_alone(folder.path());
        assert_eq!(process.quotes().mode(), mode);
        process.quotes().reset();
        process.flush();
        drop(process);
        assert_eq!(Process::start_alone(folder.path()).quotes().mode(), Mode::Auto);
    }
}

#[test]
fn the_step_of_the_backoff_is_kept() {
    let folder = folder();
    let settings = || Config::builder().failure_threshold(1).recovery_timeout(secs(100)).multiplier(2.0);
    once(folder.path(), |process| {
        let quotes = process.breaker("quotes", settings());
        quotes.record_failure();
        process.clock.advance(secs(100));
        quotes.record_failure();
        assert_eq!(quotes.status().reopened, 1);
    });
    let process = Process::start_alone(folder.path());
    let quotes = process.breaker("quotes", settings());
    assert_about(quotes.status().retry_after, secs(200));
    process.clock.advance(secs(200));
    quotes.record_failure();
    assert_eq!(quotes.status().retry_after, Some(secs(400)));
}

#[test]
fn a_circuit_that_closed_again_is_closed_after_a_restart() {
    let folder = folder();
    leave_open(folder.path());
    once(folder.path(), |process| process.quotes().close());
    let process = Process::start_alone(folder.path());
    assert_eq!(process.quotes().state(), State::Closed);
    assert_eq!(process.heard(), ["circuit 'quotes': registered"]);
}

#[test]
fn what_has_been_over_for_an_hour_is_forgotten() {
    let folder = folder();
    leave_open(folder.path());
    edit(&file(folder.path()), |record| {
        record["saved"]["boot"] = serde_json::Value::Null;
        earlier(&mut record["saved"]["unix_ms"], secs(600 + 3601));
        record["reopened"] = 5.into();
    });
    let status = Process::start_alone(folder.path()).quotes().status();
    assert_eq!((status.state, status.reopened), (State::Closed, 0));
}

#[test]
fn a_wall_clock_that_was_set_changes_nothing_within_one_boot() {
    for unix_ms in [0, u64::MAX] {
        let folder = folder();
        leave_open(folder.path());
        edit(&file(folder.path()), |record| {
            assert!(record["saved"]["boot"]["id"].is_string(), "Linux tells its boot: {record}");
            earlier(&mut record["saved"]["boot"]["ms"], secs(200));
            record["saved"]["unix_ms"] = unix_ms.into();
        });
        assert_about(Process::start_alone(folder.path()).quotes().status().retry_after, secs(400));
    }
}

#[test]
fn after_a_reboot_the_wall_clock_tells_and_one_that_stepped_back_costs_one_wait() {
    let folder = folder();
    leave_open(folder.path());
    edit(&file(folder.path()), |record| {
        record["saved"]["boot"]["id"] = "another".into();
        earlier(&mut record["saved"]["unix_ms"], secs(200));
    });
    assert_about(Process::start_alone(folder.path()).quotes().status().retry_after, secs(400));
    edit(&file(folder.path()), |record| record["saved"]["unix_ms"] = u64::MAX.into());
    let left = Process::start_alone(folder.path()).quotes().status().retry_after;
    assert!(left.is_some_and(|left| left > secs(599) && left <= secs(600)), "{left:?}");
}

#[test]
fn a_file_of_the_future_costs_one_wait_and_not_one_at_each_start() {
    let folder = folder();
    leave_open(folder.path());
    edit(&file(folder.path()), |record| {
        record["saved"]["boot"]["id"] = "another".into();
        record["saved"]["unix_ms"] = u64::MAX.into();
    });
    once(folder.path(), |process| assert_about(process.quotes().status().retry_after, secs(600)));
    age(&file(folder.path()), secs(200));
    assert_about(Process::start_alone(folder.path()).quotes().status().retry_after, secs(400));
}

#[test]
fn a_restart_after_a_restart_still_counts_from_the_first_opening() {
    let folder = folder();
    leave_open(folder.path());
    age(&file(folder.path()), secs(100));
    once(folder.path(), |process| assert_eq!(process.quotes().state(), State::Open));
    age(&file(folder.path()), secs(100));
    assert_about(Process::start_alone(folder.path()).quotes().status().retry_after, secs(400));
}

#[test]
fn the_status_tells_where_the_state_comes_from() {
    let folder = folder();
    leave_open(folder.path());
    let process = Process::start_alone(folder.path());
    let quotes = process.quotes();
    let store = quotes.status().store.expect("a store");
    assert_eq!((store.store, store.source, store.degraded), ("file", Source::Restored, None));
    assert!(store.synced.is_some());
    quotes.close();
    process.flush();
    let store = quotes.status().store.expect("a store");
    assert_eq!((store.source, store.degraded), (Source::Local, None));
    assert_eq!(breakerbox::CircuitBreaker::new("alone", Config::default()).expect("valid").status().store, None);
}

#[test]
fn every_name_has_a_file_of_its_own_and_finds_it_again() {
    let folder = folder();
    let long = "Ä/".repeat(42);
    let longer = format!("{long}.");
    let names = ["a", "A", "a/b", "a%2fb", "..x", "pay::charge[eu]", "con", ".lock", "ä ö", &long, &longer];
    once(folder.path(), |process| {
        for (seconds, name) in (1000..).zip(names) {
            process.breaker(name, Config::builder()).open_for(secs(seconds));
        }
    });
    let process = Process::start_alone(folder.path());
    for (seconds, name) in (1000..).zip(names) {
        let left = process.breaker(name, Config::builder()).status().retry_after.expect(name);
        assert_about(Some(left), secs(seconds));
        assert_eq!(kept(&folder.path().join(found(folder.path(), name)))["remaining_ms"], seconds * 1000);
    }
    assert_eq!(process.unreadable(), 0);
}

/// The file that holds the state of this breaker.
fn found(folder: &std::path::Path, name: &str) -> std::ffi::OsString {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .find(|file| file.to_string_lossy().ends_with(".cbs") && kept(&folder.join(file))["name"] == *name)
        .expect("a file")
}
