//! Filters over dicts and nested lists.

use ftl_core::source::Diagnostic;
use ftl_core::value::{repr, to_text, type_name};
use ftl_core::{Map, Value};

use super::argument::{defined, defined_items, failure, hashable, is_sequence, iterate, mapping};
use super::encode::quoted;
use crate::{Arguments, Evaluation, Failure, FailureKind};

type Answer = Result<Value, Failure>;

pub(super) fn combine(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let recursive = args.take_named("recursive").is_some_and(|v| v.is_true());
    let list_merge = args.take_named("list_merge").map_or_else(|| "replace".to_string(), |v| to_text(&v));
    if !args.rest_named().is_empty() {
        return Err(failure("'recursive' and 'list_merge' are the only valid keyword arguments"));
    }
    let mut terms = vec![value];
    terms.extend(args.rest());
    let mut dicts = vec![];
    for term in terms {
        defined(&term)?;
        if is_sequence(&term) {
            dicts.extend(defined_items(&term)?.into_iter().filter(|v| !is_null(v)));
        } else if !is_null(&term) {
            dicts.push(term);
        }
    }
    let Some(mut result) = dicts.pop() else { return Ok(Value::dict(Map::new())) };
    while let Some(lower) = dicts.pop() {
        result = merge(&lower, &result, recursive, &list_merge)?;
    }
    Ok(result)
}

/// What `flatten` skips.
fn is_null(value: &Value) -> bool {
    value.is_none() || matches!(value.as_str(), Some("None" | "null"))
}

/// `high` merged into `low`, as `combine` and `hash_behaviour=merge` do it.
pub(crate) fn merge(low: &Value, high: &Value, recursive: bool, list_merge: &str) -> Answer {
    if !matches!(list_merge, "replace" | "keep" | "append" | "prepend" | "append_rp" | "prepend_rp") {
        return Err(failure(
            "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', \
             'append_rp' or 'prepend_rp'",
        ));
    }
    let (Some(below), Some(above)) = (mapping(low), mapping(high)) else {
        defined(low)?;
        defined(high)?;
        return Err(failure(format!(
            "failed to combine variables, expected dicts but got a '{}' and a '{}'.",
            python_name(low),
            python_name(high)
        )));
    };
    if below.is_empty() || low == high {
        return Ok(Value::dict((*above).clone()));
    }
    if above.is_empty() {
        return Ok(low.clone());
    }
    let mut out = (*below).clone();
    for (key, new) in above.iter() {
        let merged = match out.get_value(key) {
            Some(old) if mapping(old).is_some() && mapping(new).is_some() && recursive => {
                merge(old, new, recursive, list_merge)?
            }
            Some(Value::List(old)) if list_merge != "replace" => match new {
                Value::List(new) => Value::list(merge_lists(&old.items(), &new.items(), list_merge)),
                other => other.clone(),
            },
            _ => new.clone(),
        };
        out.insert(key.clone(), merged);
    }
    Ok(Value::dict(out))
}

fn merge_lists(old: &[Value], new: &[Value], how: &str) -> Vec<Value> {
    let kept: Vec<Value> = match how {
        "append_rp" | "prepend_rp" => old.iter().filter(|v| !new.contains(v)).cloned().collect(),
        _ => old.to_vec(),
    };
    match how {
        "keep" => old.to_vec(),
        "append" | "append_rp" => [&kept, new].concat(),
        _ => [new, &kept].concat(),
    }
}

pub(super) fn dict2items(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let key_name = args.take("key_name", 0).unwrap_or_else(|| Value::str("key"));
    let value_name = args.take("value_name", 1).unwrap_or_else(|| Value::str("value"));
    args.finish("dict_to_list_of_dict_key_value_elements")?;
    let Some(map) = mapping(&value) else {
        defined(&value)?;
        let kind = python_class(&value);
        return Err(Failure::type_error(format!("dict2items requires a dictionary, got {kind} instead.")));
    };
    let entry = |(key, value): (&Value, &Value)| {
        Value::dict([(key_name.clone(), key.clone()), (value_name.clone(), value.clone())].into_iter().collect())
    };
    Ok(map.iter().map(entry).collect())
}

