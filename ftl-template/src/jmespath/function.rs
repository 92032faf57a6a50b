//! The functions of JMESPath.

use std::cmp::Ordering;

use ftl_core::value::{JsonOptions, compare, equal, to_json, to_text, write_json};
use ftl_core::{Map, Value};

use super::evaluate::{Argument, evaluate};
use super::parser::Node;

/// Name, types of the arguments, whether the last may be repeated.
const SIGNATURES: &[(&str, &[&[&str]], bool)] = &[
    ("abs", &[&["number"]], false),
    ("avg", &[&["array-number"]], false),
    ("ceil", &[&["number"]], false),
    ("contains", &[&["array", "string"], &[]], false),
    ("ends_with", &[&["string"], &["string"]], false),
    ("floor", &[&["number"]], false),
    ("join", &[&["string"], &["array-string"]], false),
    ("keys", &[&["object"]], false),
    ("length", &[&["string", "array", "object"]], false),
    ("map", &[&["expref"], &["array"]], false),
    ("max", &[&["array-number", "array-string"]], false),
    ("max_by", &[&["array"], &["expref"]], false),
    ("merge", &[&["object"]], true),
    ("min", &[&["array-number", "array-string"]], false),
    ("min_by", &[&["array"], &["expref"]], false),
    ("not_null", &[&[]], true),
    ("reverse", &[&["array", "string"]], false),
    ("sort", &[&["array-string", "array-number"]], false),
    ("sort_by", &[&["array"], &["expref"]], false),
    ("starts_with", &[&["string"], &["string"]], false),
    ("sum", &[&["array-number"]], false),
    ("to_array", &[&[]], false),
    ("to_number", &[&[]], false),
    ("to_string", &[&[]], false),
    ("type", &[&[]], false),
    ("values", &[&["object"]], false),
];

