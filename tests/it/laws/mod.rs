//! One breaker and the plain model of `reference` take the same steps, and show the same after each.

mod known;
mod steps;

use std::time::Duration;

use breakerbox::{Mode, State};
use proptest::prelude::*;

use crate::reference::End;
use crate::reference::pair::{Call, Command, Ground, Pair};
use crate::reference::settings::Stated;
use steps::{Step, settings, start, step};

/// The breaker, the model, and the calls under way in both.
struct Walk<'a> {
    pair: Pair<'a>,
    under_way: Vec<Call<'a>>,
}

impl Walk<'_> {
    fn take(&mut self, step: &Step) -> Result<(), String> {
        let pair = &mut self.pair;
        match *step {
            Step::Begin => self.under_way.extend(pair.acquire()?.ok()),
            Step::End(which, end) => {
                if !self.under_way.is_empty() {
                    let call = self.under_way.swap_remove(which % self.under_way.len());
                    pair.end(call, end);
                }
            }
            Step::Call(end) => {
                if let Ok(call) = pair.acquire()? {
                    pair.end(call, end);
                }
            }
            Step::Advance(by) => pair.advance(Duration::from_nanos(by)),
            Step::ToDeadline(further) => pair.set_time(pair.deadline().saturating_add_signed(further)),
            Step::Back(by) => pair.set_time(pair.now().saturating_sub(by)),
            Step::Jump(to) => pair.set_time(to),
            Step::Overflow => pair.advance(Duration::MAX),
            Step::Command(ref command) => pair.command(command)?,
            Step::Reload => {
                let kept = pair.breaker.snapshot().into();
                pair.command(&Command::Restore(kept))?;
            }
        }
        self.pair.compare().map(|_| ())
    }
}

/// Takes all steps, compares after each, and looks whether the breaker recovers in the end.
fn walk(stated: &Stated, start: u64, steps: &[Step]) -> Result<(), String> {
    let Ok(ground) = Ground::new("quotes", stated, start) else { return Ok(()) };
    let mut walk = Walk { pair: Pair::new(&ground)?, under_way: Vec::new() };
    walk.pair.compare()?;
    for (index, step) in steps.iter().enumerate() {
        walk.take(step).map_err(|problem| format!("after step {index}, {step:?}: {problem}"))?;
    }
    // Whatever happened to it.
    walk.under_way.drain(..).for_each(|call| walk.pair.end(call, End::Cancelled));
    walk.take(&Step::Command(Command::SetClock(0)))?;
    walk.take(&Step::Command(Command::Mode(Mode::Auto)))?;
    for _ in 0..30 {
        if walk.pair.breaker.status().retry_after.is_some() {
            walk.take(&Step::ToDeadline(0))?;
        }
        walk.take(&Step::Call(End::Success))?;
    }
    let is_for_ever = walk.pair.deadline() == u64::MAX;
    if walk.pair.breaker.state() == State::Closed || is_for_ever { Ok(()) } else { Err("it is stuck".to_owned()) }
}

/// Thousands of cases, or as many as the variable of proptest says.
fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 2000 };
    ProptestConfig { cases, ..default }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_breaker_and_its_model_show_the_same_after_every_step(
        stated in settings(8),
        start in start(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        walk(&stated, start, &steps).map_err(TestCaseError::fail)?;
    }
}
