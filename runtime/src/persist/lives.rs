//! Which instances live, for which breakers. As most say so for all their breakers at once, a file holds runs of equal
//! times: it grows with the instances and with the breakers, not with their product.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Until when each instance lives.
pub(super) type Ends = BTreeMap<String, u64>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Runs", into = "Runs")]
pub(super) struct Lives {
    /// In order.
    breakers: Vec<String>,
    /// Until when an instance lives for each of these breakers, in their order; 0 where it has none.
    until: BTreeMap<String, Vec<u64>>,
}

/// As a file holds it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Runs {
    breakers: Vec<String>,
    /// How many breakers in a row, and until when.
    until: BTreeMap<String, Vec<(usize, u64)>>,
}

impl Lives {
    /// Who lives for this breaker.
    pub(super) fn of(&self, breaker: &str) -> Ends {
        let Ok(at) = self.find(breaker) else { return Ends::new() };
        let ends = self.until.iter().map(|(instance, until)| (instance, until[at]));
        ends.filter(|(_, until)| *until > 0).map(|(instance, until)| (instance.clone(), until)).collect()
    }

    /// Takes up who lives. A sign of life that holds for most of its time is not renewed.
    pub(super) fn keep(&mut self, breaker: &str, mut alive: Ends, now: u64) {
        let found = self.find(breaker);
        if alive.is_empty() && found.is_err() {
            return;
        }
        let at = found.unwrap_or_else(|at| {
            self.breakers.insert(at, breaker.to_owned());
            self.until.values_mut().for_each(|until| until.insert(at, 0));
            at
        });
        for (instance, until) in &mut self.until {
            let (known, new) = (&mut until[at], alive.remove(instance).unwrap_or(0));
            let lives = new.saturating_sub(now);
            if new == 0 || known.saturating_sub(now) < lives - lives / 3 {
                *known = new;
            }
        }
        for (instance, new) in alive {
            let mut until = vec![0; self.breakers.len()];
            until[at] = new;
            self.until.insert(instance, until);
        }
    }

    /// Forgets what is over by then: instances that live for no breaker, and breakers for which nobody does.
    pub(super) fn forget(&mut self, now: u64) {
        for until in self.until.values_mut().flatten() {
            *until = if *until > now { *until } else { 0 };
        }
        self.until.retain(|_, until| until.iter().any(|until| *until > 0));
        let is_kept: Vec<bool> =
            (0..self.breakers.len()).map(|at| self.until.values().any(|until| until[at] > 0)).collect();
        if is_kept.contains(&false) {
            keep(&mut self.breakers, &is_kept);
            self.until.values_mut().for_each(|until| keep(until, &is_kept));
        }
    }

    fn find(&self, breaker: &str) -> Result<usize, usize> {
        self.breakers.binary_search_by(|known| known.as_str().cmp(breaker))
    }
}

fn keep<T>(from: &mut Vec<T>, is_kept: &[bool]) {
    let mut at = is_kept.iter();
    from.retain(|_| at.next() == Some(&true));
}

impl From<Lives> for Runs {
    fn from(lives: Lives) -> Runs {
        let runs =
            |until: &[u64]| until.chunk_by(|one, next| one == next).map(|run| (run.len(), run[0])).collect::<Vec<_>>();
        let until = lives.until.iter().map(|(instance, until)| (instance.clone(), runs(until))).collect();
        Runs { breakers: lives.breakers, until }
    }
}

impl From<Runs> for Lives {
    /// What does not fit together is cut off or filled up: it is made again by whoever lives.
    fn from(Runs { mut breakers, until }: Runs) -> Lives {
        breakers.sort_unstable();
        breakers.dedup();
        let most = breakers.len();
        let all = |runs: Vec<(usize, u64)>| {
            let mut until = Vec::with_capacity(most);
            for (length, end) in runs {
                until.resize(until.len().saturating_add(length).min(most), end);
            }
            until.resize(most, 0);
            until
        };
        let until = until.into_iter().map(|(instance, runs)| (instance, all(runs))).collect();
        Lives { breakers, until }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ends, Lives};

