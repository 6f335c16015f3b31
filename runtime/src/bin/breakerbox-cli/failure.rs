//! Why the command did not do what it was told, and the exit code for it.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use breakerbox::admin::listing::harmless;
use breakerbox::admin::{ClientError, ClientErrorKind};

use crate::output::note;

/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;

#[derive(Debug)]
pub(crate) enum Failure {
    /// The answer was given, and is bad news.
    BadNews,
    /// The operator said no.
    Cancelled,
    Usage(String),
    Client(ClientError),
    Output(io::Error),
}

impl Failure {
    /// Tells it on stderr; a reader who has closed the pipe has seen enough.
    pub(crate) fn tell(&self) -> ExitCode {
        let (code, message, remedy) = match self {
            Failure::BadNews => return ExitCode::from(1),
            Failure::Output(error) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Failure::Cancelled => (1, "nothing was changed".to_owned(), None),
            Failure::Usage(message) => (USAGE, message.clone(), None),
            Failure::Output(error) => (7, format!("cannot write the output: {error}"), None),
            Failure::Client(error) => (code(error.kind()), error.to_string(), remedy(error)),
        };
        let remedy = remedy.map(|remedy| format!("  try: {remedy}\n")).unwrap_or_default();
        note(&format!("error: {}\n{remedy}", harmless(&message)));
        ExitCode::from(code)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Failure::Client(error)
    }
}

fn code(kind: ClientErrorKind) -> u8 {
    match kind {
        ClientErrorKind::Setup => USAGE,
        ClientErrorKind::NotFound => 3,
        ClientErrorKind::Unauthorized | ClientErrorKind::Forbidden => 4,
        ClientErrorKind::Refused => 6,
        // Unreachable, timed out, unexpected.
        _ => 5,
    }
}

fn remedy(error: &ClientError) -> Option<&'static str> {
    match error.kind() {
        ClientErrorKind::Unauthorized => {
            Some("set the token of the service with CIRCUIT_BREAKER_ADMIN_TOKEN or --token")
        }
        ClientErrorKind::NotFound => Some("`breakerbox-cli list` shows the names"),
        ClientErrorKind::Setup if error.key() == Some("token") => {
            Some("set the token as the service has it, with CIRCUIT_BREAKER_ADMIN_TOKEN or --token")
        }
        ClientErrorKind::Setup | ClientErrorKind::Unreachable => {
            Some("say where the admin API is with --url or CIRCUIT_BREAKER_ADMIN_URL")
        }
        ClientErrorKind::TimedOut => Some("give it longer with --timeout, or another address with --url"),
        ClientErrorKind::Unexpected if !error.is_temporary() => {
            Some("say where the admin API is with --url, prefix included")
        }
        _ => None,
    }
}
