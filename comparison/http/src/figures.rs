//! What a trial comes to, and the medians of several.

use std::time::{Duration, Instant};

use crate::clients::Answer;
use crate::script::Phase;
use crate::server::Seen;
use crate::trial::{Call, Marks};

/// The figures of one trial, or the median of each over several. Latencies are of callers that began while the server
/// was sick.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Requests, and connections refused, while the server was sick.
    pub reached: f64,
    pub connections: f64,
    pub median: Duration,
    pub p99: Duration,
    pub longest: Duration,
    /// The median of the refused ones; zero if there is none.
    pub refused_median: Duration,
    /// Shares of the calls of the sick phase.
    pub succeeded: f64,
    pub failed: f64,
    pub refused: f64,
    /// Calls under way at the same time, at most.
    pub in_flight: f64,
    /// From the moment in which the server was well again to the end of the first call that succeeded.
    pub first_success: Option<Duration>,
    /// The same to the first of the calls of which 19 in 20 succeed.
    pub steady: Option<Duration>,
    /// Whether the callers of the healthy phase all got their page.
    pub healthy: f64,
}

impl Figures {
    pub fn of(calls: &[Call], marks: Marks, seen: &Seen) -> Figures {
        let mut calls = calls.to_vec();
        calls.sort_unstable_by_key(|call| call.began);
        let fell_sick = calls.partition_point(|call| call.began < marks.sick);
        let got_well = calls.partition_point(|call| call.began < marks.well);
        let (healthy, sick, after) = (&calls[..fell_sick], &calls[fell_sick..got_well], &calls[got_well..]);
        let share = |of: &[Call], answer| {
            of.iter().filter(|call| call.answer == answer).count() as f64 / of.len().max(1) as f64
        };
        let took = sorted(sick.iter().map(|call| call.took));
        let refused = sorted(sick.iter().filter(|call| call.answer == Answer::Refused).map(|call| call.took));
        Figures {
            reached: seen.reached(Phase::Sick) as f64,
            connections: seen.connections(Phase::Sick) as f64,
            median: quantile(&took, 0.5),
            p99: quantile(&took, 0.99),
            longest: quantile(&took, 1.0),
            refused_median: quantile(&refused, 0.5),
            succeeded: share(sick, Answer::Success),
            failed: share(sick, Answer::Failed),
            refused: share(sick, Answer::Refused),
            in_flight: most_at_once(&calls) as f64,
            first_success: first_success(after, marks.well),
            steady: steady(after, marks.well),
            healthy: share(healthy, Answer::Success),
        }
    }

    /// The median of each figure. A recovery that was not seen counts as the longest.
    pub fn median_of(trials: &[Figures]) -> Figures {
        let number = |of: fn(&Figures) -> f64| median(trials, of, f64::total_cmp);
        let time = |of: fn(&Figures) -> Duration| median(trials, of, Duration::cmp);
        let recovery = |of: fn(&Figures) -> Option<Duration>| {
            let time = median(trials, |figures| of(figures).unwrap_or(Duration::MAX), Duration::cmp);
            (time < Duration::MAX).then_some(time)
        };
        Figures {
            reached: number(|figures| figures.reached),
            connections: number(|figures| figures.connections),
            median: time(|figures| figures.median),
            p99: time(|figures| figures.p99),
            longest: time(|figures| figures.longest),
            refused_median: time(|figures| figures.refused_median),
            succeeded: number(|figures| figures.succeeded),
            failed: number(|figures| figures.failed),
            refused: number(|figures| figures.refused),
            in_flight: number(|figures| figures.in_flight),
            first_success: recovery(|figures| figures.first_success),
            steady: recovery(|figures| figures.steady),
            healthy: number(|figures| figures.healthy),
        }
    }
}

/// The upper of the two in the middle, so that the median of two rounds is not the better one.
fn median<T: Copy>(trials: &[Figures], of: impl Fn(&Figures) -> T, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> T {
    let mut all: Vec<T> = trials.iter().map(of).collect();
    all.sort_unstable_by(order);
    all[all.len() / 2]
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times
}

/// Of sorted times; zero if there are none.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

fn most_at_once(calls: &[Call]) -> usize {
    let ends = sorted_ends(calls);
    let (mut most, mut ended) = (0, 0);
    for (begun, call) in calls.iter().enumerate() {
        while ends.get(ended).is_some_and(|end| *end <= call.began) {
            ended += 1;
        }
        most = most.max(begun + 1 - ended);
    }
    most
}

fn sorted_ends(calls: &[Call]) -> Vec<Instant> {
    let mut ends: Vec<_> = calls.iter().map(|call| call.began + call.took).collect();
    ends.sort_unstable();
    ends
}

fn first_success(after: &[Call], well: Instant) -> Option<Duration> {
    let successes = after.iter().filter(|call| call.answer == Answer::Success);
    successes.map(|call| call.began + call.took - well).min()
}

fn steady(after: &[Call], well: Instant) -> Option<Duration> {
    const CALLS: usize = 20;
    let mut windows = after.windows(CALLS);
    let steady = windows.find(|window| {
        let successes = window.iter().filter(|call| call.answer == Answer::Success).count();
        successes * 20 >= CALLS * 19 && window[0].answer == Answer::Success
    })?;
    Some(steady[0].began - well)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls 10 ms apart, each of which takes `took` ms.
    fn calls(begin: Instant, took: u64, answers: &[Answer]) -> Vec<Call> {
        let at = |index: usize| begin + Duration::from_millis(10 * index as u64);
        let call = |(index, answer): (usize, &Answer)| Call {
            began: at(index),
            took: Duration::from_millis(took),
            answer: *answer,
        };
        answers.iter().enumerate().map(call).collect()
    }

    #[test]
    fn a_server_is_steady_from_the_first_of_twenty_successes_on() {
        let well = Instant::now();
        let mut answers = vec![Answer::Refused; 7];
        answers.push(Answer::Success);
        answers.extend([Answer::Failed; 2]);
        answers.extend([Answer::Success; 30]);
        let calls = calls(well, 5, &answers);
        assert_eq!(first_success(&calls, well), Some(Duration::from_millis(75)));
        assert_eq!(steady(&calls, well), Some(Duration::from_millis(100)));
        assert_eq!(steady(&calls[..20], well), None);
    }

    #[test]
    fn calls_at_once_are_those_that_overlap() {
        let begin = Instant::now();
        assert_eq!(most_at_once(&calls(begin, 5, &[Answer::Success; 9])), 1);
        assert_eq!(most_at_once(&calls(begin, 25, &[Answer::Success; 9])), 3);
        assert_eq!(most_at_once(&[]), 0);
    }

    #[test]
    fn quantiles_are_of_sorted_times() {
        let times = sorted((0..=100).rev().map(Duration::from_millis));
        assert_eq!(quantile(&times, 0.5), Duration::from_millis(50));
        assert_eq!(quantile(&times, 0.99), Duration::from_millis(99));
        assert_eq!(quantile(&times, 1.0), Duration::from_millis(100));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }
}
