//! One template and its answer as a line of JSON, in the form of the oracle's `ask template`.

use ftl_core::source::Diagnostic;
use ftl_core::value::{to_text, type_name};
use ftl_core::{Str, Value};
use serde_json::{Map, Value as Json};

use crate::Renderer;

/// `{"t": …, "ok": …, "type": …}` or `{"t": …, "err": …}` (`ftl eval`).
pub fn eval_line(renderer: &Renderer, text: &Str) -> String {
    let mut line = Map::new();
    line.insert("t".into(), text.as_str().into());
    match renderer.render_str(text) {
        Ok(Value::Omit) => {
            line.insert("err".into(), "AnsibleValueOmittedError: A template was resolved to an Omit scalar.".into());
        }
        Ok(value) => {
            line.insert("ok".into(), to_json(&value));
            line.insert("type".into(), type_name(&value).into());
        }
        Err(error) => {
            let text: String = format!("{}: {}", class(&error), error.one_line()).chars().take(200).collect();
            line.insert("err".into(), text.into());
        }
    }
    Json::Object(line).to_string()
}

/// The name of Ansible's exception for an error.
fn class(error: &Diagnostic) -> &'static str {
    let message = error.message.as_str();
    if message.starts_with("Syntax error in ") {
        "AnsibleTemplateSyntaxError"
    } else if message.starts_with("Error rendering ") || message.starts_with("Recursive loop ") {
        "AnsibleTemplateError"
    } else if message.ends_with(" failed.") && message.contains(" plugin '") {
        "AnsibleTemplatePluginRuntimeError"
    } else if message.ends_with(" was not found.") && message.contains(" plugin '") {
        "AnsibleTemplatePluginNotFoundError"
    } else if message.starts_with("Encountered untrusted") {
        "TemplateTrustCheckFailedError"
    } else {
        "AnsibleUndefinedVariable"
    }
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) => (*i).into(),
        Value::Float(f) => serde_json::Number::from_f64(*f).map_or(Json::Null, Json::Number),
        Value::Str(s) => s.as_str().into(),
        Value::List(_) | Value::Tuple(_) => {
            Json::Array(value.as_items().unwrap_or_default().iter().map(to_json).collect())
        }
        Value::Dict(dict) => {
            Json::Object(dict.entries().iter().map(|(key, value)| (to_text(key), to_json(value))).collect())
        }
        Value::BigInt(i) => {
            // The JSON library would round it.
            i.to_string().into()
        }
        Value::Bytes(bytes) => {
            let text: String = bytes.iter().map(|byte| *byte as char).collect();
            let mut object = Map::new();
            object.insert("b".into(), text.into());
            Json::Object(object)
        }
        other => {
            let mut object = Map::new();
            object.insert("__obj__".into(), type_name(other).into());
            object.insert("str".into(), to_text(other).into());
            Json::Object(object)
        }
    }
}
