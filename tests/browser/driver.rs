//! A real chromium, driven through its chromedriver: one of each for all tests, on a free port, with a profile of its own.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use axum::http::Method;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use serde_json::{Value, json};

/// How long the driver may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1360,900",
];

/// The programs that are needed and not there.
pub(crate) fn missing() -> Vec<&'static str> {
    ["chromium", "chromedriver"].into_iter().filter(|program| find(program).is_none()).collect()
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A chromedriver that runs. Dropped, it ends, and its profile is removed.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let folder = env::temp_dir().join(format!("breakerbox-browser-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            // Whatever the browser leaves behind goes with the folder.
            .envs([("TMPDIR", &folder), ("HOME", &folder)])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let said = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        let (tell, told) = mpsc::channel();
        // Reads on to the end, so that the driver is never held up.
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let port = line.split_once("started successfully on port ");
                if let Some(port) = port.and_then(|(_, port)| port.trim_end_matches('.').parse().ok()) {
                    // Who asked may have given up.
                    let _ = tell.send(port);
                }
            }
        });
        let port = told.recv_timeout(PATIENCE);
        let driver = Driver { process, port: port.unwrap_or(0), folder };
        assert!(driver.port != 0, "chromedriver tells no port");
        driver
    }

    /// A browser. It ends with its session.
    pub(crate) async fn open(&self) -> Client {
        let profile = format!("--user-data-dir={}", self.folder.join("profile").display());
        let flags: Vec<_> = FLAGS.into_iter().chain([profile.as_str()]).collect();
        let wanted = json!({
            "goog:chromeOptions": { "binary": find("chromium"), "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let wanted: Capabilities = serde_json::from_value(wanted).unwrap();
        let url = format!("http://127.0.0.1:{}", self.port);
        let client = ClientBuilder::new(HttpConnector::new()).capabilities(wanted).connect(&url).await;
        client.expect("chromium starts")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        // The browser may still be writing its last file.
        for _ in 0..50 {
            if fs::remove_dir_all(&self.folder).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A command of chromedriver that is in no standard.
#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) path: &'static str,
    pub(crate) body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
