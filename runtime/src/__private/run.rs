//! How a body runs under a breaker, and who says how it ended. Admission and settlement are `call`;
//! these functions exist to be inlined into the annotated one.

use crate::__private::{Fallible, FromOpen, Respond, failed, refuse};
use crate::breaker::Core;
use crate::call::{Entered, enter};
use crate::error::CircuitBreakerError;
use crate::outcome::{Classify, Outcome};

/// The whole of a sync function that has no answer of its own for a refused call.
#[inline(always)]
pub fn run<R, F>(breaker: &Core, body: F) -> R
where
    R: Respond,
    R::Error: FromOpen,
    F: FnOnce() -> R,
{
    match enter(breaker) {
        Ok(entered) => complete(entered, body),
        Err(error) => refuse(error),
    }
}

/// The same, where something else than the type says what a failure is.
#[inline(always)]
pub fn run_by<R, F, C>(breaker: &Core, body: F, judge: C) -> R
where
    R: Respond,
    R::Error: FromOpen,
    F: FnOnce() -> R,
    C: FnOnce(&R) -> Outcome,
{
    match enter(breaker) {
        Ok(entered) => complete_by(entered, body, judge),
        Err(error) => refuse(error),
    }
}

/// Runs the body of an admitted call.
#[inline(always)]
pub fn complete<R: Classify, F: FnOnce() -> R>(entered: Entered<'_>, body: F) -> R {
    complete_by(entered, body, R::outcome)
}

#[inline(always)]
pub fn complete_by<R, F, C>(entered: Entered<'_>, body: F, judge: C) -> R
where
    F: FnOnce() -> R,
    C: FnOnce(&R) -> Outcome,
{
    let returned = body();
    let outcome = judge(&returned);
    entered.pass(returned, outcome)
}

/// Runs the body of an admitted call, whose failure is answered too.
#[inline(always)]
pub fn attempt<R, F>(breaker: &Core, entered: Entered<'_>, body: F) -> Result<R, CircuitBreakerError>
where
    R: Classify,
    F: FnOnce() -> R,
{
    attempt_by(breaker, entered, body, R::outcome)
}

#[inline(always)]
pub fn attempt_by<R, F, C>(breaker: &Core, entered: Entered<'_>, body: F, judge: C) -> Result<R, CircuitBreakerError>
where
    F: FnOnce() -> R,
    C: FnOnce(&R) -> Outcome,
{
    let returned = body();
    let outcome = judge(&returned);
    let returned = entered.pass(returned, outcome);
    if outcome == Outcome::Failure { Err(failed(breaker)) } else { Ok(returned) }
}

/// What judges a value.
pub trait Judge<R: ?Sized> {
    fn judge(self, returned: &R) -> Outcome;
}

/// Judges a value by its type.
#[derive(Clone, Copy, Debug)]
pub struct ByType;

impl<R: Classify> Judge<R> for ByType {
    #[inline(always)]
    fn judge(self, returned: &R) -> Outcome {
        returned.outcome()
    }
}

/// What is asked of a type in an async function: asked once, so that a type that does not know is
/// reported once and not at every use.
#[derive(Debug)]
pub struct Asked<R, J> {
    pub judge: J,
    pub refuse: fn(CircuitBreakerError) -> R,
}

/// For a function that has no answer of its own for a refused call.
#[inline(always)]
pub fn ask<R>() -> Asked<R, R::Judge>
where
    R: Respond,
    R::Error: FromOpen,
{
    Asked { judge: R::JUDGE, refuse: refuse::<R> }
}

/// The verdict of what was asked.
#[inline(always)]
pub fn judged<R, J: Judge<R>>(judge: J, returned: &R) -> Outcome {
    judge.judge(returned)
}

/// The verdict of the type, where something else answers a refused call.
#[inline(always)]
pub fn classify<R: Classify>(returned: &R) -> Outcome {
    returned.outcome()
}

/// Gives a judge the type of what it judges.
#[inline(always)]
pub fn typed<R, C: FnOnce(&R) -> Outcome>(judge: C) -> C {
    judge
}

/// Tells the function that is left, besides the breaker, that the call failed.
#[inline(always)]
pub fn note(outcome: Outcome, failed: &mut bool) -> Outcome {
    *failed = outcome == Outcome::Failure;
    outcome
}

/// `failure_if` decides alone.
#[inline(always)]
pub fn failure_if<R, F>(is_failure: F, returned: &R) -> Outcome
where
    F: FnOnce(&R) -> bool,
{
    if is_failure(returned) { Outcome::Failure } else { Outcome::Success }
}

/// `ignore_if` is asked about errors, which are failures otherwise.
#[inline(always)]
pub fn ignore_if<R, F>(is_ignored: F, returned: &R) -> Outcome
where
    R: Fallible,
    F: FnOnce(&R::Failure) -> bool,
{
    match returned.failure() {
        Some(error) if is_ignored(error) => Outcome::Ignored,
        Some(_) => Outcome::Failure,
        None => Outcome::Success,
    }
}
