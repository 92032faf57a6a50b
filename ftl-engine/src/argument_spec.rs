//! Argument specifications of roles and of actions: types, choices, required arguments, nested options.

use ftl_core::value::{Map, Value, repr, to_text, type_name};

/// What spans several arguments of one level; roles write it beside nested `options`.
const RELATIONS: [&str; 5] =
    ["mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by"];

/// All that is wrong, in Ansible's words and order.
#[derive(Default)]
struct Report {
    errors: Vec<String>,
    /// Dotted names of arguments that the specification does not know.
    unknown: Vec<String>,
    /// What the level of the last of them knows.
    supported: String,
}

/// The arguments with aliases resolved and types converted, or what is wrong with them.
pub(crate) struct Validated {
    pub args: Map,
    pub errors: Vec<String>,
    pub has_unknown: bool,
}

/// Holds `given` against `spec`; `relations` may say what arguments exclude or require one another.
pub(crate) fn validate(spec: &Map, relations: &Map, given: &Map) -> Validated {
    let mut report = Report::default();
    let mut args = given.clone();
    check_level(spec, relations, &mut args, &[], &mut report);
    let has_unknown = !report.unknown.is_empty();
    if has_unknown {
        report.unknown.sort();
        let unknown = report.unknown.join(", ");
        report.errors.push(format!("{unknown}. Supported parameters include: {}.", report.supported));
    }
    Validated { args, errors: report.errors, has_unknown }
}

fn options(spec: &Map) -> impl Iterator<Item = (&str, Map)> {
    spec.text_iter().filter_map(|(name, option)| match option {
        Value::Dict(option) => Some((name, (*option.entries()).clone())),
        _ => None,
    })
}

fn aliases(option: &Map) -> Vec<String> {
    option.get("aliases").and_then(Value::as_items).map(|l| l.iter().map(to_text).collect()).unwrap_or_default()
}

fn found_in(context: &[String]) -> String {
    if context.is_empty() { String::new() } else { format!(" found in {}", context.join(" -> ")) }
}

fn check_level(spec: &Map, relations: &Map, args: &mut Map, context: &[String], report: &mut Report) {
    for (name, option) in options(spec) {
        if let Some(value) = aliases(&option).iter().find_map(|alias| args.get(alias).cloned()) {
            args.insert(name, value);
        }
    }
    report.errors.extend(if context.is_empty() { first_odd_field(spec, args) } else { None });
    find_unknown(spec, args, context, report);
    report.errors.extend(exclusive(relations, args).map(|e| e + &found_in(context)));
    for (name, option) in options(spec) {
        if let (None, Some(default)) = (args.get(name), option.get("default").filter(|d| !d.is_none())) {
            args.insert(name, default.clone());
        }
    }
    let required = |o: &Map| o.get("required").and_then(Value::to_bool_loose).unwrap_or(false);
    let mut missing: Vec<&str> = spec
        .text_iter()
        .filter(|(name, o)| o.as_map().is_some_and(|o| required(&o)) && !args.contains_key(*name))
        .map(|(n, _)| n)
        .collect();
    missing.sort_unstable();
    if !missing.is_empty() {
        report.errors.push(format!("missing required arguments: {}{}", missing.join(", "), found_in(context)));
    }
    for (name, option) in options(spec) {
        check_type(name, &option, args, context, report);
    }
    for (name, option) in options(spec) {
        check_choices(name, &option, args, context, report);
    }
    report.errors.extend(required_relations(relations, args).into_iter().map(|e| e + &found_in(context)));
    for (name, option) in options(spec) {
        check_nested(name, &option, args, context, report);
    }
}

fn has_fields(option: &Map) -> Option<Map> {
    let text = |key: &str| option.get(key).map(to_text).unwrap_or_default();
    let dicts = text("type") == "dict" || (text("type") == "list" && text("elements") == "dict");
    option.get("options").filter(|_| dicts).and_then(|o| o.as_map()).map(|o| (*o).clone())
}

/// Nested arguments that are no dicts at all are found before everything else.
fn first_odd_field(spec: &Map, args: &Map) -> Option<String> {
    for (name, option) in options(spec) {
        let (Some(_), Some(value)) = (has_fields(&option), args.get(name).filter(|v| !v.is_none())) else { continue };
        for item in value.as_items().map_or_else(|| vec![value.clone()], |l| (*l).clone()) {
            let error = match &item {
                Value::Dict(_) => continue,
                Value::Str(_) => match convert("dict", &item) {
                    Ok(_) => continue,
                    Err(why) => why,
                },
                other => format!(
                    "Value '{}' in the sub parameter field '{name}' must be a {}, not '{}'",
                    to_text(other),
                    option.get("type").map(to_text).unwrap_or_default(),
                    class_name(other)
                ),
            };
            return Some(error);
        }
    }
    None
}

