//! The values of settings: what they come to, where the limits lie, and what is written in the
//! place of one that cannot be.

use std::time::Duration;

use proc_macro2::{Delimiter, Group, TokenTree};

use super::{mistakes, parsed};
use crate::args::Args;
use crate::errors::Errors;
use crate::number::Given;

/// What one setting comes to, or the mistake.
fn given(argument: &str) -> Result<Given, String> {
    let mut errors = Errors::default();
    let args = Args::parse(parsed(argument), &mut errors);
    match errors.messages().pop() {
        Some(message) => Err(message),
        None => Ok(args.settings[0].given),
    }
}

/// The mistakes of some arguments are those, in their words.
fn is_told(cases: &[(&str, &str)]) {
    for (arguments, message) in cases {
        assert_eq!(mistakes(parsed(arguments)), [*message], "{arguments}");
    }
}

#[test]
fn whole_numbers_are_calculated() {
    for (expression, value) in
        [("2 + 3", 5), ("9 - 4", 5), ("5 * 60", 300), ("10 / 3", 3), ("(2 + 3) * 4", 20), ("2 * (1 + (1))", 4)]
    {
        assert_eq!(given(&format!("window_size = {expression}")), Ok(Given::Count(value)), "{expression}");
        let time = Duration::from_secs(u64::from(value));
        assert_eq!(given(&format!("recovery_timeout = {expression}")), Ok(Given::Time(time)), "{expression}");
    }
}

#[test]
fn other_expressions_are_left_to_the_compiler() {
    for expression in [
        "2 - 3",
        "1 / 0",
        "7 % 4",
        "1 << 3",
        "5u32 * 2",
        "2 * 5u32",
        "N",
        "self::N",
        "(self::N)",
        "N + 1",
        "none",
        "f()",
    ] {
        assert_eq!(given(&format!("window_size = {expression}")), Ok(Given::Const), "{expression}");
    }
}

#[test]
fn limits_belong_to_what_is_allowed() {
    let century = 100 * 365 * 24 * 3600;
    for (argument, value) in [
        ("window_size = 1", Given::Count(1)),
        ("window_size = 1u32", Given::Count(1)),
        ("window_size = 1_000_000", Given::Count(1_000_000)),
        ("multiplier = 1", Given::Share(1.0)),
        ("multiplier = 1e9", Given::Share(1e9)),
        ("multiplier = 1_000_000_000", Given::Share(1e9)),
        ("jitter = 0", Given::Share(0.0)),
        ("jitter = 0.0", Given::Share(0.0)),
        ("jitter = 1", Given::Share(1.0)),
        ("jitter = 1f64", Given::Share(1.0)),
        ("failure_rate_threshold = 1", Given::Share(1.0)),
        ("failure_rate_threshold = 0.001", Given::Share(0.001)),
        ("failure_rate_threshold = off", Given::Off),
        ("recovery_timeout = 0.000_000_001", Given::Time(Duration::from_nanos(1))),
        ("recovery_timeout = 2f64", Given::Time(Duration::from_secs(2))),
        ("recovery_timeout = 3_153_600_000", Given::Time(Duration::from_secs(century))),
        ("recovery_timeout = 3153600000.0", Given::Time(Duration::from_secs(century))),
        ("recovery_timeout = \"36500d\"", Given::Time(Duration::from_secs(century))),
        ("recovery_timeout = \"876000h\"", Given::Time(Duration::from_secs(century))),
    ] {
        assert_eq!(given(argument), Ok(value), "{argument}");
    }
    for argument in [
        "window_size = 0",
        "window_size = 1_000_001",
        "multiplier = 0.999",
        "multiplier = 1_000_000_001",
        "jitter = 1.001",
        "failure_rate_threshold = 0",
        "failure_rate_threshold = 0.0",
        "recovery_timeout = 0",
        "recovery_timeout = 0.000_000_000_9",
        "recovery_timeout = 3_153_600_001",
        "recovery_timeout = 3153600000.000000001",
        "recovery_timeout = \"36500d 1ns\"",
        "recovery_timeout = \"876000h 1ns\"",
    ] {
        assert!(given(argument).is_err(), "{argument}");
    }
}

