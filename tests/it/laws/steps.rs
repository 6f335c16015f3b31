//! What may happen to a breaker, at random: settings, calls, commands, and times that stand still, jump,
//! step back and overflow.

use std::time::Duration;

use breakerbox::{Key, Mode, State, Value};
use proptest::prelude::*;
use proptest::sample::select;

use crate::reference::End;
use crate::reference::pair::Command;
use crate::reference::seen::Kept;
use crate::reference::settings::Stated;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Asks for a call and keeps it.
    Begin,
    /// Ends one of the calls that are kept.
    End(usize, End),
    /// Asks for a call and ends it.
    Call(End),
    Advance(u64),
    /// To the time at which time alone changes the state, and so much further.
    ToDeadline(i64),
    Back(u64),
    /// To a time that may be anywhere.
    Jump(u64),
    /// Further than any clock goes.
    Overflow,
    Command(Command),
    /// Takes the breaker up again from where it was.
    Reload,
}

const MILLI: u64 = 1_000_000;
const LAST: u64 = u64::MAX;

/// Lengths of time: short ones, so that they meet each other, some long ones, and one without end.
fn length() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 1..20_u64,
        8 => (1..200_u64).prop_map(|length| length * MILLI),
        2 => select(vec![10, 15, 100, 1000 * MILLI, 60_000 * MILLI]),
        1 => select(vec![LAST - 1, LAST, LAST / 2]),
    ]
}

/// Times of a clock, its ends among them.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => (1..2000_u64).prop_map(|time| time * MILLI),
        2 => 0..50_u64,
        1 => (0..50_u64).prop_map(|left| LAST - left),
        1 => (0..2000_u64).prop_map(|left| LAST - left * MILLI),
    ]
}

fn end() -> impl Strategy<Value = End> {
    select(vec![End::Success, End::Success, End::Failure, End::Failure, End::Failure, End::Ignored, End::Cancelled])
}

fn count(highest: u32) -> impl Strategy<Value = Value> {
    (1..=highest).prop_map(Value::Count)
}

fn some_time() -> impl Strategy<Value = Value> {
    // A duration can be longer than a clock can tell.
    prop_oneof![
        9 => length().prop_map(|time| Value::Time(Duration::from_nanos(time))),
        1 => Just(Value::Time(Duration::MAX)),
    ]
}

fn share() -> impl Strategy<Value = Value> {
    select(vec![0.1, 0.25, 1.0 / 3.0, 0.5, 0.6, 2.0 / 3.0, 1.0]).prop_map(Value::Share)
}

/// One setting with a value that it may have, or may not.
fn setting() -> impl Strategy<Value = (Key, Value)> {
    let off = || Just(Value::Off);
    let window = prop_oneof![9 => 1..12_u32, 1 => 60..70_u32].prop_map(Value::Count);
    let key = |key: Key, value: BoxedStrategy<Value>| value.prop_map(move |value| (key, value));
    prop_oneof![
        3 => key(Key::FailureThreshold, prop_oneof![8 => count(5), 3 => off(), 1 => Just(Value::Count(0))].boxed()),
        3 => key(Key::RecoveryTimeout, some_time().boxed()),
        3 => key(Key::HalfOpenMaxCalls, count(4).boxed()),
        3 => key(Key::SuccessThreshold, count(4).boxed()),
        3 => key(Key::HalfOpenTimeout, some_time().boxed()),
        4 => key(Key::FailureRateThreshold, prop_oneof![6 => share(), 1 => off()].boxed()),
        4 => key(Key::SlowCallDuration, prop_oneof![8 => some_time(), 1 => off()].boxed()),
        2 => key(Key::SlowCallRateThreshold, prop_oneof![6 => share(), 1 => off()].boxed()),
        3 => key(Key::WindowSize, window.boxed()),
        3 => key(Key::WindowDuration, some_time().boxed()),
        3 => key(Key::MinimumCalls, count(8).boxed()),
        2 => key(Key::Multiplier, select(vec![1.0, 1.5, 2.0, 3.0, 1e9, 0.5]).prop_map(Value::Share).boxed()),
        1 => key(Key::MaxRecoveryTimeout, prop_oneof![8 => some_time(), 1 => off()].boxed()),
        1 => key(Key::Jitter, select(vec![0.0, 0.1, 0.5, 1.0]).prop_map(Value::Share).boxed()),
        1 => key(Key::Timeout, prop_oneof![8 => some_time(), 1 => off()].boxed()),
    ]
}

/// Open times that grow, up to one that is not far, and are spread.
fn growth() -> impl Strategy<Value = Stated> {
    let shares = (select(vec![1.0, 1.5, 3.0]), select(vec![0.0, 0.5, 1.0]));
    (1..100_u64, 1..6_u32, shares).prop_map(|(recovery, most, (multiplier, jitter))| {
        let recovery = Duration::from_nanos(recovery * MILLI);
        vec![
            (Key::RecoveryTimeout, Value::Time(recovery)),
            (Key::MaxRecoveryTimeout, Value::Time(recovery * most)),
            (Key::Multiplier, Value::Share(multiplier)),
            (Key::Jitter, Value::Share(jitter)),
        ]
    })
}

/// Settings, each stated once.
pub(super) fn settings(most: usize) -> impl Strategy<Value = Stated> {
    let growth = prop::option::weighted(0.2, growth()).prop_map(Option::unwrap_or_default);
    (prop::collection::vec(setting(), 0..=most), growth).prop_map(|(settings, growth)| {
        let mut stated = Stated::new();
        for (key, value) in settings.into_iter().chain(growth) {
            stated.retain(|(known, _)| *known != key);
            stated.push((key, value));
        }
        stated
    })
}

fn command() -> impl Strategy<Value = Command> {
    let mode = || select(vec![Mode::Auto, Mode::Auto, Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly]);
    let state = || select(State::ALL.to_vec());
    let kept = (state(), mode(), prop_oneof![0..40_u64, any::<u64>()], prop_oneof![Just(0), length()], 0..4_u32);
    prop_oneof![
        4 => any::<bool>().prop_map(|good| Command::Record(if good { End::Success } else { End::Failure })),
        3 => state().prop_map(Command::MoveTo),
        2 => prop_oneof![1 => Just(0), 5 => length()].prop_map(Command::OpenFor),
        3 => mode().prop_map(Command::Mode),
        2 => Just(Command::Reset),
        3 => settings(3).prop_map(Command::Reconfigure),
        2 => (0..2_usize, settings(4)).prop_map(|(place, stated)| Command::Merge(place, stated)),
        1 => time().prop_map(Command::SetClock),
        1 => kept.prop_map(|(state, mode, generation, remaining, reopened)| {
            Command::Restore(Kept { state, mode, generation, remaining, reopened })
        }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Begin),
        8 => (any::<usize>(), end()).prop_map(|(which, end)| Step::End(which, end)),
        14 => end().prop_map(Step::Call),
        5 => length().prop_map(Step::Advance),
        5 => (-1..=1_i64).prop_map(Step::ToDeadline),
        1 => length().prop_map(Step::Back),
        1 => time().prop_map(Step::Jump),
        1 => Just(Step::Overflow),
        6 => command().prop_map(Step::Command),
        1 => Just(Step::Reload),
    ]
}

/// Where a clock stands in the beginning.
pub(super) fn start() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(1000 * 1000 * MILLI), 1 => time()]
}
