//! Growth: whether a call costs more with more threads, breakers, annotated functions, a larger window or a longer
//! history. Each is measured as a set of curves, drawn as SVG, and judged by a computed rule.

mod breakers;
mod calls;
mod chart;
mod draw;
mod functions;
mod history;
mod report;
mod threads;
mod windows;

use std::fs;
use std::io;
use std::path::Path;

use crate::measure::Effort;

/// Measures every curve, writes `growth-*.svg`, `growth.json` and `growth.txt` into `out`, and gives back the last.
pub(crate) fn run(effort: &Effort, out: &Path) -> io::Result<String> {
    fs::create_dir_all(out)?;
    let mut charts = Vec::new();
    for measure in [
        threads::by_cpu_time,
        threads::by_elapsed_time,
        breakers::calls,
        breakers::lookups,
        breakers::lists,
        windows::calls,
        windows::commands,
        history::calls,
        functions::calls,
    ] {
        let chart = measure(effort)?;
        eprintln!("growth: {} measured", chart.name);
        draw::write(&chart, &out.join(format!("growth-{}.svg", chart.name)))?;
        charts.push(chart);
    }
    let waited = threads::waited(&charts);
    // Threads that wait for a core do not meet on the breaker, and every curve would look flat.
    let is_busy = waited > threads::BUSY;
    charts.iter_mut().filter(|chart| threads::NAMES.contains(&chart.name)).for_each(|chart| chart.is_spoilt = is_busy);
    fs::write(out.join("growth.json"), format!("{:#}\n", report::json(&charts, waited)))?;
    let table = report::table(&charts, waited);
    fs::write(out.join("growth.txt"), &table)?;
    Ok(table)
}

/// How many rounds there are of what takes long.
fn fewer(effort: &Effort) -> usize {
    (effort.rounds / 5).max(3)
}