#[test]
fn lengths_of_time_are_exact() {
    let nanos = Duration::from_nanos;
    for (text, time) in [
        ("\"1ns\"", nanos(1)),
        ("\"1us\"", nanos(1_000)),
        ("\"1\u{b5}s\"", nanos(1_000)),
        ("\"1\u{3bc}s\"", nanos(1_000)),
        ("\"1ms\"", nanos(1_000_000)),
        ("\"1s\"", Duration::from_secs(1)),
        ("\"1m\"", Duration::from_secs(60)),
        ("\"1h\"", Duration::from_secs(3_600)),
        ("\"1d\"", Duration::from_secs(86_400)),
        ("\"1d2h3m4s5ms6us7ns\"", Duration::new(93_784, 5_006_007)),
        ("\" 1_000 ms 1 s \"", Duration::from_secs(2)),
        ("\".5s\"", Duration::from_millis(500)),
        ("\"5.s\"", Duration::from_secs(5)),
        ("\"0.123456789s\"", nanos(123_456_789)),
        ("\"1.987654321s\"", nanos(1_987_654_321)),
        ("\"0.25m\"", Duration::from_secs(15)),
        ("\"0.05m\"", Duration::from_secs(3)),
        ("\"1.75d\"", Duration::from_secs(151_200)),
        ("0.123456789", nanos(123_456_789)),
        ("12.5", Duration::from_millis(12_500)),
        ("1e-3", nanos(1_000_000)),
        ("2.5e2", Duration::from_secs(250)),
    ] {
        assert_eq!(given(&format!("recovery_timeout = {text}")), Ok(Given::Time(time)), "{text}");
    }
}

#[test]
fn what_is_no_length_of_time_is_shown() {
    let unit = |text: &str| given(&format!("timeout = \"{text}\"")).expect_err(text);
    assert_eq!(unit("5 Sec"), "unknown unit `Sec` in `timeout`: did you mean \"5s\"?");
    assert_eq!(unit("5 MS"), "unknown unit `MS` in `timeout`: did you mean \"5ms\"?");
    assert_eq!(unit("5 days"), "unknown unit `days` in `timeout`: did you mean \"5d\"?");
    assert!(unit("5 y").contains("the units are ns, us, ms, s, m, h and d"));
    for text in [".s", "1.2.3s", "_s", "1._.s"] {
        assert!(unit(text).contains("is not a number: write `timeout` as"), "{text}: {}", unit(text));
    }
    assert!(unit("s").contains("is not a length of time at `s`"));
    assert!(unit("1s+").contains("is not a length of time at `+`"));
    assert!(unit("1e3s").contains("unknown unit `e`"));
}

#[test]
fn a_value_that_was_meant_is_written_as_it_must_be() {
    is_told(&[
        ("minimum_calls = \"4\"", "`minimum_calls` must be an integer, not a string: write `minimum_calls = 4`"),
        ("minimum_calls = \"4%\"", "`minimum_calls` must be an integer, not a string: write `minimum_calls = 10`"),
        ("minimum_calls = \"x\"", "`minimum_calls` must be an integer, not a string: write `minimum_calls = 10`"),
        ("minimum_calls = \"off\"", "`minimum_calls` must be an integer, not a string: write `minimum_calls = 10`"),
        (
            "failure_threshold = \"off\"",
            "`failure_threshold` must be an integer, not a string: write `failure_threshold = off`",
        ),
        (
            "failure_threshold = \"on\"",
            "`failure_threshold` must be an integer, not a string: write `failure_threshold = 5`",
        ),
        ("jitter = \"0.3\"", "`jitter` must be a number, not a string: write `jitter = 0.3`"),
        ("jitter = \"30 %\"", "`jitter` must be a number, not a string: write `jitter = 0.3`"),
        ("jitter = \"x%\"", "`jitter` must be a number, not a string: write `jitter = 0.1`"),
        ("jitter = \"x\"", "`jitter` must be a number, not a string: write `jitter = 0.1`"),
        ("jitter = \"off\"", "`jitter` must be a number, not a string: write `jitter = 0.1`"),
        ("jitter = false", "`jitter` must be a number: write `jitter = 0.1`"),
        (
            "failure_rate_threshold = false",
            "`failure_rate_threshold` must be a number, or `off`: write `failure_rate_threshold = off`",
        ),
        (
            "failure_rate_threshold = true",
            "`failure_rate_threshold` must be a number: write `failure_rate_threshold = 0.5`",
        ),
        (
            "failure_rate_threshold = none",
            "to switch `failure_rate_threshold` off write `failure_rate_threshold = off`",
        ),
        ("jitter = off", "`jitter` cannot be `off`: write `jitter = 0.1`, or leave it out"),
        (
            "failure_rate_threshold = 0",
            "`failure_rate_threshold` must be more than 0 and at most 1: write `failure_rate_threshold = 0.5`, or `failure_rate_threshold = off`",
        ),
        ("jitter = 100", "`jitter` is a share and must be at most 1: for 100 % write `jitter = 1`"),
        ("jitter = 100.5", "`jitter` is a share and must be at most 1: write `jitter = 0.1`"),
        ("multiplier = 0.5", "`multiplier` must be at least 1: the open time grows by it, write `multiplier = 2.0`"),
        ("multiplier = 1e10", "`multiplier` must be at most 1e9: write `multiplier = 2.0`"),
        ("jitter = 0.5f32", "`jitter` is an `f64`: write `jitter = 0.5` without the suffix `f32`"),
        ("window_size = 0", "`window_size` must be at least 1: write `window_size = 100`"),
        (
            "failure_threshold = 0",
            "`failure_threshold` must be at least 1: write `failure_threshold = 5`, or `failure_threshold = off`",
        ),
        (
            "failure_threshold = Self::N",
            "`failure_threshold` is a constant of the function, which does not know `Self`: name the type, as in `failure_threshold = Client::LIMIT`",
        ),
        (
            "failure_threshold = f(Self::N)",
            "`failure_threshold` is a constant of the function, which does not know `Self`: name the type, as in `failure_threshold = Client::LIMIT`",
        ),
        (
            "failure_threshold = self.n",
            "`failure_threshold` is a constant of the function, not of a value: write `failure_threshold = 5`",
        ),
        (
            "failure_threshold = f(self)",
            "`failure_threshold` is a constant of the function, not of a value: write `failure_threshold = 5`",
        ),
    ]);
    for argument in [
        "failure_threshold = 1.5",
        "failure_threshold = 1.5f32",
        "failure_threshold = 1f32",
        "failure_threshold = 1f64",
    ] {
        let message = given(argument).expect_err(argument);
        assert!(
            message.starts_with("`failure_threshold` counts calls and must be an integer"),
            "{argument}: {message}"
        );
    }
}

