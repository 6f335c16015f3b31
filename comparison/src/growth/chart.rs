//! Curves of one chart, how they are measured, and the rule that says whether one grows.

use std::time::Duration;

use crate::measure::{Effort, Timed, interleave, interleave_calls};

/// A curve whose highest point is more than so many times its first has grown.
pub(super) const BOUND: f64 = 1.5;

/// What a curve is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// What is judged.
    Breakerbox,
    /// What no breaker could avoid. Curves are judged by the first floor of their chart, or the one that they name.
    Floor,
    /// Another library, to show what growth looks like.
    Contrast,
}

/// Cost over size.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) name: &'static str,
    pub(super) role: Role,
    /// Size, and the median of the cost in the unit of the chart.
    pub(super) points: Vec<(f64, f64)>,
    /// Smaller sizes are drawn, but not judged.
    pub(super) judged_from: f64,
    /// The floor that it is judged by, if that is not the first of its chart.
    pub(super) floor: Option<&'static str>,
    /// A size, and what it may cost at most there.
    pub(super) limit: Option<(f64, f64)>,
}

#[derive(Debug)]
pub(super) struct Chart {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) x: &'static str,
    pub(super) y: &'static str,
    /// Nanoseconds in the unit of the costs.
    pub(super) unit: f64,
    /// The cost is that of all together, so the rule looks at the cost of one.
    pub(super) is_total: bool,
    /// Something else disturbed the measurement, so nothing is said about the curves.
    pub(super) is_spoilt: bool,
    pub(super) curves: Vec<Curve>,
}

/// What is measured at one size, and the curve it belongs to.
pub(super) struct Subject<'a> {
    name: &'static str,
    role: Role,
    timed: Timed<'a>,
}

impl<'a> Subject<'a> {
    pub(super) fn ours(name: &'static str, timed: impl FnMut(u64) -> Duration + 'a) -> Self {
        Subject { name, role: Role::Breakerbox, timed: Box::new(timed) }
    }

    pub(super) fn floor(name: &'static str, timed: impl FnMut(u64) -> Duration + 'a) -> Self {
        Subject { name, role: Role::Floor, timed: Box::new(timed) }
    }

    pub(super) fn contrast(name: &'static str, timed: impl FnMut(u64) -> Duration + 'a) -> Self {
        Subject { name, role: Role::Contrast, timed: Box::new(timed) }
    }
}

/// What the rule says about a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    Flat,
    /// It grows, but not by more than `BOUND` times what its floor grows by.
    AsItsFloor,
    Grows,
}

impl Verdict {
    pub(super) fn text(self) -> &'static str {
        match self {
            Verdict::Flat => "flat",
            Verdict::AsItsFloor => "as its floor",
            Verdict::Grows => "GROWS",
        }
    }
}

/// How a curve goes, from the first point that is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    pub(super) first: f64,
    pub(super) highest: f64,
    pub(super) last: f64,
}

impl Course {
    pub(super) fn growth(self) -> f64 {
        self.highest / self.first
    }
}

impl Chart {
    pub(super) fn new(name: &'static str, title: &'static str, x: &'static str, y: &'static str) -> Self {
        Chart { name, title, x, y, unit: 1.0, is_total: false, is_spoilt: false, curves: Vec::new() }
    }

    /// Measures the subjects in interleaved rounds and adds a point to the curve of each.
    pub(super) fn measure(&mut self, size: usize, effort: &Effort, subjects: Vec<Subject<'_>>) {
        let (curves, mut timed) = split(subjects);
        for ((name, role), samples) in curves.into_iter().zip(interleave(&mut timed, effort)) {
            self.add(name, role, size, samples.spread().median);
        }
    }

    /// The same with samples of `calls` calls: for what is long enough by itself.
    pub(super) fn measure_calls(&mut self, size: usize, rounds: usize, calls: u64, subjects: Vec<Subject<'_>>) {
        let (curves, mut timed) = split(subjects);
        let samples = interleave_calls(&mut timed, &vec![calls; curves.len()], rounds);
        for ((name, role), samples) in curves.into_iter().zip(samples) {
            self.add(name, role, size, samples.spread().median);
        }
    }

