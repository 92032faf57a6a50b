//! Secret arguments are taken out of results.

use serde_json::Value;

use crate::Object;
use crate::module::Module;
use crate::python::str_of;

/// The texts that must not be seen, longest first.
pub(crate) fn secrets(module: &Module, args: &Object) -> Vec<String> {
    let mut found = Vec::new();
    for argument in module.all_arguments().filter(|argument| argument.secret) {
        if let Some(value) = args.get(argument.name) {
            collect(value, &mut found);
        }
    }
    found.sort_by_key(|text: &String| std::cmp::Reverse(text.chars().count()));
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => found.push(text.clone()),
        Value::Number(_) => found.push(str_of(value)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map.values().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// Hides `secrets` in all values of a result; flags and nulls stay.
pub(crate) fn hide(result: &mut Object, secrets: &[String]) {
    if !secrets.is_empty() {
        result.values_mut().for_each(|value| hide_value(value, secrets));
    }
}

fn hide_value(value: &mut Value, secrets: &[String]) {
    const HIDDEN: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";
    match value {
        Value::String(text) if secrets.contains(text) => *text = HIDDEN.into(),
        Value::String(text) => {
            for secret in secrets {
                *text = text.replace(secret.as_str(), "********");
            }
        }
        Value::Number(_) => {
            let text = str_of(value);
            if secrets.iter().any(|secret| text.contains(secret.as_str())) {
                *value = HIDDEN.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide_value(item, secrets)),
        Value::Object(map) => map.values_mut().for_each(|item| hide_value(item, secrets)),
        _ => {}
    }
}
