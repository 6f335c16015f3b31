//! Short histories of a few threads: each is linearisable, to the last counter and in what listeners hear.

use std::time::Duration;

use breakerbox::{Key, Mode, State, Value};

use super::order::{Rest, Search};
use super::record::{Done, Op, Restless, run};
use crate::reference::End;
use crate::reference::pair::{Command, Ground, Pair};
use crate::reference::seen::{Seen, Told};
use crate::reference::settings::Stated;
use crate::rig::Dice;

const START: u64 = 1000;

/// Failures in a row, short times, few trials: much happens in few operations. A window's successes are
/// not of one instant, so there is none here.
fn settings(dice: &mut Dice) -> Stated {
    let count = |dice: &mut Dice| Value::Count(1 + u32::try_from(dice.roll(3)).unwrap_or(0));
    let trials = count(dice);
    let successes = if let Value::Count(trials) = trials { Value::Count(1 + trials / 2) } else { trials };
    let slow = if dice.roll(4) == 0 { Value::Time(Duration::from_nanos(3)) } else { Value::Off };
    vec![
        (Key::FailureThreshold, count(dice)),
        (Key::RecoveryTimeout, Value::Time(Duration::from_nanos(5))),
        (Key::HalfOpenMaxCalls, trials),
        (Key::SuccessThreshold, successes),
        (Key::HalfOpenTimeout, Value::Time(Duration::from_nanos(7))),
        (Key::Multiplier, Value::Share(2.0)),
        (Key::SlowCallDuration, slow),
    ]
}

fn end(dice: &mut Dice) -> End {
    [End::Success, End::Success, End::Failure, End::Failure, End::Ignored, End::Cancelled][index(dice, 6)]
}

fn index(dice: &mut Dice, sides: u64) -> usize {
    usize::try_from(dice.roll(sides)).unwrap_or(0)
}

fn command(dice: &mut Dice) -> Command {
    match dice.roll(10) {
        0 => Command::Reset,
        1..4 => Command::MoveTo(State::ALL[index(dice, 3)]),
        4..8 => {
            Command::Mode([Mode::Auto, Mode::Auto, Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly][index(dice, 5)])
        }
        _ => Command::OpenFor(dice.roll(8)),
    }
}

fn op(dice: &mut Dice, has_clock: bool) -> Op {
    match dice.roll(16) {
        0..6 => Op::Acquire,
        6..11 => Op::End(index(dice, 8), end(dice)),
        11 => Op::Record(if dice.roll(2) == 0 { End::Success } else { End::Failure }),
        12 if has_clock => Op::Advance(1 + dice.roll(8)),
        13 => Op::Command(command(dice)),
        14 => [Op::State, Op::CanExecute][index(dice, 2)].clone(),
        _ => Op::Look,
    }
}

/// What all threads did, in the order of the beginnings.
fn written(threads: &[Vec<Done>]) -> String {
    let mut lines: Vec<_> = threads
        .iter()
        .enumerate()
        .flat_map(|(thread, done)| done.iter().map(move |done| (done.began, thread, done)))
        .collect();
    lines.sort_by_key(|(began, ..)| *began);
    let line = |(_, thread, done): &(u64, usize, &Done)| {
        format!("  {:>3}..{:<3} thread {thread}: {:?} -> {:?}", done.began, done.ended, done.op, done.answer)
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How many operations met one of another thread.
fn overlaps(threads: &[Vec<Done>]) -> usize {
    let all = || threads.iter().enumerate().flat_map(|(thread, done)| done.iter().map(move |done| (thread, done)));
    let meets = |(thread, done): &(usize, &Done)| {
        all().any(|(other, met)| other != *thread && met.began < done.ended && done.began < met.ended)
    };
    all().filter(meets).count()
}

/// Runs one history. Returns how many operations met, or what nobody can explain.
fn history(seed: u64, threads: usize, length: usize) -> Result<usize, String> {
    let mut dice = Dice::new(seed);
    let stated = settings(&mut dice);
    let ground = Ground::on("quotes", &stated, START, Restless::new).map_err(|error| error.to_string())?;
    let mut pair = Pair::new(&ground)?;
    // From one of many states.
    let before = dice.roll(3);
    for _ in 0..before {
        pair.command(&command(&mut dice))?;
        pair.advance(Duration::from_nanos(dice.roll(6)));
    }
    pair.compare()?;
    let (model, now) = (pair.model().clone(), pair.now());
    // One thread moves the clock.
    let plan = |thread: usize, dice: &mut Dice| (0..length).map(|_| op(dice, thread == 0)).collect();
    let plans: Vec<Vec<Op>> = (0..threads).map(|thread| plan(thread, &mut dice)).collect();
    let done = run(pair.breaker, ground.clock(), &plans);
    let heard = ground.heard().iter().map(Told::from).collect();
    let rest = Rest { seen: Seen::of(pair.breaker), heard };
    if Search::new(&done, &rest).finds_an_order(model.clone(), now) {
        return Ok(overlaps(&done));
    }
    let from = model.seen(now);
    Err(format!(
        "seed {seed}: no order explains\n{}\nfrom {:?}, {stated:?}, {from:?}\nto {rest:?}",
        written(&done),
        model
    ))
}

#[test]
fn every_short_history_has_an_order_that_the_model_agrees_with() {
    // So many times as many as by default.
    let more = std::env::var("HISTORIES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let mut met = 0;
    // The smallest first, so that what fails is small.
    for (threads, length, times) in [(2, 2, 300), (2, 3, 400), (3, 3, 500), (3, 5, 400), (4, 5, 250), (4, 6, 150)] {
        for seed in 0..times * more {
            match history(seed, threads, length) {
                Ok(overlaps) => met += overlaps,
                Err(problem) => panic!("{threads} threads, {length} operations each, {problem}"),
            }
        }
    }
    println!("{met} operations met one of another thread");
    assert!(met > 100, "only {met} operations met one of another thread");
}
