//! Failures counted in a window of calls or of time, as some traces count them. Ours are counted
//! in a row, or as a share; this tells where the two part, so that a trace is played only as long
//! as they are the same.

use crate::settings::{FailureWindow, Reading};

#[derive(Debug)]
pub(crate) struct Shadow {
    window: Option<FailureWindow>,
    reading: Reading,
    /// The results of the closed episode: when, and whether failed.
    results: Vec<(u64, bool)>,
}

impl Shadow {
    pub(crate) fn new(window: Option<FailureWindow>, reading: Reading) -> Self {
        Shadow { window, reading, results: Vec::new() }
    }

    pub(crate) fn forget(&mut self) {
        self.results.clear();
    }

    /// Takes in a result of a closed circuit. Tells whether the trace's rule and the one that we
    /// play it by still say the same.
    pub(crate) fn agrees_after(&mut self, at_ms: u64, failed: bool) -> bool {
        let Some(window) = self.window else { return true };
        self.results.push((at_ms, failed));
        let theirs = self.in_window(&window, at_ms) >= window.threshold;
        let ours = match self.reading {
            Reading::InARow => self.in_a_row() >= window.threshold,
            Reading::Share => {
                let size = window.calls.unwrap_or(usize::MAX);
                // A share of a full window: the same fraction on both sides.
                self.results.len() >= size && self.in_window(&window, at_ms) >= window.threshold
            }
        };
        theirs == ours
    }

    fn in_a_row(&self) -> usize {
        self.results.iter().rev().take_while(|(_, failed)| *failed).count()
    }

    fn in_window(&self, window: &FailureWindow, now: u64) -> usize {
        let in_time = |at: u64| {
            if window.bucket_ms > 0.0 {
                let bucket = |at: u64| (at as f64 / window.bucket_ms).floor();
                bucket(now) - bucket(at) < (window.time_ms / window.bucket_ms).max(1.0)
            } else {
                ((now - at) as f64) < window.time_ms
            }
        };
        let size = window.calls.unwrap_or(usize::MAX);
        let last = self.results.iter().rev().take(size);
        last.filter(|(at, failed)| *failed && (window.calls.is_some() || in_time(*at))).count()
    }
}