fn find_unknown(spec: &Map, args: &Map, context: &[String], report: &mut Report) {
    let mut names: Vec<String> = vec![];
    let mut others: Vec<String> = vec![];
    for (name, option) in options(spec) {
        names.push(name.to_string());
        others.extend(aliases(&option));
    }
    let known = |k: &str| names.iter().chain(&others).any(|n| n == k);
    let unknown: Vec<&str> = args.text_iter().map(|(k, _)| k).filter(|k| !known(k)).collect();
    if unknown.is_empty() {
        return;
    }
    for name in unknown {
        let path: Vec<&str> = context.iter().map(String::as_str).chain([name]).collect();
        report.unknown.push(path.join("."));
    }
    names.sort();
    others.sort();
    report.supported = names.join(", ");
    if !others.is_empty() {
        report.supported += &format!(" ({})", others.join(", "));
    }
}

fn check_type(name: &str, option: &Map, args: &mut Map, context: &[String], report: &mut Report) {
    let Some(value) = args.get(name).cloned() else { return };
    let required = option.get("required").and_then(Value::to_bool_loose).unwrap_or(false);
    if value.is_none() && !required && option.get("default").is_none_or(Value::is_none) {
        return;
    }
    let wanted = option.get("type").filter(|t| !t.is_none()).map_or("str".to_string(), to_text);
    let converted = match convert(&wanted, &value) {
        Ok(converted) => converted,
        Err(why) => {
            let place =
                if context.is_empty() { String::new() } else { format!(" found in '{}'.", context.join(" -> ")) };
            report.errors.push(format!(
                "argument '{name}' is of type {}{place} and we were unable to convert to {}: {why}",
                type_name(&value),
                shown_kind(&wanted)
            ));
            return;
        }
    };
    let elements = option.get("elements").filter(|e| e.is_true()).map(to_text);
    let (Some(kind), Some(items)) = (elements, converted.as_items()) else {
        args.insert(name, converted);
        return;
    };
    let mut kept = vec![];
    for item in items.iter() {
        match convert(&kind, item) {
            Ok(item) => kept.push(item),
            Err(why) => {
                let place =
                    if context.is_empty() { String::new() } else { format!(" found in '{}'", context.join(" -> ")) };
                report.errors.push(format!(
                    "Elements value for option '{name}'{place} is of type {} and we were unable to convert to {kind}: {why}",
                    type_name(item)
                ));
            }
        }
    }
    args.insert(name, kept);
}

fn check_choices(name: &str, option: &Map, args: &Map, context: &[String], report: &mut Report) {
    let (Some(choices), Some(value)) = (option.get("choices").and_then(Value::as_items), args.get(name)) else {
        return;
    };
    let join = |items: &[Value]| items.iter().map(to_text).collect::<Vec<_>>().join(", ");
    if let Value::List(list) = value {
        let wrong: Vec<Value> = list.items().iter().filter(|i| !choices.contains(i)).cloned().collect();
        if !wrong.is_empty() {
            report.errors.push(format!(
                "value of {name} must be one or more of: {}. Got no match for: {}{}",
                join(&choices),
                join(&wrong),
                found_in(context)
            ));
        }
    } else if !choices.contains(value) {
        let got = if value.is_none() { "None".into() } else { to_text(value) };
        report.errors.push(format!(
            "value of {name} must be one of: {}, got: {got}{}",
            join(&choices),
            found_in(context)
        ));
    }
}

fn check_nested(name: &str, option: &Map, args: &mut Map, context: &[String], report: &mut Report) {
    let Some(spec) = has_fields(option) else { return };
    let value = match args.get(name).filter(|v| !v.is_none()) {
        Some(value) => value.clone(),
        None if option.get("apply_defaults").is_some_and(Value::is_true) => Value::dict(Map::new()),
        None => return,
    };
    let relations: Map =
        RELATIONS.iter().filter_map(|key| option.get(*key).map(|v| (Value::str(*key), v.clone()))).collect();
    let inner: Vec<String> = context.iter().cloned().chain([name.to_string()]).collect();
    let mut check_one = |item: &Value| match item {
        Value::Dict(fields) => {
            let mut fields = (*fields.entries()).clone();
            check_level(&spec, &relations, &mut fields, &inner, report);
            Value::dict(fields)
        }
        other => {
            report.errors.push(format!("value of '{name}' must be of type dict or list of dicts"));
            other.clone()
        }
    };
    let checked = match &value {
        Value::List(list) => Value::list(list.items().iter().map(&mut check_one).collect()),
        one => check_one(one),
    };
    args.insert(name, checked);
}

