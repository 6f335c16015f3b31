//! What a user reads about a mistake in a file: the place, the breaker, the key, and the remedy.

use breakerbox::{Config, ConfigBuilder, Key, Registry, Settings};

use super::support::{json, mistake, toml_error, yaml};

#[test]
fn a_mistake_is_shown_where_it_stands_in_toml() {
    let file = "[breakers.fetch]\nrecovery_timeout = 3\nfailure_threshold = 0\n";
    let told = "TOML parse error at line 3, column 21\n  |\n3 | failure_threshold = 0\n  |                     ^\n\
                circuit 'fetch': `failure_threshold` must be a whole number from 1 to 1000000, or off\n";
    assert_eq!(toml_error(file), told);
}

#[test]
fn a_mistake_is_shown_where_it_stands_in_json_and_yaml() {
    let told = "circuit 'fetch': `jitter` is a share: it must be at least 0 and at most 1, such as 0.1";
    let file = "{\"breakers\": {\n  \"fetch\": {\n    \"jitter\": 7,\n    \"timeout\": 4\n}}}";
    assert_eq!(json(file).unwrap_err(), format!("{told} at line 3 column 15"));
    let file = "breakers:\n  fetch:\n    timeout: 4\n    jitter: 7\n";
    assert_eq!(yaml(file).unwrap_err(), format!("breakers.fetch.jitter: {told} at line 4 column 13"));
}

#[test]
fn every_mistake_names_the_breaker_the_key_and_the_remedy() {
    let count = "a whole number from 1 to 1000000";
    let time = "a time longer than zero, in seconds or as a text such as \"1m30s\"";
    for (line, told) in [
        ("failure_threshold = 0", format!("`failure_threshold` must be {count}, or off")),
        ("failure_threshold = -1", format!("`failure_threshold` must be {count}, or \"off\", not `-1`")),
        ("failure_threshold = 1.5", format!("`failure_threshold` must be {count}, or \"off\", not `1.5`")),
        (
            "failure_threshold = 4294967296",
            format!("`failure_threshold` must be {count}, or \"off\", not `4294967296`"),
        ),
        ("failure_threshold = true", format!("`failure_threshold` must be {count}, or \"off\", not true")),
        ("failure_threshold = ''", format!("`failure_threshold` must be {count}, or \"off\", not ``")),
        ("window_size = false", format!("`window_size` must be {count}, not false")),
        ("window_size = 'off'", format!("`window_size` must be {count}, not `off`")),
        ("window_size = []", format!("`window_size` must be {count}, not a list")),
        ("window_size = { calls = 3 }", format!("`window_size` must be {count}, not a table")),
        ("recovery_timeout = -1", format!("`recovery_timeout` must be {time}, not `-1`")),
        ("recovery_timeout = nan", format!("`recovery_timeout` must be {time}, not `NaN`")),
        ("recovery_timeout = -inf", format!("`recovery_timeout` must be {time}, not `-inf`")),
        ("recovery_timeout = 1e300", format!("`recovery_timeout` must be {time}, not `1e300`")),
        ("recovery_timeout = 0", "`recovery_timeout` must be longer than zero".into()),
        ("timeout = 'soon'", "`timeout`: `soon` is not a duration: write seconds (`30`) or `1m30s`, `250ms`".into()),
        (
            "recovery_timeout = '5 parsecs'",
            "`recovery_timeout`: unknown unit `parsecs` in `5 parsecs`: use ns, us, ms, s, m, h or d".into(),
        ),
        ("jitter = nan", "`jitter` must be a number such as 0.5, not `NaN`".into()),
        (
            "failure_rate_threshold = 50",
            "`failure_rate_threshold` is a share: it must be more than 0 and at most 1, such as 0.5".into(),
        ),
        ("multiplier = 0.5", "`multiplier` must be at least 1, such as 2.0, and at most 1e9".into()),
        ("failure_treshold = 3", "there is no setting `failure_treshold`, did you mean `failure_threshold`?".into()),
        ("failure-threshold = 3", "there is no setting `failure-threshold`, did you mean `failure_threshold`?".into()),
        ("reset_timeout = 3", "there is no setting `reset_timeout`, did you mean `recovery_timeout`?".into()),
        (
            "failure_rate = 50",
            "there is no setting `failure_rate`, did you mean `failure_rate_threshold`? (a share from 0 to 1)".into(),
        ),
        ("fallback = 'cached'", "there is no setting `fallback` in a file: it belongs in the code".into()),
        ("preset = 'consrvative'", "there is no preset `consrvative`, did you mean `conservative`?".into()),
        (
            "window_size = 5\nwindow_duration = 5",
            "`window_size` and `window_duration` exclude each other: state one of them".into(),
        ),
        (
            "success_threshold = 3\nhalf_open_max_calls = 2",
            "`success_threshold` is more than `half_open_max_calls`, so the circuit could never close: raise \
             `half_open_max_calls` or lower `success_threshold`"
                .into(),
        ),
    ] {
        assert_eq!(mistake(&format!("[breakers.fetch]\n{line}\n")), format!("circuit 'fetch': {told}"), "{line}");
        assert_eq!(mistake(&format!("[defaults]\n{line}\n")), format!("defaults: {told}"), "{line}");
        let alone = toml::from_str::<ConfigBuilder>(line).expect_err(line).to_string();
        assert_eq!(alone.trim_end().lines().last(), Some(&*told), "{line}");
    }
}

