//! What real threads see of one breaker, recorded and checked against the reference model.
//!
//! `record` runs plans and writes down when each operation began and ended; `order` searches for an order
//! of the operations in which the model gives the same answers; `laws` are what holds of long histories,
//! and `windows` what holds of windows at rest.

mod laws;
mod order;
mod record;
mod short;
mod windows;