fn names(value: &Value) -> Vec<String> {
    value.as_items().map_or_else(|| vec![to_text(value)], |l| l.iter().map(to_text).collect())
}

fn groups(relations: &Map, key: &str) -> Vec<Vec<String>> {
    let Some(list) = relations.get(key).and_then(Value::as_items) else { return vec![] };
    // One group may be written without the outer list.
    match list.iter().all(|g| g.as_items().is_none()) {
        true if key == "mutually_exclusive" && !list.is_empty() => vec![list.iter().map(to_text).collect()],
        _ => list.iter().map(names).collect(),
    }
}

fn exclusive(relations: &Map, args: &Map) -> Option<String> {
    let wrong: Vec<String> = groups(relations, "mutually_exclusive")
        .iter()
        .filter(|group| group.iter().filter(|n| args.contains_key(n.as_str())).count() > 1)
        .map(|group| group.join("|"))
        .collect();
    (!wrong.is_empty()).then(|| format!("parameters are mutually exclusive: {}", wrong.join(", ")))
}

fn required_relations(relations: &Map, args: &Map) -> Vec<String> {
    let given = |name: &String| args.contains_key(name.as_str());
    let mut errors = vec![];
    let is_torn = |g: &&Vec<String>| g.iter().any(given) && !g.iter().all(given);
    if let Some(group) = groups(relations, "required_together").iter().find(is_torn) {
        errors.push(format!("parameters are required together: {}", group.join(", ")));
    }
    if let Some(group) = groups(relations, "required_one_of").iter().find(|g| !g.iter().any(given)) {
        errors.push(format!("one of the following is required: {}", group.join(", ")));
    }
    for rule in relations.get("required_if").and_then(Value::as_items).unwrap_or_default().iter() {
        let Some(rule) = rule.as_items() else { continue };
        let [key, value, wanted, rest @ ..] = rule.as_slice() else { continue };
        let any = rest.first().is_some_and(Value::is_true);
        let wanted = names(wanted);
        let missing: Vec<String> = wanted.iter().filter(|n| !given(n)).cloned().collect();
        let enough = missing.is_empty() || (any && missing.len() < wanted.len());
        if args.get(to_text(key).as_str()) == Some(value) && !enough {
            let (key, value, how) = (to_text(key), to_text(value), if any { "any" } else { "all" });
            errors.push(format!("{key} is {value} but {how} of the following are missing: {}", missing.join(", ")));
            break;
        }
    }
    if let Some(Value::Dict(rules)) = relations.get("required_by") {
        for (key, wanted) in rules.entries().text_iter() {
            let missing: Vec<String> = names(wanted).into_iter().filter(|n| !given(n)).collect();
            if args.get(key).is_some_and(|v| !v.is_none()) && !missing.is_empty() {
                errors.push(format!("missing parameter(s) required by '{key}': {}", missing.join(", ")));
                break;
            }
        }
    }
    errors
}

/// Ansible shows the class that carries an origin, as all that is written in playbooks does.
pub(crate) fn class_name(value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::None => type_name(value).to_string(),
        Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Dict(_) => {
            let name = type_name(value);
            let (first, rest) = name.split_at(1);
            format!("_AnsibleTagged{}{rest}", first.to_uppercase())
        }
        other => type_name(other).to_string(),
    }
}

/// As `type(value)` is shown.
pub(crate) fn class_of(value: &Value) -> String {
    match class_name(value) {
        name if name.starts_with("_Ansible") => format!("<class 'ansible.module_utils._internal._datatag.{name}'>"),
        name => format!("<class '{name}'>"),
    }
}

/// Kinds that only actions use have other names in messages.
fn shown_kind(wanted: &str) -> &str {
    match wanted {
        "strict_str" => "_check_type_str_no_conversion",
        "whole" => "int",
        other => other,
    }
}

