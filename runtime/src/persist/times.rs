//! How much time has passed since another process wrote something, whatever happened to the clocks.

#[cfg(target_os = "linux")]
use std::fs;
#[cfg(target_os = "linux")]
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
use crate::clock;

/// A moment, by the wall clock and, where the system tells it, by the time since it was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moment {
    unix_ms: u64,
    #[serde(default)]
    boot: Option<Boot>,
}

/// The time since a start of the machine, and which start it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Boot {
    id: String,
    ms: u64,
}

impl Moment {
    pub(super) fn now() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { unix_ms: unix.as_millis() as u64, boot: boot() }
    }

    /// Milliseconds from here to a later moment. Within one start of the machine its own time tells,
    /// which nobody can set; else the wall clock does. A clock that stepped back says that none passed.
    pub(super) fn until(&self, now: &Moment) -> u64 {
        let by_boot = match (&self.boot, &now.boot) {
            // One that is behind is that of another container, or of a machine that was taken up from an image.
            (Some(saved), Some(now)) if saved.id == now.id => now.ms.checked_sub(saved.ms),
            _ => None,
        };
        by_boot.unwrap_or_else(|| now.unix_ms.saturating_sub(self.unix_ms))
    }
}

/// Which start of the machine this is, and how long ago it was.
#[cfg(target_os = "linux")]
fn boot() -> Option<Boot> {
    static ID: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    };
    let id = ID.get_or_init(read).clone()?;
    Some(Boot { id, ms: clock::since_boot() })
}

#[cfg(not(target_os = "linux"))]
fn boot() -> Option<Boot> {
    None
}

#[cfg(test)]
mod tests {
    use super::{Boot, Moment};

    fn moment(unix_ms: u64, boot: Option<(&str, u64)>) -> Moment {
        Moment { unix_ms, boot: boot.map(|(id, ms)| Boot { id: id.to_owned(), ms }) }
    }

    #[test]
    fn within_one_boot_the_wall_clock_may_jump() {
        let saved = moment(1_000_000, Some(("a", 500)));
        assert_eq!(saved.until(&moment(0, Some(("a", 1_700)))), 1_200);
        assert_eq!(saved.until(&moment(u64::MAX, Some(("a", 1_700)))), 1_200);
    }

    #[test]
    fn over_a_reboot_the_wall_clock_tells_and_one_that_is_behind_says_nothing_passed() {
        let saved = moment(1_000_000, Some(("a", 500)));
        assert_eq!(saved.until(&moment(1_005_000, Some(("b", 10)))), 5_000);
        assert_eq!(saved.until(&moment(1_005_000, None)), 5_000);
        assert_eq!(saved.until(&moment(999_000, Some(("b", 10)))), 0);
    }

    #[test]
    fn a_boot_clock_that_is_behind_leaves_it_to_the_wall_clock() {
        let saved = moment(1_000_000, Some(("a", 500)));
        assert_eq!(saved.until(&moment(1_003_000, Some(("a", 400)))), 3_000);
    }
}
