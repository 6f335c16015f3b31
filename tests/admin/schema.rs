//! Holds answers against `openapi.json`: the route, the status, the type, and every key of the body.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;

use crate::support::Answer;

pub(crate) static OPENAPI: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../runtime/src/admin/openapi.json")).expect("the description is JSON")
});

/// What a `$ref` points to, or the value itself.
fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => {
            let target = OPENAPI.pointer(pointer.trim_start_matches('#'));
            resolve(target.unwrap_or_else(|| panic!("{pointer} points nowhere")))
        }
        None => value,
    }
}

/// The operations of the path: the one with the fewest parameters counts, as in the router.
pub(crate) fn operations(path: &str) -> Option<&'static Value> {
    let matches = |template: &str| {
        let (mut asked, mut known) = (path.split('/'), template.split('/'));
        loop {
            match (asked.next(), known.next()) {
                (None, None) => return true,
                (Some(asked), Some(known)) if known == asked || (known.starts_with('{') && !asked.is_empty()) => {}
                _ => return false,
            }
        }
    };
    let paths = OPENAPI["paths"].as_object().unwrap();
    let found = paths.iter().filter(|(template, _)| matches(template));
    found.min_by_key(|(template, _)| template.matches('{').count()).map(|(_, operations)| operations)
}

/// Fails if the answer is not one that the description tells of.
#[track_caller]
pub(crate) fn check_answer(method: &Method, path: &str, answer: &Answer) {
    let Some(operations) = operations(path) else {
        assert!(answer.status == 404 || answer.status >= 500, "{path} is not described: {answer:?}");
        return;
    };
    let asked = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let Some(operation) = operations.get(&asked) else {
        // What the guards say before the router looks at the method.
        assert!([204, 400, 403, 405, 421].contains(&answer.status), "{method} {path} is not described: {answer:?}");
        return;
    };
    let status = answer.status.to_string();
    let response = operation["responses"].get(&status);
    let response = resolve(response.unwrap_or_else(|| panic!("{method} {path} may not answer {status}: {answer:?}")));
    let kind = answer.header("content-type").split(';').next().unwrap_or_default().trim();
    if *method == Method::HEAD || kind.is_empty() {
        assert_eq!(answer.text, "");
        return;
    }
    let content = response["content"].get(kind);
    let content = content.unwrap_or_else(|| panic!("{method} {path} may not answer {kind}: {answer:?}"));
    if kind.ends_with("json") {
        check(&answer.json(), &content["schema"], &format!("{method} {path}"));
    }
}

/// Fails if the value is not what the schema of this name tells of.
pub(crate) fn check_named(value: &Value, name: &str) {
    check(value, &OPENAPI["components"]["schemas"][name], name);
}

fn check(value: &Value, schema: &'static Value, at: &str) {
    let schema = resolve(schema);
    if let Some(options) = schema["anyOf"].as_array() {
        let option = options.iter().find(|option| is_of_type(value, resolve(option)));
        check(value, option.unwrap_or_else(|| panic!("{at} is none of its options: {value}")), at);
        return;
    }
    assert!(is_of_type(value, schema), "{at} is not of its type {}: {value}", schema["type"]);
    if let Some(options) = schema["enum"].as_array() {
        assert!(options.contains(value), "{at} is none of {options:?}: {value}");
    }
    if let Some(number) = value.as_f64() {
        assert!(schema["minimum"].as_f64().is_none_or(|least| number >= least), "{at} is too small: {value}");
        assert!(schema["maximum"].as_f64().is_none_or(|most| number <= most), "{at} is too large: {value}");
    }
    match value {
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                check(item, &schema["items"], &format!("{at}[{number}]"));
            }
        }
        Value::Object(members) if schema.get("properties").is_some() => {
            for required in schema["required"].as_array().into_iter().flatten() {
                assert!(members.contains_key(required.as_str().unwrap()), "{at} lacks {required}");
            }
            for (key, member) in members {
                let known = schema["properties"].get(key);
                check(member, known.unwrap_or_else(|| panic!("{at} has {key}, which is not described")), key);
            }
        }
        _ => {}
    }
}

fn is_of_type(value: &Value, schema: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap_or_default())),
        _ => false,
    }
}
