//! A real Prometheus on loopback, with its files in a folder that goes when it ends.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    address: String,
    client: reqwest::Client,
}

impl Server {
    /// Starts it with these settings, and waits until it is ready.
    pub(crate) async fn start(settings: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("breakerbox-prometheus-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, settings).expect("its settings");
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it was there a moment ago");
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        // Read to its end on another thread, so that it never waits for us.
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Server { child, folder, address: String::new(), client: reqwest::Client::new() };
        let mut said = Vec::new();
        while server.address.is_empty() {
            let line = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it does not listen: {said:#?}"));
            let address = line.split("address=").nth(1).map(|rest| rest.split(' ').next().unwrap_or(rest));
            if let Some(address) = address.filter(|address| line.contains("Listening on") && !address.ends_with(":0")) {
                address.clone_into(&mut server.address);
            }
            said.push(line);
        }
        server.until("is ready", async |server| server.get("/-/ready", &[]).await.is_some()).await;
        server
    }

    /// Asks until it is so.
    pub(crate) async fn until(&self, what: &str, is_so: impl AsyncFn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self).await {
            assert!(began.elapsed() < PATIENCE, "{what}: not so after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<String> {
        let mut url = reqwest::Url::parse(&format!("http://{}{path}", self.address)).expect("an address");
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.client.get(url).send().await.ok()?;
        answer.status().is_success().then_some(())?;
        answer.text().await.ok()
    }

    async fn api(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let text = self.get(path, query).await.ok_or_else(|| format!("{path} {query:?} is refused"))?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(answer["data"].clone())
    }

    /// The samples that an expression finds now.
    pub(crate) async fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let data = self.api("/api/v1/query", &[("query", expression)]).await?;
        Ok(data["result"].as_array().cloned().unwrap_or_default())
    }

    /// The rules, as it understands them.
    pub(crate) async fn rules(&self) -> Vec<Value> {
        let data = self.api("/api/v1/rules", &[]).await.expect("its rules");
        let groups = data["groups"].as_array().cloned().unwrap_or_default();
        groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// The names of the alerts that fire.
    pub(crate) async fn firing(&self) -> Vec<String> {
        let data = self.api("/api/v1/alerts", &[]).await.expect("its alerts");
        let alerts = data["alerts"].as_array().cloned().unwrap_or_default();
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        firing.map(|alert| alert["labels"]["alertname"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