#[test]
fn what_just_fits_together_is_no_contradiction() {
    for arguments in [
        "minimum_calls = 10, window_size = 10",
        "success_threshold = 3, half_open_max_calls = 3",
        "recovery_timeout = 30, max_recovery_timeout = 30",
        "failure_threshold = off, slow_call_duration = 1, slow_call_rate_threshold = 0.5",
    ] {
        assert_eq!(mistakes(parsed(arguments)), [""; 0], "{arguments}");
    }
    for arguments in [
        "minimum_calls = 11, window_size = 10",
        "success_threshold = 4, half_open_max_calls = 3",
        "recovery_timeout = 30.5, max_recovery_timeout = 30",
    ] {
        assert_eq!(mistakes(parsed(arguments)).len(), 1, "{arguments}");
    }
}

#[test]
fn a_name_may_be_as_long_as_the_longest() {
    let named = |length: usize| mistakes(parsed(&format!("name = \"{}\"", "n".repeat(length)))).len();
    assert_eq!((named(127), named(128), named(129)), (0, 0, 1));
    is_told(&[
        ("name = \"a\"suffix", "`name` must be a string literal without the suffix `suffix`: write \"a\""),
        ("name = \" a\"", "`name` must not start or end with spaces: write \"a\""),
    ]);
}

#[test]
fn each_preset_is_that_of_the_runtime() {
    for (name, variant) in [
        ("conservative", "Conservative"),
        ("postgres_pooled", "PostgresPooled"),
        ("external_api", "ExternalApi"),
        ("connection_recovery", "ConnectionRecovery"),
    ] {
        for argument in [format!("preset = {name}"), format!("preset = \"{name}\""), format!("preset = ({name})")] {
            let args = Args::parse(parsed(&argument), &mut Errors::default());
            assert_eq!(args.preset.expect("a preset").0, variant, "{argument}");
        }
    }
}

#[test]
fn a_slip_is_a_third_of_a_word_at_most() {
    let nearest = |word| crate::suggest::nearest(word, &["abcdef", "xyz", "abcdeg"]);
    for (word, meant) in [
        ("abcdef", Some("abcdef")),
        ("bacdef", Some("abcdef")),
        ("abcdfe", Some("abcdef")),
        ("badcef", Some("abcdef")),
        ("badcfe", None),
        ("abcf", Some("abcdef")),
        ("abcdefgh", Some("abcdef")),
        ("abxxef", Some("abcdef")),
        ("xxbcdef", Some("abcdef")),
        ("axyz", Some("xyz")),
        ("xy", Some("xyz")),
        ("xzy", Some("xyz")),
        ("zxy", None),
        ("abxxxf", None),
        ("cbadef", Some("abcdef")),
        ("bcadef", Some("abcdef")),
        ("fedcba", None),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(nearest(word), meant, "{word}");
    }
}

