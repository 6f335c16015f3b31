//! The atomic word of a breaker: all that a call has to know, in one load.
//!
//! ```text
//! bits    name           meaning
//! 0..2    STATE          what callers meet: closed 0, open 1, half-open 2; a mode is worked in
//! 2..4    MODE           auto 0, forced open 1, disabled 2, metrics only 3
//! 4       TIMED          slow calls are counted: a call needs the time at both ends
//! 5       TIME_WINDOW    a success belongs in a bucket of time
//! 6       DIRTY          a success changes more than its counter: it ends a run of failures, or may open
//!                        the circuit, because the window is under its minimum or settings have changed
//! 7       FULL           half-open, and every trial place is taken
//! 8       OWN_CLOCK      time does not come from the system
//! 9       SLOT           where the deadline of the episode lies; the next episode to be seen takes the other
//! 10      COUNT_WINDOW   a failure belongs in a window of calls
//! 11      FLIGHT         calls under way are counted
//! 12      TELLING        listeners want to hear of refusals
//! 15      REFUSED        only in a ticket: it admits nothing, bits 0..2 tell why
//! 16..64  generation     the episode; a result of an earlier one is late
//! ```
//!
//! Only the holder of the breaker's lock stores it. A call is admitted by one load, and a success
//! that finds the word as it was at admission has nothing to say but its counter.

use crate::state::{Mode, State};

pub(crate) const STATE: u64 = 0b11;
pub(crate) const MODE: u64 = 0b11 << MODE_SHIFT;
pub(crate) const TIMED: u64 = 1 << 4;
pub(crate) const TIME_WINDOW: u64 = 1 << 5;
pub(crate) const DIRTY: u64 = 1 << 6;
pub(crate) const FULL: u64 = 1 << 7;
pub(crate) const OWN_CLOCK: u64 = 1 << 8;
const SLOT: u64 = 1 << SLOT_SHIFT;
pub(crate) const COUNT_WINDOW: u64 = 1 << 10;
pub(crate) const FLIGHT: u64 = 1 << 11;
pub(crate) const TELLING: u64 = 1 << 12;
/// A window of either kind.
pub(crate) const WINDOW: u64 = TIME_WINDOW | COUNT_WINDOW;
pub(crate) const REFUSED: u64 = 1 << 15;

const MODE_SHIFT: u32 = 2;
/// The last generation that the word can tell from others.
pub(crate) const LAST_GENERATION: u64 = u64::MAX >> GENERATION_SHIFT;

const SLOT_SHIFT: u32 = 9;
const GENERATION_SHIFT: u32 = 16;

/// What keeps a call from being admitted by the load alone.
pub(crate) const LOOK_BEFORE: u64 = STATE | MODE | TIMED | FLIGHT;
/// What keeps a success from being recorded by its counter alone.
pub(crate) const LOOK_AFTER: u64 = STATE | MODE | TIMED | FLIGHT | TIME_WINDOW | DIRTY;

pub(crate) const fn compose(state: State, mode: Mode, generation: u64, flags: u64) -> u64 {
    state as u64 | (mode as u64) << MODE_SHIFT | flags | generation << GENERATION_SHIFT
}

pub(crate) const fn state(word: u64) -> State {
    match word & STATE {
        0 => State::Closed,
        1 => State::Open,
        _ => State::HalfOpen,
    }
}

pub(crate) const fn mode(word: u64) -> Mode {
    match (word & MODE) >> MODE_SHIFT {
        0 => Mode::Auto,
        1 => Mode::ForcedOpen,
        2 => Mode::Disabled,
        _ => Mode::MetricsOnly,
    }
}

/// The word that follows another: with the slot of the same episode, or the other slot for a new one.
pub(crate) const fn following(word: u64, before: u64) -> u64 {
    let slot = if same_episode(word, before) { before & SLOT } else { !before & SLOT };
    word & !SLOT | slot
}

/// Where the deadline of the episode lies.
pub(crate) const fn slot(word: u64) -> usize {
    (word >> SLOT_SHIFT & 1) as usize
}

/// Whether two words are of one episode.
pub(crate) const fn same_episode(one: u64, other: u64) -> bool {
    one >> GENERATION_SHIFT == other >> GENERATION_SHIFT
}
