//! Walks on which a breaker and its model once parted, each as short as it can be.

use std::time::Duration;

use breakerbox::{Key, Mode, State, Value};

use super::steps::Step::{self, Advance, Back, Begin, Call, End as Ends, Jump, Overflow, ToDeadline};
use super::walk;
use crate::reference::End::{Failure, Ignored, Success};
use crate::reference::pair::Command::{self, MoveTo, OpenFor, Reconfigure, Record, SetClock};

const START: u64 = 1_000_000_000_000;
const RATE: (Key, Value) = (Key::FailureRateThreshold, Value::Share(0.1));

fn time(key: Key, nanos: u64) -> (Key, Value) {
    (key, Value::Time(Duration::from_nanos(nanos)))
}

fn count(key: Key, count: u32) -> (Key, Value) {
    (key, Value::Count(count))
}

fn go(command: Command) -> Step {
    Step::Command(command)
}

#[track_caller]
fn agree(stated: &[(Key, Value)], start: u64, steps: &[Step]) {
    if let Err(problem) = walk(&stated.to_vec(), start, steps) {
        panic!("{problem}");
    }
}

#[test]
fn a_mode_that_measures_begins_with_an_empty_window() {
    let stated = [
        (Key::FailureThreshold, Value::Off),
        time(Key::SlowCallDuration, 1),
        (Key::SlowCallRateThreshold, Value::Share(0.1)),
        count(Key::WindowSize, 1),
        count(Key::HalfOpenMaxCalls, 1),
        time(Key::RecoveryTimeout, 1),
    ];
    let steps =
        [Begin, Advance(2), Ends(0, Success), Advance(1), Begin, go(Command::Mode(Mode::MetricsOnly)), Call(Success)];
    agree(&stated, START, &steps);
}

#[test]
fn a_late_result_finds_what_time_has_done() {
    let stated = [
        count(Key::FailureThreshold, 2),
        time(Key::RecoveryTimeout, 104),
        (Key::Multiplier, Value::Share(3.0)),
        time(Key::HalfOpenTimeout, 259),
    ];
    let trial = [go(OpenFor(0)), Begin, Ends(0, Failure), Advance(900), Begin, Advance(900), Ends(0, Success)];
    agree(&stated, START, &trial);
}

#[test]
fn a_run_of_failures_goes_on_under_another_clock_and_a_success_ends_it() {
    let steps = [Call(Failure), go(SetClock(0)), Call(Success), Call(Failure)];
    agree(&[], START, &steps);
}

#[test]
fn another_clock_gives_back_the_places_of_trials_that_are_late_now() {
    let steps = [go(MoveTo(State::HalfOpen)), Begin, go(SetClock(5)), Begin, Ends(0, Success), Ends(0, Success)];
    agree(&[count(Key::HalfOpenMaxCalls, 1)], START, &steps);
}

#[test]
fn trials_are_in_no_window_when_their_time_is_over_either() {
    agree(&[RATE], START, &[go(MoveTo(State::HalfOpen)), Call(Success), ToDeadline(0)]);
}

#[test]
fn a_half_open_episode_is_kept_under_a_mode() {
    let steps = [
        go(OpenFor(0)),
        Call(Ignored),
        go(Command::Mode(Mode::ForcedOpen)),
        ToDeadline(0),
        go(Command::Mode(Mode::Auto)),
    ];
    agree(&[], START, &steps);
}

#[test]
fn a_call_that_begins_at_the_zero_of_the_clock_is_as_long_as_another() {
    let steps = [Begin, Advance(11), Ends(0, Success)];
    agree(&[time(Key::SlowCallDuration, 10)], 0, &steps);
}

#[test]
fn a_success_after_a_clock_that_stepped_back_is_in_the_window() {
    let steps = [Call(Success), Jump(START + 100), Call(Failure), Back(100), go(Record(Success))];
    agree(&[RATE, time(Key::WindowDuration, 10)], START, &steps);
}

#[test]
fn the_shortest_window_at_the_end_of_time_holds_what_is_new() {
    let shortest = time(Key::WindowDuration, 1);
    agree(&[RATE, shortest], START, &[Call(Success), Overflow, Call(Success)]);
    agree(&[shortest], START, &[Begin, go(Reconfigure(vec![RATE])), go(Record(Success)), Overflow]);
}
