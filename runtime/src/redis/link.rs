//! A connection to one server: commands go out together, and their answers come back in time or not at all.

use std::time::Duration;

use ::redis::{Client, Connection, ConnectionInfo, RedisError, RedisResult, Value};

use crate::clock::{nanos, precise};

/// How long a store waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For a connection to come about.
    pub(super) connect: Duration,
    /// For the answers to what was sent together.
    pub(super) respond: Duration,
}

pub(super) fn open(info: &ConnectionInfo, patience: Patience) -> RedisResult<Connection> {
    let connection = Client::open(info.clone())?.get_connection_with_timeout(patience.connect)?;
    wait(&connection, patience.respond)?;
    Ok(connection)
}

fn wait(connection: &Connection, time: Duration) -> RedisResult<()> {
    connection.set_read_timeout(Some(time))?;
    connection.set_write_timeout(Some(time))
}

/// Sends commands and reads as many answers; what a server refuses is an answer. After an error it is unknown what
/// was done, and answers may still come: the connection is of no more use.
pub(super) fn exchange(
    connection: &mut Connection,
    commands: &[u8],
    answers: usize,
    within: Duration,
) -> RedisResult<Vec<Value>> {
    let began = precise();
    wait(connection, within)?;
    connection.send_packed_command(commands)?;
    let mut values = Vec::with_capacity(answers);
    // Not by the library's pipeline, which waits for each of the answers after the first has not come.
    while values.len() < answers {
        if precise().saturating_sub(began) > nanos(within) {
            return Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)));
        }
        values.push(connection.recv_response()?);
    }
    Ok(values)
}
