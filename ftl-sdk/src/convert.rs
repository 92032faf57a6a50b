//! Turning what was given into the type an argument has; the messages are Ansible's.

use serde_json::Value;

use crate::argument::Kind;
use crate::host::Host;
use crate::python::{repr, str_of, type_name};

/// The value as `kind`, or why it cannot be.
pub(crate) fn convert(value: Value, kind: Kind, host: &Host) -> Result<Value, String> {
    match kind {
        Kind::Raw => Ok(value),
        Kind::Str => Ok(Value::String(text(value))),
        Kind::Path => Ok(Value::String(host.expand(&text(value)))),
        Kind::Bool => boolean(value),
        Kind::Int => integer(value),
        Kind::List => list(value),
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => str_of(&other),
    }
}

fn class(value: &Value) -> String {
    format!("<class '{}'>", type_name(value))
}

fn boolean(value: Value) -> Result<Value, String> {
    let word = match &value {
        Value::Bool(_) => return Ok(value),
        Value::Number(number) if number.as_f64() == Some(1.0) => "1".into(),
        Value::Number(number) if number.as_f64() == Some(0.0) => "0".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.to_lowercase().trim().to_owned(),
        other => return Err(format!("{} cannot be converted to a bool", class(other))),
    };
    match word.as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" => Ok(Value::Bool(true)),
        "n" | "no" | "off" | "0" | "false" | "f" => Ok(Value::Bool(false)),
        _ => Err(format!(
            "The value '{}' is not a valid boolean. Valid booleans include: 0, 1, 'y', 'yes', 'on', '1', 'true', 't', 'n', \
             'no', 'off', '0', 'false', 'f'",
            str_of(&value)
        )),
    }
}

fn integer(value: Value) -> Result<Value, String> {
    let number = match &value {
        Value::Bool(_) => return Ok(value),
        Value::Number(number) if number.is_i64() || number.is_u64() => return Ok(value),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let text = text.trim().replace('_', "");
            if let Ok(whole) = text.parse::<i64>() {
                return Ok(Value::from(whole));
            }
            text.parse::<f64>().ok()
        }
        _ => None,
    };
    match number {
        Some(number) if number.fract() == 0.0 && number.abs() < 9e15 => Ok(Value::from(number as i64)),
        _ => Err(format!("\"{}\" cannot be converted to an int", repr(&value))),
    }
}

fn list(value: Value) -> Result<Value, String> {
    match value {
        Value::Array(_) => Ok(value),
        Value::String(text) => Ok(text.split(',').map(Value::from).collect()),
        Value::Number(_) | Value::Bool(_) => Ok(Value::Array(vec![Value::String(str_of(&value))])),
        other => Err(format!("{} cannot be converted to a list", class(&other))),
    }
}
