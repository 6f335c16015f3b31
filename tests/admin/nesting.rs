//! The router under prefixes, beside other routes.

use axum::Router;
use axum::routing::get;
use breakerbox::admin;
use breakerbox::{Config, Registry};

use crate::support::{Rig, raw, status, with_token};

#[tokio::test(flavor = "multi_thread")]
async fn it_works_under_any_prefix() {
    let registry = Registry::new();
    registry.get_or_insert("quotes", Config::default()).unwrap();
    let app = Router::new()
        .route("/", get(|| async { "the service" }))
        .nest("/admin", admin::router(&registry, with_token()))
        .nest("/tenants/{name}/ops", admin::router(&registry, with_token()))
        .fallback(|| async { "nothing here" });
    for prefix in ["/admin", "/tenants/acme/ops"] {
        let rig = Rig::serve(registry.clone(), app.clone(), prefix).await;
        assert_eq!(rig.get("/circuit-breakers/quotes").await.ok()["name"], "quotes");
        assert_eq!(rig.post("/circuit-breakers/quotes/force-open").await.ok()["state"], "open");
        assert_eq!(rig.post("/circuit-breakers/reset-all").await.ok()["reset"], 1);
        rig.get("/circuit-breakers/other").await.problem(404);
        rig.get("/nowhere").await.problem(404);
        assert_eq!(rig.get("/dashboard").await.status, 200);
        assert_eq!(rig.get("/dashboard/app.js").await.status, 200);
        let redirect = rig.get("/dashboard/").await;
        assert_eq!((redirect.status, redirect.header("location")), (308, "../dashboard"));
        // The guards are for the routes of this router alone.
        let service = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
        assert!(raw(rig.address, service).await.ends_with("the service"));
        let page = format!("GET {prefix}/dashboard HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&raw(rig.address, page).await), 421);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_registries_are_served_side_by_side() {
    let registries = [Registry::new(), Registry::new()];
    registries[0].get_or_insert("a", Config::default()).unwrap();
    registries[1].get_or_insert("b", Config::default()).unwrap();
    let app = Router::new()
        .nest("/0", admin::router(&registries[0], with_token()))
        .nest("/1", admin::router(&registries[1], with_token()));
    let rig = Rig::serve(registries[0].clone(), app.clone(), "/0").await;
    rig.get("/circuit-breakers/a").await.ok();
    rig.get("/circuit-breakers/b").await.problem(404);
    let rig = Rig::serve(registries[1].clone(), app, "/1").await;
    rig.get("/circuit-breakers/b").await.ok();
}