fn type_of(argument: &Argument<'_>) -> &'static str {
    match argument {
        Argument::Expression(_) => "expref",
        Argument::Value(value) => kind(value),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => "number",
        Value::List(_) | Value::Tuple(_) => "array",
        Value::Dict(_) => "object",
        Value::None => "null",
        _ => "string",
    }
}

fn fits(argument: &Argument<'_>, wanted: &str) -> bool {
    match (wanted.strip_prefix("array-"), argument) {
        (Some(item), Argument::Value(value)) => {
            value.as_items().is_some_and(|items| items.iter().all(|i| kind(i) == item))
        }
        (Some(_), Argument::Expression(_)) => false,
        (None, argument) => type_of(argument) == wanted,
    }
}

fn check(name: &str, arguments: &[Argument<'_>]) -> Result<(), String> {
    let Some((_, types, repeated)) = SIGNATURES.iter().find(|(known, ..)| *known == name) else {
        return Err(format!("Unknown function: {name}()"));
    };
    let (wanted, given) = (types.len(), arguments.len());
    let plural = if wanted == 1 { "argument" } else { "arguments" };
    if *repeated && given < wanted {
        return Err(format!("Expected at least {wanted} {plural} for function {name}(), received {given}"));
    }
    if !repeated && given != wanted {
        return Err(format!("Expected {wanted} {plural} for function {name}(), received {given}"));
    }
    for (at, argument) in arguments.iter().enumerate() {
        let accepted = types[at.min(wanted - 1)];
        if !accepted.is_empty() && !accepted.iter().any(|t| fits(argument, t)) {
            let shown = match argument {
                Argument::Value(value) => to_text(value),
                Argument::Expression(_) => "<expression>".into(),
            };
            let accepted: Vec<String> = accepted.iter().map(|t| format!("'{t}'")).collect();
            return Err(format!(
                "In function {name}(), invalid type for value: {shown}, expected one of: [{}], received: \"{}\"",
                accepted.join(", "),
                type_of(argument)
            ));
        }
    }
    Ok(())
}

pub(super) fn call(name: &str, arguments: Vec<Argument<'_>>) -> Result<Value, String> {
    check(name, &arguments)?;
    let mut values = vec![];
    let mut expression = None;
    for argument in arguments {
        match argument {
            Argument::Value(value) => values.push(value),
            Argument::Expression(node) => expression = Some(node),
        }
    }
    if let Some(expression) = expression {
        let items = values.first().and_then(Value::as_items).unwrap_or_default();
        return with_expression(name, expression, &items);
    }
    Ok(plain(name, &values))
}

fn with_expression(name: &str, expression: &Node, items: &[Value]) -> Result<Value, String> {
    if name == "map" {
        return Ok(Value::list(items.iter().map(|item| evaluate(expression, item)).collect::<Result<_, _>>()?));
    }
    let mut keyed = vec![];
    for item in items {
        let key = evaluate(expression, item)?;
        let wanted = keyed.first().map_or(kind(&key), |(first, _): &(Value, Value)| kind(first));
        if !matches!(wanted, "number" | "string") || kind(&key) != wanted {
            let expected = if keyed.is_empty() { "['number', 'string']".into() } else { format!("['{wanted}']") };
            return Err(format!(
                "In function {name}(), invalid type for value: {}, expected one of: {expected}, received: \"{}\"",
                to_text(&key),
                kind(&key)
            ));
        }
        keyed.push((key, item.clone()));
    }
    let order = |a: &(Value, Value), b: &(Value, Value)| compare(&a.0, &b.0).unwrap_or(Ordering::Equal);
    Ok(match name {
        "sort_by" => {
            keyed.sort_by(order);
            keyed.into_iter().map(|(_, item)| item).collect()
        }
        // Of equal keys Python takes the first.
        "max_by" => {
            keyed.into_iter().reduce(|a, b| if order(&b, &a).is_gt() { b } else { a }).map_or(Value::None, |p| p.1)
        }
        _ => keyed.into_iter().reduce(|a, b| if order(&b, &a).is_lt() { b } else { a }).map_or(Value::None, |p| p.1),
    })
}

fn whole(float: f64) -> Value {
    if float.abs() < 9e18 { Value::Int(float as i64) } else { Value::Float(float) }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Float(f) => *f,
        Value::BigInt(b) => num_traits::ToPrimitive::to_f64(&**b).unwrap_or(f64::NAN),
        other => other.as_int().unwrap_or(0) as f64,
    }
}

fn sum(items: &[Value]) -> Value {
    let whole = items.iter().map(Value::as_int).try_fold(0i64, |sum, item| sum.checked_add(item?));
    match whole {
        Some(sum) => Value::Int(sum),
        None => Value::Float(items.iter().map(number).sum()),
    }
}

fn plain(name: &str, values: &[Value]) -> Value {
    let first = values.first().cloned().unwrap_or_default();
    let second = values.get(1).cloned().unwrap_or_default();
    let items = first.as_items().unwrap_or_default();
    let text = first.as_str().unwrap_or_default();
    let order = |a: &Value, b: &Value| compare(a, b).unwrap_or(Ordering::Equal);
    match name {
        "abs" => match first {
            Value::Int(i) => Value::Int(i.saturating_abs()),
            other => Value::Float(number(&other).abs()),
        },
        "avg" if items.is_empty() => Value::None,
        "avg" => Value::Float(number(&sum(&items)) / items.len() as f64),
        "ceil" => {
            if first.as_int().is_some() {
                first
            } else {
                whole(number(&first).ceil())
            }
        }
        "floor" => {
            if first.as_int().is_some() {
                first
            } else {
                whole(number(&first).floor())
            }
        }
        "contains" => Value::Bool(match (&first, second.as_str()) {
            (Value::Str(text), Some(part)) => text.contains(part),
            (Value::Str(_), None) => false,
            _ => items.iter().any(|i| equal(i, &second)),
        }),
        "starts_with" => Value::Bool(text.starts_with(second.as_str().unwrap_or_default())),
        "ends_with" => Value::Bool(text.ends_with(second.as_str().unwrap_or_default())),
        "join" => {
            let parts = second.as_items().unwrap_or_default();
            Value::str(parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(text))
        }
        "keys" => first.as_map().map(|m| m.keys().cloned().collect()).unwrap_or_default(),
        "values" => first.as_map().map(|m| m.values().cloned().collect()).unwrap_or_default(),
        "length" => match &first {
            Value::Str(text) => Value::from(text.chars().count()),
            Value::Dict(dict) => Value::from(dict.len()),
            _ => Value::from(items.len()),
        },
        "max" => items.iter().cloned().reduce(|a, b| if order(&b, &a).is_gt() { b } else { a }).unwrap_or_default(),
        "min" => items.iter().cloned().reduce(|a, b| if order(&b, &a).is_lt() { b } else { a }).unwrap_or_default(),
        "merge" => {
            let mut out = Map::new();
            for map in values.iter().filter_map(Value::as_map) {
                out.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
            Value::dict(out)
        }
        "not_null" => values.iter().find(|v| !v.is_none()).cloned().unwrap_or_default(),
        "reverse" => match &first {
            Value::Str(text) => Value::str(text.chars().rev().collect::<String>()),
            _ => items.iter().rev().cloned().collect(),
        },
        "sort" => {
            let mut sorted = items.to_vec();
            sorted.sort_by(order);
            Value::list(sorted)
        }
        "sum" => sum(&items),
        "to_array" => {
            if first.as_items().is_some() {
                first
            } else {
                Value::list(vec![first])
            }
        }
        "to_number" => match &first {
            Value::Int(_) | Value::Float(_) | Value::BigInt(_) => first,
            Value::Str(text) => match (text.trim().parse::<i64>(), text.trim().parse::<f64>()) {
                (Ok(i), _) => Value::Int(i),
                (_, Ok(f)) => Value::Float(f),
                _ => Value::None,
            },
            _ => Value::None,
        },
        "to_string" => match &first {
            Value::Str(_) => first,
            Value::Dict(_) | Value::List(_) | Value::Tuple(_) => {
                let compact =
                    JsonOptions { item_separator: ",".into(), key_separator: ":".into(), ..JsonOptions::default() };
                Value::str(write_json(&first, &compact))
            }
            other => Value::str(to_json(other)),
        },
        _ => Value::str(kind(&first)),
    }
}
