//! What must hold on any machine, however slow or busy.

use std::time::Duration;

use crate::clients::{BARE, BARE_RETRIES, Breaker};
use crate::script::{Behaviour, Script, TIMEOUT};
use crate::sick::Rows;

/// What a busy machine may add to a time.
const SLACK: Duration = Duration::from_secs(1);

/// The facts that do not hold, as sentences. Nothing is asked of a peer.
pub fn broken(behaviour: Behaviour, script: Script, rows: &Rows) -> Vec<String> {
    let mut broken = Vec::new();
    let Some((_, bare)) = rows.iter().find(|(kind, _)| kind.name == BARE) else { return broken };
    let mut fact = |holds: bool, what: String| {
        if !holds {
            broken.push(format!("{behaviour}: {what}"));
        }
    };
    let expected = f64::from(script.rate) * script.sick.as_secs_f64();
    fact(bare.reached > expected / 2.0, format!("without a breaker, {} requests of {expected} came", bare.reached));
    let retried =
        rows.iter().find(|(kind, _)| kind.name == BARE_RETRIES).map_or(f64::MAX, |(_, figures)| figures.reached);
    for (kind, figures) in rows {
        let name = kind.name;
        fact(figures.healthy > 0.9, format!("{name}: {:.2} of the calls to a healthy server succeed", figures.healthy));
        fact(figures.steady.is_some(), format!("{name}: never recovers"));
        // Of calls that were dropped nobody knows whether they would have failed.
        let is_deaf = behaviour == Behaviour::Abandoned && !kind.cuts_off;
        if kind.breaker != Breaker::Ours || is_deaf {
            continue;
        }
        if kind.is_around {
            // It hears of a failure when all tries have failed, and most do not when every other one succeeds.
            let most = retried * if behaviour.waits() { 1.1 } else { 0.5 };
            let is_rare = matches!(behaviour, Behaviour::Slow | Behaviour::Flaky);
            fact(is_rare || figures.reached < most, format!("{name}: {} of {retried} tries are made", figures.reached));
            continue;
        }
        // While nobody knows yet, what comes in one timeout goes through; a chance takes longer to trip than a rule.
        let most = match behaviour {
            Behaviour::Slow | Behaviour::Flaky => 0.8,
            behaviour if behaviour.waits() => 0.5,
            _ => 0.1,
        };
        let share = figures.reached / bare.reached;
        fact(share < most, format!("{name}: {share:.3} of the requests reach the sick server, and not under {most}"));
        fact(figures.refused > 0.1, format!("{name}: {:.2} of the calls are refused", figures.refused));
        let wait = figures.refused_median;
        fact(wait < TIMEOUT / 5, format!("{name}: a refusal takes {wait:?}"));
        let open = if behaviour == Behaviour::RetryAfter { script.retry_after } else { script.recovery_timeout };
        let bound = open + TIMEOUT + SLACK;
        let steady = figures.steady.unwrap_or(Duration::MAX);
        fact(steady < bound, format!("{name}: steady {steady:?} after the server, and not within {bound:?}"));
    }
    broken
}
