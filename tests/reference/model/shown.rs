//! What callers met and for how long: the list of everything that ever showed.

use breakerbox::State;

/// From when on what showed, and until when if time alone ended it: what was open was half-open then.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    notes: Vec<(u64, State, u64)>,
    /// Closed, open, half-open: by clocks that are gone.
    before: [u64; 3],
}

impl Shown {
    pub(super) fn new(now: u64) -> Shown {
        Shown { notes: vec![(now, State::Closed, u64::MAX)], before: [0; 3] }
    }

    pub(super) fn note(&mut self, at: u64, state: State, until: u64) {
        self.notes.push((at, state, until));
    }

    /// Another clock shows `now` where this one shows `before`.
    pub(super) fn exchange(&mut self, before: u64, now: u64) {
        let last = self.notes[self.notes.len() - 1];
        *self = Shown { before: self.until(before), notes: vec![(now, last.1, last.2)] };
    }

    /// How long each state showed. A clock that steps back takes nothing away, and adds nothing twice.
    pub(super) fn until(&self, now: u64) -> [u64; 3] {
        let mut times = self.before;
        let mut at = self.notes[0].0;
        let ends = self.notes.iter().skip(1).map(|note| note.0).chain([now]);
        for ((_, state, until), end) in self.notes.iter().zip(ends) {
            let end = end.max(at);
            let opened = if *state == State::Open { end.min((*until).max(at)) } else { end };
            for (state, time) in [(*state, opened - at), (State::HalfOpen, end - opened)] {
                times[state as usize] = times[state as usize].saturating_add(time);
            }
            at = end;
        }
        times
    }
}
