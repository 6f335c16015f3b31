//! What a call does once it is admitted: returns, yields, sleeps, asks a backend, or panics.

use std::any::Any;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::panic;
use std::thread;
use std::time::Duration;

use breakerbox::CircuitBreakerError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::yield_now;
use tokio::time;

use crate::tally::{Tally, one};
use crate::target::Attempt;

/// What comes of a call.
pub(crate) type Answer = Result<u8, CallError>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("down")]
    Down,
    /// Says nothing about what is called.
    #[error("busy")]
    Busy,
    #[error(transparent)]
    Circuit(#[from] CircuitBreakerError),
}

/// An answer that some functions take for a failure.
pub(crate) const UNLUCKY: u8 = 13;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    AtOnce,
    Yields(u8),
    Sleeps(Duration),
    /// Asks the backend on this port, and waits no longer than this.
    Asks(u16, Duration),
    Panics,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Luck {
    Good,
    Unlucky,
    Down,
    Busy,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) pace: Pace,
    pub(crate) luck: Luck,
}

impl Work {
    pub(crate) async fn run(self, attempt: &Attempt) -> Answer {
        attempt.start();
        match self.pace {
            Pace::AtOnce => {}
            Pace::Yields(times) => {
                for _ in 0..times {
                    yield_now().await;
                }
            }
            Pace::Sleeps(time) => time::sleep(time).await,
            Pace::Asks(port, patience) => {
                one(Tally::Connections);
                return match time::timeout(patience, ask(port)).await {
                    Ok(Ok(())) => Ok(1),
                    _ => Err(CallError::Down),
                };
            }
            Pace::Panics => planned_panic(),
        }
        self.answer()
    }

    pub(crate) fn run_sync(self, attempt: &Attempt) -> Answer {
        attempt.start();
        match self.pace {
            Pace::AtOnce => {}
            Pace::Yields(times) => (0..times).for_each(|_| thread::yield_now()),
            Pace::Sleeps(time) => thread::sleep(time),
            Pace::Asks(port, patience) => {
                one(Tally::Connections);
                return ask_sync(port, patience).map(|()| 1).map_err(|_| CallError::Down);
            }
            Pace::Panics => planned_panic(),
        }
        self.answer()
    }

    pub(crate) fn answer(self) -> Answer {
        match self.luck {
            Luck::Good => Ok(1),
            Luck::Unlucky => Ok(UNLUCKY),
            Luck::Down => Err(CallError::Down),
            Luck::Busy => Err(CallError::Busy),
        }
    }
}

/// What a working backend says to every byte.
pub(crate) const YES: u8 = b'y';
pub(crate) const NO: u8 = b'n';

fn judge(answer: u8) -> io::Result<()> {
    if answer == YES { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
}

async fn ask(port: u16) -> io::Result<()> {
    let mut stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(b"?").await?;
    judge(stream.read_u8().await?)
}

fn ask_sync(port: u16, patience: Duration) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(b"?")?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    judge(answer[0])
}

/// The payload of a panic that belongs to the program.
struct Planned;

pub(crate) fn planned_panic() -> ! {
    one(Tally::Panics);
    panic::panic_any(Planned)
}

pub(crate) fn is_planned(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Planned>()
}
