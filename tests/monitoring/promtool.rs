//! Prometheus' own checks of the rules and of the text format.

use breakerbox::Registry;
use breakerbox::observe::Prometheus;

use crate::page::{breaker, renderer};
use crate::tools::{is_there, run};
use crate::{example, text};

fn promtool(arguments: &[&str], input: &str) -> Result<String, String> {
    run("promtool", arguments, input)
}

fn path(file: &str) -> String {
    example(file).to_str().expect("the path is text").to_owned()
}

#[test]
fn the_rules_and_the_settings_are_valid() {
    if is_there("promtool") {
        let said = promtool(&["check", "rules", &path("prometheus-rules.yml")], "").unwrap();
        assert!(said.contains("8 rules found"), "{said}");
        promtool(&["check", "config", &path("prometheus.yml")], "").unwrap();
    }
}

#[test]
fn the_rules_fire_when_they_should_and_only_then() {
    if !is_there("promtool") {
        return;
    }
    promtool(&["test", "rules", &path("prometheus-rules-test.yml")], "").unwrap();
    // The test notices rules that are a little different.
    let rules = text("prometheus-rules.yml");
    let folder = std::env::temp_dir().join(format!("breakerbox-rules-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("test.yml"), text("prometheus-rules-test.yml")).unwrap();
    for (right, wrong) in [
        ("for: 1m", "for: 2m"),
        ("for: 10m", "for: 11m"),
        ("for: 30m", "for: 20m"),
        ("for: 5m", "for: 4m"),
        (">= 4", ">= 3"),
        ("[10m]", "[30m]"),
        ("> 0.1", "> 0.01"),
        ("> 0.5", "> 0.7"),
        ("> 0.5", ">= 0.5"),
        ("circuit_breaker_state > 0", "circuit_breaker_state == 1"),
        ("circuit_breaker_store_degraded == 1", "circuit_breaker_store_degraded >= 0"),
        ("[5m])) > 0\" $labels.store", "[5m])) >= 0\" $labels.store"),
        ("circuit_breaker_state == 2", "circuit_breaker_state >= 1"),
        ("(circuit_breaker_state) > 1", "(circuit_breaker_state) > 0"),
        ("name=%q", "name=\"%s\""),
    ] {
        assert!(rules.contains(right), "{right}");
        std::fs::write(folder.join("prometheus-rules.yml"), rules.replace(right, wrong)).unwrap();
        let file = folder.join("test.yml");
        let result = promtool(&["test", "rules", file.to_str().unwrap()], "");
        assert!(result.is_err(), "with {wrong} for {right} nothing was noticed");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_text_format_is_what_promtool_reads() {
    if !is_there("promtool") {
        return;
    }
    let registry = Registry::new();
    let renderer = renderer(&registry);
    for name in ["payments", "a\"b\\c{}=,1", "Grüße 🦀", "#"] {
        breaker(&registry, name);
    }
    let page = renderer.respond(None).body;
    let said = promtool(&["check", "metrics"], &page).unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(said, "");
    let broken = page.replacen("} 0\n", "} zero\n", 1);
    assert!(promtool(&["check", "metrics"], &broken).is_err());
    let empty = Prometheus::new(&Registry::new()).respond(None).body;
    assert_eq!(promtool(&["check", "metrics"], &empty).unwrap(), "");
}
