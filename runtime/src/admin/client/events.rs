//! What happens to breakers, as a stream that connects again and resumes where it was.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, Stream};
use reqwest::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::{SnapshotView, StatsView};
use super::exchange::Exchange;
use super::sse::{Frame, Parser};
use super::{ClientError, ClientErrorKind};

/// The server sends a comment every 15 s; who misses two of them has lost it.
const SILENCE: Duration = Duration::from_secs(40);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Something that the stream of events tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LiveEvent {
    /// How everything is: first of all, after each new connection, and after [`Lagged`](LiveEvent::Lagged).
    Snapshot(Box<SnapshotView>),
    /// What has changed in the last second.
    Stats(Box<StatsView>),
    /// Something happened: a transition, a command of an operator, a conflict, ...
    Happened(Box<Happening>),
    /// This reader was too slow, and so many events are lost to it; a snapshot follows.
    Lagged {
        /// How many.
        missed: u64,
    },
}

/// Something that happened, of whatever kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Happening {
    /// The name of the event: `transition`, `remote_transition` (which the fleet told), `mode`, `reset`, `config`,
    /// `registered`, `removed`, `would_open`, `conflict`, `warning`, `store_degraded`, `store_recovered`,
    /// `state_unusable`, or one that a newer server knows.
    pub kind: String,
    /// The breaker that it happened to; `None` if the event is of no single one.
    pub breaker: Option<String>,
    /// When, if the event tells.
    pub at: Option<SystemTime>,
    /// The operator who ordered it, if one did who gave a name.
    pub by: Option<String>,
    /// The line of a log; empty if the event has none.
    pub message: String,
    /// All that the event tells: a transition its `from`, `to` and `reason`, a `config` its `changes`.
    pub data: serde_json::Value,
}

/// Yields what happens. A [`Stream`], and without one in scope [`next`](Events::next) does the same.
///
/// When the connection is lost, it yields the error, waits, connects again and goes on with the
/// events that it missed, as far as the server still has them. It waits as long as the server asks
/// for (1 s at first), and twice as long after each failure, 30 s at most. It ends after an
/// error that time does not mend, such as a wrong token ([`ClientError::is_temporary`] is false).
///
/// ```no_run
/// # async fn f() -> Result<(), breakerbox::admin::ClientError> {
/// use breakerbox::admin::{Client, LiveEvent};
///
/// let mut events = Client::new("http://127.0.0.1:8080")?.events();
/// while let Some(event) = events.next().await {
///     match event {
///         Ok(LiveEvent::Happened(happening)) => println!("{}", happening.message),
///         Ok(_) => {}
///         Err(error) => eprintln!("{error}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Events {
    stream: BoxStream<'static, Result<LiveEvent, ClientError>>,
}

impl Events {
    pub(super) fn new(exchange: Exchange, path: String) -> Self {
        let reader = Reader {
            exchange,
            path,
            parser: Parser::default(),
            connection: None,
            ready: VecDeque::new(),
            failures: 0,
            has_ended: false,
        };
        Events { stream: stream::unfold(reader, Reader::step).boxed() }
    }

    /// The next event, or the error that is in the way; `None` after an error that time does not mend.
    ///
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Result<LiveEvent, ClientError>> {
        self.stream.next().await
    }
}

impl Stream for Events {
    type Item = Result<LiveEvent, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(context)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

struct Reader {
    exchange: Exchange,
    path: String,
    parser: Parser,
    connection: Option<Response>,
    ready: VecDeque<Frame>,
    /// In a row, since the last event.
    failures: u32,
    has_ended: bool,
}

impl Reader {
    async fn step(mut self) -> Option<(Result<LiveEvent, ClientError>, Self)> {
        if self.has_ended {
            return None;
        }
        let read = self.read().await;
        match &read {
            Ok(_) => self.failures = 0,
            Err(error) => {
                self.connection = None;
                self.ready.clear();
                self.failures = self.failures.saturating_add(1);
                self.has_ended = !error.is_temporary();
            }
        }
        Some((read, self))
    }

    async fn read(&mut self) -> Result<LiveEvent, ClientError> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return self.event(&frame);
            }
            let connection = match &mut self.connection {
                Some(connection) => connection,
                None => {
                    tokio::time::sleep(self.wait()).await;
                    self.parser.restart();
                    let response = self.exchange.stream(&self.path, self.parser.last_id.as_deref()).await?;
                    self.connection.insert(response)
                }
            };
            let chunk = tokio::time::timeout(SILENCE, connection.chunk()).await;
            let chunk = chunk.map_err(|_| ClientError::timed_out(self.exchange.at(), SILENCE))?;
            match chunk.map_err(|error| self.exchange.transport(&error))? {
                Some(bytes) => self
                    .parser
                    .push(&bytes, &mut self.ready)
                    .map_err(|_| self.exchange.unexpected("sent an event that is larger than 64 MiB"))?,
                None => {
                    let message = format!("{} has ended the stream of events", self.exchange.at());
                    return Err(ClientError::new(ClientErrorKind::Unreachable, message));
                }
            }
        }
    }

    /// How long to wait before the next connection.
    fn wait(&self) -> Duration {
        if self.failures == 0 {
            return Duration::ZERO;
        }
        let first = self.parser.retry.unwrap_or(FIRST_WAIT);
        first.saturating_mul(1 << (self.failures - 1).min(10)).min(LONGEST_WAIT)
    }

    fn event(&self, frame: &Frame) -> Result<LiveEvent, ClientError> {
        Ok(match frame.event.as_str() {
            "snapshot" => LiveEvent::Snapshot(self.data(frame)?),
            "stats" => LiveEvent::Stats(self.data(frame)?),
            "lagged" => LiveEvent::Lagged { missed: self.data::<Lagged>(frame)?.missed },
            _ => LiveEvent::Happened(Box::new(self.happening(frame)?)),
        })
    }

    fn happening(&self, frame: &Frame) -> Result<Happening, ClientError> {
        let data: serde_json::Value = *self.data(frame)?;
        let told = Told::deserialize(&data).map_err(|error| self.not_an_event(frame, &error))?;
        let at = told.at.and_then(|at| humantime::parse_rfc3339(&at).ok());
        let Told { breaker, by, message, .. } = told;
        Ok(Happening { kind: frame.event.clone(), breaker, at, by, message, data })
    }

    fn data<T: DeserializeOwned>(&self, frame: &Frame) -> Result<Box<T>, ClientError> {
        serde_json::from_str(&frame.data).map(Box::new).map_err(|error| self.not_an_event(frame, &error))
    }

    fn not_an_event(&self, frame: &Frame, error: &serde_json::Error) -> ClientError {
        let name: String = frame.event.chars().take(40).collect();
        self.exchange.unexpected(&format!("sent an event '{name}' that the admin API does not send: {error}"))
    }
}

#[derive(Deserialize)]
struct Lagged {
    missed: u64,
}

/// What events of all kinds have, if they have it.
#[derive(Deserialize)]
struct Told {
    breaker: Option<String>,
    at: Option<String>,
    by: Option<String>,
    #[serde(default)]
    message: String,
}
