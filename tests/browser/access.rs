//! The token: what the page tells without it, with a wrong one, and where even reading needs it.

use std::time::Duration;

use breakerbox::State;
use breakerbox::admin::AdminConfig;

use crate::browser::Browser;
use crate::site::{Site, TOKEN, open, with_token};

const LONG: Duration = Duration::from_secs(3600);
const NOTE: &str = r#"!$("drawer-note").hidden && $("drawer-note").innerText"#;

pub(crate) async fn a_wrong_token_is_told(browser: Browser) -> Site {
    let site = Site::new();
    let payments = site.breaker("payments", LONG);
    open(&payments);
    browser.open(&site.page(), "live").await;
    browser.allow("the server responded with a status of 401");
    browser.give_token("wrong").await;
    browser.until(r#"row("payments") !== undefined"#).await;
    browser.open_drawer("payments").await;
    browser.confirm("btn-reset").await;
    browser.until(&format!(r"/the token is not known/.test({NOTE})")).await;
    assert_eq!(payments.state(), State::Open);
    browser.click_on("drawer-close").await;
    browser.until(r#"!$("drawer").open"#).await;
    browser.give_token(TOKEN).await;
    browser.light("live").await;
    browser.open_drawer("payments").await;
    browser.confirm("btn-reset").await;
    browser.until(r#"row("payments").dataset.state === "closed""#).await;
    site
}

pub(crate) async fn a_missing_token_is_told(browser: Browser) -> Site {
    let site = Site::new();
    let payments = site.breaker("payments", LONG);
    browser.open(&site.page(), "live").await;
    browser.until(r#"row("payments") !== undefined"#).await;
    browser.allow("the server responded with a status of 401");
    browser.open_drawer("payments").await;
    browser.confirm("btn-force-open").await;
    browser.until(&format!(r"/Enter the admin token at the top of the page/.test({NOTE})")).await;
    assert_eq!(payments.state(), State::Closed);
    site
}

pub(crate) async fn a_server_without_a_token_says_how_to_set_one(browser: Browser) -> Site {
    // An empty token takes the place of the variable, and is none.
    let site = Site::with(AdminConfig::new());
    site.breaker("payments", LONG);
    browser.open(&site.page(), "live").await;
    browser.until(r#"row("payments") !== undefined"#).await;
    browser.allow("the server responded with a status of 403");
    browser.open_drawer("payments").await;
    browser.confirm("btn-force-open").await;
    browser.until(&format!(r"/set CIRCUIT_BREAKER_ADMIN_TOKEN/.test({NOTE})")).await;
    site
}

pub(crate) async fn protected_reads_are_locked_until_the_token_is_saved(browser: Browser) -> Site {
    let site = Site::with(with_token().protect_reads());
    open(&site.breaker("secret-name", LONG));
    browser.allow("the server responded with a status of 401");
    browser.open(&site.page(), "locked").await;
    browser.until(r#"$("notice").innerText === "Reading needs the admin token.""#).await;
    assert_eq!(browser.ask(r#"document.body.innerText.includes("secret-name")"#).await, false);
    browser.give_token("wrong").await;
    browser.until(r#"$("notice").innerText === "The server refuses this token.""#).await;
    browser.light("locked").await;
    browser.give_token(TOKEN).await;
    browser.light("live").await;
    browser.until(r#"row("secret-name").dataset.state === "open""#).await;
    // Neither the address nor the page holds it, and it survives a reload.
    assert_eq!(
        browser
            .ask(&format!(r#"(document.documentElement.outerHTML + location + document.cookie).includes("{TOKEN}")"#))
            .await,
        false
    );
    browser.open(&site.page(), "live").await;
    browser.click_on("token-forget").await;
    browser.light("locked").await;
    site
}
