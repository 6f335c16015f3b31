//! What the page shows of a store: a strip while it fails, lines in the log, and how a state is kept in the drawer.

use std::time::Duration;

use breakerbox::{Config, FileStore, ManualClock, Registry, State};

use crate::broken::Broken;
use crate::browser::Browser;
use crate::fleet::Pair;
use crate::site::{Site, open, with_token};

const LONG: Duration = Duration::from_secs(3600);
/// How long a change may take to be seen.
const AT_ONCE: Duration = Duration::from_secs(2);

const LOG: &str = r#"$("event-log").innerText.replace(/\s+/g, " ")"#;

/// The value of a fact in the drawer.
fn kept(term: &str) -> String {
    format!(
        r#"[...$("kept").querySelectorAll("dt")].find((dt) => dt.textContent === "{term}")?.nextElementSibling.textContent"#
    )
}

pub(crate) async fn a_store_that_fails_is_told_at_the_top_until_it_works(browser: Browser) -> Site {
    let site = Site::new();
    let payments = site.breaker("payments", LONG);
    site.breaker("mail", LONG);
    browser.open(&site.page(), "live").await;
    browser.until("rows().length === 2").await;
    assert_eq!(browser.ask(r#"$("store").hidden"#).await, true, "there is no store");
    browser.open_drawer("payments").await;
    assert_eq!(browser.ask(r#"$("kept").hidden"#).await, true, "there is no store");
    browser.click_on("drawer-close").await;

    let broken = Broken::attach(&site.registry);
    let strip = r#"$("store").checkVisibility() && $("store").innerText"#;
    let text = "The file store is degraded, breakers work in memory: ";
    browser.until_in(AT_ONCE, &format!(r#"({strip} || "").startsWith("{text}")"#)).await;
    browser
        .until_in(
            AT_ONCE,
            &format!(r#"{LOG}.includes("store degraded file store: degraded, breakers work in memory (")"#),
        )
        .await;
    // Only the store is degraded: nothing is open, and the connection is live.
    assert_eq!(browser.text(r#"$("live").dataset.state"#).await, "live");
    browser.open_drawer("payments").await;
    browser
        .until(&format!(r#"{} === "this process" && {} === "not yet""#, kept("State from"), kept("Last sync")))
        .await;
    browser.until(r#"!$("kept-problem").hidden && $("store").innerText.endsWith($("kept-problem").innerText)"#).await;

    // It recovers while the drawer is open.
    open(&payments);
    broken.mend();
    browser.until_in(AT_ONCE, r#"$("kept-problem").hidden && $("store").hidden"#).await;
    browser.until(&format!(r"/^\d+s ago$/.test({})", kept("Last sync"))).await;
    browser.until(r#"/store recovered/.test($("drawer").innerText)"#).await;
    browser.until(&format!(r#"{LOG}.includes("store recovered file store: recovered")"#)).await;
    site
}

pub(crate) async fn the_drawer_tells_how_a_state_is_kept(browser: Browser) -> Site {
    let folder = tempfile::tempdir().unwrap();
    {
        // The process before.
        let registry = Registry::new();
        registry.attach(FileStore::open(folder.path())).unwrap();
        registry.get_or_insert("payments", Config::default()).unwrap().open();
    }
    let site = Site::new();
    site.registry.attach(FileStore::open(folder.path())).unwrap();
    let payments = site.breaker("payments", LONG);
    browser.open(&site.page(), "live").await;
    browser.until(r#"row("payments")?.dataset.state === "open""#).await;
    assert_eq!(browser.ask(r#"$("store").hidden"#).await, true, "it works");
    browser.open_drawer("payments").await;
    browser.until(&format!(r#"{} === "file" && {} === "an earlier process""#, kept("Store"), kept("State from"))).await;
    browser.until(&format!(r"/^\d+s ago$/.test({})", kept("Last sync"))).await;
    assert_eq!(
        browser.ask(&format!("{} === undefined && {} === undefined", kept("Epoch"), kept("Votes to open"))).await,
        true
    );
    // Time runs without news, and what changes is shown.
    let first = browser.text(&kept("Last sync")).await;
    browser.until(&format!(r#"{} !== "{first}""#, kept("Last sync"))).await;
    payments.reset();
    browser.until_in(AT_ONCE, &format!(r#"{} === "this process""#, kept("State from"))).await;
    site
}

pub(crate) async fn a_problem_full_of_html_is_text(browser: Browser) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("<img src=x onerror=document.title='hurt'>");
    std::fs::write(&path, "no folder").unwrap();
    let site = Site::new();
    site.registry.attach(FileStore::open(&path)).unwrap();
    site.breaker("payments", LONG);
    browser.open(&site.page(), "live").await;
    browser.until(r#"$("store").innerText.includes("<img src=x")"#).await;
    browser.open_drawer("payments").await;
    browser.until(r#"$("kept-problem").innerText.includes("<img src=x")"#).await;
    assert_eq!(browser.ask(r#"document.querySelectorAll("img").length"#).await, 0);
    assert_eq!(browser.text("document.title").await, "Circuit breakers");
    site
}

pub(crate) async fn what_the_fleet_told_is_shown_with_its_epoch_and_votes(browser: Browser) -> (Site, Pair) {
    let site = Site::new();
    let mut pair = Pair::new(&site.registry);
    browser.open(&site.page(), "live").await;
    browser.until(r#"row("quotes")?.dataset.state === "closed""#).await;
    browser.open_drawer("quotes").await;
    browser.until(&format!(r#"{} === "memory" && {} === "0""#, kept("Store"), kept("Epoch"))).await;

    pair.elsewhere.quotes.record_failure();
    pair.until("it is open here", |pair| pair.here.quotes.state() == State::Open);
    browser.until_in(AT_ONCE, r#"row("quotes").dataset.state === "open""#).await;
    browser.until(&format!(r#"{} === "the fleet" && {} !== "0""#, kept("State from"), kept("Epoch"))).await;
    browser.until(&format!(r"/^\d+ of 1$/.test({})", kept("Votes to open"))).await;
    // It is told once, as what it is: a circuit that opens.
    let line = r#"[...$("event-log").children].filter((line) => line.innerText.includes("told by the fleet"))"#;
    browser.until(&format!(r#"{line}.length === 1 && {line}[0].dataset.state === "open""#)).await;
    browser.until(r#"/closed -> open \(told by the fleet\)/.test($("drawer").innerText)"#).await;
    (site, pair)
}

pub(crate) async fn a_store_that_fails_for_long_is_an_alert_of_no_breaker(browser: Browser) -> (Site, Broken) {
    let clock = ManualClock::new();
    let site = Site::of(Registry::with_clock(clock.clone()), with_token());
    site.breaker("payments", LONG);
    let broken = Broken::attach(&site.registry);
    browser.open(&site.page(), "live").await;
    browser.until(r#"$("store").checkVisibility() && $("alerts").hidden"#).await;
    clock.advance(Duration::from_secs(61));
    let alert = r#"document.querySelector("[data-alert=CircuitBreakerStoreDegraded]")"#;
    browser
        .until_in(AT_ONCE, &format!(r#"{alert}?.innerText.includes("the file store has been degraded for 1m: ")"#))
        .await;
    assert_eq!(
        browser.ask(&format!("[...{alert}.querySelectorAll('button')].some((it) => it.checkVisibility())")).await,
        false
    );
    (site, broken)
}
