//! Where and with what a comparison was made.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use serde::Serialize;

#[derive(Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    /// Of the last minute, before the first round: what else the machine had to do.
    pub load: String,
    pub rustc: &'static str,
    pub date: String,
}

impl Machine {
    pub fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let model = cpu.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
        let or_unknown = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
        Self {
            cpu: or_unknown(model.map_or("", |(_, model)| model.trim())),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: or_unknown(read("/proc/sys/kernel/osrelease").trim()),
            load: or_unknown(read("/proc/loadavg").split(' ').next().unwrap_or_default()),
            rustc: env!("BUILT_BY"),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        }
    }
}

/// The versions of all packages in the lock file that this program was built with.
pub fn versions() -> BTreeMap<String, String> {
    let lock: toml::Table = include_str!("../Cargo.lock").parse().unwrap_or_default();
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let text = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    packages.filter_map(|package| Some((text(package, "name")?, text(package, "version")?))).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_peer_has_a_version() {
        let versions = super::versions();
        let packages = crate::peers::sync().into_iter().map(|peer| peer.package);
        for package in packages.chain(crate::peers::asynchronous().into_iter().map(|peer| peer.package)) {
            assert!(versions.contains_key(package), "{package} is not in the lock file");
        }
    }
}
