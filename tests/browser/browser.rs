//! The browser as a test uses it: windows, clicks, keys, and questions to the page.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::driver::Vendor;

/// How long anything may take on a slow machine that has no bound of its own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What each script may use.
const PRELUDE: &str = r##"
    const $ = (id) => document.querySelector(`[data-testid="${id}"]`);
    const rows = () => [...document.querySelectorAll("#rows [data-breaker]")];
    const row = (name) => rows().find((row) => row.dataset.breaker === name);
    const names = () => rows().map((row) => row.dataset.breaker);
"##;

#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    /// What the log of the browser may tell in this test.
    allowed: Arc<Mutex<Vec<&'static str>>>,
}

impl Browser {
    /// One new window, of a usual size; those that a test left are closed.
    pub(crate) async fn fresh(client: Client) -> Self {
        let browser = Browser { client, allowed: Arc::default() };
        let old = browser.client.windows().await.unwrap();
        let new = browser.window().await;
        for window in old {
            browser.switch(&window).await;
            browser.client.close_window().await.unwrap();
        }
        browser.switch(&new).await;
        browser.log().await;
        browser
    }

    /// Opens a window and goes there.
    pub(crate) async fn window(&self) -> WindowHandle {
        let window = self.client.new_window(true).await.unwrap().handle;
        self.switch(&window).await;
        window
    }

    pub(crate) async fn switch(&self, window: &WindowHandle) {
        self.client.switch_to_window(window.clone()).await.unwrap();
    }

    pub(crate) async fn current(&self) -> WindowHandle {
        self.client.window().await.unwrap()
    }

    /// Opens a page and waits for its light to be so.
    pub(crate) async fn open(&self, url: &str, light: &str) {
        self.client.goto(url).await.unwrap();
        self.light(light).await;
    }

    /// Waits for the light.
    pub(crate) async fn light(&self, state: &str) {
        self.until(&format!(r#"$("live").dataset.state === "{state}""#)).await;
    }

    /// What an expression is in the page.
    pub(crate) async fn ask(&self, expression: &str) -> Value {
        self.run(&format!("return {expression};"), vec![]).await
    }

    /// What an expression is in the page, which must be a text.
    pub(crate) async fn text(&self, expression: &str) -> String {
        let value = self.ask(expression).await;
        value.as_str().unwrap_or_else(|| panic!("{expression} is no text: {value}")).to_owned()
    }

    /// Runs a script in the page.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        let result = self.client.execute(&format!("{PRELUDE}{script}"), arguments).await;
        result.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Runs a script that tells its result to the function `done`.
    pub(crate) async fn run_async(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1];{PRELUDE}{script}");
        let result = self.client.execute_async(&script, vec![]).await;
        result.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        self.until_in(PATIENCE, expression).await;
    }

    /// Waits until an expression is true, and tells how long it took.
    pub(crate) async fn until_in(&self, within: Duration, expression: &str) -> Duration {
        let start = Instant::now();
        loop {
            let value = self.ask(expression).await;
            let elapsed = start.elapsed();
            if value == json!(true) {
                return elapsed;
            }
            if elapsed > within {
                let seen = self.ask("document.body.innerText").await;
                panic!("not so within {within:?}: {expression}\nThe page:\n{}", seen.as_str().unwrap_or_default());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Clicks on what a selector finds, as a hand would: it has to be in sight, and nothing before it.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.client.find(Locator::Css(selector)).await;
        let element = element.unwrap_or_else(|error| panic!("{selector}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Clicks on what has this test id.
    pub(crate) async fn click_on(&self, id: &str) {
        self.click(&by_id(id)).await;
    }

    /// Opens the drawer by a click on the row.
    pub(crate) async fn open_drawer(&self, name: &str) {
        self.click(&format!("{} button.name", row(name))).await;
        self.until(r#"$("drawer").open && $("drawer").getAnimations().length === 0"#).await;
        assert_eq!(self.text(r#"$("drawer").dataset.breaker"#).await, name);
    }

    /// Clicks on a button that asks back, and answers yes.
    pub(crate) async fn confirm(&self, id: &str) {
        self.click_on(id).await;
        self.until(r#"$("confirm").open"#).await;
        self.click_on("confirm-yes").await;
    }

    /// Types into what has this test id, in place of what is there.
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let element = self.client.find(Locator::Css(&by_id(id))).await.unwrap();
        element.clear().await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    /// Saves a token.
    pub(crate) async fn give_token(&self, token: &str) {
        self.fill("token-input", token).await;
        self.click_on("token-save").await;
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn press(&self, key: impl Into<char>) {
        let value = key.into();
        let keys = KeyActions::new("keys".into());
        let keys = keys.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn command(&self, cmd: &str, params: Value) {
        let body = json!({ "cmd": cmd, "params": params });
        self.client.issue_cmd(Vendor { path: "goog/cdp/execute", body }).await.unwrap();
    }

    /// Makes the page that large, with so many dots to a pixel.
    pub(crate) async fn resize(&self, width: u32, height: u32, scale: f64) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// What the system is said to prefer: `dark` or `light`.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.command("Emulation.setEmulatedMedia", features).await;
    }

    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }

    /// What the browser has logged since the last time: errors, warnings, violations of the policy.
    pub(crate) async fn log(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Vendor { path: "se/log", body: json!({ "type": "browser" }) }).await.unwrap();
        let entries = log.as_array().unwrap_or_else(|| panic!("no log: {log}"));
        let counts = |entry: &&Value| matches!(entry["level"].as_str(), Some("WARNING" | "SEVERE"));
        entries.iter().filter(counts).map(|entry| format!("{} {}", entry["source"], entry["message"])).collect()
    }

    /// The log may tell this, for this test is about it.
    pub(crate) fn allow(&self, text: &'static str) {
        self.allowed.lock().unwrap().push(text);
    }

    /// Nothing went wrong in the page.
    pub(crate) async fn check_log(&self) {
        let mut log = self.log().await;
        let allowed = self.allowed.lock().unwrap().clone();
        log.retain(|line| !allowed.iter().any(|allowed| line.contains(allowed)));
        assert!(log.is_empty(), "the log of the browser:\n{}", log.join("\n"));
    }
}

/// The selector of a row.
pub(crate) fn row(name: &str) -> String {
    let name = name.replace('\\', r"\\").replace('"', r#"\""#);
    format!(r#"#rows [data-breaker="{name}"]"#)
}

fn by_id(id: &str) -> String {
    format!(r#"[data-testid="{id}"]"#)
}
