//! Names and messages that look like HTML: they are text, and nothing of them runs.

use std::time::Duration;

use breakerbox::admin::AdminConfig;
use breakerbox::{Config, ManualClock, Registry, State};
use serde_json::json;

use crate::browser::Browser;
use crate::site::{Site, TOKEN, eventually, open, with_token};

const NAME: &str = r#"</td></table><script>window.ran=1</script><img src=x onerror="window.ran=2"> '"`${window.ran=3}` \ a/b?c#d%2F&amp;"#;

/// Nothing of it ran, and no element was made of it.
async fn nothing_ran(browser: &Browser) {
    let made =
        browser.ask(r#"document.querySelectorAll("img, iframe, script:not([src]), script:nth-of-type(2)").length"#);
    assert_eq!(made.await, 0);
    assert_eq!(browser.ask("typeof window.ran").await, "undefined");
}

pub(crate) async fn a_name_full_of_html_is_text_everywhere(browser: Browser) -> Site {
    let clock = ManualClock::new();
    let site = Site::of(Registry::with_clock(clock.clone()), with_token());
    let config = Config::builder().failure_threshold(2).recovery_timeout(Duration::from_secs(3600));
    let breaker = site.registry.get_or_insert(NAME, config).unwrap();
    browser.open(&site.page(), "live").await;
    browser.give_token(TOKEN).await;
    browser.light("live").await;
    browser.until("rows().length === 1").await;
    open(&breaker);
    clock.advance(Duration::from_secs(180));
    let is_named = |part: &str| format!("{part}?.textContent.includes({})", json!(NAME));
    browser.until(&is_named("row(names()[0])")).await;
    browser.until(&is_named(r#"$("event-log")"#)).await;
    browser.until(&is_named(r#"$("alerts")"#)).await;
    nothing_ran(&browser).await;

    browser.open_drawer(NAME).await;
    browser.until(&is_named(r#"$("drawer").querySelector("h2")"#)).await;
    browser.click_on("btn-reset").await;
    browser.until(&is_named(r#"$("confirm").querySelector("h2")"#)).await;
    browser.click_on("confirm-yes").await;
    eventually("it is closed", || breaker.state() == State::Closed).await;
    browser.until(r#"rows()[0].dataset.state === "closed""#).await;
    nothing_ran(&browser).await;

    // A link to it opens its drawer.
    let link = browser.text("location.href").await;
    browser.window().await;
    browser.open(&link, "live").await;
    browser.until(&format!(r#"$("drawer").open && {}"#, is_named(r#"$("drawer").querySelector("h2")"#))).await;
    nothing_ran(&browser).await;
    site
}

pub(crate) async fn a_message_full_of_html_is_text(browser: Browser) -> Site {
    let who = "<img src=x onerror=window.ran=4>";
    let site = Site::with(AdminConfig::new().token_for(who, TOKEN).service("<script>window.ran=5</script>"));
    let breaker = site.breaker("payments", Duration::from_secs(3600));
    open(&breaker);
    browser.open(&site.page(), "live").await;
    breaker.by(who).reset();
    browser.until(&format!(r#"$("event-log").innerText.includes({})"#, json!(format!("reset by {who}")))).await;
    browser.until(r#"$("service").innerText === "<script>window.ran=5</script>""#).await;
    nothing_ran(&browser).await;
    site
}

/// What the other tests rely on: the log of the browser tells what the policy forbids, and the policy forbids it.
pub(crate) async fn a_violation_of_the_policy_would_be_seen(browser: Browser) -> Site {
    let site = Site::new();
    browser.open(&site.page(), "live").await;
    browser
        .run(r#"document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = 6" }));"#, vec![])
        .await;
    assert_eq!(browser.ask("typeof window.ran").await, "undefined");
    let log = browser.log().await;
    assert!(log.iter().any(|line| line.contains("script-src 'self'")), "{log:?}");
    browser.run("console.error('an error');", vec![]).await;
    let log = browser.log().await;
    assert!(log.iter().any(|line| line.contains("an error")), "{log:?}");
    site
}
