//! The page and the description of the API. They are compiled in: nothing comes from outside.

use axum::extract::RawPathParams;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::problem::Refused;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The files of the page.
const FILES: [(&str, &str, &str); 9] = [
    ("app.js", JAVASCRIPT, include_str!("dashboard/app.js")),
    ("dom.js", JAVASCRIPT, include_str!("dashboard/dom.js")),
    ("drawer.js", JAVASCRIPT, include_str!("dashboard/drawer.js")),
    ("model.js", JAVASCRIPT, include_str!("dashboard/model.js")),
    ("parts.js", JAVASCRIPT, include_str!("dashboard/parts.js")),
    ("row.js", JAVASCRIPT, include_str!("dashboard/row.js")),
    ("settings.js", JAVASCRIPT, include_str!("dashboard/settings.js")),
    ("stream.js", JAVASCRIPT, include_str!("dashboard/stream.js")),
    ("style.css", "text/css; charset=utf-8", include_str!("dashboard/style.css")),
];

/// `GET /dashboard`
pub(super) async fn page() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], include_str!("dashboard/index.html")).into_response()
}

/// `GET /dashboard/`: the addresses in the page are relative to `/dashboard`.
pub(super) async fn redirect() -> Redirect {
    Redirect::permanent("../dashboard")
}

/// `GET /dashboard/{file}`
pub(super) async fn file(parameters: RawPathParams) -> Result<Response, Refused> {
    let asked = parameters.iter().filter(|(key, _)| *key == "file").last().map_or("", |(_, file)| file);
    let (_, kind, content) = FILES.iter().find(|(name, ..)| *name == asked).ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, format!("the page has no file '{}'", asked.escape_debug()))
    })?;
    Ok(([(header::CONTENT_TYPE, *kind)], *content).into_response())
}

/// `GET /openapi.json`
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json")).into_response()
}
