//! Those who call: async tasks and OS threads, in every way that the library has.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, Outcome, Permit};
use fastrand::Rng;
use tokio::sync::mpsc;
use tokio::time;

use crate::faces::Face;
use crate::settings::milliseconds;
use crate::tally::{Tally, one};
use crate::target::{Attempt, Kind, Target};
use crate::work::{CallError, Pace, Work, planned_panic};
use crate::world::World;

/// A breaker that lives as long as the program, so that its permits can go from task to task.
pub(crate) static COURIER: LazyLock<CircuitBreaker> = LazyLock::new(|| {
    let settings = Config::builder().failure_threshold(6).recovery_timeout(Duration::from_millis(60));
    let settings = settings.max_recovery_timeout(Duration::from_millis(400));
    let settings = settings.half_open_timeout(Duration::from_millis(250));
    breakerbox::registry().get_or_insert("courier", settings).expect("its settings are in order")
});

/// A permit on its way to another task. It ends before its attempt does.
#[derive(Debug)]
pub(crate) struct Parcel {
    permit: Permit<'static>,
    attempt: Attempt,
    seed: u64,
}

/// An async task that calls until the end.
pub(crate) async fn task(world: Arc<World>, parcels: mpsc::Sender<Parcel>, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    while !world.is_over() {
        let target = Arc::clone(world.pick(&mut rng));
        for _ in 0..rng.u8(1..10) {
            if rng.u8(0..60) == 0 {
                send(&world, &parcels, &mut rng).await;
            }
            call(&world, &target, &mut rng).await;
        }
        time::sleep(milliseconds(&mut rng, 1..20)).await;
    }
}

async fn call(world: &Arc<World>, target: &Arc<Target>, rng: &mut Rng) {
    let Some(attempt) = Attempt::new(target) else { return };
    let work = world.work(target, rng);
    let limit = milliseconds(rng, 0..15);
    if world.is_calm() {
        return target.face.call(&attempt, work).await;
    }
    if matches!(work.pace, Pace::Panics) || rng.u8(0..50) == 0 {
        return in_a_task(attempt, work, limit, rng.bool()).await;
    }
    match (rng.u8(0..100), target.face) {
        (0..5, _) => {
            if time::timeout(limit, target.face.call(&attempt, work)).await.is_err() {
                one(Tally::DroppedFutures);
            }
        }
        (5..10, _) => tokio::select! {
            () = target.face.call(&attempt, work) => {}
            () = time::sleep(limit) => one(Tally::DroppedFutures),
        },
        // Never polled, it has not begun.
        (10..12, _) => drop(target.face.call(&attempt, work)),
        // Not the choice that panics: this task has other calls to make.
        (12..22, _) => hold(&attempt, work, rng.u8(3..)).await,
        (22..26, _) => record(&attempt, rng.u8(0..3) == 0),
        (26..32, Face::Handle) => nest(world, &attempt, work, rng).await,
        (32..50, Face::Handle) => {
            let answer = target.breaker.call_async(|| work.run(&attempt)).await;
            target.face.read(&attempt, &answer);
        }
        _ => target.face.call(&attempt, work).await,
    }
}

/// A call in a task of its own, which panics, or is aborted.
async fn in_a_task(attempt: Attempt, work: Work, limit: Duration, is_aborted: bool) {
    let task = tokio::spawn(async move {
        let attempt = attempt;
        attempt.target().face.call(&attempt, work).await;
    });
    if is_aborted {
        time::sleep(limit).await;
        task.abort();
    }
    if task.await.is_err_and(|error| error.is_cancelled()) {
        one(Tally::DroppedFutures);
    }
}

/// A permit by hand, held over the work.
async fn hold(attempt: &Attempt, work: Work, choice: u8) {
    let permit = match attempt.target().breaker.try_acquire() {
        Ok(permit) => permit,
        Err(error) => return attempt.refused(&error),
    };
    attempt.start();
    let answer = work.run(attempt).await;
    finish(permit, attempt, answer.is_ok(), choice);
}

/// Ends a permit in one of the ways that there are.
fn finish(permit: Permit<'_>, attempt: &Attempt, is_good: bool, choice: u8) {
    match choice % 8 {
        0 => {
            attempt.end(Kind::Ignored);
            permit.ignore();
        }
        1 => drop(permit),
        2 if choice == 2 => planned_panic_with(&permit),
        3 => {
            attempt.end(if is_good { Kind::Succeeded } else { Kind::Failed });
            permit.finish(if is_good { Outcome::Success } else { Outcome::Failure });
        }
        _ if is_good => {
            attempt.end(Kind::Succeeded);
            permit.success();
        }
        _ => {
            attempt.end(Kind::Failed);
            permit.failure();
        }
    }
}