/// `type(value).__name__`: containers and marked text have classes of Ansible's own.
pub(crate) fn python_name(value: &Value) -> &str {
    match value {
        Value::Str(text) if text.mark().is_some() => "_AnsibleTaggedStr",
        Value::List(_) => "_AnsibleLazyTemplateList",
        Value::Dict(_) => "_AnsibleLazyTemplateDict",
        other => type_name(other),
    }
}

/// `str(type(value))`
pub(crate) fn python_class(value: &Value) -> String {
    let module = match value {
        Value::Str(text) if text.mark().is_some() => "ansible.module_utils._internal._datatag.",
        Value::List(_) | Value::Dict(_) => "ansible._internal._templating._lazy_containers.",
        Value::Date(_) | Value::DateTime(_) | Value::TimeDelta(_) => "datetime.",
        _ => "",
    };
    format!("<class '{module}{}'>", python_name(value))
}

pub(super) fn items2dict(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let key_name = args.take("key_name", 0).unwrap_or_else(|| Value::str("key"));
    let value_name = args.take("value_name", 1).unwrap_or_else(|| Value::str("value"));
    args.finish("list_of_dict_key_value_elements_to_dict")?;
    defined(&value)?;
    if !is_sequence(&value) {
        let kind = python_class(&value);
        return Err(Failure::type_error(format!("items2dict requires a list, got {kind} instead.")));
    }
    let mut out = Map::new();
    for item in defined_items(&value)? {
        let Some(map) = mapping(&item) else {
            return Err(Failure::type_error(format!(
                "items2dict requires a list of dictionaries, got {} instead.",
                to_text(&value)
            )));
        };
        let (Some(key), Some(content)) = (map.get_value(&key_name), map.get_value(&value_name)) else {
            return Err(Failure::type_error(format!(
                "items2dict requires each dictionary in the list to contain the keys '{}' and '{}', got {} instead.",
                to_text(&key_name),
                to_text(&value_name),
                to_text(&value)
            )));
        };
        defined(content)?;
        hashable(key).map_err(|_| {
            Failure::type_error(format!("items2dict requires a list of dictionaries, got {} instead.", to_text(&value)))
        })?;
        out.insert(key.clone(), content.clone());
    }
    Ok(Value::dict(out))
}

pub(super) fn rekey_on_member(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let key = args.require("rekey_on_member", "key", 0)?;
    let duplicates = args.take("duplicates", 1).unwrap_or_else(|| Value::str("error"));
    args.finish("rekey_on_member")?;
    if !matches!(duplicates.as_str(), Some("error" | "overwrite")) {
        let text = quoted(&duplicates);
        return Err(failure(format!("duplicates parameter to rekey_on_member has unknown value {text}")));
    }
    let items = match mapping(&value) {
        Some(map) => map.values().cloned().collect(),
        None => match &value {
            Value::Str(_) | Value::Bytes(_) => return Err(failure("Type is not a valid list, set, or dict")),
            other => iterate(other).map_err(|f| match f.kind() {
                FailureKind::Type => failure("Type is not a valid list, set, or dict"),
                _ => f,
            })?,
        },
    };
    let mut out = Map::new();
    for item in items {
        defined(&item)?;
        let Some(map) = mapping(&item) else { return Err(failure("List item is not a valid dict")) };
        let Some(name) = map.get_value(&key) else {
            return Err(failure(format!("Key {} was not found.", quoted(&key))));
        };
        hashable(name)?;
        if out.contains_value(name) && duplicates.as_str() == Some("error") {
            return Err(failure(format!("Key {} is not unique, cannot convert to dict.", quoted(name))));
        }
        out.insert(name.clone(), item.clone());
    }
    Ok(Value::dict(out))
}

pub(super) fn flatten(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let levels = args.take_given("levels", 0);
    let skip_nulls = args.take_bool("skip_nulls", 1, true);
    args.finish("flatten")?;
    let levels = match levels {
        None => None,
        Some(Value::Str(text)) => match text.trim().parse() {
            Ok(number) => Some(number),
            Err(_) => return Err(Failure::type_error("'>=' not supported between instances of 'str' and 'int'")),
        },
        Some(other) => Some(super::argument::index(&other)?),
    };
    let mut out = vec![];
    flatten_into(&mut out, &value, levels, skip_nulls, 0)?;
    Ok(Value::list(out))
}

