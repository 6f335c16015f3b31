//! Each write is logged with who, before and after; nothing secret is.

use std::io;
use std::sync::{Arc, Mutex};

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

impl Log {
    /// Hears what this thread logs.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false);
        tracing::subscriber::set_default(subscriber.with_writer(self.clone()).finish())
    }

    /// The lines of the admin API.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains("breakerbox::admin")).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn each_write_is_logged() {
    let log = Log::default();
    let _guard = log.listen();
    let rig = Rig::new(with_token().token_for("alice\nWARN forged", "a-token")).await;
    rig.open("payments");
    rig.post("/circuit-breakers/payments/force-open").await.ok();
    rig.put("/circuit-breakers/payments/config", "{\"failure_threshold\":3,\"jitter\":0}").await.ok();
    let request = rig.request(Method::POST, "/circuit-breakers/reset-all").bearer_auth("a-token");
    rig.send(request).await.ok();
    let lines = log.lines();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, parts) in lines.iter().zip([
        ["force-open", "\"admin\"", "before=open, mode auto", "after=open, mode forced_open"],
        ["config", "\"admin\"", "before=failure_threshold 5", "after=failure_threshold 3"],
        ["reset", "\"aliceWARN forged\"", "before=open, mode forced_open", "after=closed, mode auto"],
    ]) {
        for part in parts.iter().chain(&["INFO", "peer=127.0.0.1:", "\"payments\""]) {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert!(!line.contains(TOKEN) && !line.contains("a-token"), "{line}");
    }
}

#[tokio::test]
async fn refused_writes_are_told_once_a_second() {
    let log = Log::default();
    let _guard = log.listen();
    let rig = Rig::new(with_token()).await;
    rig.open("payments");
    let begun = std::time::Instant::now();
    for _ in 0..50 {
        let request = rig.request(Method::POST, "/circuit-breakers/payments/reset").bearer_auth("guessed");
        rig.send(request).await.problem(401);
    }
    let lines = log.lines();
    let most = begun.elapsed().as_secs() as usize + 1;
    assert!((1..=most).contains(&lines.len()), "{lines:#?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("status=401") && !lines[0].contains("guessed"), "{lines:?}");
    // Reads, and writes of who may, are none of them.
    rig.get("/circuit-breakers").await.ok();
    assert!(rig.registry.get("payments").unwrap().is_open());
}

#[tokio::test]
async fn what_is_refused_is_not_logged_as_a_write() {
    let log = Log::default();
    let _guard = log.listen();
    let rig = Rig::new(AdminConfig::new().allow_unauthenticated_writes()).await;
    rig.breaker("payments");
    rig.put("/circuit-breakers/payments/config", "{\"failure_threshold\":0}").await.problem(422);
    rig.post("/circuit-breakers/paymnts/reset").await.problem(404);
    assert_eq!(log.lines(), [""; 0]);
    rig.send(rig.request(Method::POST, "/circuit-breakers/payments/reset")).await.ok();
    assert!(log.lines()[0].contains("anonymous"));
}
