//! Templates with the answers that ansible-core 2.19.14 gave to them.

use std::sync::Arc;

use ftl_core::source::Origin;
use ftl_core::value::{Dict, List};
use ftl_core::{Map, Str, Value};
use ftl_template::{FileOptions, Renderer, Shared, eval_line};
use num_bigint::BigInt;
use serde_json::Value as Json;

/// JSON as a loader would give it: every string written by the operator.
fn trusted(json: &Json) -> Value {
    match json {
        Json::String(text) => Value::Str(Str::trusted(text.as_str(), Some(Origin::new("vars.yml", 1, 1)))),
        Json::Array(items) => Value::List(List::loaded(items.iter().map(trusted).collect())),
        Json::Object(entries) => {
            Value::Dict(Dict::loaded(entries.iter().map(|(k, v)| (Value::str(k.as_str()), trusted(v))).collect()))
        }
        other => ftl_core::value::from_json(other),
    }
}

fn variables(json: &Json) -> Map {
    let mut map = Map::new();
    for (name, value) in json.as_object().expect("variables") {
        map.insert(name.as_str(), trusted(value));
    }
    // The JSON library has no integers of this size.
    let big = |text: &str| Value::from(text.parse::<BigInt>().expect("digits"));
    if map.contains_key("big") {
        map.insert("big", big("12345678901234567890123"));
        map.insert("huge", big("100000000000000000000000000000000000000000000000000"));
    }
    map
}

fn same(expected: &Json, found: &Json) -> bool {
    match (expected, found) {
        (Json::Number(a), Json::Number(b)) => a.is_f64() == b.is_f64() && near(a.as_f64(), b.as_f64()),
        // Integers beyond 64 bits.
        (Json::Number(a), Json::String(b)) => near(a.as_f64(), b.parse().ok()),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, v), (l, w))| k == l && same(v, w))
        }
        (a, b) => a == b,
    }
}

/// The JSON library may read the last digit differently.
fn near(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= a.abs() * 1e-15,
        _ => false,
    }
}

fn class(name: &str) -> &str {
    name.strip_prefix("_AnsibleTagged").unwrap_or(name)
}

/// Compares the words of errors too, unless they name types that only exist inside Ansible.
fn same_error(expected: &str, found: &str) -> bool {
    expected.contains("_Ansible") || expected.chars().take(200).collect::<String>() == found
}

fn check(file: &str) {
    let data: Json = serde_json::from_str(file).expect("JSON");
    let scope = Arc::new(variables(&data["vars"]));
    let shared = Arc::new(Shared::default());
    let mut wrong = Vec::new();
    let cases = data["cases"].as_array().expect("cases");
    for case in cases {
        let text = case["t"].as_str().expect("template");
        let renderer = Renderer::new(scope.clone(), shared.clone());
        let line = eval_line(&renderer, &Str::trusted(text, Some(Origin::new("play.yml", 2, 3))));
        let found: Json = serde_json::from_str(&line).expect("line");
        let equal = match (case.get("ok"), found.get("ok")) {
            (Some(expected), Some(value)) => {
                let (a, b) = (case["type"].as_str().unwrap_or(""), found["type"].as_str().unwrap_or(""));
                same(expected, value) && class(a).eq_ignore_ascii_case(b)
            }
            (None, None) => same_error(case["err"].as_str().unwrap_or(""), found["err"].as_str().unwrap_or("")),
            _ => false,
        };
        if !equal {
            wrong.push(format!("{case}\n    found {line}"));
        }
    }
    let right = cases.len() - wrong.len();
    assert!(wrong.is_empty(), "{right} of {} right; wrong:\n{}", cases.len(), wrong.join("\n"));
}

#[test]
fn recorded_templates() {
    check(include_str!("data/templates.json"));
}

#[test]
fn further_templates() {
    check(include_str!("data/more.json"));
}

/// The words of an error as Ansible's exceptions have them, without the class.
fn words(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(_, words)| words)
}

#[test]
fn conditions() {
    let data: Json = serde_json::from_str(include_str!("data/conditions.json")).expect("JSON");
    let mut scope = variables(&data["vars"]);
    for (_, value) in scope.iter_mut() {
        if let Value::Str(text) = value {
            *value = Value::Str(Str::trusted(text.shared(), Some(Origin::new("/vars.yml", 1, 1))));
        }
    }
    let scope = Arc::new(scope);
    let mut wrong = Vec::new();
    for case in data["cases"].as_array().expect("cases") {
        let renderer = Renderer::new(scope.clone(), Arc::new(Shared::default()));
        let condition = match &case["c"] {
            Json::String(text) => Value::Str(Str::trusted(text.as_str(), Some(Origin::new("/play.yml", 2, 3)))),
            other => ftl_core::value::from_json(other),
        };
        let found = renderer.condition(&condition).map_err(|error| error.one_line());
        let equal = match (&found, case.get("ok")) {
            (Ok(found), Some(expected)) => expected == found,
            (Err(found), None) => words(case["err"].as_str().unwrap_or("")) == found,
            _ => false,
        };
        if !equal {
            wrong.push(format!("{case}\n    found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files that templates include, without a disk.
struct Library(std::collections::BTreeMap<std::path::PathBuf, String>);

impl ftl_template::Files for Library {
    fn read(&self, path: &std::path::Path) -> Result<Vec<u8>, ftl_core::source::Diagnostic> {
        let text = self.0.get(path).map(|text| text.clone().into_bytes());
        text.ok_or_else(|| ftl_core::source::Diagnostic::error("no such file"))
    }
    fn is_file(&self, path: &std::path::Path) -> bool {
        self.0.contains_key(path)
    }
}

fn file_options(overrides: &Json) -> FileOptions {
    let mut options = FileOptions { search_path: vec!["DIR".into()], ..FileOptions::default() };
    for (key, value) in overrides.as_object().expect("overrides") {
        let text = value.as_str().unwrap_or("").to_string();
        match key.as_str() {
            "block_start_string" => options.block_start = text,
            "block_end_string" => options.block_end = text,
            "variable_start_string" => options.variable_start = text,
            "variable_end_string" => options.variable_end = text,
            "newline_sequence" => options.newline_sequence = text,
            "trim_blocks" => options.trim_blocks = value == true,
            "lstrip_blocks" => options.lstrip_blocks = value == true,
            other => panic!("{other}"),
        }
    }
    options
}

#[test]
fn template_files() {
    let data: Json = serde_json::from_str(include_str!("data/files.json")).expect("JSON");
    let scope = Arc::new(variables(&data["vars"]));
    let files = data["files"].as_object().expect("files").iter();
    let files = files.map(|(name, text)| (format!("DIR/{name}").into(), text.as_str().unwrap_or("").to_string()));
    let shared = Arc::new(Shared { files: Arc::new(Library(files.collect())), ..Shared::default() });
    let mut wrong = Vec::new();
    for case in data["cases"].as_array().expect("cases") {
        let renderer = Renderer::new(scope.clone(), shared.clone());
        let text = Str::trusted(case["t"].as_str().expect("text"), Some(Origin::file("t.j2")));
        let found = renderer.render_file(&text, &file_options(&case["overrides"]));
        let found = found.map_err(|error| error.one_line());
        let equal = match (&found, case.get("ok")) {
            (Ok(found), Some(expected)) => expected == found,
            (Err(found), None) => words(case["err"].as_str().unwrap_or("")) == found,
            _ => false,
        };
        if !equal {
            wrong.push(format!("{case}\n    found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
