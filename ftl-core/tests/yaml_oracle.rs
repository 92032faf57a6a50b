//! Documents as ansible-core 2.19.14 reads them (recorded in `data/yaml.json`), against our reader.

use ftl_core::value::{Value, repr_float, to_text};
use ftl_core::yaml::{LoadOptions, load, load_value};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// The typed normal form of the recording: `i`, `f`, `t`, `b` mark what JSON cannot tell apart.
fn norm(value: &Value) -> Json {
    let all = |items: &[Value]| Json::Array(items.iter().map(norm).collect());
    match value {
        Value::None => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Int(i) => json!({"i": i.to_string()}),
        Value::BigInt(i) => json!({"i": i.to_string()}),
        Value::Float(f) => json!({"f": repr_float(*f)}),
        Value::Str(s) if s.envelope().is_some() => json!({"o": "EncryptedString"}),
        Value::Str(s) => json!(s.as_str()),
        Value::Bytes(b) => json!({"b": b.iter().map(|b| *b as char).collect::<String>()}),
        Value::List(l) => all(&l.items()),
        Value::Tuple(t) => all(t),
        Value::Dict(d) => {
            json!({"__d__": d.entries().iter().map(|(k, v)| json!([norm(k), norm(v)])).collect::<Vec<_>>()})
        }
        Value::Date(_) => json!({"t": to_text(value), "k": "date"}),
        Value::DateTime(_) => json!({"t": to_text(value), "k": "datetime"}),
        Value::Undefined(_) => json!({"o": "EncryptedString"}),
        Value::Object(o) if o.type_name() == "set" => json!({"__set__": all(&o.iterate().unwrap_or_default())}),
        other => json!(format!("unexpected {other:?}")),
    }
}

#[test]
fn documents_read_as_ansible_reads_them() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/yaml.json")).unwrap();
    let recorded: Json = serde_json::from_str(&text).unwrap();
    let secrets = Arc::default();
    let options = LoadOptions::new("<unicode string>", &secrets);
    let mut wrong = Vec::new();
    let cases = recorded["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 132);
    for case in cases {
        let doc = case["doc"].as_str().unwrap();
        let wanted = match case["error"].as_str() {
            Some(error) => json!({"error": error.trim_start_matches("AnsibleYAMLParserError: ")}),
            None => case["value"].clone(),
        };
        let through_node = load(doc, &options).map(|l| l.root.to_value());
        let direct = load_value(doc, &options).map(|l| l.root);
        for got in [through_node, direct] {
            let got = match got {
                Ok(value) => norm(&value),
                Err(error) => json!({"error": error.message}),
            };
            if got != wanted {
                wrong.push(format!("{doc:?}: got {got}, wanted {wanted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
