//! What an operator does to a breaker by clicks and by the form.

use std::time::Duration;

use breakerbox::{Key, Mode, State, Value};

use crate::browser::Browser;
use crate::site::{Site, TOKEN, eventually, open};

const LONG: Duration = Duration::from_secs(3600);

const LOG: &str = r#"$("event-log").innerText.replace(/\s+/g, " ")"#;
const NOTE: &str = r#"$("drawer-note").innerText"#;

/// The page of a site, with the token of alice, and the drawer of this breaker open.
async fn steering(browser: &Browser, site: &Site, name: &str) {
    browser.open(&site.page(), "live").await;
    browser.give_token(TOKEN).await;
    browser.light("live").await;
    browser.until(&format!(r#"row("{name}") !== undefined"#)).await;
    browser.open_drawer(name).await;
}

pub(crate) async fn reset_by_click_closes_a_breaker_and_the_log_names_who(browser: Browser) -> Site {
    let site = Site::new();
    let payments = site.breaker("payments", LONG);
    open(&payments);
    steering(&browser, &site, "payments").await;
    browser.confirm("btn-reset").await;
    eventually("it is closed", || payments.state() == State::Closed).await;
    browser.until(r#"row("payments").dataset.state === "closed""#).await;
    browser.until(&format!(r#"{NOTE} === "Done: reset.""#)).await;
    browser.until(&format!(r"/open -> closed \(reset by alice\)/.test({LOG})")).await;
    // The same in the drawer, which is about this breaker.
    browser.until(r#"/reset by alice/.test($("drawer").innerText)"#).await;
    site
}

pub(crate) async fn nothing_happens_without_the_confirmation(browser: Browser) -> Site {
    let site = Site::new();
    let payments = site.breaker("payments", LONG);
    open(&payments);
    steering(&browser, &site, "payments").await;
    browser.click_on("btn-reset").await;
    browser.until(r#"$("confirm").open && /payments/.test($("confirm").innerText)"#).await;
    assert_eq!(browser.text("document.activeElement.dataset.testid").await, "confirm-no");
    browser.click_on("confirm-no").await;
    browser.until(r#"!$("confirm").open && $("drawer").open"#).await;
    // What comes after it would come after the reset, too.
    browser.confirm("btn-metrics-only").await;
    eventually("the mode is changed", || payments.mode() == Mode::MetricsOnly).await;
    assert_eq!(payments.status().totals.transitions.open_to_closed, 0);
    site
}

pub(crate) async fn modes_are_set_by_click(browser: Browser) -> Site {
    let site = Site::new();
    let stock = site.breaker("stock", LONG);
    steering(&browser, &site, "stock").await;
    let orders = [
        ("btn-force-open", Mode::ForcedOpen, "forced_open", "Forced open", "open"),
        ("btn-auto", Mode::Auto, "auto", "Auto", "closed"),
        ("btn-disable", Mode::Disabled, "disabled", "Disabled", "closed"),
        ("btn-metrics-only", Mode::MetricsOnly, "metrics_only", "Metrics only", "closed"),
        ("btn-auto", Mode::Auto, "auto", "Auto", "closed"),
    ];
    for (button, mode, word, label, state) in orders {
        browser.confirm(button).await;
        eventually(word, || stock.mode() == mode).await;
        let row = r#"row("stock")"#;
        browser.until(&format!(r#"{row}.dataset.mode === "{word}" && {row}.dataset.state === "{state}""#)).await;
        browser.until(&format!(r#"$("{button}").getAttribute("aria-pressed") === "true""#)).await;
        browser.until(&format!(r#"{row}.querySelector("[data-part=mode]").textContent === "{label}""#)).await;
        browser.until(&format!(r"/{word} by alice/.test({LOG})")).await;
    }
    assert_eq!(browser.ask(r#"row("stock").querySelector("[data-part=mode]").hidden"#).await, true);
    site
}

pub(crate) async fn all_are_reset_by_click(browser: Browser) -> Site {
    let site = Site::new();
    let breakers = ["a", "b", "c"].map(|name| site.breaker(name, LONG));
    breakers.iter().for_each(open);
    browser.open(&site.page(), "live").await;
    browser.give_token(TOKEN).await;
    browser.light("live").await;
    browser.until(r#"rows().filter((row) => row.dataset.state === "open").length === 3"#).await;
    browser.confirm("btn-reset-all").await;
    eventually("all are closed", || breakers.iter().all(|breaker| breaker.state() == State::Closed)).await;
    browser.until(r#"rows().filter((row) => row.dataset.state === "closed").length === 3"#).await;
    browser.until(r#"$("notice").innerText === "3 breakers are reset.""#).await;
    site
}

pub(crate) async fn a_setting_is_changed_by_the_form(browser: Browser) -> Site {
    let site = Site::new();
    let quotes = site.breaker("quotes", Duration::from_secs(30));
    steering(&browser, &site, "quotes").await;
    assert_eq!(browser.text(r#"$("config-recovery_timeout").value"#).await, "30s");
    assert_eq!(browser.ask(r#"$("config-apply").disabled"#).await, true);
    browser.fill("config-recovery_timeout", "1m30s").await;
    browser.fill("config-failure_rate_threshold", "0.5").await;
    browser.click_on("config-apply").await;
    eventually("the settings are changed", || {
        let status = quotes.status();
        let time = status.setting(Key::RecoveryTimeout).value == Value::Time(Duration::from_secs(90));
        time && status.setting(Key::FailureRateThreshold).value == Value::Share(0.5)
    })
    .await;
    browser.until(&format!(r#"{NOTE} === "Saved: recovery_timeout, failure_rate_threshold.""#)).await;
    browser.until(r#"$("config-recovery_timeout").value === "1m30s""#).await;
    // A change by others is shown without being asked for.
    let changes = breakerbox::Config::builder().recovery_timeout(Duration::from_secs(45));
    quotes.reconfigure(changes).unwrap();
    browser.until(r#"$("config-recovery_timeout").value === "45s""#).await;
    browser.until(&format!(r"/recovery_timeout 30s -> 1m30s.* by alice/.test({LOG})")).await;
    site
}

pub(crate) async fn a_bad_setting_is_told_at_its_field(browser: Browser) -> Site {
    let site = Site::new();
    let quotes = site.breaker("quotes", Duration::from_secs(30));
    steering(&browser, &site, "quotes").await;
    let shown = |key: &str| format!(r#"!$("error-{key}").hidden && $("error-{key}").innerText"#);
    // What the page knows to be wrong.
    browser.fill("config-recovery_timeout", "soon").await;
    browser.click_on("config-apply").await;
    browser.until(&format!(r"/write a duration/.test({})", shown("recovery_timeout"))).await;
    assert_eq!(browser.text("document.activeElement.dataset.testid").await, "config-recovery_timeout");
    // What the server knows.
    browser.allow("the server responded with a status of 422");
    browser.fill("config-recovery_timeout", "30s").await;
    browser.fill("config-failure_rate_threshold", "1.5").await;
    browser.click_on("config-apply").await;
    browser.until(&format!(r"/failure_rate_threshold/.test({})", shown("failure_rate_threshold"))).await;
    assert_eq!(browser.text("document.activeElement.dataset.testid").await, "config-failure_rate_threshold");
    assert_eq!(browser.ask(r#"$("error-recovery_timeout").hidden"#).await, true);
    let share = || quotes.status().setting(Key::FailureRateThreshold).value;
    assert_eq!(share(), Value::Off);
    // It can be mended where it is.
    browser.fill("config-failure_rate_threshold", "0.9").await;
    browser.until(r#"$("error-failure_rate_threshold").hidden"#).await;
    browser.click_on("config-apply").await;
    eventually("the share is set", || share() == Value::Share(0.9)).await;
    site
}