/// A panic of the call itself, which the holder of the permit catches outside.
fn planned_panic_with(_permit: &Permit<'_>) {
    planned_panic()
}

/// Reports a result without a permit.
fn record(attempt: &Attempt, has_failed: bool) {
    attempt.start();
    if has_failed {
        attempt.end(Kind::Failed);
        attempt.target().breaker.record_failure();
    } else {
        attempt.end(Kind::Succeeded);
        attempt.target().breaker.record_success();
    }
}

/// A call in a call, each with a breaker of its own, or both with the same.
async fn nest(world: &Arc<World>, attempt: &Attempt, work: Work, rng: &mut Rng) {
    let inner = Arc::clone(world.pick(rng));
    let mut inner_work = world.work(&inner, rng);
    if matches!(inner_work.pace, Pace::Panics) {
        inner_work.pace = Pace::AtOnce;
    }
    let answer = attempt.target().breaker.call_async(async {
        attempt.start();
        let Some(within) = Attempt::new(&inner) else { return Ok(1) };
        one(Tally::NestedCalls);
        inner.face.call(&within, inner_work).await;
        work.run(attempt).await
    });
    let answer = answer.await;
    attempt.target().face.read(attempt, &answer);
}

async fn send(world: &Arc<World>, parcels: &mpsc::Sender<Parcel>, rng: &mut Rng) {
    let Some(attempt) = Attempt::new(&world.courier) else { return };
    match COURIER.try_acquire() {
        Ok(permit) => {
            attempt.start();
            // Lost on the way, it is a call that was dropped.
            let _ = parcels.send(Parcel { permit, attempt, seed: rng.u64(..) }).await;
        }
        Err(error) => attempt.refused(&error),
    }
}

/// Takes the permits that others have sent, and ends them elsewhere and later.
pub(crate) async fn deliver(world: Arc<World>, mut parcels: mpsc::Receiver<Parcel>, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    while let Some(parcel) = parcels.recv().await {
        one(Tally::SentPermits);
        let is_calm = world.is_calm();
        let held = tokio::spawn(async move {
            let Parcel { permit, attempt, seed } = parcel;
            let mut rng = Rng::with_seed(seed);
            if is_calm {
                attempt.end(Kind::Succeeded);
                return permit.success();
            }
            // In the order in which they are to be dropped, which is the reverse.
            let (attempt, permit) = (attempt, permit);
            time::sleep(milliseconds(&mut rng, 0..20)).await;
            finish(permit, &attempt, rng.u8(0..4) > 0, rng.u8(..));
        });
        if !is_calm && rng.u8(0..10) == 0 {
            held.abort();
        }
    }
}

/// An OS thread that calls until the end.
pub(crate) fn thread(world: &Arc<World>, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    while !world.is_over() {
        let target = world.pick(&mut rng);
        for _ in 0..rng.u8(1..30) {
            let Some(attempt) = Attempt::new(target) else { break };
            let work = world.work(target, &mut rng);
            let choice = if world.is_calm() { 999 } else { rng.u16(0..1000) };
            let (ending, has_failed) = (rng.u8(..), rng.u8(0..3) == 0);
            // Takes the attempt along, which has to see the panic.
            let call = move || {
                let attempt = attempt;
                match choice {
                    0..120 => hold_sync(&attempt, work, ending),
                    120..160 => record(&attempt, has_failed),
                    160..162 => hand_over(&attempt, work),
                    _ => target.face.call_sync(&attempt, work),
                }
            };
            // The hook has told of a panic that was not planned.
            let _ = catch_unwind(AssertUnwindSafe(call));
        }
        thread::sleep(milliseconds(&mut rng, 0..6));
    }
}

fn hold_sync(attempt: &Attempt, work: Work, choice: u8) {
    match attempt.target().breaker.try_acquire() {
        Ok(permit) => {
            attempt.start();
            let answer = work.run_sync(attempt);
            finish(permit, attempt, answer.is_ok(), choice);
        }
        Err(error) => attempt.refused(&error),
    }
}

/// A permit that is taken on one thread and ends on another.
fn hand_over(attempt: &Attempt, work: Work) {
    let permit = match attempt.target().breaker.try_acquire() {
        Ok(permit) => permit,
        Err(error) => return attempt.refused(&error),
    };
    attempt.start();
    one(Tally::SentPermits);
    let is_good = !matches!(work.answer(), Err(CallError::Down));
    thread::scope(|scope| {
        scope.spawn(|| finish(permit, attempt, is_good, 4));
    });
}
