//! The cases of a module (`tests/cases/MODULE/*.json`), run with both implementations.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fancy_regex::Regex;
use ftl_sdk::{Host, Module, Settings};
use serde_json::{Map, Value, json};

use super::oracle::Oracle;
use super::tree;

/// Runs all cases of a module; panics with every difference found.
pub(crate) fn check(module: &str, at_least: usize) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases")).join(module);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    // New files get what the process takes away; the oracle's children have the same.
    rustix::process::umask(0o022.into());
    let mut oracle = Oracle::start();
    let mut problems = Vec::new();
    let mut count = 0;
    let only = std::env::var("FTL_CASE").ok();
    for file in files {
        let cases: Value = serde_json::from_slice(&std::fs::read(&file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        // A file is a list of cases, or an object with what holds for all of them.
        for case in cases.get("cases").unwrap_or(&cases).as_array().unwrap() {
            let name =
                format!("{module}/{}: {}", file.file_stem().unwrap().to_str().unwrap(), case["name"].as_str().unwrap());
            if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
                continue;
            }
            count += 1;
            for (side, difference) in run(module, &with_common(case, &cases), &mut oracle) {
                problems.push(format!("{name} ({side})\n{difference}"));
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{} of {count} cases of {module} differ:\n\n{}",
        problems.len(),
        problems.join("\n\n")
    );
    assert!(only.is_some() || count >= at_least, "only {count} cases of {module}");
}

fn with_common(case: &Value, file: &Value) -> Value {
    let mut case = case.clone();
    for key in ["ignore", "sort"] {
        if let Some(common) = file.get(key) {
            case[key] = common.clone();
        }
    }
    case
}

fn run(name: &str, case: &Value, oracle: &mut Oracle) -> Vec<(String, String)> {
    let module = ftl_builtin::find(name).unwrap();
    // Left to Python: nothing to compare.
    if case["left"] == json!(true) {
        let covered = module.supports(&arguments(case, Path::new("/t")), false);
        return covered.then(|| ("covered".into(), "  it must be left to Python".into())).into_iter().collect();
    }
    if case["uncovered"] != json!(true) && !module.supports(&arguments(case, Path::new("/t")), false) {
        return vec![("not covered".into(), String::new())];
    }
    let base = tempfile::tempdir().unwrap();
    let base = std::fs::canonicalize(base.path()).unwrap();
    let trees = ["a", "b"].map(|tree| base.join(tree).join("t"));
    for tree in &trees {
        std::fs::create_dir_all(tree).unwrap();
        tree::make(tree, &case["setup"]);
    }
    let umask = case["umask"].as_str().map_or(0o022, |text| u32::from_str_radix(text, 8).unwrap());
    let mut problems = Vec::new();
    let outside = || case["outside"].as_str().map(std::fs::remove_file);
    for turn in 0..if case["again"] == json!(true) { 2 } else { 1 } {
        outside();
        let python = oracle_answer(name, case, oracle, &trees[0], umask);
        outside();
        let native = native_answer(module, case, &trees[1], umask);
        let (python, native) = (shape(python, &trees[0], case), shape(native, &trees[1], case));
        // Their texts differ when only the order of keys does.
        let texts = [python.to_string(), native.to_string()];
        if python != native || texts[0] != texts[1] {
            problems.push((format!("turn {turn}"), difference(&python, &native)));
        }
    }
    let [left, right] =
        trees.map(|tree| steady(&tree::describe(&tree).join("\n").replace(tree.to_str().unwrap(), "$T")));
    if left != right {
        problems.push(("files".into(), format!("  python:\n{left}\n  native:\n{right}")));
    }
    outside();
    tree::unlock(&base);
    std::fs::remove_dir_all(&base).ok();
    problems
}

fn arguments(case: &Value, tree: &Path) -> Map<String, Value> {
    let text = case["args"].to_string().replace("$T", tree.to_str().unwrap());
    serde_json::from_str(&text).unwrap()
}

fn environment(case: &Value, tree: &Path) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::from([
        ("PATH".into(), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into()),
        ("HOME".into(), tree.to_str().unwrap().into()),
        ("LANG".into(), "C.UTF-8".into()),
    ]);
    for (key, value) in case["environment"].as_object().into_iter().flatten() {
        all.insert(key.clone(), value.as_str().unwrap().replace("$T", tree.to_str().unwrap()));
    }
    all
}

fn cwd(case: &Value, tree: &Path) -> PathBuf {
    tree.join(case["cwd"].as_str().unwrap_or("."))
}

fn oracle_answer(name: &str, case: &Value, oracle: &mut Oracle, tree: &Path, umask: u32) -> Value {
    let mut args = arguments(case, tree);
    args.insert("_ansible_check_mode".into(), case["check"].clone());
    args.insert("_ansible_diff".into(), case["diff"].clone());
    args.retain(|_, value| !(value.is_null() && case["keep_null"].is_null()));
    args.insert("_ansible_module_name".into(), name.into());
    args.insert("_ansible_tmpdir".into(), tree.parent().unwrap().to_str().unwrap().into());
    let environment = json!(environment(case, tree));
    match oracle.run(name, &args.into(), cwd(case, tree).to_str().unwrap(), umask, &environment) {
        Ok(result) => result,
        Err(crash) => json!({"crash": crash}),
    }
}

fn native_answer(module: &Module, case: &Value, tree: &Path, umask: u32) -> Value {
    let args = arguments(case, tree);
    let environment =
        environment(case, tree).into_iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect();
    let settings = Settings {
        check: case["check"] == json!(true),
        diff: case["diff"] == json!(true),
        environment: Arc::new(environment),
        cwd: std::fs::canonicalize(cwd(case, tree)).unwrap(),
        umask,
        shell: "/bin/sh".into(),
        temporary: String::new(),
        python: Some(super::oracle::python()),
        ..Settings::default()
    };
    Value::Object(module.call(args, &Host::new(module.name, settings)))
}

/// What both can be compared by: paths, times, numbers of files and processes taken out.
fn shape(answer: Value, tree: &Path, case: &Value) -> Value {
    let text = answer.to_string().replace(tree.to_str().unwrap(), "$T");
    let mut answer: Value = serde_json::from_str(&steady(&text)).unwrap();
    let Some(map) = answer.as_object_mut() else { return answer };
    if let Some(Value::Array(warnings)) = map.get_mut("warnings") {
        for warning in warnings {
            let said = warning["event"]["msg"].clone();
            if said.is_string() {
                *warning = said;
            }
        }
    }
    if let Some(exception) = map.remove("exception") {
        let mut said = Vec::new();
        let mut event = &exception["event"];
        while event.is_object() {
            said.push(event["msg"].clone());
            event = &event["chain"]["event"];
        }
        if map.contains_key("msg") {
            map.insert("exception".into(), said.into());
        } else {
            // A module that died: only the first message is told in the same words.
            return json!({"crash": said[0]});
        }
    }
    for key in case["ignore"].as_array().into_iter().flatten() {
        forget(map, key.as_str().unwrap());
    }
    for key in case["sort"].as_array().into_iter().flatten() {
        sort(&mut answer, key.as_str().unwrap());
    }
    let Some(map) = answer.as_object_mut() else { return answer };
    for key in ["atime", "mtime", "ctime", "inode", "start", "end", "delta", "version"] {
        forget(map, key);
    }
    answer
}

/// Replaces a value, wherever it is, by what kind of value it is.
fn forget(map: &mut Map<String, Value>, key: &str) {
    for (name, value) in map.iter_mut() {
        match value {
            Value::Object(inner) => forget(inner, key),
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(|inner| forget(inner, key))
            }
            Value::Null => {}
            // Times that a case set are old ones, and equal.
            Value::Number(time) if key.ends_with("time") && time.as_f64().is_some_and(|time| time < tree::NOW) => {}
            other if name == key => *other = Value::from(if other.is_number() { "number" } else { "text" }),
            _ => {}
        }
    }
}

