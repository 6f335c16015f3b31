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

    #[cfg(test)]
    pub(super) fn of(unix_ms: u64, boot: Option<(&str, u64)>) -> Self {
        Moment { unix_ms, boot: boot.map(|(id, ms)| Boot { id: id.to_owned(), ms }) }
    }

    /// Milliseconds from here to a later moment; `None` if it is an earlier one. Within one start of the machine
    /// its own time tells, which nobody can set; else the wall clock does.
    pub(super) fn until(&self, now: &Moment) -> Option<u64> {
        let by_boot = match (&self.boot, &now.boot) {
            // One that is behind is that of a machine that was taken up from an image.
            (Some(saved), Some(now)) if saved.id == now.id => now.ms.checked_sub(saved.ms),
            _ => None,
        };
        by_boot.or_else(|| now.unix_ms.checked_sub(self.unix_ms))
    }

    /// Microseconds by the wall clock.
    pub(super) fn wall(&self) -> u64 {
        self.unix_ms.saturating_mul(1000)
    }

    /// Microseconds of a clock that nobody sets, and which clock that is. Where there is none, the wall clock.
    pub(super) fn steady(&self) -> (&str, u64) {
        self.boot.as_ref().map_or(("", self.wall()), |boot| (&boot.id, boot.ms.saturating_mul(1000)))
    }
}

/// Which start of the machine this is, and how long ago it was.
#[cfg(target_os = "linux")]
fn boot() -> Option<Boot> {
    static ID: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let id = Some(id.trim()).filter(|id| !id.is_empty())?;
        // A container may have been given a time of its own.
        let namespace = fs::read_link("/proc/self/ns/time").unwrap_or_default();
        Some(format!("{id} {}", namespace.display()))
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
    use super::Moment;

    fn moment(unix_ms: u64, boot: Option<(&str, u64)>) -> Moment {
        Moment::of(unix_ms, boot)
    }

    #[test]
    fn within_one_boot_the_wall_clock_may_jump() {
        let saved = moment(1_000_000, Some(("a", 500)));
        assert_eq!(saved.until(&moment(0, Some(("a", 1_700)))), Some(1_200));
        assert_eq!(saved.until(&moment(u64::MAX, Some(("a", 1_700)))), Some(1_200));
    }

    #[test]
    fn over_a_reboot_the_wall_clock_tells_unless_it_is_behind() {
        let saved = moment(1_000_000, Some(("a", 500)));
        assert_eq!(saved.until(&moment(1_005_000, Some(("b", 10)))), Some(5_000));
        assert_eq!(saved.until(&moment(1_005_000, None)), Some(5_000));
        assert_eq!(saved.until(&moment(999_000, Some(("b", 10)))), None);
    }

    #[test]
    fn a_boot_clock_that_is_behind_leaves_it_to_the_wall_clock() {
        let saved = moment(1_000_000, Some(("a", 500)));
        assert_eq!(saved.until(&moment(1_003_000, Some(("a", 400)))), Some(3_000));
    }
}
