//! What expressions of Prometheus name: metrics with their selectors, and labels. Whether an expression is one at
//! all is for Prometheus to say.

use std::collections::BTreeSet;

use crate::page::Vocabulary;

/// Labels that Prometheus adds to what it scrapes.
const ADDED: [&str; 2] = ["job", "instance"];

/// Labels whose values depend on the service: its breakers, and its store.
const FREE: [&str; 3] = ["name", "store", "op"];

/// A condition of a selector: label, comparison, value. The value is empty where it is not written in quotes.
pub(crate) type Condition = (String, String, String);

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The metrics that a text names, each with its conditions.
pub(crate) fn metrics(text: &str) -> Vec<(String, Vec<Condition>)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("circuit_breaker_") {
        let end = rest[at..].find(|c| !is_word(c)).map_or(rest.len(), |end| at + end);
        let conditions = rest[end..].strip_prefix('{').map(conditions).unwrap_or_default();
        found.push((rest[at..end].to_owned(), conditions));
        rest = &rest[end..];
    }
    found
}

/// The conditions up to the closing brace.
fn conditions(text: &str) -> Vec<Condition> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        let label: String = rest.chars().take_while(|c| is_word(*c)).collect();
        if label.is_empty() {
            return found;
        }
        rest = &rest[label.len()..];
        let comparison: String = rest.chars().take_while(|c| "=!~".contains(*c)).collect();
        rest = &rest[comparison.len()..];
        let mut value = String::new();
        match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let mut characters = rest[1..].char_indices();
                let mut end = rest.len();
                while let Some((at, c)) = characters.next() {
                    match c {
                        '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                        c if c == quote => {
                            end = at + 2;
                            break;
                        }
                        c => value.push(c),
                    }
                }
                rest = &rest[end..];
            }
            // A placeholder.
            _ => rest = rest.trim_start_matches(|c| is_word(c) || c == '%'),
        }
        found.push((label, comparison, value));
    }
}

/// The labels that a text lists after one of these words, as in `by (name)`.
pub(crate) fn lists(text: &str, words: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices('(') {
        let before = text[..at].trim_end();
        let is_list = words.iter().any(|word| {
            before.strip_suffix(word).is_some_and(|rest| !rest.ends_with(is_word) && rest.len() < before.len())
        });
        if is_list {
            let inside = text[at + 1..].split(')').next().unwrap_or_default();
            found.extend(inside.split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()));
        }
    }
    found
}

/// The names in `{{name}}` or `$labels.name`.
pub(crate) fn placeholders(text: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| is_word(*c)).collect::<String>();
    let braces = text.split("{{").skip(1).map(|rest| word(rest.trim_start()));
    let labels = text.split("$labels.").skip(1).map(word);
    braces.chain(labels).filter(|name| !name.is_empty()).collect()
}

/// Fails unless the text names only what is on the page: metrics, their labels, and values of labels.
#[track_caller]
pub(crate) fn are_rendered(text: &str, vocabulary: &Vocabulary) -> usize {
    let used = metrics(text);
    for (metric, conditions) in &used {
        let known = vocabulary.metrics.get(metric);
        let known = known.unwrap_or_else(|| panic!("{metric} is not rendered: {text}"));
        for (label, comparison, value) in conditions {
            if ADDED.contains(&&**label) {
                continue;
            }
            let values = known.get(label).unwrap_or_else(|| panic!("{metric} has no label {label}: {text}"));
            if !FREE.contains(&&**label) && comparison == "=" {
                assert!(values.contains(value), "{metric} has no {label}=\"{value}\": {text}");
            }
        }
    }
    let labels = vocabulary.labels();
    for label in lists(text, &["by", "without", "ignoring", "on"]) {
        assert!(labels.contains(&*label) || ADDED.contains(&&*label), "no metric has a label {label}: {text}");
    }
    used.len()
}

#[test]
fn what_an_expression_names_is_found() {
    let text =
        r#"sum by (name, from) (rate(circuit_breaker_a{x="1\"}",y!~'$b',name=%q}[5m])) / on(job) circuit_breaker_b"#;
    let found = metrics(text);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].0, "circuit_breaker_a");
    let conditions: Vec<_> = found[0].1.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(conditions, [("x", "=", "1\"}"), ("y", "!~", "$b"), ("name", "=", "")]);
    assert_eq!(found[1], ("circuit_breaker_b".to_owned(), Vec::new()));
    assert_eq!(lists(text, &["by", "on"]).into_iter().collect::<Vec<_>>(), ["from", "job", "name"]);
    assert_eq!(placeholders("{{name}} of {{ $labels.job }}").into_iter().collect::<Vec<_>>(), ["job", "name"]);
}

#[test]
fn what_is_not_rendered_is_found_out() {
    let vocabulary = Vocabulary::whole();
    for wrong in [
        "circuit_breaker_statee",
        "circuit_breaker_state{state=\"open\"}",
        "circuit_breaker_requests_total{state=\"opened\"}",
        "sum by (service) (circuit_breaker_state)",
        "circuit_breaker_call_duration_seconds",
    ] {
        let refused = std::panic::catch_unwind(|| are_rendered(wrong, &vocabulary));
        assert!(refused.is_err(), "{wrong}");
    }
    let right = "sum by (name) (circuit_breaker_requests_total{state=\"open\",name=~\"$name\",job=\"x\"})";
    assert_eq!(are_rendered(right, &vocabulary), 1);
}
