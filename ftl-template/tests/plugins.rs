//! Ansible's filters, tests and lookups, with the answers ansible-core 2.19.14 gave (recorded in a directory of files).

use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::source::Origin;
use ftl_core::value::{Dict, List};
use ftl_core::{Str, Value};
use ftl_template::{COLLECTIONS, Renderer, Shared, eval_line};
use serde_json::Value as Json;

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

/// The recorded files, in a directory that goes with this value.
struct Directory(PathBuf);

impl Directory {
    fn with_files(data: &Json) -> Directory {
        let number = data["cases"].as_array().map_or(0, Vec::len);
        let path = std::env::temp_dir().join(format!("ftl-template-plugins-{}-{number}", std::process::id()));
        for (name, content) in data["files"].as_object().expect("files") {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().expect("directory")).expect("directory");
            std::fs::write(file, content.as_str().expect("text")).expect("file");
        }
        for (name, target) in data["links"].as_object().expect("links") {
            std::os::unix::fs::symlink(target.as_str().expect("target"), path.join(name)).expect("link");
        }
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The JSON library may read the last digit of a float differently.
fn same(expected: &Json, found: &Json) -> bool {
    match (expected, found) {
        (Json::Number(a), Json::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0));
            a == b || (a - b).abs() <= a.abs() * 1e-15
        }
        // Integers beyond 64 bits.
        (Json::Number(a), Json::String(b)) => a.as_f64() == b.parse().ok(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, v), (l, w))| k == l && same(v, w))
        }
        (a, b) => a == b,
    }
}

#[test]
fn answers_of_core_as_recorded() {
    check(include_str!("data/filters.json"), &[]);
}

/// Of `ansible.utils` and `community.general`.
#[test]
fn answers_of_collections_as_recorded() {
    check(include_str!("data/collections.json"), &COLLECTIONS);
}

fn check(recorded: &str, collections: &[&'static str]) {
    let data: Json = serde_json::from_str(recorded).expect("JSON");
    let directory = Directory::with_files(&data);
    let environment = data["environment"].as_object().expect("environment");
    let shared = Arc::new(Shared {
        environment: environment.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or("").to_string())).collect(),
        working_dir: directory.0.clone(),
        base_dir: directory.0.clone(),
        collections: collections.to_vec(),
        ..Shared::default()
    });
    let scope = Arc::new((*trusted(&data["vars"]).as_map().expect("variables")).clone());
    let cases = data["cases"].as_array().expect("cases");
    let mut wrong = vec![];
    for case in cases {
        let renderer = Renderer::new(scope.clone(), shared.clone());
        let line = eval_line(&renderer, &Str::trusted(case["t"].as_str().expect("template"), None));
        let line = line.replace(&*directory.0.to_string_lossy(), "DIR");
        let found: Json = serde_json::from_str(&line).expect("line");
        let equal = match (case.get("ok"), found.get("ok")) {
            (Some(expected), Some(found)) => same(expected, found),
            (None, None) => case["err"] == found["err"],
            _ => false,
        };
        if !equal {
            wrong.push(format!("{case}\n    found {line}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Which collections must be there for a name, as ansible-core and `ansible.netcommon` redirect it.
#[test]
fn plugins_of_collections_count_where_those_are_installed() {
    let check = |expression: &str, collections: &[&'static str], expected: &str| {
        let shared = Arc::new(Shared { collections: collections.to_vec(), ..Shared::default() });
        let renderer = Renderer::new(Arc::new(ftl_core::Map::new()), shared);
        let found = renderer.render_str(&Str::trusted(format!("{{{{ {expression} }}}}"), None));
        let found = found.map_or_else(|error| error.one_line(), |value| ftl_core::value::repr(&value));
        assert_eq!(found, expected, "{expression} with {collections:?}");
    };
    let general = &["community.general"];
    let missing = |kind: &str, name: &str| format!("Syntax error in template: No {kind} named '{name}'.");
    for name in
        ["json_query", "community.general.json_query", "ansible.builtin.json_query", "ansible.legacy.json_query"]
    {
        check(&format!("{{'a': 1}} | {name}('a')"), general, "1");
        check(&format!("{{'a': 1}} | {name}('a')"), &["ansible.utils"], &missing("filter", name));
    }
    for name in ["ipaddr", "ansible.netcommon.ipaddr", "ansible.builtin.ipaddr"] {
        check(&format!("'10.0.0.1/8' | {name}('network')"), &["ansible.netcommon", "ansible.utils"], "'10.0.0.0'");
        for installed in COLLECTIONS {
            check(&format!("'10.0.0.1/8' | {name}('network')"), &[installed], &missing("filter", name));
        }
    }
    check("'10.0.0.1/8' | ansible.utils.ipaddr('network')", &["ansible.utils"], "'10.0.0.0'");
    check("'10.0.0.1/8' | ansible.utils.ipaddr('network')", general, &missing("filter", "ansible.utils.ipaddr"));
    check("1 | ipaddr", &[], &missing("filter", "ipaddr"));
    let unknown = "The filter plugin 'ansible.builtin.map' failed: No filter named 'json_query'.";
    check("[1] | map('json_query', 'x')", &[], unknown);
    check("'json_query' is filter", &[], "False");
    check("'json_query' is filter", general, "True");
    for name in ["flattened", "community.general.flattened"] {
        check(&format!("query('{name}', [1, [2]])"), general, "[1, 2]");
        check(&format!("query('{name}', 1)"), &[], &format!("The lookup plugin '{name}' was not found."));
    }
    let failed = "The filter plugin 'community.general.json_query' failed: JMESPathError in json_query filter plugin:";
    let renderer = Renderer::new(
        Arc::new(ftl_core::Map::new()),
        Arc::new(Shared { collections: general.to_vec(), ..Shared::default() }),
    );
    let error = renderer.render_str(&Str::trusted("{{ 1 | json_query('[') }}", None)).expect_err("bad expression");
    assert!(error.one_line().starts_with(failed), "{}", error.one_line());
}
