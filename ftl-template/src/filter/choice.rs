//! Filters that choose, convert to bool, or insist on a value.

use ftl_core::Value;
use ftl_core::value::{equal, repr, to_text, type_name};

use super::argument::failure;
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

/// Markers come through: what is not chosen may be undefined.
pub(super) fn ternary(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let if_true = args.require("ternary", "true_val", 0)?;
    let if_false = args.require("ternary", "false_val", 1)?;
    let if_none = args.take_given("none_val", 2);
    args.finish("ternary")?;
    if value.is_none()
        && let Some(if_none) = if_none
    {
        return Ok(if_none);
    }
    super::argument::defined(&value)?;
    Ok(if value.is_true() { if_true } else { if_false })
}

pub(super) fn mandatory(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let message = args.take_given("msg", 0);
    args.finish("mandatory")?;
    let Value::Undefined(marker) = &value else { return Ok(value) };
    // Errors inside variables are no missing variables.
    if marker.error.is_some() {
        return Err(Failure::undefined(marker.clone()));
    }
    if let Some(message) = message {
        return Err(failure(to_text(&message)));
    }
    let name = missing_name(&marker.message).map(|n| format!("{n} ")).unwrap_or_default();
    Err(failure(format!("Mandatory variable {name}not defined.")))
}

/// The quoted name in `'x' is undefined` or `object of type 'dict' has no attribute 'x'`.
fn missing_name(message: &str) -> Option<&str> {
    if let Some(name) = message.strip_suffix(" is undefined") {
        return Some(name).filter(|n| n.starts_with('\''));
    }
    message.starts_with("object of type").then(|| message.split_once("has no attribute ").map(|(_, n)| n)).flatten()
}

pub(super) fn bool(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("to_bool")?;
    let text = match &value {
        Value::Str(text) => text.to_lowercase(),
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => to_text(&value).to_lowercase(),
        _ => String::new(),
    };
    match text.as_str() {
        "yes" | "on" | "true" | "1" => return Ok(Value::Bool(true)),
        "no" | "off" | "false" | "0" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let result = !matches!(value, Value::Str(_)) && equal(&value, &Value::Int(1));
    let shown = if result { "True" } else { "False" };
    let (given, kind) = (repr(&value), type_name(&value));
    evaluation.deprecate(format!("The `bool` filter coerced invalid value {given} ({kind}) to {shown}."), "2.23");
    Ok(Value::Bool(result))
}
