//! What the program holds: by its allocator, and by the system.

use stats_alloc::Stats;

use crate::ALLOCATOR;

pub fn stats() -> Stats {
    ALLOCATOR.stats()
}

/// Bytes that are allocated and not freed.
pub fn live() -> usize {
    let stats = stats();
    // Blocks that grew or shrank in place are in both already.
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// Resident memory in bytes; none on systems that do not tell in a file.
pub fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}
