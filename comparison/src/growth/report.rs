//! The curves as a table and as JSON, each with what the rule says about it.

use std::fmt::Write;

use serde_json::{Value, json};

use super::chart::{BOUND, Chart, Course, Curve, Role};

/// A cost with as many digits as the eye needs.
fn short(cost: f64) -> String {
    let digits = match cost {
        cost if cost >= 100.0 => 0,
        cost if cost >= 10.0 => 1,
        _ => 2,
    };
    format!("{cost:.digits$}")
}

/// What is said about a curve: nothing, if it is there to compare with.
fn finding(chart: &Chart, curve: &Curve) -> String {
    let mut text = match curve.role {
        Role::Breakerbox if chart.is_spoilt => "not judged".to_owned(),
        Role::Breakerbox => chart.verdict(curve).text().to_owned(),
        Role::Floor => "(floor)".to_owned(),
        Role::Contrast => "(for contrast)".to_owned(),
    };
    if let Some((size, limit)) = curve.limit
        && let Some((_, cost)) = curve.points.iter().find(|point| point.0 >= size)
    {
        let verdict = if *cost <= limit { "kept" } else { "MISSED" };
        let _ = write!(text, "; limit {limit} at {size}: {}, {verdict}", short(*cost));
    }
    text
}

pub(super) fn table(charts: &[Chart], waited: f64) -> String {
    let mut text = format!(
        "Growth. A curve is flat if its highest point is at most {BOUND} times its first; it goes as its floor if that\n\
         is at most {BOUND} times what its floor grows by.\n"
    );
    if charts.iter().any(|chart| chart.is_spoilt) {
        let _ = writeln!(
            text,
            "The machine was busy: threads waited for a core, their elapsed time was {waited:.1} times their processor\n\
             time. So threads met too seldom to show what they cost each other: curves over threads are not judged."
        );
    }
    for chart in charts {
        // A total is judged by the cost of one, which is small.
        let (y, unit) = if chart.is_total { ("ns for each", chart.unit) } else { (chart.y, 1.0) };
        let _ = write!(
            text,
            "\n{} ({y})\n\n| curve | first | highest | last | highest/first | last/first | finding |\n\
             |---|--:|--:|--:|--:|--:|---|\n",
            chart.title,
        );
        for curve in &chart.curves {
            let course = chart.course(curve);
            let Course { first, highest, last } = course;
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {:.2} | {:.2} | {} |",
                curve.name,
                short(first * unit),
                short(highest * unit),
                short(last * unit),
                course.growth(),
                last / first,
                finding(chart, curve),
            );
        }
    }
    text
}

pub(super) fn json(charts: &[Chart], waited: f64) -> Value {
    let curve = |chart: &Chart, curve: &Curve| {
        let Course { first, highest, last } = chart.course(curve);
        json!({
            "name": curve.name,
            "points": curve.points,
            "highest_to_first": highest / first,
            "last_to_first": last / first,
            "judged_from": curve.judged_from,
            "limit": curve.limit,
            "finding": finding(chart, curve),
        })
    };
    let charts: Vec<Value> = charts
        .iter()
        .map(|chart| {
            json!({
                "name": chart.name,
                "title": chart.title,
                "x": chart.x,
                "y": chart.y,
                "curves": chart.curves.iter().map(|one| curve(chart, one)).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "bound": BOUND,
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "elapsed_to_processor_time": waited,
        "charts": charts,
    })
}
