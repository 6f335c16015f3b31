//! Narrow windows, prefixes, the header, what is shown of a list, and colours.

use std::time::Duration;

use axum::Router;
use breakerbox::{Registry, admin};

use crate::browser::{Browser, row};
use crate::site::{Site, TOKEN, open, with_token};

const LONG: Duration = Duration::from_secs(3600);

/// What sticks out of the window, but for what nobody sees.
const STICKS_OUT: &str = r#"
    [...document.querySelectorAll("body *")]
      .filter((node) => !node.closest(".unseen") && node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 0.5)
      .map((node) => node.outerHTML.slice(0, 120)).join("\n")
"#;

pub(crate) async fn a_narrow_window_has_no_horizontal_scroll(browser: Browser) -> Site {
    let site = Site::with(with_token().service("a-service-with-quite-a-long-name-of-its-own"));
    let long = "m".repeat(120);
    for name in ["mail", &long, "with spaces in a name that is long enough for three lines"] {
        open(&site.breaker(name, LONG));
    }
    site.breaker("quotes", LONG);
    browser.resize(360, 780, 1.0).await;
    browser.open(&site.page(), "live").await;
    browser.until("rows().length === 4").await;
    let fits = "document.documentElement.scrollWidth <= 360 && innerWidth === 360";
    assert_eq!(browser.ask(fits).await, true, "{}", browser.text(STICKS_OUT.trim()).await);
    assert_eq!(browser.text(STICKS_OUT.trim()).await, "");
    assert_eq!(browser.text(r#"getComputedStyle(row("mail")).display"#).await, "grid", "no cards");
    browser.open_drawer(&long).await;
    let fits = r#"$("drawer").scrollWidth <= $("drawer").clientWidth && document.documentElement.scrollWidth <= 360"#;
    assert_eq!(browser.ask(fits).await, true, "{}", browser.text(STICKS_OUT.trim()).await);
    site
}

pub(crate) async fn it_works_under_a_prefix(browser: Browser) -> Site {
    let registry = Registry::new();
    let router = Router::new().nest("/ops/breakers", admin::router(&registry, with_token()));
    let site = Site::serve(registry, router, 0, "/ops/breakers");
    let payments = site.breaker("payments", LONG);
    open(&payments);
    browser.open(&site.page(), "live").await;
    browser.give_token(TOKEN).await;
    browser.light("live").await;
    browser.until(r#"row("payments")?.dataset.state === "open""#).await;
    browser.open_drawer("payments").await;
    browser.confirm("btn-reset").await;
    browser.until(r#"row("payments").dataset.state === "closed""#).await;
    // With a slash at its end it is the same page.
    browser.open(&format!("{}/", site.page()), "live").await;
    browser.until("rows().length === 1").await;
    site
}

pub(crate) async fn the_header_names_the_service(browser: Browser) -> [Site; 2] {
    let site = Site::with(with_token().service("shop"));
    browser.open(&site.page(), "live").await;
    browser.until(r#"$("service").innerText === "shop" && $("service").checkVisibility()"#).await;
    browser.until(r#"document.title === "shop: circuit breakers""#).await;
    browser.resize(360, 780, 1.0).await;
    browser.until(r#"$("service").checkVisibility()"#).await;

    let nameless = Site::new();
    browser.open(&nameless.page(), "live").await;
    assert_eq!(browser.ask(r#"$("service").hidden"#).await, true);
    assert_eq!(browser.text("document.title").await, "Circuit breakers");
    [site, nameless]
}

pub(crate) async fn names_and_states_are_filtered_and_sorted(browser: Browser) -> Site {
    let site = Site::new();
    for name in ["alpha", "beta", "gamma", "delta"] {
        site.breaker(name, LONG);
    }
    open(&site.registry.get("gamma").unwrap());
    site.registry.get("delta").unwrap().metrics_only();
    browser.open(&site.page(), "live").await;
    // Open ones first, then those that an operator took out, then by name.
    browser.until(r#"names().join() === "gamma,delta,alpha,beta""#).await;
    for (chip, shown) in [
        ("open", "gamma"),
        ("override", "delta"),
        ("closed", "delta,alpha,beta"),
        ("half_open", ""),
        ("all", "gamma,delta,alpha,beta"),
    ] {
        browser.click(&format!("[data-kind={chip}]")).await;
        browser.until(&format!(r#"names().join() === "{shown}""#)).await;
    }
    browser.click("#sort option[value=name]").await;
    browser.until(r#"names().join() === "alpha,beta,delta,gamma""#).await;
    browser.fill("filter", "TA").await;
    browser.until(r#"names().join() === "beta,delta""#).await;
    browser.fill("filter", "nothing").await;
    browser.until(r#"$("empty").innerText.startsWith("No breaker matches.")"#).await;
    browser.click("#show-all").await;
    browser.until("rows().length === 4").await;
    browser.click(&row("beta")).await;
    browser.until(r#"$("drawer").open && $("drawer").dataset.breaker === "beta""#).await;
    site
}

pub(crate) async fn dark_and_light_follow_the_system(browser: Browser) -> Site {
    let site = Site::new();
    open(&site.breaker("payments", LONG));
    browser.open(&site.page(), "live").await;
    browser.until("rows().length === 1").await;
    for (scheme, is_dark) in [("dark", true), ("light", false)] {
        browser.prefer(scheme).await;
        let brightness = |node: &str, property: &str| {
            format!(
                r"getComputedStyle({node}).{property}.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)"
            )
        };
        let comparison = if is_dark { "<" } else { ">" };
        for node in ["document.body", r#"$("drawer")"#, r#"row("payments").querySelector(".pill")"#] {
            let (ground, ink) = (brightness(node, "backgroundColor"), brightness(node, "color"));
            browser.until(&format!("{ground} {comparison} {ink}")).await;
        }
    }
    site
}
