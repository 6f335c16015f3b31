//! A stream that does not come through, and a server that goes away.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use breakerbox::{Registry, admin};

use crate::browser::Browser;
use crate::site::{Site, TOKEN, open, with_token};

const LONG: Duration = Duration::from_secs(3600);

/// What something between the page and the server does to the stream.
const PASSES: u8 = 0;
const REFUSES: u8 = 1;
const HOLDS_BACK: u8 = 2;

async fn between(State(does): State<Arc<AtomicU8>>, request: Request, next: Next) -> Response {
    let does = if request.uri().path().ends_with("/events") { does.load(Ordering::Relaxed) } else { PASSES };
    match does {
        REFUSES => StatusCode::BAD_GATEWAY.into_response(),
        HOLDS_BACK => pending().await,
        _ => next.run(request).await,
    }
}

pub(crate) async fn without_the_stream_the_page_polls(browser: Browser) {
    browser.allow("the server responded with a status of 502");
    // Each server ends before the log is read.
    browser.allow("net::ERR_");
    for does in [REFUSES, HOLDS_BACK] {
        let stream = Arc::new(AtomicU8::new(does));
        let registry = Registry::new();
        let layer = from_fn_with_state(Arc::clone(&stream), between);
        let router = admin::router(&registry, with_token().service("shop")).layer(layer);
        let site = Site::serve(registry, router, 0, "");
        let payments = site.breaker("payments", LONG);

        browser.open(&site.page(), "reconnecting").await;
        let fell_back = browser.until_in(Duration::from_secs(5), r#"$("live").dataset.state === "polling""#).await;
        browser.until(r#"row("payments")?.dataset.state === "closed""#).await;
        browser.until(r#"$("service").innerText === "shop""#).await;
        open(&payments);
        let shown = browser.until_in(Duration::from_secs(5), r#"row("payments").dataset.state === "open""#).await;
        browser.until(r#"/closed -> open \(2 consecutive failures\)/.test($("event-log").innerText)"#).await;
        println!("polling after {fell_back:?}, a change shown after {shown:?}");

        // Steering needs no stream either.
        browser.give_token(TOKEN).await;
        browser.open_drawer("payments").await;
        browser.confirm("btn-reset").await;
        browser.until(r#"row("payments").dataset.state === "closed""#).await;
        browser.click_on("drawer-close").await;

        if does == REFUSES {
            stream.store(PASSES, Ordering::Relaxed);
            browser.light("live").await;
        }
    }
}

pub(crate) async fn it_reconnects_when_the_server_comes_back(browser: Browser) -> Site {
    browser.allow("net::ERR_");
    let registry = Registry::new();
    let site = Site::of(registry.clone(), with_token());
    let payments = site.breaker("payments", LONG);
    browser.open(&site.page(), "live").await;
    browser.until(r#"row("payments")?.dataset.state === "closed""#).await;
    browser.run("window.sameDocument = true;", vec![]).await;
    let port = site.address.port();

    drop(site);
    browser.until(r#"$("live").dataset.state !== "live""#).await;
    open(&payments);
    let router = admin::router(&registry, with_token());
    let site = Site::serve(registry, router, port, "");
    browser.light("live").await;
    browser.until(r#"row("payments").dataset.state === "open""#).await;
    // And it is told of what comes next.
    site.registry.reset_all();
    browser.until_in(Duration::from_secs(2), r#"row("payments").dataset.state === "closed""#).await;
    assert_eq!(browser.ask("window.sameDocument").await, true);
    site
}
