//! What a breaker does, seen before it is timed: whether it opens, when, and whether it then refuses.

use std::time::Duration;

use crate::subject::{Caller, Peer, Plan, Setting, Use};
use crate::work::{COUNTED, FAIL, Pattern, Seen, runs};

/// So many failures open every breaker that ever opens.
const MANY: u64 = 2_000;

/// The window of trials that have to wait for it.
const SHORT_WINDOW: Duration = Duration::from_secs(1);

/// How a breaker behaves with one setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// After how many failures a new breaker refused.
    pub opens_after: Option<u64>,
    /// It opened only when its first window was over.
    pub only_after_a_window: bool,
    /// A success starts the count of failures again; unknown for windows.
    pub starts_again: Option<bool>,
    /// Whether half a window of failures opens it after 10,000 successes; unknown but for count windows.
    pub slides: Option<bool>,
}

/// Watches breakers of `peer` that nobody has used.
pub fn watch<W>(peer: &Peer<W>, setting: Setting) -> Result<Behaviour, String> {
    let plan = Plan { window: SHORT_WINDOW, ..Plan::new(setting, Use::Open) };
    let mut seen = Behaviour::default();
    let mut breaker = (peer.start)(plan);
    seen.opens_after = fail_until_refused(&mut breaker, MANY)?;
    if seen.opens_after.is_none() && setting == Setting::TimeWindow {
        std::thread::sleep(SHORT_WINDOW + SHORT_WINDOW / 10);
        seen.opens_after = fail_until_refused(&mut breaker, MANY)?;
        seen.only_after_a_window = seen.opens_after.is_some();
    }
    if seen.opens_after.is_some() {
        refuses(&mut breaker)?;
    }
    match (setting, seen.opens_after) {
        (Setting::Consecutive, Some(threshold)) => {
            let mut breaker = (peer.start)(Plan::new(setting, Use::Restart));
            let almost = threshold - 1;
            let refused = (0..=2 * almost).any(|call| {
                let x = if call == almost { COUNTED } else { COUNTED | FAIL };
                breaker.once(x) == Seen::Refused
            });
            // The last of the failures may open it without being refused itself.
            seen.starts_again = Some(!refused && breaker.once(COUNTED) == Seen::Passed);
        }
        (Setting::CountWindow, Some(_)) => {
            let mut breaker = (peer.start)(Plan::new(setting, Use::Restart));
            passes(&mut breaker, Pattern::Success, 10_000)?;
            let after = fail_until_refused(&mut breaker, MANY)?;
            seen.slides = Some(after.is_some_and(|failures| failures <= 100));
        }
        _ => {}
    }
    Ok(seen)
}

/// How many failures it takes until a call is refused; `None` if `most` do not do it.
fn fail_until_refused<W>(breaker: &mut Caller<W>, most: u64) -> Result<Option<u64>, String> {
    for failures in 0..=most {
        match breaker.once(COUNTED | FAIL) {
            Seen::Refused => return Ok(Some(failures)),
            Seen::Failed => {}
            Seen::Passed => return Err("a failed call came back as a success".to_owned()),
        }
    }
    Ok(None)
}

/// Fails until the breaker is open.
pub fn open<W>(breaker: &mut Caller<W>) -> Result<(), String> {
    match fail_until_refused(breaker, MANY)? {
        Some(_) => refuses(breaker),
        None => Err("never refuses".to_owned()),
    }
}

/// Sees that calls are refused without running the function.
pub fn refuses<W>(breaker: &mut Caller<W>) -> Result<(), String> {
    let before = runs();
    for _ in 0..100 {
        if breaker.once(COUNTED) != Seen::Refused {
            return Err("an open breaker let a call pass".to_owned());
        }
    }
    match runs() - before {
        0 => Ok(()),
        runs => Err(format!("the function ran {runs} times while calls were refused")),
    }
}

/// Sees that `calls` calls of a closed breaker run and come back as they should.
pub fn passes<W>(breaker: &mut Caller<W>, pattern: Pattern, calls: u64) -> Result<(), String> {
    let before = runs();
    for number in 0..calls {
        let x = pattern.argument(number);
        let expected = if x & FAIL == 0 { Seen::Passed } else { Seen::Failed };
        let seen = breaker.once(x | COUNTED);
        if seen == Seen::Refused {
            return Err(format!("it opened after {number} calls"));
        }
        if seen != expected {
            return Err(format!("call {number} came back as {seen:?} instead of {expected:?}"));
        }
    }
    match runs() - before {
        runs if runs == calls => Ok(()),
        runs => Err(format!("the function ran {runs} times in {calls} calls")),
    }
}

impl Behaviour {
    /// What a reader has to know, where it is not what the setting promises.
    pub fn remarks(&self, setting: Setting) -> Vec<String> {
        let mut remarks = Vec::new();
        let promised = if setting == Setting::Consecutive { 5 } else { 100 };
        match self.opens_after {
            None => remarks.push(format!("never refuses: {MANY} failures do not open it")),
            Some(_) if self.only_after_a_window => remarks.push("cannot open before its first window is over".into()),
            Some(failures) if failures != promised => remarks.push(format!("opens after {failures} failures")),
            Some(_) => {}
        }
        if self.starts_again == Some(false) {
            remarks.push("a success does not start its count again".to_owned());
        }
        if self.slides == Some(false) {
            remarks.push("its window does not slide: after 10,000 successes 100 failures do not open it".to_owned());
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers;

    fn watched(name: &str, setting: Setting) -> Behaviour {
        let peer = peers::sync().into_iter().find(|peer| peer.name == name).unwrap();
        watch(&peer, setting).unwrap()
    }

    #[test]
    fn breakerbox_does_what_its_settings_promise() {
        for name in ["breakerbox, handle", "breakerbox, attribute"] {
            for setting in [Setting::Consecutive, Setting::CountWindow, Setting::TimeWindow] {
                assert_eq!(watched(name, setting).remarks(setting), [""; 0], "{name}, {setting:?}");
            }
        }
    }

    #[test]
    fn a_breaker_that_never_refuses_is_found_out() {
        assert_eq!(watched("tokitai, attribute", Setting::Consecutive).opens_after, None);
    }
}
