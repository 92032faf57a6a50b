//! Argument specifications of roles: types, choices, required arguments, nested options.

use ftl_core::value::{Map, Value, repr, to_text, type_name};

/// All that is wrong with `given`, in Ansible's words; empty when all is well.
pub(crate) fn validate(spec: &Map, given: &Map) -> Vec<String> {
    let mut errors = vec![];
    check(spec, given, "", &mut errors);
    errors
}

fn check(spec: &Map, given: &Map, context: &str, errors: &mut Vec<String>) {
    let found = if context.is_empty() { String::new() } else { format!(" found in {context}") };
    let value_of = |name: &str, option: &Map| -> Option<Value> {
        let aliases = option.get("aliases").and_then(Value::as_items).unwrap_or_default();
        let names = std::iter::once(name.to_string()).chain(aliases.iter().map(to_text));
        names.filter_map(|n| given.get(&n).cloned()).find(|v| !v.is_none()).or_else(|| option.get("default").cloned().filter(|v| !v.is_none()))
    };
    let mut missing: Vec<String> = vec![];
    for (name, option) in spec.text_iter() {
        let Value::Dict(option) = option else { continue };
        let option = option.entries();
        let required = option.get("required").and_then(Value::to_bool_loose).unwrap_or(false);
        let aliases = option.get("aliases").and_then(Value::as_items).unwrap_or_default();
        let is_given = given.contains_key(name) || aliases.iter().any(|a| given.contains_value(a));
        if required && !is_given && value_of(name, &option).is_none() {
            missing.push(name.to_string());
        }
    }
    missing.sort();
    if !missing.is_empty() {
        errors.push(format!("missing required arguments: {}{found}", missing.join(", ")));
    }
    for (name, option) in spec.text_iter() {
        let Value::Dict(option) = option else { continue };
        let option = option.entries();
        if let Some(value) = value_of(name, &option) {
            check_one(name, &option, &value, context, &found, errors);
        }
    }
}

fn check_one(name: &str, option: &Map, value: &Value, context: &str, found: &str, errors: &mut Vec<String>) {
    let wanted = option.get("type").map_or("str".to_string(), to_text);
    let Some(value) = convert(&wanted, value) else {
        errors.push(mismatch(name, &wanted, value, found));
        return;
    };
    let mut items = vec![value.clone()];
    if wanted == "list" {
        let list = value.as_items().unwrap_or_default();
        let elements = option.get("elements").map(to_text);
        items = vec![];
        for item in list.iter() {
            match elements.as_deref().map_or(Some(item.clone()), |e| convert(e, item)) {
                Some(item) => items.push(item),
                None => {
                    let wanted = elements.as_deref().unwrap_or("str");
                    errors.push(format!(
                        "Elements value for option '{name}'{found} is of type {} and we were unable to convert to {wanted}: {}",
                        class_of(item),
                        why(wanted, item)
                    ));
                    return;
                }
            }
        }
    }
    check_choices(name, option, &wanted, &value, &items, found, errors);
    if let Some(Value::Dict(nested)) = option.get("options").or_else(|| option.get("suboptions")) {
        let path = if context.is_empty() { name.to_string() } else { format!("{context} -> {name}") };
        for item in &items {
            match item {
                Value::Dict(given) => {
                    unsupported(&nested.entries(), &given.entries(), &path, errors);
                    check(&nested.entries(), &given.entries(), &path, errors);
                }
                _ => errors.push(format!("value of '{name}' must be of type dict or list of dicts")),
            }
        }
    }
}

fn unsupported(spec: &Map, given: &Map, path: &str, errors: &mut Vec<String>) {
    let mut known: Vec<String> = vec![];
    let mut shown: Vec<String> = vec![];
    for (name, option) in spec.text_iter() {
        let aliases: Vec<String> =
            option.get("aliases").and_then(|a| a.as_items()).map(|l| l.iter().map(to_text).collect()).unwrap_or_default();
        shown.push(match aliases.is_empty() {
            true => name.to_string(),
            false => format!("{name} ({})", aliases.join(", ")),
        });
        known.push(name.to_string());
        known.extend(aliases);
    }
    shown.sort();
    let unknown: Vec<String> =
        given.text_iter().map(|(k, _)| format!("{path}.{k}").replace(" -> ", ".")).filter(|k| {
            let last = k.rsplit('.').next().unwrap_or_default();
            !known.iter().any(|n| n == last)
        }).collect();
    if !unknown.is_empty() {
        errors.push(format!("{}. Supported parameters include: {}.", unknown.join(", "), shown.join(", ")));
    }
}

