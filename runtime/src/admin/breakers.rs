//! What operators and their tools read.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answers::{AlertView, AlertsView, HealthView, ListView, StateView};
use super::guard::{Named, Reader};
use super::problem::Refused;
use super::routes::Admin;
use super::table;
use super::view::BreakerView;
use crate::observe::families;
use crate::state::State as CircuitState;
use crate::summary::Health;

/// The parameters of a query. Those that a route does not know are for others, such as a proxy.
type Parameters = Result<Query<HashMap<String, String>>, axum::extract::rejection::QueryRejection>;

fn parameter(parameters: Parameters, name: &str) -> Result<Option<String>, Refused> {
    let Query(mut parameters) =
        parameters.map_err(|error| Refused::bad_request(format!("the query is malformed: {error}")))?;
    Ok(parameters.remove(name))
}

/// `GET /circuit-breakers`
pub(super) async fn list(
    _: Reader,
    State(admin): State<Arc<Admin>>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let state = parameter(parameters, "state")?.map(|state| state.parse::<CircuitState>()).transpose();
    let state = state.map_err(|error| Refused::bad_request(error.to_string()))?;
    let mut statuses = admin.registry.statuses();
    statuses.retain(|status| state.is_none_or(|state| status.state == state));
    let circuit_breakers = statuses.iter().map(BreakerView::from).collect();
    if table::is_wanted(&headers) {
        return Ok(table::write(circuit_breakers).into_response());
    }
    Ok(Json(ListView { circuit_breakers }).into_response())
}

/// `GET /circuit-breakers/{name}`
pub(super) async fn one(_: Reader, Named(breaker): Named) -> Json<BreakerView> {
    Json(BreakerView::from(&breaker.status()))
}

/// `GET /circuit-breakers/{name}/state`
pub(super) async fn state(_: Reader, Named(breaker): Named) -> Json<StateView> {
    // Of one moment.
    let status = breaker.status();
    Json(StateView { name: status.name.to_string(), state: status.state, mode: status.mode })
}

/// `GET /alerts`
pub(super) async fn alerts(_: Reader, State(admin): State<Arc<Admin>>) -> Json<AlertsView> {
    Json(AlertsView { alerts: admin.alerts.active().iter().map(AlertView::from).collect() })
}

/// `GET /health`
pub(super) async fn health(State(admin): State<Arc<Admin>>, parameters: Parameters) -> Result<Response, Refused> {
    let is_strict = match parameter(parameters, "strict")?.as_deref() {
        None | Some("false" | "0") => false,
        Some("" | "true" | "1") => true,
        Some(_) => return Err(Refused::bad_request("`strict` must be `true` or `false`")),
    };
    let summary = admin.registry.summary();
    let status = match summary.health() {
        Health::Degraded if is_strict => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    // Everything is looked at only where there is a store.
    let has_store = admin.registry.all().first().is_some_and(|breaker| breaker.status().store.is_some());
    let store = if has_store { families::store_of(&admin.registry.statuses()) } else { None };
    Ok((status, Json(HealthView::new(&summary, store, admin.service.as_deref()))).into_response())
}

/// `GET /metrics`
pub(super) async fn metrics(State(admin): State<Arc<Admin>>, headers: HeaderMap) -> Response {
    let accept: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|accepted| accepted.to_str().ok()).collect();
    let accept = accept.join(", ");
    let exposition = admin.metrics.respond((!accept.is_empty()).then_some(accept.as_str()));
    ([(header::CONTENT_TYPE, exposition.content_type)], exposition.body).into_response()
}
