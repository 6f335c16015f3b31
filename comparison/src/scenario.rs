//! The scenarios: which calls, by which setting, called how.

use crate::subject::{AsyncWay, Setting, SyncWay};
use crate::work::Pattern;

/// What happens to the calls of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// They pass nothing but what no breaker can undercut.
    Floor,
    /// They pass a closed breaker.
    Closed(Pattern, Setting),
    /// They are refused. The setting does not matter, so each breaker has the first that it knows.
    Refused,
}

/// How they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Sync(SyncWay),
    Async(AsyncWay),
}

#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub calls: Calls,
    pub way: Way,
}

const SETTINGS: [Setting; 3] = [Setting::Consecutive, Setting::CountWindow, Setting::TimeWindow];
const PATTERNS: [Pattern; 3] = [Pattern::Success, Pattern::Failure, Pattern::OnePercent];
const WAYS: [Way; 6] = [
    Way::Sync(SyncWay::OneThread),
    Way::Sync(SyncWay::TwoThreads),
    Way::Async(AsyncWay::CurrentThread),
    Way::Async(AsyncWay::Task),
    Way::Async(AsyncWay::TwoTasks),
    Way::Sync(SyncWay::Cold),
];

/// All of them, in the order of the table.
pub fn all() -> Vec<Scenario> {
    let mut all = vec![
        Scenario { calls: Calls::Floor, way: Way::Sync(SyncWay::OneThread) },
        Scenario { calls: Calls::Floor, way: Way::Sync(SyncWay::TwoThreads) },
    ];
    for way in WAYS {
        for pattern in PATTERNS {
            for setting in SETTINGS {
                all.push(Scenario { calls: Calls::Closed(pattern, setting), way });
            }
        }
        all.push(Scenario { calls: Calls::Refused, way });
    }
    // With cold caches the failures would only repeat what the successes show.
    all.retain(|scenario| {
        scenario.way != Way::Sync(SyncWay::Cold)
            || matches!(scenario.calls, Calls::Refused | Calls::Closed(Pattern::Success, _))
    });
    all
}

impl Scenario {
    /// What `--only` is compared with.
    pub fn title(self) -> String {
        let calls = match self.calls {
            Calls::Floor => "floors".to_owned(),
            Calls::Refused => "refused".to_owned(),
            Calls::Closed(pattern, setting) => {
                let pattern = match pattern {
                    Pattern::Success => "success",
                    Pattern::Failure => "failure",
                    Pattern::OnePercent => "1 % failures",
                };
                let setting = match setting {
                    Setting::Consecutive => "consecutive",
                    Setting::CountWindow => "count window",
                    Setting::TimeWindow => "time window",
                };
                format!("{pattern}, {setting}")
            }
        };
        let way = match self.way {
            Way::Sync(SyncWay::OneThread) => "one thread",
            Way::Sync(SyncWay::TwoThreads) => "two threads",
            Way::Sync(SyncWay::Cold) => "cold caches",
            Way::Async(AsyncWay::CurrentThread) => "async, current-thread runtime",
            Way::Async(AsyncWay::Task) => "async, multi-thread runtime",
            Way::Async(AsyncWay::TwoTasks) => "async, two tasks on two threads",
        };
        format!("{calls}, {way}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_scenarios_have_one_title() {
        let mut titles: Vec<_> = all().into_iter().map(Scenario::title).collect();
        let count = titles.len();
        titles.sort();
        titles.dedup();
        assert_eq!(titles.len(), count);
    }
}