pub(crate) fn flatten_into(
    out: &mut Vec<Value>,
    value: &Value,
    levels: Option<i64>,
    skip_nulls: bool,
    depth: usize,
) -> Result<(), Failure> {
    if depth > 500 {
        return Err(Failure::new(FailureKind::Recursion, "maximum recursion depth exceeded"));
    }
    for item in iterate(value)? {
        if skip_nulls && is_null(&item) {
            continue;
        }
        match levels {
            _ if !is_sequence(&item) => out.push(item),
            Some(levels) if levels < 1 => out.push(item),
            levels => flatten_into(out, &item, levels.map(|l| l - 1), skip_nulls, depth + 1)?,
        }
    }
    Ok(())
}

pub(super) fn subelements(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let wanted = args.require("subelements", "subelements", 0)?;
    let skip_missing = args.take_bool("skip_missing", 1, false);
    args.finish("subelements")?;
    defined(&value)?;
    let elements: Vec<Value> = match (mapping(&value), &value) {
        (Some(map), _) => map.values().cloned().collect(),
        (None, Value::List(list)) => list.items().to_vec(),
        _ => return Err(failure("obj must be a list of dicts or a nested dict")),
    };
    let path: Vec<Value> = match &wanted {
        Value::List(list) => list.items().to_vec(),
        Value::Str(text) => text.split('.').map(Value::str).collect(),
        _ => return Err(Failure::type_error("subelements must be a list or a string")),
    };
    let mut out = vec![];
    for element in elements {
        let mut values = element.clone();
        let mut last = Value::None;
        for name in &path {
            last = name.clone();
            let Some(map) = mapping(&values) else {
                defined(&values)?;
                return Err(Failure::type_error(format!(
                    "the key {} should point to a dictionary, got '{}'",
                    to_text(name),
                    to_text(&values)
                ))
                .caused_by(Diagnostic::error(format!("'{}' object is not subscriptable", type_name(&values)))));
            };
            values = match map.get_value(name) {
                Some(found) => found.clone(),
                None if skip_missing => {
                    values = Value::list(vec![]);
                    break;
                }
                None => {
                    return Err(failure(format!(
                        "could not find {} key in iterated item {}",
                        quoted(name),
                        repr(&values)
                    )));
                }
            };
        }
        let Value::List(list) = &values else {
            defined(&values)?;
            return Err(Failure::type_error(format!(
                "the key {} should point to a list, got {}",
                quoted(&last),
                repr(&values)
            )));
        };
        out.extend(list.items().iter().map(|item| Value::Tuple([element.clone(), item.clone()].into())));
    }
    Ok(Value::list(out))
}

pub(super) fn extract(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let container = args.require("extract", "container", 0)?;
    let more = args.take_given("morekeys", 1);
    args.finish("extract")?;
    let mut keys = vec![value];
    match more {
        Some(Value::List(list)) => keys.extend(list.items().iter().cloned()),
        Some(other) => keys.push(other),
        None => {}
    }
    let mut current = container;
    for key in keys {
        current = item_of(&current, &key);
    }
    Ok(current)
}

/// `container[key]` as Jinja does it: items first, then attributes, then a marker.
fn item_of(container: &Value, key: &Value) -> Value {
    let at = |len: usize, index: i64| {
        let index = if index < 0 { index.saturating_add(len as i64) } else { index };
        (0..len as i64).contains(&index).then_some(index as usize)
    };
    let found = match (container, key) {
        (Value::Undefined(_), _) => return container.clone(),
        (Value::Dict(dict), key) => dict.get_value(key),
        (Value::List(list), key) => key.as_int().and_then(|i| at(list.len(), i)).and_then(|i| list.get(i)),
        (Value::Tuple(items), key) => key.as_int().and_then(|i| at(items.len(), i)).map(|i| items[i].clone()),
        (Value::Str(text), key) => key
            .as_int()
            .and_then(|i| at(text.chars().count(), i))
            .and_then(|i| text.chars().nth(i))
            .map(|c| Value::str(c.to_string())),
        (Value::Object(object), key) => object.get_item(key).or_else(|| key.as_str().and_then(|n| object.get_attr(n))),
        _ => None,
    };
    found.unwrap_or_else(|| {
        let what = match key {
            Value::Str(text) => quoted(&Value::Str(text.clone())),
            other => repr(other),
        };
        Value::undefined(format!("object of type '{}' has no attribute {what}", type_name(container)))
    })
}