#[test]
fn fallbacks_predicates_and_errors_that_were_meant_are_written_as_they_must_be() {
    is_told(&[
        ("fallback = self", "`fallback` takes a function: `fallback = self.method`, or `fallback = Self::method`"),
        ("fallback = a.b.c()", "`fallback` takes a function, not a call: write the closure `fallback = || a.b.c()`"),
        ("fallback = self.a.b()", "`fallback` takes a function, not a call: write `fallback = self.a.b`"),
        ("fallback = (self).b()", "`fallback` takes a function, not a call: write `fallback = (self).b`"),
        (
            "fallback = a.b",
            "`fallback` takes a method of `self`, such as `fallback = self.cached`, or the path of a function",
        ),
        (
            "fallback = self.0",
            "`fallback` takes a method of `self`, such as `fallback = self.cached`, or the path of a function",
        ),
        ("fallback = \"a::b\"", "`fallback` takes a function, not a string: write `fallback = a::b`"),
        (
            "fallback = \"a b\"",
            "`fallback` takes a function: for a fixed answer write the closure `fallback = || \"a b\"`",
        ),
        (
            "fallback = &a",
            "`fallback` takes the path of a function, `self.method`, a closure, or a list of them in brackets",
        ),
        ("failure_if = \"a::b\"", "`failure_if` takes a function, not a string: write `failure_if = a::b`"),
        (
            "failure_if = \"a b\"",
            "`failure_if` takes a closure or the path of a function, which is asked about the returned value: `failure_if = |returned| returned.is_err()`",
        ),
        (
            "ignore_if = 5",
            "`ignore_if` takes a closure or the path of a function, which is asked about the error: `ignore_if = |error| error.is_not_found()`",
        ),
        ("crate = \"a::b\"", "`crate` must be a path, not a string: write `crate = a::b`"),
        ("crate = \"a b\"", "`crate` must be a path: `crate = path::to::breakerbox`"),
        ("crate = a::<B>", "`crate` must be a path: `crate = path::to::breakerbox`"),
    ]);
    for arguments in [
        "fallback = self.a",
        "fallback = self.a.b",
        "fallback = self.0.b",
        "fallback = (self.a).b",
        "fallback = (a::b)",
        "fallback = [(a), self.b, || c]",
        "on_open = |_| a",
        "on_open = || a",
        "failure_if = |_| a",
        "ignore_if = (a::b)",
        "crate = a::b",
    ] {
        assert_eq!(mistakes(parsed(arguments)), [""; 0], "{arguments}");
    }
    for value in ["async { a }", "a.await", "a = b", "a..b"] {
        let told = mistakes(parsed(&format!("on_open = {value}")));
        assert!(told.len() == 1 && told[0].starts_with("`on_open` takes a closure"), "{value}: {told:?}");
    }
    for arguments in ["fallback = #[a] (b)", "preset = #[a] kafka", "returns = past", "returns = a::future"] {
        assert_eq!(mistakes(parsed(arguments)).len(), 1, "{arguments}");
    }
    for arguments in ["fallback = a, fallback_on = open", "fallback = a, fallback_on = any", "returns = future"] {
        assert_eq!(mistakes(parsed(arguments)), [""; 0], "{arguments}");
    }
}

#[test]
fn values_are_seen_through_the_fragments_of_a_macro() {
    for (key, value, after) in [
        ("name", "\"a\"", ""),
        ("failure_threshold", "5", ""),
        ("failure_threshold", "2 + 3", ""),
        ("recovery_timeout", "\"1s\"", ""),
        ("jitter", "0.5", ""),
        ("preset", "kafka", ""),
        ("fallback", "[a, self.b, |_| c]", ""),
        ("fallback", "self.a", ", fallback_on = any"),
        ("on_open", "|_| a", ""),
        ("failure_if", "|_| a", ""),
    ] {
        let arguments = |delimiter| {
            let mut tokens = parsed(&format!("{key} ="));
            tokens.extend([TokenTree::Group(Group::new(delimiter, parsed(value)))]);
            tokens.extend(parsed(after));
            tokens
        };
        assert_eq!(mistakes(arguments(Delimiter::None)), [""; 0], "{key} = {value}");
        assert_eq!(mistakes(arguments(Delimiter::Parenthesis)), [""; 0], "{key} = ({value})");
    }
    let mut attributed = parsed("fallback = #[a]");
    attributed.extend([TokenTree::Group(Group::new(Delimiter::None, parsed("b")))]);
    assert_eq!(mistakes(attributed).len(), 1, "an attribute on a value is not passed over");
}