    /// Adds a point, of nanoseconds, to a curve.
    pub(super) fn add(&mut self, name: &'static str, role: Role, size: usize, nanoseconds: f64) {
        let point = (size as f64, nanoseconds / self.unit);
        match self.curves.iter_mut().find(|curve| curve.name == name) {
            Some(curve) => curve.points.push(point),
            None => {
                self.curves.push(Curve { name, role, points: vec![point], judged_from: 0.0, floor: None, limit: None });
            }
        }
    }

    /// The curve of that name, to say more of it.
    pub(super) fn curve(&mut self, name: &str) -> &mut Curve {
        self.curves.iter_mut().find(|curve| curve.name == name).expect("the curve has been measured")
    }

    pub(super) fn course(&self, curve: &Curve) -> Course {
        let costs: Vec<f64> = curve
            .points
            .iter()
            .filter(|(size, _)| *size >= curve.judged_from)
            .map(|(size, cost)| if self.is_total { cost / size } else { *cost })
            .collect();
        Course {
            first: costs.first().copied().unwrap_or(f64::NAN),
            highest: costs.iter().copied().fold(f64::NAN, f64::max),
            last: costs.last().copied().unwrap_or(f64::NAN),
        }
    }

    pub(super) fn verdict(&self, curve: &Curve) -> Verdict {
        let floor =
            self.curves.iter().find(|one| one.role == Role::Floor && curve.floor.is_none_or(|name| one.name == name));
        let inherent = floor.map_or(1.0, |floor| self.course(floor).growth().max(1.0));
        let growth = self.course(curve).growth();
        if growth <= BOUND {
            Verdict::Flat
        } else if growth <= BOUND * inherent {
            Verdict::AsItsFloor
        } else {
            Verdict::Grows
        }
    }
}

fn split(subjects: Vec<Subject<'_>>) -> (Vec<(&'static str, Role)>, Vec<Timed<'_>>) {
    subjects.into_iter().map(|subject| ((subject.name, subject.role), subject.timed)).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(floor: [f64; 2], ours: [f64; 3]) -> Chart {
        let mut chart = Chart::new("test", "", "", "");
        for (size, cost) in [1, 100].into_iter().zip(floor) {
            chart.add("floor", Role::Floor, size, cost);
        }
        for (size, cost) in [1, 10, 100].into_iter().zip(ours) {
            chart.add("ours", Role::Breakerbox, size, cost);
        }
        chart
    }

    fn verdict(chart: &Chart) -> Verdict {
        chart.verdict(&chart.curves[1])
    }

    #[test]
    fn a_curve_within_the_bound_is_flat() {
        assert_eq!(verdict(&chart([1.0, 1.0], [2.0, 2.9, 2.5])), Verdict::Flat);
    }

    #[test]
    fn a_hump_is_growth_too() {
        assert_eq!(verdict(&chart([1.0, 1.0], [2.0, 3.1, 2.0])), Verdict::Grows);
    }

    #[test]
    fn what_the_floor_grows_by_is_inherent() {
        assert_eq!(verdict(&chart([1.0, 3.0], [2.0, 4.0, 8.9])), Verdict::AsItsFloor);
        assert_eq!(verdict(&chart([1.0, 3.0], [2.0, 4.0, 9.1])), Verdict::Grows);
    }

    #[test]
    fn sizes_before_the_first_judged_one_do_not_count() {
        let mut chart = chart([1.0, 1.0], [1.0, 4.0, 4.0]);
        chart.curve("ours").judged_from = 10.0;
        assert_eq!(verdict(&chart), Verdict::Flat);
    }

    #[test]
    fn a_total_is_judged_by_the_cost_of_one() {
        let mut chart = chart([1.0, 1.0], [1.0, 10.0, 100.0]);
        chart.is_total = true;
        assert_eq!(verdict(&chart), Verdict::Flat);
    }
}