/// Sorts a list or the keys of an object, wherever it is: what Python keeps in sets, or asks threads for, comes in any order.
fn sort(value: &mut Value, key: &str) {
    for (name, value) in value.as_object_mut().into_iter().flatten() {
        match value {
            Value::Array(items) if name == key => items.sort_by_key(Value::to_string),
            Value::Object(map) if name == key => map.sort_keys(),
            inner => sort(inner, key),
        }
    }
}

/// The names of backups and temporary files.
fn steady(text: &str) -> String {
    let backup = Regex::new(r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~").unwrap();
    let temporary = Regex::new(r"ansible\.[a-z0-9_]{8}").unwrap();
    temporary.replace_all(&backup.replace_all(text, ".BACKUP~"), "ansible.RANDOM").into_owned()
}

fn difference(python: &Value, native: &Value) -> String {
    let mut lines = Vec::new();
    compare("", Some(python), Some(native), &mut lines);
    lines.join("\n")
}

fn compare(name: &str, python: Option<&Value>, native: Option<&Value>, lines: &mut Vec<String>) {
    match (python, native) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            if left.len() == right.len() && !left.keys().eq(right.keys()) {
                let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>().join(" ");
                lines.push(format!("  order of {name}\n    python: {}\n    native: {}", keys(left), keys(right)));
            }
            for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
                compare(&format!("{name}.{key}"), left.get(key), right.get(key), lines);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) if left.len() == right.len() => {
            for (number, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{name}[{number}]"), Some(left), Some(right), lines);
            }
        }
        (left, right) if left != right => {
            let shown = |value: Option<&Value>| value.map_or("(none)".to_owned(), Value::to_string);
            lines.push(format!("  {name}\n    python: {}\n    native: {}", shown(left), shown(right)));
        }
        _ => {}
    }
}