fn check_choices(
    name: &str,
    option: &Map,
    wanted: &str,
    value: &Value,
    items: &[Value],
    found: &str,
    errors: &mut Vec<String>,
) {
    let Some(choices) = option.get("choices").and_then(Value::as_items) else { return };
    let shown = choices.iter().map(to_text).collect::<Vec<_>>().join(", ");
    if wanted == "list" {
        let wrong: Vec<String> = items.iter().filter(|i| !choices.contains(i)).map(to_text).collect();
        if !wrong.is_empty() {
            errors.push(format!("value of {name} must be one or more of: {shown}. Got no match for: {}{found}", wrong.join(", ")));
        }
    } else if !choices.contains(value) {
        errors.push(format!("value of {name} must be one of: {shown}, got: {}{found}", to_text(value)));
    }
}

fn class_of(value: &Value) -> String {
    format!("<class '{}'>", type_name(value))
}

fn mismatch(name: &str, wanted: &str, value: &Value, found: &str) -> String {
    format!(
        "argument '{name}' is of type {} and we were unable to convert to {wanted}: {}{found}",
        class_of(value),
        why(wanted, value)
    )
}

fn why(wanted: &str, value: &Value) -> String {
    match (wanted, value) {
        ("dict", Value::Str(_)) => "dictionary requested, could not parse JSON or key=value".into(),
        ("bool", v) => format!(
            "The value {} is not a valid boolean.  Valid booleans include: 0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'",
            repr(&Value::str(to_text(v)))
        ),
        (wanted @ ("int" | "float"), v) => format!("{} cannot be converted to {} {wanted}", class_of(v), if wanted == "int" { "an" } else { "a" }),
        (wanted, v) => format!("{} cannot be converted to a {wanted}", class_of(v)),
    }
}

/// The value as the wanted type, when Ansible would convert it.
fn convert(wanted: &str, value: &Value) -> Option<Value> {
    match (wanted, value) {
        ("str", Value::List(_) | Value::Dict(_)) => Some(Value::str(repr(value))),
        ("str" | "path", Value::Str(_)) => Some(value.clone()),
        ("path", Value::Dict(_) | Value::List(_)) => None,
        ("str" | "path", other) => Some(Value::str(to_text(other))),
        ("bool", v) => v.to_bool_loose().map(Value::Bool),
        ("int", Value::Int(_) | Value::BigInt(_)) => Some(value.clone()),
        ("int", Value::Bool(b)) => Some(Value::Int(*b as i64)),
        ("int", Value::Float(f)) if f.fract() == 0.0 => Some(Value::Int(*f as i64)),
        ("int", Value::Str(s)) => s.trim().parse().ok().map(Value::Int),
        ("float", Value::Float(_)) => Some(value.clone()),
        ("float", Value::Int(i)) => Some(Value::Float(*i as f64)),
        ("float", Value::Str(s)) => s.trim().parse().ok().map(Value::Float),
        ("list", Value::List(_)) => Some(value.clone()),
        ("list", Value::Str(s)) => Some(s.split(',').map(|p| Value::str(p.trim())).collect()),
        ("list", Value::Int(_) | Value::Float(_)) => Some(Value::list(vec![Value::str(to_text(value))])),
        ("dict", Value::Dict(_)) => Some(value.clone()),
        ("dict", Value::Str(s)) => key_values(s),
        ("raw" | "json" | "jsonarg" | "bytes" | "bits", v) => Some(v.clone()),
        _ => None,
    }
}

/// A dict written as JSON or `k=v, k=v`.
fn key_values(text: &str) -> Option<Value> {
    if let Ok(json @ serde_json::Value::Object(_)) = serde_json::from_str::<serde_json::Value>(text) {
        return Some(ftl_core::value::from_json(&json));
    }
    let mut map = Map::new();
    for part in text.split([',', ' ']).map(str::trim).filter(|p| !p.is_empty()) {
        let (key, value) = part.split_once('=')?;
        map.insert(key, value.trim_matches(['"', '\'']));
    }
    (!map.is_empty()).then(|| Value::dict(map))
}
