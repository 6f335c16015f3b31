//! What operators do. Each command is carried out on behalf of whoever sent it, and logged.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};

use super::answers::{KeyProblem, ResetView};
use super::audit;
use super::change;
use super::guard::{Named, Writer};
use super::problem::Refused;
use super::routes::Admin;
use super::view::BreakerView;
use crate::handle::CircuitBreaker;
use crate::settings::Key;
use crate::status::Status;

/// The longest body that is read, in bytes.
pub(super) const BODY_LIMIT: usize = 16 * 1024;

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(10);

type Answer = Result<Json<BreakerView>, Refused>;

/// An order that needs nothing but the name of a breaker.
#[derive(Clone, Copy, Debug)]
enum Command {
    Reset,
    ForceOpen,
    Disable,
    MetricsOnly,
    Auto,
}

impl Command {
    fn as_str(self) -> &'static str {
        match self {
            Command::Reset => "reset",
            Command::ForceOpen => "force-open",
            Command::Disable => "disable",
            Command::MetricsOnly => "metrics-only",
            Command::Auto => "auto",
        }
    }
}

/// `POST /circuit-breakers/{name}/reset`
pub(super) async fn reset(writer: Writer, Named(breaker): Named) -> Json<BreakerView> {
    shown(&writer, &breaker, Command::Reset)
}

/// `POST /circuit-breakers/{name}/force-open`
pub(super) async fn force_open(writer: Writer, Named(breaker): Named) -> Json<BreakerView> {
    shown(&writer, &breaker, Command::ForceOpen)
}

/// `POST /circuit-breakers/{name}/disable`
pub(super) async fn disable(writer: Writer, Named(breaker): Named) -> Json<BreakerView> {
    shown(&writer, &breaker, Command::Disable)
}

/// `POST /circuit-breakers/{name}/metrics-only`
pub(super) async fn metrics_only(writer: Writer, Named(breaker): Named) -> Json<BreakerView> {
    shown(&writer, &breaker, Command::MetricsOnly)
}

/// `POST /circuit-breakers/{name}/auto`
pub(super) async fn auto(writer: Writer, Named(breaker): Named) -> Json<BreakerView> {
    shown(&writer, &breaker, Command::Auto)
}

/// `POST /circuit-breakers/reset-all`
pub(super) async fn reset_all(writer: Writer, State(admin): State<Arc<Admin>>) -> Json<ResetView> {
    let all = admin.registry.all();
    for breaker in &all {
        carry_out(&writer, breaker, Command::Reset);
    }
    Json(ResetView { reset: all.len() })
}

fn shown(writer: &Writer, breaker: &CircuitBreaker, command: Command) -> Json<BreakerView> {
    Json(BreakerView::from(&carry_out(writer, breaker, command)))
}

fn carry_out(writer: &Writer, breaker: &CircuitBreaker, command: Command) -> Status {
    let before = breaker.status();
    let by = breaker.by(&writer.who);
    match command {
        Command::Reset => by.reset(),
        Command::ForceOpen => by.force_open(),
        Command::Disable => by.disable(),
        Command::MetricsOnly => by.metrics_only(),
        Command::Auto => by.auto(),
    }
    let after = breaker.status();
    audit::carried_out(writer, command.as_str(), breaker, &condition(&before), &condition(&after));
    after
}

fn condition(status: &Status) -> String {
    format!("{}, mode {}", status.state, status.mode)
}

/// `PUT /circuit-breakers/{name}/config`
pub(super) async fn configure(writer: Writer, Named(breaker): Named, request: Request) -> Answer {
    check_content_type(request.headers())?;
    let body = read(request.into_body()).await?;
    let Some(changes) = change::read(&body)? else {
        return Ok(Json(BreakerView::from(&breaker.status())));
    };
    let stated: Vec<Key> = changes.changes().into_iter().map(|(key, _)| key).collect();
    let before = breaker.status();
    breaker.by(&writer.who).reconfigure(changes).map_err(|error| {
        Refused::settings(vec![KeyProblem { key: error.key().to_owned(), detail: error.to_string() }])
    })?;
    let after = breaker.status();
    let (was, is) = settings(&stated, &before, &after);
    audit::carried_out(&writer, "config", &breaker, &was, &is);
    Ok(Json(BreakerView::from(&after)))
}

/// The settings that were stated, and those that changed with them, before and after.
fn settings(stated: &[Key], before: &Status, after: &Status) -> (String, String) {
    let (mut was, mut is) = (String::new(), String::new());
    let pairs = before.settings.iter().zip(&after.settings);
    for (old, new) in pairs.filter(|(old, new)| stated.contains(&old.key) || old.value != new.value) {
        let gap = if was.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(was, "{gap}{} {}", old.key, old.value);
        let _ = write!(is, "{gap}{} {}", new.key, new.value);
    }
    (was, is)
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refused> {
    let stated = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = stated.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "send settings as JSON, with the header `Content-Type: application/json`";
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

async fn read(body: Body) -> Result<axum::body::Bytes, Refused> {
    let read = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, BODY_LIMIT)).await;
    let read = read.map_err(|_| {
        let detail = format!("the body did not come in {} s", BODY_TIME.as_secs());
        Refused::new(StatusCode::REQUEST_TIMEOUT, detail)
    })?;
    read.map_err(|error| {
        let is_long = std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("limit"));
        if is_long {
            Refused::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {BODY_LIMIT} bytes"))
        } else {
            Refused::bad_request("the body ended before its end")
        }
    })
}
