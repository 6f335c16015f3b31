//! Lengths of time as text: the attribute and the environment agree on which texts are one and on
//! its length; what is accepted is longer than zero, and is printed as a text that means the same.

use std::time::Duration;

use breakerbox::{Config, Key, Origin, Registry, Value};
use proc_macro2::{Literal, TokenStream, TokenTree};

const VARIABLE: &str = "CIRCUIT_BREAKER_RECOVERY_TIMEOUT";
/// The attribute takes no longer ones, as `docs/settings.md` says.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);
/// One input: a text.
pub fn duration(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let at_run_time = of_variable(text);
    let printed = at_run_time.map(|(time, printed)| {
        assert!(!time.is_zero(), "`{text}` is zero");
        let again = of_variable(&printed).map(|(again, _)| again);
        assert_eq!(again, Some(time), "`{text}`, `{printed}`");
        (time, printed)
    });
    proc_macro2::extra::invalidate_current_thread_spans();
    let Some(at_compile_time) = of_attribute(text) else { return };
    assert_ne!(at_compile_time, Some(Duration::ZERO), "`{text}` is zero in the attribute");
    match (at_compile_time, printed) {
        (None, None) => {}
        (Some(time), Some((other, printed))) => {
            assert_eq!(time, other, "`{text}` in the attribute and in a variable");
            assert_eq!(quoted(&printed), Some(time), "`{printed}` in the attribute");
        }
        (None, Some((time, _))) => {
            assert!(time > LONGEST, "`{text}` is {time:?} in a variable and refused in the attribute");
        }
        (Some(time), None) => {
            assert!(is_of_the_attribute_alone(text), "`{text}` is {time:?} in the attribute and refused in a variable");
        }
    }
}

/// The length of time in a variable, and how it is printed. What is refused has one warning.
fn of_variable(text: &str) -> Option<(Duration, String)> {
    let registry = Registry::with_environment([(VARIABLE.into(), text.into())]);
    let breaker = registry.get_or_insert("a", Config::default()).expect("a breaker by the defaults");
    let setting = breaker.status().setting(Key::RecoveryTimeout);
    let warnings = registry.warnings();
    match (setting.origin, setting.value, warnings.as_slice()) {
        (Origin::Environment, Value::Time(time), []) => Some((time, setting.value.to_string())),
        (Origin::Default, value, [warning]) => {
            assert_eq!(value, Value::Time(Duration::from_secs(60)));
            assert_eq!((warning.variable.as_str(), warning.value.as_str()), (VARIABLE, text));
            assert!(!warning.problem.is_empty());
            None
        }
        other => panic!("`{text}`: {other:?}"),
    }
}

/// What the attribute makes of a text: seconds without a unit are written there as a number, all else
/// as a string. The outer `None` is where it has no word for it.
#[allow(clippy::option_option)]
pub(crate) fn of_attribute(text: &str) -> Option<Option<Duration>> {
    let text = text.trim();
    if text.parse::<f64>().is_err() {
        return Some(quoted(text));
    }
    let number: TokenStream = text.parse().ok()?;
    let is_literal = matches!(number.clone().into_iter().collect::<Vec<_>>().as_slice(), [TokenTree::Literal(_)]);
    is_literal.then(|| expansion::recovery_timeout(&number))
}

fn quoted(text: &str) -> Option<Duration> {
    expansion::recovery_timeout(&TokenTree::from(Literal::string(text)).into())
}

/// The signs that only the attribute knows.
pub(crate) fn is_of_the_attribute_alone(text: &str) -> bool {
    text.contains(['_', '\u{b5}', '\u{3bc}'])
}
