//! What the plain keys of states say, so that they are written only when it is news, or old.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::nanos;
use crate::shared::View;
use crate::state::Mode;

/// How long a plain key holds.
pub(super) const HOLDS: Duration = Duration::from_secs(3600);
/// How often it is written though nothing changes.
const AGAIN: Duration = Duration::from_secs(900);

/// What was written, and when.
#[derive(Debug, Default)]
pub(super) struct Told {
    names: HashMap<Arc<str>, (&'static str, u64)>,
    swept: u64,
}

impl Told {
    /// What a key is to say, unless it does.
    pub(super) fn news(&mut self, breaker: &Arc<str>, view: &View, now: u64) -> Option<&'static str> {
        let is_old = |at: u64| now.saturating_sub(at) >= nanos(AGAIN);
        if is_old(self.swept) {
            // Breakers that nobody asks for any more are forgotten.
            self.names.retain(|_, (_, at)| !is_old(*at));
            self.swept = now;
        }
        let name = if view.mode == Mode::Auto { view.state.as_str() } else { view.mode.as_str() };
        if self.names.get(breaker).is_some_and(|(told, at)| *told == name && !is_old(*at)) {
            return None;
        }
        self.names.insert(breaker.clone(), (name, now));
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    #[test]
    fn what_is_no_news_is_told_again_after_a_while_and_what_nobody_asks_for_is_forgotten() {
        let (mut told, view, now) = (Told::default(), View::default(), nanos(Duration::from_secs(5000)));
        let names: Vec<Arc<str>> = (0..100).map(|number| format!("b{number}").into()).collect();
        for name in &names {
            assert_eq!(told.news(name, &view, now), Some("closed"));
            assert_eq!(told.news(name, &view, now + nanos(AGAIN) - 1), None);
        }
        let open = View { state: State::Open, ..View::default() };
        assert_eq!(told.news(&names[0], &open, now + 1), Some("open"));
        let forced = View { mode: Mode::ForcedOpen, ..open };
        assert_eq!(told.news(&names[0], &forced, now + 2), Some("forced_open"));
        assert_eq!(told.news(&names[1], &view, now + nanos(AGAIN)), Some("closed"));
        for round in 2..9 {
            told.news(&names[1], &view, now + round * nanos(AGAIN));
        }
        assert_eq!(told.names.len(), 1);
    }
}
