//! Values as PyYAML dumps them with Ansible's dumpers (recorded in `data/emit.json`), against our emitter.

use std::sync::Arc;

use ftl_core::value::{Map, Str, Value};
use ftl_core::yaml::{DumpOptions, LoadOptions, MultiLine, QuoteStyle, dump, load_value};
use serde_json::Value as Json;

/// The recording marks what JSON lacks: `i` integers, `f` floats, `b` bytes, `t` dates, `d` dicts.
fn value(json: &Json) -> Value {
    let Json::Object(marked) = json else {
        return match json {
            Json::Null => Value::None,
            Json::Bool(b) => Value::Bool(*b),
            Json::String(s) => Value::str(s.as_str()),
            Json::Array(items) => items.iter().map(value).collect(),
            other => panic!("unmarked {other}"),
        };
    };
    let (mark, content) = marked.iter().next().unwrap();
    match mark.as_str() {
        "i" | "t" => read(content.as_str().unwrap()),
        "f" => Value::Float(content.as_str().unwrap().parse().unwrap()),
        "b" => Value::Bytes(content.as_str().unwrap().chars().map(|c| c as u8).collect()),
        "d" => {
            let entries = content.as_array().unwrap().iter().map(|pair| (value(&pair[0]), value(&pair[1])));
            Value::dict(entries.collect::<Map>())
        }
        other => panic!("unknown mark {other}"),
    }
}

fn read(text: &str) -> Value {
    load_value(text, &LoadOptions::new("<test>", &Arc::default())).unwrap().root
}

fn options(json: &Json) -> DumpOptions {
    let defaults = DumpOptions::default();
    let flag = |name: &str, default: bool| json[name].as_bool().unwrap_or(default);
    let number = |name: &str| json[name].as_i64().map(|n| n as i32);
    DumpOptions {
        default_flow_style: json["default_flow_style"].as_bool(),
        default_style: json["default_style"].as_str().and_then(QuoteStyle::parse),
        indent: number("indent"),
        width: number("width"),
        sort_keys: flag("sort_keys", defaults.sort_keys),
        allow_unicode: flag("allow_unicode", defaults.allow_unicode),
        explicit_start: flag("explicit_start", defaults.explicit_start),
        explicit_end: flag("explicit_end", defaults.explicit_end),
        canonical: flag("canonical", defaults.canonical),
        multi_line: match json["multi_line"].as_str() {
            Some("lossy") => MultiLine::BlockLossy,
            Some(_) => MultiLine::Block,
            None => MultiLine::Quoted,
        },
        ..defaults
    }
}

#[test]
fn values_are_written_as_pyyaml_writes_them() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/emit.json")).unwrap();
    let cases: Vec<Json> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 600);
    let mut wrong = Vec::new();
    for case in &cases {
        let got = dump(&value(&case["v"]), &options(&case["o"])).unwrap();
        if Some(&*got) != case["y"].as_str() {
            wrong.push(format!("{} with {}: got {got:?}, wanted {}", case["v"], case["o"], case["y"]));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn marks_and_sets_are_written_with_their_tags() {
    let nice = DumpOptions { indent: Some(4), default_flow_style: Some(false), ..DumpOptions::default() };
    let secret = Str::decrypted("plain", Arc::from("$ANSIBLE_VAULT;1.1;AES256\n3132\n"), None);
    let check = |value: Value, wanted: &str| assert_eq!(dump(&value, &nice).unwrap(), wanted);
    check(Value::list(vec![Value::Str(secret)]), "- !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    3132\n");
    check(read("{s: !!set {b, a}}"), "s: !!set\n    a: null\n    b: null\n");
}

#[test]
fn what_has_no_yaml_form_is_an_error() {
    let error = |value: Value| dump(&value, &DumpOptions::default()).unwrap_err().message;
    assert_eq!(error(Value::TimeDelta(1_000_000)), "('cannot represent an object', datetime.timedelta(seconds=1))");
    assert_eq!(error(Value::list(vec![Value::undefined("'x' is undefined")])), "'x' is undefined");
    let endless = Value::list(vec![]);
    if let Value::List(list) = &endless {
        list.push(endless.clone());
    }
    assert_eq!(error(endless), "maximum recursion depth exceeded");
}
