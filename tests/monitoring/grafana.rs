//! The Grafana dashboard: its structure, and that it names only what is rendered. That its expressions are
//! ones, and find something, is tested with a real Prometheus.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::expressions::{are_rendered, lists, metrics, placeholders};
use crate::json;
use crate::page::Vocabulary;

const FILE: &str = "grafana-dashboard.json";

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// The panels, those in collapsed rows too.
fn panels() -> Vec<Value> {
    let inner = |panel: Value| {
        let nested = list(&panel["panels"]);
        [vec![panel], nested].concat()
    };
    list(&json(FILE)["panels"]).into_iter().flat_map(inner).collect()
}

/// The expressions, with the name of their panel.
pub(crate) fn expressions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in panels() {
        let title = panel["title"].as_str().expect("a panel has a title").to_owned();
        for target in list(&panel["targets"]) {
            found.push((title.clone(), target["expr"].as_str().expect("a target has an expression").to_owned()));
        }
    }
    for annotation in list(&json(FILE)["annotations"]["list"]) {
        if let Some(expression) = annotation["expr"].as_str() {
            found.push((annotation["name"].as_str().expect("a name").to_owned(), expression.to_owned()));
        }
    }
    found
}

#[test]
fn the_dashboard_can_be_imported() {
    let dashboard = json(FILE);
    let version = dashboard["schemaVersion"].as_u64().expect("a number");
    assert!((39..=41).contains(&version), "{version}");
    assert_eq!(dashboard["__inputs"][0]["name"], "DS_PROMETHEUS");
    assert_eq!(dashboard["__inputs"][0]["pluginId"], "prometheus");
    // Grafana gives it an id of its own.
    assert!(dashboard["id"].is_null());
    let kinds: BTreeSet<String> =
        list(&dashboard["__requires"]).iter().map(|needed| needed["id"].as_str().expect("an id").to_owned()).collect();
    for panel in panels() {
        let kind = panel["type"].as_str().expect("a panel has a type");
        assert!(kind == "row" || kinds.contains(kind), "{kind} is not in __requires");
        if kind == "row" {
            continue;
        }
        let source = serde_json::json!({ "type": "prometheus", "uid": "${DS_PROMETHEUS}" });
        assert_eq!(panel["datasource"], source, "{}", panel["title"]);
        let targets = list(&panel["targets"]);
        assert!(!targets.is_empty(), "{}", panel["title"]);
        assert!(targets.iter().all(|target| target["datasource"] == source), "{}", panel["title"]);
        let references: BTreeSet<_> = targets.iter().map(|target| target["refId"].as_str().expect("a name")).collect();
        assert_eq!(references.len(), targets.len(), "{}", panel["title"]);
    }
}

#[test]
fn every_panel_has_a_number_a_title_and_a_place_of_its_own() {
    let panels = panels();
    assert!(panels.len() > 15);
    let numbers: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().expect("a number")).collect();
    assert_eq!(numbers.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in &panels {
        let place = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        let (x, y, width, height) = (place("x"), place("y"), place("w"), place("h"));
        assert!(width > 0 && height > 0 && x + width <= 24, "{}", panel["title"]);
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} lies on another panel", panel["title"]);
        }
        let is_row = panel["type"] == "row";
        assert!(is_row || panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{}", panel["title"]);
    }
}

#[test]
fn every_expression_names_what_is_rendered_and_heeds_the_variables() {
    let vocabulary = Vocabulary::whole();
    let expressions = expressions();
    assert!(expressions.len() > 20);
    for (title, expression) in &expressions {
        assert!(are_rendered(expression, &vocabulary) > 0, "{title}");
        for (metric, conditions) in metrics(expression) {
            // A store is of all breakers.
            let has_name = vocabulary.metrics[&metric].contains_key("name");
            for variable in ["job", "instance", "name"].into_iter().filter(|variable| has_name || *variable != "name") {
                let wanted = (variable.to_owned(), "=~".to_owned(), format!("${variable}"));
                assert!(conditions.contains(&wanted), "{title}: {metric} does not heed ${variable}");
            }
        }
    }
    let dashboard = json(FILE);
    let variables = list(&dashboard["templating"]["list"]);
    let names: Vec<_> = variables.iter().map(|variable| variable["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["job", "instance", "name"]);
    for variable in &variables {
        assert_eq!(are_rendered(variable["definition"].as_str().expect("a query"), &vocabulary), 1);
    }
}

#[test]
fn every_legend_names_labels_that_the_expression_keeps() {
    for panel in panels() {
        for target in list(&panel["targets"]) {
            let expression = target["expr"].as_str().expect("an expression");
            let kept = lists(expression, &["by"]);
            for label in placeholders(target["legendFormat"].as_str().expect("a legend")) {
                let is_kept = if kept.is_empty() { !expression.contains("sum") } else { kept.contains(&label) };
                assert!(is_kept, "{}: the legend shows {label}", panel["title"]);
            }
        }
    }
}

#[test]
fn the_numbers_of_the_states_are_those_that_are_rendered() {
    use breakerbox::State;
    let timeline = panels().into_iter().find(|panel| panel["type"] == "state-timeline").expect("it is there");
    let mapped = &timeline["fieldConfig"]["defaults"]["mappings"][0]["options"];
    for state in State::ALL {
        assert_eq!(mapped[(state as u8).to_string()]["text"], state.as_str());
    }
}

#[test]
fn there_is_a_panel_for_every_question() {
    let titles: BTreeSet<String> = panels().iter().map(|panel| panel["title"].as_str().unwrap().to_owned()).collect();
    for wanted in [
        "Closed",
        "Open",
        "Half-open",
        "Forced",
        "States",
        "Failure ratio",
        "Requests by state",
        "Rejections by reason",
        "Trips per hour",
        "In flight",
        "Fallbacks",
        "Time in states",
        "Store degraded",
    ] {
        assert!(titles.contains(wanted), "there is no panel {wanted}");
    }
}
