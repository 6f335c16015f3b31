//! What the command line takes.

use std::time::Duration;

use breakerbox::State;
use clap::{Parser, Subcommand};

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3600);

/// Below the help.
const AFTER: &str = "\
Exit codes:
  0  done
  1  the answer is bad news: `health` says degraded, `state` says open, `alerts` has one
  2  the command line is wrong
  3  there is no such circuit breaker
  4  not allowed: the token is missing or wrong, or the service takes no commands
  5  no usable answer: unreachable, too late, or not the admin API
  6  refused: a bad setting
  7  the output cannot be written";

/// Looks at the circuit breakers of a running service, and steers them, by its admin API.
#[derive(Debug, Parser)]
#[command(name = "breakerbox-cli", version, after_help = AFTER, arg_required_else_help = true)]
pub(crate) struct Args {
    /// Where the admin API is, prefix included
    #[arg(
        long,
        global = true,
        env = "CIRCUIT_BREAKER_ADMIN_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) url: String,

    /// The token of the admin API; better set by the variable, other users see command lines
    #[arg(long, global = true, env = "CIRCUIT_BREAKER_ADMIN_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<Token>,

    /// Print JSON; `watch` prints an event a line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// How long to wait for an answer: seconds, or `1m30s`, `250ms`
    #[arg(long, global = true, default_value = "10s", value_parser = duration)]
    pub(crate) timeout: Duration,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the circuit breakers, open ones first
    List {
        /// Only those in this state: `closed`, `open` or `half_open`
        #[arg(long, value_parser = state)]
        state: Option<State>,
    },
    /// Show everything about one
    Show { name: String },
    /// Print the state of one; exit code 1 if it is open
    State { name: String },
    /// Follow what happens: a live table in a terminal, else a line for each event
    Watch {
        /// Only this one
        name: Option<String>,
        /// How often the table is drawn anew, 100ms to 1h
        #[arg(long, default_value = "1s", value_parser = interval)]
        interval: Duration,
    },
    /// Close one, empty its window and end its mode; its counters stay
    Reset { name: String },
    /// Reset all; asks first in a terminal
    ResetAll {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Refuse every call of one until `auto` or `reset`
    ForceOpen { name: String },
    /// Admit every call of one and record nothing, until `auto` or `reset`
    Disable { name: String },
    /// Admit and record every call of one and open on nothing, until `auto` or `reset`
    MetricsOnly { name: String },
    /// End what `force-open`, `disable` or `metrics-only` began
    Auto { name: String },
    /// Change settings of one, and keep the others
    Config {
        name: String,
        /// Such as `failure_threshold=3`, `recovery_timeout=1m30s`, `failure_rate_threshold=off`
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = setting)]
        settings: Vec<(String, String)>,
    },
    /// Print the active alerts; exit code 1 if there is one
    Alerts,
    /// Say whether a circuit is open; exit code 1 if so
    Health,
    /// Print the metrics in the format of Prometheus
    Metrics,
}

/// The token, which `Debug` does not show.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) String);

impl From<String> for Token {
    fn from(token: String) -> Self {
        Token(token)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

fn state(text: &str) -> Result<State, String> {
    text.replace('-', "_").parse().map_err(|_| "write closed, open or half_open".to_owned())
}

/// Seconds, as everywhere in breakerbox, or a number with its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let read = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    read.filter(|time| !time.is_zero()).ok_or_else(|| "write seconds (30), or 1m30s, 250ms".to_owned())
}

fn interval(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| {
        if (SHORTEST..=LONGEST).contains(&time) { Ok(time) } else { Err("write 100ms to 1h".to_owned()) }
    })
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write KEY=VALUE, such as failure_threshold=3".to_owned()),
    }
}
