//! The pictures of the README, taken of the real example while its backends are down.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tokio::time::sleep;

use crate::browser::Browser;

/// The example, which runs until this is dropped.
pub(crate) struct Example {
    process: Child,
    /// Kept, for a program whose output nobody takes may end.
    _output: BufReader<ChildStdout>,
    address: String,
    token: String,
}

impl Example {
    fn start() -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // `cargo run` becomes the program that it runs, so that it ends with its process.
        let mut process = Command::new(cargo)
            .args(["run", "--quiet", "--example", "dashboard", "--features", "admin", "--"])
            .args(["--port", "0", "--seconds", "300", "--calm"])
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut lines = output.by_ref().lines().map_while(Result::ok);
        let mut told = |key: &str| {
            let line = lines.find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("the example tells no {key}"));
            line[key.len()..].trim().to_owned()
        };
        let (page, token) = (told("dashboard"), told("token"));
        let address = page.trim_end_matches("/dashboard").to_owned();
        Example { process, _output: output, address, token }
    }

    /// Breaks or mends a backend.
    async fn make(&self, backend: &str, behaviour: &str) {
        let url = format!("{}/backends/{backend}/{behaviour}", self.address);
        reqwest::Client::new().post(url).send().await.unwrap().error_for_status().unwrap();
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

async fn take(browser: &Browser, name: &str) {
    // What moves has come to rest.
    sleep(Duration::from_secs(1)).await;
    let file = root().join("docs/images").join(format!("{name}.png"));
    fs::write(&file, browser.screenshot().await).unwrap();
    // A third of the size; without the program they are merely larger.
    let _ = Command::new("pngquant").args(["--force", "--strip", "--output"]).arg(&file).arg(&file).status();
    println!("{}: {} bytes", file.display(), fs::metadata(&file).unwrap().len());
}

pub(crate) async fn screenshots(browser: Browser) -> Example {
    let example = Example::start();
    browser.resize(1280, 800, 1.0).await;
    browser.prefer("dark").await;
    browser.open(&format!("{}/dashboard", example.address), "live").await;
    browser.give_token(&example.token).await;
    browser.light("live").await;
    // Two minutes in which one thing after the other goes wrong, and some of it comes back.
    for (seconds, backend, behaviour) in [
        (45, "search", "unavailable"),
        (15, "prices", "refuses"),
        (12, "prices", "works"),
        (15, "payments", "flaky"),
        (10, "shipping", "slow"),
        (6, "stock", "hangs"),
    ] {
        sleep(Duration::from_secs(seconds)).await;
        example.make(backend, behaviour).await;
    }
    browser.open_drawer("mail").await;
    browser.confirm("btn-force-open").await;
    browser.until(r#"row("mail").dataset.mode === "forced_open""#).await;
    browser.click_on("drawer-close").await;
    browser.until(r#"!$("alerts").hidden && row("stock").dataset.state === "open""#).await;
    take(&browser, "dashboard-dark").await;
    browser.prefer("light").await;
    take(&browser, "dashboard-light").await;
    browser.open_drawer("stock").await;
    take(&browser, "dashboard-drawer").await;
    browser.click_on("drawer-close").await;
    browser.prefer("dark").await;
    browser.resize(390, 760, 2.0).await;
    take(&browser, "dashboard-narrow").await;
    example
}
