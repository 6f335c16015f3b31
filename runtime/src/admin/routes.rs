//! The routes, and what their handlers share.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tower_http::csrf::CsrfLayer;

use super::auth::Access;
use super::config::AdminConfig;
use super::feed::Feed;
use super::places::Places;
use super::sampler::Sampler;
use super::{assets, audit, breakers, commands, guard, stream};
use crate::bus::Subscription;
use crate::observe::Prometheus;
use crate::observe::alerts::Alerts;
use crate::registry::Registry;

/// What the handlers share.
pub(super) struct Admin {
    pub(super) registry: Registry,
    pub(super) access: Access,
    pub(super) audit: audit::Audit,
    pub(super) service: Option<Arc<str>>,
    pub(super) metrics: Arc<Prometheus>,
    pub(super) alerts: Arc<Alerts>,
    pub(super) feed: Arc<Feed>,
    pub(super) places: Places,
    pub(super) sampler: Sampler,
    _subscription: Subscription,
}

impl Admin {
    pub(super) fn new(registry: &Registry, mut config: AdminConfig) -> Self {
        let feed = Arc::new(Feed::new());
        let listener = Arc::clone(&feed);
        let subscription = registry.subscribe_quietly(move |event| listener.push(event));
        let alerts = Arc::new(Alerts::new(registry));
        Admin {
            access: Access::new(&mut config),
            audit: audit::Audit::default(),
            metrics: config.metrics.unwrap_or_else(|| Arc::new(Prometheus::new(registry))),
            sampler: Sampler::new(registry.clone(), Arc::clone(&alerts), config.service.clone()),
            service: config.service,
            alerts,
            feed,
            places: Places::default(),
            registry: registry.clone(),
            _subscription: subscription,
        }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("registry", &self.registry).field("access", &self.access).finish_non_exhaustive()
    }
}

/// The admin API of a registry, as a service that can be nested under any prefix.
///
/// ```
/// use breakerbox::admin::{self, AdminConfig};
///
/// let registry = breakerbox::registry();
/// let app: axum::Router = axum::Router::new().nest("/admin", admin::router(registry, AdminConfig::new()));
/// ```
pub fn router(registry: &Registry, config: AdminConfig) -> Router {
    build(Arc::new(Admin::new(registry, config)), Router::new())
}

/// The routes, and those of `more`, all behind the same guards.
pub(super) fn build(admin: Arc<Admin>, more: Router<Arc<Admin>>) -> Router {
    let csrf = CsrfLayer::new().with_rejection_response(guard::forged);
    more.route("/health", get(breakers::health))
        .route("/metrics", get(breakers::metrics))
        .route("/alerts", get(breakers::alerts))
        .route("/openapi.json", get(assets::openapi))
        .route("/dashboard", get(assets::page))
        .route("/dashboard/", get(assets::redirect))
        .route("/dashboard/{file}", get(assets::file))
        .route("/circuit-breakers", get(breakers::list))
        .route("/circuit-breakers/events", get(stream::all))
        .route("/circuit-breakers/reset-all", post(commands::reset_all))
        .route("/circuit-breakers/{name}", get(breakers::one))
        .route("/circuit-breakers/{name}/state", get(breakers::state))
        .route("/circuit-breakers/{name}/events", get(stream::one))
        .route("/circuit-breakers/{name}/reset", post(commands::reset))
        .route("/circuit-breakers/{name}/force-open", post(commands::force_open))
        .route("/circuit-breakers/{name}/disable", post(commands::disable))
        .route("/circuit-breakers/{name}/metrics-only", post(commands::metrics_only))
        .route("/circuit-breakers/{name}/auto", post(commands::auto))
        .route("/circuit-breakers/{name}/config", put(commands::configure))
        .route("/api/v1/circuit-breakers/stats", get(breakers::list))
        .route("/api/v1/circuit-breakers/stats/{name}", get(breakers::one))
        .route("/api/v1/circuit-breakers/reset/{name}", post(commands::reset))
        .method_not_allowed_fallback(guard::no_such_method)
        .fallback(guard::no_such_route)
        .layer(csrf)
        .layer(from_fn_with_state(Arc::clone(&admin), guard::watch_over))
        .with_state(admin)
}
