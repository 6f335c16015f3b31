//! Configuration files: how they are read and written, what is said of mistakes, and who wins.

#![forbid(unsafe_code)]

mod errors;
mod formats;
mod hostile;
mod precedence;
mod registries;
mod reload;
mod support;
mod written;
