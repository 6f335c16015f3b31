//! Files that nobody should have written: none panics, none is repeated at length, all are refused with a reason.

use breakerbox::{Config, Registry, Settings};

use super::support::{json, yaml};

#[test]
fn deep_nesting_is_refused_by_the_reader_of_the_format() {
    for depth in [10, 1000, 100_000] {
        let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let error = json(&format!("{{\"breakers\": {{\"a\": {{\"jitter\": {deep}}}}}}}")).unwrap_err();
        assert!(error.len() < 400, "{}", error.len());
        // The time that these take grows with the square of the depth.
        if depth <= 1000 {
            assert!(yaml(&format!("breakers: {{a: {{jitter: {deep}}}}}")).is_err());
            assert!(toml::from_str::<Settings>(&format!("[breakers.a]\njitter = {deep}")).is_err());
        }
        let deep = format!("{}1{}", "{\"a\": ".repeat(depth), "}".repeat(depth));
        for part in ["breakers", "defaults", "x"] {
            assert!(json(&format!("{{\"{part}\": {deep}}}")).is_err());
        }
    }
}

#[test]
fn numbers_beyond_all_measure_are_refused() {
    let huge = "9".repeat(400);
    for number in ["1e400", "-1e400", "1e-400", &huge, "18446744073709551616", "-9223372036854775809", "1e19"] {
        for key in ["failure_threshold", "window_size"] {
            assert!(json(&format!("{{\"defaults\": {{\"{key}\": {number}}}}}")).is_err(), "{key} {number}");
            assert!(yaml(&format!("defaults:\n  {key}: {number}")).is_err(), "{key} {number}");
            let error = toml::from_str::<Settings>(&format!("[defaults]\n{key} = '{number}'")).unwrap_err().to_string();
            assert!(error.contains(&format!("defaults: `{key}` must be")), "{error}");
        }
        let error = json(&format!("{{\"defaults\": {{\"recovery_timeout\": \"{number}\"}}}}"));
        assert!(number == "1e19" || error.is_err(), "{number}");
    }
    for odd in [".inf", "-.inf", ".nan", "inf", "nan", "infinity", "-0.0", "1_000"] {
        for key in ["recovery_timeout", "window_size", "multiplier", "failure_rate_threshold"] {
            let read = yaml(&format!("defaults:\n  {key}: {odd}"));
            let error = read.expect_err(odd);
            assert!(error.contains(&format!("`{key}`")), "{error}");
        }
    }
}

#[test]
fn what_is_long_is_not_repeated() {
    let long = "x".repeat(1_000_000);
    for file in [
        format!("{{\"breakers\": {{\"{long}\": {{}}}}}}"),
        format!("{{\"breakers\": {{\"{long}[a]\": {{}}}}}}"),
        format!("{{\"breakers\": {{\"a[{long}]\": {{}}}}}}"),
        format!("{{\"breakers\": {{\"a\": {{\"{long}\": 1}}}}}}"),
        format!("{{\"breakers\": {{\"a\": {{\"preset\": \"{long}\"}}}}}}"),
        format!("{{\"breakers\": {{\"a\": {{\"timeout\": \"{long}\"}}}}}}"),
        format!("{{\"breakers\": {{\"a\": {{\"jitter\": \"0.{}\"}}}}}}", "1".repeat(1_000_000)),
        format!("{{\"{long}\": 1}}"),
    ] {
        let error = json(&file).unwrap_err();
        assert!(error.len() < 600 && (error.contains('…') || error.contains("1 to 128")), "{}", &error[..600]);
    }
    let error = Registry::new().configure(Settings::new().breaker(long, Config::builder())).unwrap_err();
    assert!(error.to_string().len() < 600);
}

#[test]
fn what_would_confuse_a_log_is_escaped() {
    for file in [
        "{\"breakers\": {\"a\\nb\\u001b[31m\": {}}}",
        "{\"breakers\": {\"a\": {\"x\\n\\u001b[31m\": 1}}}",
        "{\"breakers\": {\"a\": {\"preset\": \"x\\n\\u001b[31m\"}}}",
        "{\"breakers\": {\"a\": {\"timeout\": \"5\\n\\u001b[31m\"}}}",
        "{\"x\\n\\u001b[31m\": {}}",
    ] {
        let error = json(file).unwrap_err();
        assert!(!error.contains(char::is_control) && error.contains("\\n"), "{error:?}");
    }
}

#[test]
fn names_are_judged_as_those_of_breakers_and_of_members_of_families() {
    let longest = "n".repeat(128);
    let key = "k".repeat(256);
    for name in ["a", "Zahlungen – Köln", &longest, "fetch[*]", &format!("{longest}[{key}]"), "[x]", "a[b]]", "a[]"]
    {
        assert!(json(&format!("{{\"breakers\": {{\"{name}\": {{}}}}}}")).is_ok(), "{name}");
    }
    for name in [
        "",
        " ",
        "a\\u0000",
        "reset-all",
        ".",
        "..",
        &format!("{longest}n"),
        &format!("{longest}[{key}k]"),
        "events[x]",
    ] {
        let error = json(&format!("{{\"breakers\": {{\"{name}\": {{}}}}}}")).unwrap_err();
        assert!(error.contains("`name` must"), "{name}: {error}");
    }
}

#[test]
fn a_great_file_is_read_and_applied_in_a_moment() {
    let table = |at: usize| format!("[breakers.b{at}]\nfailure_threshold = {}\n", at % 7 + 1);
    let file: String = (0..10_000).map(table).collect();
    let settings: Settings = toml::from_str(&file).expect("a file");
    let registry = Registry::new();
    for at in 0..5000 {
        registry.get_or_insert(&format!("b{at}"), Config::default()).expect("valid");
    }
    let applied = registry.configure(settings).expect("valid");
    // One in seven states the default.
    assert_eq!((applied.changed().len(), applied.unused().len()), (5000 - 714, 5000));
}
