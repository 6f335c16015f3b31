//! The page without a mouse.

use std::time::Duration;

use fantoccini::key::Key;

use crate::browser::Browser;
use crate::site::Site;

const LONG: Duration = Duration::from_secs(3600);
const FOCUSED: &str = "document.activeElement";

async fn page_of_three(browser: &Browser) -> Site {
    let site = Site::new();
    for name in ["mail", "payments", "stock"] {
        site.breaker(name, LONG);
    }
    browser.open(&site.page(), "live").await;
    browser.until("rows().length === 3").await;
    site
}

pub(crate) async fn the_page_is_used_without_a_mouse(browser: Browser) -> Site {
    let site = page_of_three(&browser).await;
    browser.press('/').await;
    browser.until(&format!(r#"{FOCUSED} === $("filter") && $("filter").value === """#)).await;
    for key in "pay".chars() {
        browser.press(key).await;
    }
    browser.until(r#"names().join() === "payments""#).await;
    browser.press(Key::Escape).await;
    browser.until("rows().length === 3").await;

    let on = |name: &str| format!(r#"{FOCUSED} === row("{name}").querySelector("button.name")"#);
    browser.press(Key::Down).await;
    browser.until(&on("mail")).await;
    browser.press(Key::Down).await;
    browser.until(&on("payments")).await;
    browser.press(Key::Enter).await;
    browser.until(r#"$("drawer").open && $("drawer").dataset.breaker === "payments""#).await;
    browser.until(&format!(r#"$("drawer").contains({FOCUSED})"#)).await;
    browser.press(Key::Escape).await;
    browser.until(r#"!$("drawer").open"#).await;
    browser.until(&on("payments")).await;
    site
}

pub(crate) async fn the_focus_stays_in_the_drawer(browser: Browser) -> Site {
    let site = page_of_three(&browser).await;
    browser.open_drawer("stock").await;
    // More often than there is anything to stop at.
    let stops = browser.ask(r#"$("drawer").querySelectorAll("button, input").length"#).await.as_u64().unwrap();
    for _ in 0..stops + 3 {
        browser.press(Key::Tab).await;
        assert_eq!(browser.ask(&format!(r#"$("drawer").contains({FOCUSED})"#)).await, true);
    }
    // The question before a change is closed by Escape alone, and the drawer stays.
    browser.click_on("btn-force-open").await;
    browser.until(r#"$("confirm").open"#).await;
    browser.press(Key::Escape).await;
    browser.until(r#"!$("confirm").open && $("drawer").open"#).await;
    assert_eq!(browser.text(r#"row("stock").dataset.mode"#).await, "auto");
    site
}
