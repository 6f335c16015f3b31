//! A chart as SVG: both axes logarithmic, the legend beside the plot in the order in which the curves end.

use std::io;
use std::path::Path;

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::chart::{Chart, Curve, Role};

const SIZE: (u32, u32) = (1120, 560);
const LEGEND: u32 = 370;
const FONT: &str = "sans-serif";

/// Colours that stay apart for the colour-blind: those of Okabe and Ito, without the yellow, which is hard to see on
/// white.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const GREYS: [RGBColor; 2] = [RGBColor(130, 130, 130), RGBColor(170, 170, 170)];

pub(super) fn write(chart: &Chart, path: &Path) -> io::Result<()> {
    draw(chart, path).map_err(|error| io::Error::other(format!("{} cannot be drawn: {error}", path.display())))
}

fn draw(chart: &Chart, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    root.draw(&Text::new(chart.title, (16, 14), (FONT, 20, &INK).into_text_style(&root)))?;
    let root = root.margin(44, 0, 0, 0);
    let (plot, legend) = root.split_horizontally(SIZE.0 - LEGEND);
    let sizes: Vec<f64> = chart.curves[0].points.iter().map(|(size, _)| *size).collect();
    let costs = ticks(chart);
    let range = |ticks: &[f64]| ticks[0]..ticks[ticks.len() - 1];
    let mut axes = ChartBuilder::on(&plot).margin(12).x_label_area_size(48).y_label_area_size(72).build_cartesian_2d(
        range(&sizes).log_scale().with_key_points(sizes.clone()),
        range(&costs).log_scale().with_key_points(costs.clone()),
    )?;
    axes.configure_mesh()
        .bold_line_style(RGBColor(225, 225, 225))
        .light_line_style(TRANSPARENT)
        .axis_style(GREYS[0])
        .label_style((FONT, 14, &INK))
        .axis_desc_style((FONT, 16, &INK))
        .x_desc(chart.x)
        .y_desc(chart.y)
        .x_label_formatter(&|size| plain(*size))
        .y_label_formatter(&|cost| plain(*cost))
        .draw()?;

    let (mut colours, mut greys) = (COLOURS.into_iter().cycle(), GREYS.into_iter().cycle());
    let mut style = |curve: &Curve| match curve.role {
        Role::Breakerbox => colours.next().unwrap_or(INK),
        Role::Floor => greys.next().unwrap_or(INK),
        Role::Contrast => INK,
    };
    let mut curves: Vec<(&Curve, RGBColor)> = chart.curves.iter().map(|curve| (curve, style(curve))).collect();
    // The first curves have the largest dots, so that one which another covers can still be seen.
    for (rank, (curve, colour)) in (0..).zip(&curves) {
        let points = || curve.points.iter().copied();
        if curve.role == Role::Breakerbox {
            axes.draw_series(LineSeries::new(points(), colour.stroke_width(3)))?;
        } else {
            let (dash, gap) = dashes(curve.role);
            axes.draw_series(DashedLineSeries::new(points(), dash, gap, colour.stroke_width(2)))?;
        }
        let radius = if curve.role == Role::Floor { 4 } else { (8 - rank).max(4) };
        axes.draw_series(points().map(|point| Circle::new(point, radius, colour.filled())))?;
    }

    let end = |curve: &Curve| curve.points.last().map_or(0.0, |(_, cost)| *cost);
    curves.sort_by(|(one, _), (other, _)| end(other).total_cmp(&end(one)));
    let text = (FONT, 14, &INK).into_text_style(&legend).pos(Pos::new(HPos::Left, VPos::Center));
    for (row, (curve, colour)) in (0..).zip(curves) {
        let y = 20 + 36 * row;
        let line = [(4, y), (40, y)];
        if curve.role == Role::Breakerbox {
            legend.draw(&PathElement::new(line, colour.stroke_width(3)))?;
        } else {
            let (dash, gap) = dashes(curve.role);
            legend.draw(&DashedPathElement::new(line, dash, gap, colour.stroke_width(2)))?;
        }
        legend.draw(&Circle::new((22, y), 4, colour.filled()))?;
        legend.draw(&Text::new(curve.name, (50, y), &text))?;
    }
    root.present()?;
    Ok(())
}

/// Dash and gap. Short ones are a floor, long ones another library.
fn dashes(role: Role) -> (i32, i32) {
    if role == Role::Floor { (3, 4) } else { (10, 5) }
}

/// 1, 2 and 5 times the powers of ten, from just under the lowest cost to just over the highest; only the powers where
/// that would be too many.
fn ticks(chart: &Chart) -> Vec<f64> {
    let costs = || chart.curves.iter().flat_map(|curve| &curve.points).map(|(_, cost)| *cost);
    let (low, high) = (costs().fold(f64::INFINITY, f64::min), costs().fold(0.0, f64::max));
    let decades = (high / low).log10();
    let steps: &[f64] = if decades > 3.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let all: Vec<f64> = (-9..12).flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power))).collect();
    let first = all.iter().rposition(|tick| *tick < low).unwrap_or(0);
    let last = all.iter().position(|tick| *tick > high).unwrap_or(all.len() - 1);
    all[first..=last].to_vec()
}

/// 100,000 or 0.05.
fn plain(number: f64) -> String {
    if number < 1.0 {
        let digits = (-number.log10()).ceil() as usize;
        return format!("{number:.digits$}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        let numbers = [0.001, 0.02, 0.5, 1.0, 16.0, 1_000.0, 100_000.0, 1_000_000.0];
        assert_eq!(numbers.map(plain), ["0.001", "0.02", "0.5", "1", "16", "1,000", "100,000", "1,000,000"]);
    }

    #[test]
    fn ticks_lie_around_all_costs() {
        let mut chart = Chart::new("test", "", "", "");
        for (size, cost) in [(1, 1.4), (10, 30.0)] {
            chart.add("one", Role::Breakerbox, size, cost);
        }
        assert_eq!(ticks(&chart), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
    }
}