/// The value as the wanted type, or why it cannot be. `strict_*` and `whole` are for actions only.
pub(crate) fn convert(wanted: &str, value: &Value) -> Result<Value, String> {
    let cannot = |what: &str| Err(format!("{} cannot be converted to {what}", class_of(value)));
    match (wanted, value) {
        ("str" | "path", Value::Str(_)) | ("strict_str", Value::Str(_)) => Ok(value.clone()),
        ("str" | "path", Value::None) => Ok(Value::str("")),
        ("str" | "path", Value::List(_) | Value::Dict(_)) => Ok(Value::str(repr(value))),
        ("str" | "path", other) => Ok(Value::str(to_text(other))),
        ("strict_str", other) => Err(format!("'{}' is not a string and conversion is not allowed", repr(other))),
        ("str_or_list_of_str", Value::Str(_)) => Ok(value.clone()),
        ("str_or_list_of_str", Value::List(l)) if l.items().iter().all(|i| i.as_str().is_some()) => Ok(value.clone()),
        ("str_or_list_of_str", _) => Err("a string or list of strings is required".into()),
        ("bool", Value::List(_) | Value::Dict(_) | Value::None) => cannot("a bool"),
        ("bool" | "strict_bool", v) => v.to_bool_loose().map(Value::Bool).ok_or_else(|| {
            format!(
                "The value '{}' is not a valid boolean. Valid booleans include: 0, 1, '0', '1', 'f', 'false', 'n', 'no', \
                 'off', 'on', 't', 'true', 'y', 'yes'",
                to_text(v)
            )
        }),
        ("whole", v) => whole(v),
        ("int", v) => integer(v).ok_or_else(|| format!("\"{}\" cannot be converted to an int", repr(v))),
        ("float", Value::Float(_)) => Ok(value.clone()),
        ("float", Value::Int(i)) => Ok(Value::Float(*i as f64)),
        ("float", Value::Bool(b)) => Ok(Value::Float(f64::from(u8::from(*b)))),
        ("float", Value::Str(s)) => s.trim().parse().map(Value::Float).or_else(|_| cannot("a float")),
        ("float", _) => cannot("a float"),
        ("list", Value::List(_)) => Ok(value.clone()),
        ("list", Value::Str(s)) => Ok(s.split(',').map(Value::str).collect()),
        ("list", Value::Int(_) | Value::Float(_) | Value::Bool(_)) => Ok(Value::list(vec![Value::str(to_text(value))])),
        ("list", _) => cannot("a list"),
        ("dict", Value::Dict(_)) => Ok(value.clone()),
        ("dict", Value::Str(s)) => key_values(s),
        ("dict", _) => cannot("a dict"),
        ("json" | "jsonarg", Value::Str(_) | Value::List(_) | Value::Dict(_) | Value::Tuple(_)) => Ok(value.clone()),
        ("json" | "jsonarg", _) => cannot("a json string"),
        ("bytes", v) if !is_size(&to_text(v)) => cannot("a Byte value"),
        ("bits", v) if !is_size(&to_text(v)) => cannot("a Bit value"),
        ("raw" | "bytes" | "bits", v) => Ok(v.clone()),
        _ => Err("'NoneType' object is not callable".into()),
    }
}

fn integer(value: &Value) -> Option<Value> {
    match value {
        Value::Int(_) | Value::BigInt(_) => Some(value.clone()),
        Value::Bool(b) => Some(Value::Int(*b as i64)),
        Value::Float(f) if f.fract() == 0.0 => Some(Value::Int(*f as i64)),
        Value::Str(s) => {
            let text = s.trim().replace('_', "");
            let fraction = || text.parse::<f64>().ok().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64);
            text.parse::<i64>().ok().or_else(fraction).map(Value::Int)
        }
        _ => None,
    }
}

/// Python's `int(value)`: cuts fractions off.
fn whole(value: &Value) -> Result<Value, String> {
    match value {
        Value::Int(_) | Value::BigInt(_) => Ok(value.clone()),
        Value::Bool(b) => Ok(Value::Int(*b as i64)),
        Value::Float(f) => Ok(Value::Int(*f as i64)),
        Value::Str(s) => s
            .trim()
            .parse()
            .map(Value::Int)
            .map_err(|_| format!("invalid literal for int() with base 10: {}", repr(value))),
        other => Err(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            class_name(other)
        )),
    }
}

/// `10`, `1.5 G`, `2MB`, `3 kilobytes`.
fn is_size(text: &str) -> bool {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    number.parse::<f64>().is_ok() && unit.trim_start().chars().next().is_none_or(|c| "BKMGTPEZYbkmgtpezy".contains(c))
}

/// A dict written as JSON or `k=v, k=v`.
fn key_values(text: &str) -> Result<Value, String> {
    if text.starts_with('{') {
        return match serde_json::from_str::<serde_json::Value>(text) {
            Ok(json @ serde_json::Value::Object(_)) => Ok(ftl_core::value::from_json(&json)),
            _ => Err("unable to evaluate string as dictionary".into()),
        };
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".into());
    }
    let mut map = Map::new();
    for part in text.split([',', ' ']).map(str::trim).filter(|p| !p.is_empty()) {
        let Some((key, value)) = part.split_once('=') else {
            return Err("unable to evaluate string in the \"key=value\" format as dictionary".into());
        };
        map.insert(key, value.trim_matches(['"', '\'']));
    }
    Ok(Value::dict(map))
}
