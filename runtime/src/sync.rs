//! The atomics, locks and thread-locals of every other module. What ships takes them from std and of
//! `parking_lot`; under `--cfg breakerbox_model="loom"` or `"shuttle"` the same code takes those of the
//! model checker. How the models are run is in `tests/model`.

#[cfg(any(breakerbox_model = "loom", breakerbox_model = "shuttle"))]
mod checked;
#[cfg(not(any(breakerbox_model = "loom", breakerbox_model = "shuttle")))]
mod real;

#[cfg(any(breakerbox_model = "loom", breakerbox_model = "shuttle"))]
pub(crate) use checked::*;
#[cfg(not(any(breakerbox_model = "loom", breakerbox_model = "shuttle")))]
pub(crate) use real::*;