#[test]
fn an_unknown_setting_and_an_unknown_preset_get_the_whole_list() {
    let told = mistake("[breakers.fetch]\ncolour = 3\n");
    assert!(told.starts_with("circuit 'fetch': there is no setting `colour`; the settings are preset, "), "{told}");
    assert!(Key::ALL.iter().all(|key| told.contains(key.as_str())), "{told}");
    let told = mistake("[breakers.fetch]\npreset = 'x'\n");
    assert!(told.contains("there is no preset `x`; the presets are conservative, aggressive, "), "{told}");
    assert!(mistake("[defaults]\npreset = 3").contains("`preset` must be the name of one: conservative, "));
}

#[test]
fn what_stands_in_the_wrong_place_is_told_where_it_belongs() {
    for (file, told) in [
        ("[breaker.fetch]", "there is no `breaker` here, did you mean `breakers`?"),
        ("[default]", "there is no `default` here, did you mean `defaults`?"),
        (
            "[instances.fetch]",
            "there is no `instances` here: write `defaults` for all breakers, or `breakers.<name>` for one",
        ),
        (
            "jitter = 0.5",
            "there is no `jitter` here: `jitter` belongs in `defaults`, for all breakers, or in `breakers.<name>`, for one",
        ),
        ("breakers = 3", "invalid type: integer `3`, expected the settings of breakers by name"),
        (
            "[breakers]\nfetch = 3",
            "invalid type: integer `3`, expected settings of circuit 'fetch', such as `failure_threshold`",
        ),
        ("[breakers.' x']", "circuit ' x': `name` must not start or end with spaces"),
        ("[breakers.'']", "circuit '': `name` must not be empty"),
        (
            "[breakers.events]",
            "circuit 'events': `name` must not be `reset-all` or `events`, which are routes of the admin API",
        ),
    ] {
        assert_eq!(mistake(file), told, "{file}");
    }
}

#[test]
fn several_mistakes_are_told_at_once() {
    let file = "[defaults]\n\n[breakers.fetch]\nreset_timeout = 3\njitter = 7\npreset = 'consrvative'\n";
    let told = toml_error(file);
    let (place, mistakes) = told.trim_end().rsplit_once('\n').expect("a place");
    let line = "TOML parse error at line 3, column 1\n  |\n3 | [breakers.fetch]\n  | ^^^^^^^^^^^^^^^^";
    assert_eq!(place, line);
    let mut mistakes: Vec<_> = mistakes.split("; ").collect();
    mistakes.sort_unstable();
    assert_eq!(
        mistakes,
        [
            "circuit 'fetch': `jitter` is a share: it must be at least 0 and at most 1, such as 0.1",
            "circuit 'fetch': there is no preset `consrvative`, did you mean `conservative`?",
            "circuit 'fetch': there is no setting `reset_timeout`, did you mean `recovery_timeout`?",
        ]
    );
    // A reader that goes on behind a mistake is still where it should be.
    let error = json("{\"breakers\": {\"a\": {\"x\": \"y\", \"jitter\": 7, \"y\": null}, \"b\": 4}}").unwrap_err();
    assert!(error.matches("circuit 'a'").count() == 3 && error.ends_with(" at line 1 column 53"), "{error}");
    let error = yaml("breakers:\n  a:\n    x: y\n    jitter: 7\n    y: ~\n  b:\n    jitter: 8\n").unwrap_err();
    assert!(error.matches("circuit 'a'").count() == 3 && error.ends_with(" at line 3 column 5"), "{error}");
}

#[test]
fn a_list_or_a_table_in_place_of_a_value_is_told_where_it_stands() {
    let told = "circuit 'a': `jitter` must be a number such as 0.5, not a";
    let list = yaml("breakers:\n  a:\n    timeout: 3\n    jitter: [1, 2]\n    window_size: 0\n").unwrap_err();
    assert_eq!(list, format!("breakers.a.jitter: {told} list at line 4 column 13"));
    let table = yaml("breakers:\n  a:\n    jitter:\n      x: 1\n    window_size: 0\n").unwrap_err();
    assert!(table.starts_with(&format!("breakers.a.jitter: {told} table at line ")), "{table}");
    let list = json("{\"breakers\": {\"a\": {\"jitter\": [1, 2], \"window_size\": 0}}}").unwrap_err();
    assert!(list.starts_with(&format!("{told} list at line 1 column ")), "{list}");
    let table = json("{\"breakers\": {\"a\": {\"jitter\": {\"x\": 1}, \"window_size\": 0}}}").unwrap_err();
    assert!(table.starts_with(&format!("{told} table at line 1 column ")), "{table}");
}

