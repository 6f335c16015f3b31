//! What the quickstart needs besides its two clients: a server to call and a table to read.

pub(crate) mod server;
pub(crate) mod table;
