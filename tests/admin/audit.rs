//! Each write is logged with who, before and after; nothing secret is.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

use breakerbox::admin::AdminConfig;
use reqwest::Method;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Rig, TOKEN, with_token};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

/// Everything that this process logs. One for all tests, because what others log must not be lost on the way.
fn log() -> &'static Log {
    static LOG: LazyLock<Log> = LazyLock::new(|| {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_ansi(false);
        tracing::subscriber::set_global_default(subscriber.with_writer(log.clone()).finish()).unwrap();
        log
    });
    &LOG
}

impl Log {
    /// The lines of the admin API that hold this.
    fn lines(&self, part: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains("breakerbox::admin") && line.contains(part));
        lines.map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_write_is_logged() {
    let log = log();
    let rig = Rig::new(with_token().token_for("alice\nWARN forged", "a-token")).await;
    rig.open("logged");
    rig.post("/circuit-breakers/logged/force-open").await.ok();
    rig.put("/circuit-breakers/logged/config", "{\"failure_threshold\":3,\"jitter\":0}").await.ok();
    let request = rig.request(Method::POST, "/circuit-breakers/reset-all").bearer_auth("a-token");
    rig.send(request).await.ok();
    let lines = log.lines("breaker=\"logged\"");
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, parts) in lines.iter().zip([
        ["force-open", "who=\"admin\"", "before=\"open, mode auto\"", "after=\"open, mode forced_open\""],
        [
            "config",
            "who=\"admin\"",
            "before=\"failure_threshold 5, jitter 0\"",
            "after=\"failure_threshold 3, jitter 0\"",
        ],
        ["reset", "who=\"aliceWARN forged\"", "before=\"open, mode forced_open\"", "after=\"closed, mode auto\""],
    ]) {
        for part in parts.iter().chain(&["INFO", "peer=127.0.0.1:"]) {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
    let all = log.lines("");
    assert!(all.iter().all(|line| !line.contains(TOKEN) && !line.contains("a-token")), "{all:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_is_stated_anew_is_logged_with_its_value() {
    let log = log();
    let rig = Rig::new(with_token()).await;
    rig.breaker("restated");
    rig.put("/circuit-breakers/restated/config", "{\"failure_threshold\":5}").await.ok();
    let line = &log.lines("breaker=\"restated\"")[0];
    assert!(line.contains("before=\"failure_threshold 5\" after=\"failure_threshold 5\""), "{line}");
    // What goes with a change is told too.
    rig.put("/circuit-breakers/restated/config", "{\"window_duration\":\"10s\"}").await.ok();
    let line = &log.lines("breaker=\"restated\"")[1];
    assert!(line.contains("after=\"window_size off, window_duration 10s\""), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_writes_are_told_once_a_second() {
    let log = log();
    let rig = Rig::new(with_token()).await;
    rig.open("payments");
    // By its address it is told from what other tests are refused.
    let client = reqwest::Client::builder().local_address(IpAddr::from([127, 0, 0, 9])).build().unwrap();
    let begun = Instant::now();
    for _ in 0..50 {
        let request = client.post(rig.url("/circuit-breakers/payments/reset")).bearer_auth("guessed");
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
    let lines = log.lines("peer=127.0.0.9:");
    let most = begun.elapsed().as_secs() as usize + 1;
    assert!((1..=most).contains(&lines.len()), "{lines:#?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("status=401") && !lines[0].contains("guessed"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_logged_as_a_write() {
    let log = log();
    let rig = Rig::new(AdminConfig::new().allow_unauthenticated_writes()).await;
    rig.breaker("unlogged");
    let request = rig.request(Method::PUT, "/circuit-breakers/unlogged/config");
    let request = request.header("content-type", "application/json").body("{\"failure_threshold\":0}");
    rig.send(request).await.problem(422);
    rig.post("/circuit-breakers/unloged/reset").await.problem(404);
    assert_eq!(log.lines("unlog"), [""; 0]);
    rig.send(rig.request(Method::POST, "/circuit-breakers/unlogged/reset")).await.ok();
    assert!(log.lines("breaker=\"unlogged\"")[0].contains("who=\"anonymous\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_from_pages_of_other_sites_are_told() {
    let log = log();
    let rig = Rig::new(with_token()).await;
    let client = reqwest::Client::builder().local_address(IpAddr::from([127, 0, 0, 10])).build().unwrap();
    let request = client.post(rig.url("/circuit-breakers/reset-all")).bearer_auth(TOKEN);
    assert_eq!(request.header("sec-fetch-site", "cross-site").send().await.unwrap().status(), 403);
    let lines = log.lines("peer=127.0.0.10:");
    assert!(lines.len() == 1 && lines[0].contains("WARN") && lines[0].contains("status=403"), "{lines:#?}");
}