#[test]
fn a_mistake_in_the_form_of_a_file_is_that_of_the_format() {
    assert!(toml_error("[breakers.fetch]\njitter = 7\n[breakers.fetch]\n").contains("duplicate key"));
    assert_eq!(json("{\"breakers\": {\"a\": {\"x\": 1, }}}").unwrap_err(), "trailing comma at line 1 column 29");
    assert!(yaml("breakers: {a: {x: 1").is_err());
}

#[test]
fn what_is_stated_twice_is_refused() {
    let key = json("{\"breakers\": {\"a\": {\"jitter\": 0.1, \"jitter\": 0.1}}}").unwrap_err();
    assert_eq!(key, "circuit 'a': `jitter` is stated twice: state it once at line 1 column 48");
    let breaker = yaml("breakers:\n  a:\n    jitter: 0.1\n  a:\n    jitter: 0.1\n").unwrap_err();
    assert!(breaker.contains("circuit 'a': it is stated twice: state it once"), "{breaker}");
    let part = json("{\"defaults\": {}, \"defaults\": {}}").unwrap_err();
    assert!(part.contains("`defaults` is stated twice: state it once"), "{part}");
    let preset = json("{\"defaults\": {\"preset\": \"kafka\", \"preset\": \"kafka\"}}").unwrap_err();
    assert!(preset.contains("defaults: `preset` is stated twice: state it once"), "{preset}");
}

#[test]
fn settings_of_the_code_are_judged_by_the_same_rules_and_all_at_once() {
    let settings = Settings::new()
        .defaults(Config::builder().window_size(0).jitter(f64::NAN))
        .breaker("a", Config::builder().success_threshold(3).half_open_max_calls(2))
        .breaker("b ", Config::builder());
    let error = Registry::new().configure(settings).unwrap_err();
    let told: Vec<_> = error.problems().iter().map(|problem| (problem.breaker(), problem.key())).collect();
    let expected = [(None, "window_size"), (None, "jitter"), (Some("a"), "success_threshold"), (Some("b "), "name")];
    assert_eq!(told, expected);
    assert_eq!(error.problems()[3].to_string(), "circuit 'b ': `name` must not start or end with spaces");
    assert!(
        error.to_string().starts_with("defaults: `window_size` must be a whole number of calls from 1 to 1000000; ")
    );
}

#[test]
fn many_problems_are_counted_and_not_all_repeated() {
    let wrong = || Config::builder().jitter(2.0);
    let settings = (0..50).fold(Settings::new(), |settings, at| settings.breaker(format!("b{at:02}"), wrong()));
    let error = Registry::new().configure(settings).unwrap_err();
    assert_eq!(error.problems().len(), 50);
    assert!(error.to_string().ends_with("; and 40 more") && error.to_string().contains("circuit 'b09'"), "{error}");
}

#[test]
fn a_whole_config_is_judged_as_one() {
    let whole = toml::from_str::<Config>("failure_threshold = 'off'").unwrap_err().to_string();
    assert!(whole.starts_with("`failure_threshold` is off and no rate is set, so nothing could open the circuit"));
    // A part may be mended by the rest.
    assert!(toml::from_str::<ConfigBuilder>("failure_threshold = 'off'").is_ok());
    assert!(toml::from_str::<Settings>("[breakers.a]\nfailure_threshold = 'off'").is_ok());
    assert!(toml::from_str::<Settings>("[breakers.a]\nslow_call_rate_threshold = 0.5").is_ok());
}

/// The names of other libraries that stand in a source, each with the setting that is meant.
fn words(file: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = std::fs::read_to_string(path).expect("the source is there");
    let of_code = ["FailureIf", "IgnoreIf", "Fallback", "OnOpen", "Name", "Crate", "Preset", "By"];
    let is_of_code = |line: &&str| of_code.iter().any(|key| line.contains(&format!("Key::{key},")));
    let entries = text.lines().skip_while(|line| !line.starts_with("const ELSEWHERE")).take_while(|line| *line != "];");
    entries
        .map(str::trim)
        .filter(|line| line.starts_with("(\""))
        .filter(|line| !is_of_code(line))
        .map(str::to_owned)
        .collect()
}

#[test]
fn files_and_the_attribute_know_the_same_words_of_other_libraries() {
    let of_files = words("runtime/src/configuration/words.rs");
    assert!(of_files.len() > 60, "{of_files:?}");
    assert_eq!(of_files, words("macros/src/suggest.rs"));
}
