//! A backend: this program once more, as a process of its own that can be killed. Steered by lines
//! on its standard input; it answers each with the number of connections since the line before, and ends
//! when the input does, so that it never outlives the soak.

use std::cell::Cell;
use std::io::{self, BufRead, Write};
use std::net::Ipv4Addr;
use std::process;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::{self, LocalSet};
use tokio::time;

use crate::work::{NO, YES};

/// What a backend does with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Works,
    /// Answers after a while.
    IsSlow,
    /// Never answers.
    Hangs,
    /// Reads the question and closes.
    ClosesHalfway,
    /// Resets the connection.
    Resets,
    /// Says no.
    Refuses,
}

impl Manner {
    const ALL: [Manner; 6] =
        [Manner::Works, Manner::IsSlow, Manner::Hangs, Manner::ClosesHalfway, Manner::Resets, Manner::Refuses];

    fn of(line: &str) -> Option<Manner> {
        Manner::ALL.into_iter().find(|manner| format!("{manner:?}") == line)
    }
}

/// Serves until standard input ends.
pub(crate) fn serve(port: u16) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = bind(port).await?;
        say(listener.local_addr()?.port().into())?;
        let (lines, mut heard) = mpsc::unbounded_channel();
        thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
            process::exit(0);
        });
        let (manner, watching) = watch::channel(Manner::Works);
        let connections = Rc::new(Cell::new(0));
        let counter = Rc::clone(&connections);
        task::spawn_local(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        counter.set(counter.get() + 1);
                        task::spawn_local(answer(stream, *watching.borrow()));
                    }
                    // Out of file descriptors, for one: it passes, and must not be a busy loop.
                    Err(_) => time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
        while let Some(line) = heard.recv().await {
            if let Some(next) = Manner::of(&line) {
                manner.send_replace(next);
            }
            say(connections.take())?;
        }
        Ok(())
    })
}

fn say(number: u64) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{number}")?;
    out.flush()
}

/// Somebody may hold the port of a backend that was killed, for a moment.
async fn bind(port: u16) -> io::Result<TcpListener> {
    for _ in 0..50 {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => time::sleep(Duration::from_millis(20)).await,
            bound => return bound,
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

/// What becomes of a connection ends with it; there is nobody to tell of an error.
async fn answer(mut stream: TcpStream, manner: Manner) {
    if manner == Manner::Resets {
        let _ = stream.set_zero_linger();
        return;
    }
    if stream.read_u8().await.is_err() {
        return;
    }
    match manner {
        Manner::Works | Manner::Resets => {}
        Manner::IsSlow => time::sleep(Duration::from_millis(60)).await,
        Manner::ClosesHalfway => return,
        Manner::Refuses => return drop(stream.write_u8(NO).await),
        Manner::Hangs => {
            // Until the other side has had enough.
            let _ = stream.read_u8().await;
            return;
        }
    }
    let _ = stream.write_u8(YES).await;
}
