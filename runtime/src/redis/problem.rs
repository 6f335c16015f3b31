//! What went wrong between a store and Redis, in words that say what to do.

use ::redis::{ErrorKind, RedisError, ServerError};

use crate::shared::StoreError;

/// What a server says first when it refuses, and what to do about it.
const REFUSALS: [(&str, &str); 22] = [
    ("CBVERSION", "a newer breakerbox keeps this breaker, and its data is left as it is: update this program"),
    ("CBEPOCH", "the epoch is more than a day ahead of the server's clock: if the clock is right, reset the breaker"),
    ("CBDAMAGED", "what is kept of this breaker is damaged: reset the breaker"),
    ("WRONGTYPE", "something else is kept under the keys of this breaker: use another namespace, or delete them"),
    ("NOAUTH", "it wants a password: put user and password into the URL"),
    ("WRONGPASS", "it knows no such user and password: correct the URL"),
    ("NOPERM", "the user may not do this: give it the rights that RedisStore lists"),
    ("OOM", "it has no memory left: raise its maxmemory, or have it evict"),
    ("READONLY", "it is a replica: name the master in the URL"),
    ("MASTERDOWN", "it is a replica without its master: name the master in the URL"),
    ("LOADING", "it is loading its data: it answers when it has done so"),
    ("BUSY", "a script keeps it busy: end it with SCRIPT KILL"),
    ("MISCONF", "it cannot save its data and takes no writes: look into its log"),
    ("NOREPLICAS", "it has too few replicas to take writes: look after them"),
    ("MOVED", "it is part of a cluster: use RedisStore::cluster"),
    ("ASK", "it is handing over this slot to another server: it answers when that is done"),
    ("TRYAGAIN", "it is handing over this slot to another server: it answers when that is done"),
    ("CLUSTERDOWN", "the cluster has no server for some slots: repair it"),
    ("CROSSSLOT", "the keys of a breaker are in several slots"),
    ("NOSCRIPT", "it forgets scripts at once: look into its log"),
    ("max number of clients", "it has too many clients: raise its maxclients"),
    ("unknown command", "it lacks a command: it has to be Redis 5 or newer, or Valkey"),
];

/// Of these the server itself is well.
const OF_BREAKER: [&str; 4] = ["CBVERSION", "CBEPOCH", "CBDAMAGED", "WRONGTYPE"];

/// An error of a server that was reached.
pub(super) fn refused(address: &str, error: &ServerError) -> StoreError {
    let said = format!("{} {}", error.code(), error.details().unwrap_or_default());
    StoreError::new(format!("redis at {address}: {}", explain(said.trim())))
}

/// The same, where it matters which breaker it was about. What is kept of that may be of no use, and others are.
pub(super) fn refused_about(address: &str, breaker: &str, error: &ServerError) -> StoreError {
    let said = format!("{} {}", error.code(), error.details().unwrap_or_default());
    let known = known(said.trim());
    // A script that fails at values has met some that it does not know.
    let is_of_script = said.contains("user_script");
    let is_of_breaker = known.map_or(is_of_script, |(word, _)| OF_BREAKER.contains(word));
    let what = match known {
        None if is_of_script => format!("what is kept of this breaker is damaged: delete its keys ({})", said.trim()),
        _ => explain(said.trim()),
    };
    let problem = format!("redis at {address}, breaker '{breaker}': {what}");
    if is_of_breaker { StoreError::of_breaker(problem) } else { StoreError::new(problem) }
}

/// There is no connection, so nothing was asked.
pub(super) fn unreachable(address: &str, is_tls: bool, error: &RedisError) -> StoreError {
    let reason = if !error.is_timeout() {
        &reason(error)
    } else if is_tls {
        "no connection in time: look at the network; if it does not speak TLS, write redis:// in the URL"
    } else {
        "no connection in time: look at its load and at the network"
    };
    StoreError::new(format!("redis at {address}: {reason}"))
}

/// The connection is lost, and what was asked may have been done.
pub(super) fn lost(address: &str, error: &RedisError) -> StoreError {
    let reason = if error.is_timeout() {
        "no answer in time, and what was asked may have been done: look at its load and at the network"
    } else {
        &reason(error)
    };
    StoreError::new(format!("redis at {address}: {reason}"))
}

/// An answer that no script gives.
pub(super) fn foreign(address: &str) -> StoreError {
    StoreError::new(format!("redis at {address}: it answers what was not asked: look whether it is a Redis"))
}

fn reason(error: &RedisError) -> String {
    let said = error.to_string();
    let known = match error.kind() {
        ErrorKind::AuthenticationFailed => "it knows no such user and password: correct the URL",
        ErrorKind::Parse => "it does not speak the protocol of Redis: correct the URL",
        _ if said.contains("refused to switch database") => "it has no such database: correct the number in the URL",
        _ if error.is_connection_refusal() => "nothing listens there: start it, or correct the URL",
        _ if said.contains("failed to lookup") => "there is no such host: correct the URL, or look at the names",
        _ if said.contains("certificate") || said.contains("fatal alert") => {
            return format!("TLS fails ({said}): name its authority, or give a certificate that it accepts");
        }
        _ if said.contains("InvalidContentType") => "it does not speak TLS: write redis:// in the URL",
        _ if error.is_connection_dropped() => {
            "it has closed the connection: look into its log; if it speaks TLS, write rediss:// in the URL"
        }
        _ => return explain(&said),
    };
    known.to_owned()
}

fn known(said: &str) -> Option<&'static (&'static str, &'static str)> {
    // Older servers put what a command in a script said behind words of their own.
    let knows = |(word, _): &&(&str, &str)| format!(" {said} ").contains(&format!(" {word} "));
    REFUSALS.iter().find(|(word, _)| said.split(' ').next() == Some(word)).or_else(|| REFUSALS.iter().find(knows))
}

fn explain(said: &str) -> String {
    known(said).map_or_else(|| said.to_owned(), |(word, what)| format!("{what} ({word})"))
}