    fn ends(pairs: &[(&str, u64)]) -> Ends {
        pairs.iter().map(|(instance, until)| ((*instance).to_owned(), *until)).collect()
    }

    /// As it is read from what was written of it.
    fn read(lives: &Lives) -> (Lives, usize) {
        let bytes = serde_json::to_vec(lives).expect("JSON");
        (serde_json::from_slice(&bytes).expect("what was written"), bytes.len())
    }

    #[test]
    fn a_sign_of_life_is_renewed_when_a_third_of_it_is_over() {
        let mut lives = Lives::default();
        lives.keep("quotes", ends(&[("1", 300)]), 0);
        lives.keep("quotes", ends(&[("1", 399), ("2", 400)]), 99);
        assert_eq!(lives.of("quotes"), ends(&[("1", 300), ("2", 400)]));
        lives.keep("quotes", ends(&[("1", 401), ("2", 400)]), 101);
        assert_eq!(lives.of("quotes"), ends(&[("1", 401), ("2", 400)]));
        lives.keep("quotes", ends(&[]), 500);
        lives.forget(500);
        assert_eq!(lives, Lives::default());
    }

    #[test]
    fn each_breaker_has_its_own_instances_also_when_they_are_read_again() {
        let mut lives = Lives::default();
        let all = [("c", ends(&[("1", 10), ("2", 20)])), ("a", ends(&[("2", 20)])), ("b", ends(&[("3", 30)]))];
        for (breaker, alive) in &all {
            lives.keep(breaker, alive.clone(), 0);
        }
        let (mut lives, _) = read(&lives);
        for (breaker, alive) in all {
            assert_eq!(lives.of(breaker), alive);
        }
        assert_eq!(lives.of("d"), ends(&[]));
        lives.forget(15);
        assert_eq!(lives.of("c"), ends(&[("2", 20)]));
        lives.forget(25);
        assert_eq!((lives.of("a"), lives.of("b")), (ends(&[]), ends(&[("3", 30)])));
        assert_eq!(lives.breakers, ["b"]);
        lives.forget(30);
        assert_eq!(lives, Lives::default());
    }

    #[test]
    fn a_thousand_breakers_of_many_instances_are_small_and_of_instances_that_differ_are_not_too_large() {
        for (spread, most) in [(0, 50_000), (1, 3_000_000)] {
            let (mut lives, end) = (Lives::default(), 1_795_287_000_000_000_u64);
            let breakers: Vec<_> = (0..1000).map(|number| format!("service::client::call_{number:04}")).collect();
            for (number, breaker) in (0..).zip(&breakers) {
                let alive = (0..120).map(|instance| (format!("{instance:032x}"), end + spread * number)).collect();
                lives.keep(breaker, alive, 0);
            }
            let (read, size) = read(&lives);
            assert_eq!(read, lives);
            assert_eq!(read.of(&breakers[500]).len(), 120);
            assert!(size < most, "{size}");
        }
    }

    #[test]
    fn what_does_not_fit_together_is_survived() {
        let most = usize::MAX;
        for (text, expected) in [
            (format!(r#"{{"breakers":["b","a","b"],"until":{{"1":[[{most},7],[{most},8]]}}}}"#), ends(&[("1", 7)])),
            (r#"{"breakers":["a","b"],"until":{"1":[[0,7],[1,8]],"2":[]}}"#.to_owned(), ends(&[])),
            (r#"{"breakers":[],"until":{"1":[[1,8]]}}"#.to_owned(), ends(&[])),
            ("{}".to_owned(), ends(&[])),
        ] {
            let mut lives: Lives = serde_json::from_str(&text).expect("it has the form");
            assert_eq!(lives.of("b"), expected, "{text}");
            lives.keep("c", ends(&[("3", 9)]), 0);
            assert_eq!(lives.of("c"), ends(&[("3", 9)]));
        }
    }
}
