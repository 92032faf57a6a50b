//! `value.name` and `value[key]`. What can be reached is a closed table: nothing leads out of the template.

use ftl_core::value::{Dict, List, repr, type_name};
use ftl_core::{Undefined, Value};

use super::Machine;
use super::callable::{self, Method};
use super::marker;
use crate::call::Failure;

/// Python's own names that a sandbox must hide, spelt `__like_this__`.
fn is_special(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}

/// The type as `native_type_name` of Ansible calls it.
fn missing(machine: &Machine<'_>, object: &Value, name: &str) -> Value {
    let message = format!("object of type '{}' has no attribute {name}", type_name(object));
    marker::undefined(message, machine.evaluation.origin())
}

/// `object.name`: methods first, then entries.
pub(crate) fn get_attribute(machine: &Machine<'_>, object: &Value, name: &str) -> Result<Value, Failure> {
    if let Value::Undefined(marker) = object {
        return propagate(marker, object);
    }
    if crate::method::exists(object, name) {
        return Ok(Value::Object(Method::bind(object.clone(), name)));
    }
    if let Some(value) = callable::attribute(object, name) {
        return machine.access(value);
    }
    match object {
        Value::Dict(dict) => {
            if let Some(value) = dict.get(name) {
                return dict_element(machine, dict, &Value::str(name), value);
            }
        }
        Value::Object(o) => {
            if let Some(value) = o.get_item(&Value::str(name)) {
                return machine.access(value);
            }
        }
        _ => {}
    }
    if is_special(name) {
        return Ok(unsafe_access(machine, object, name));
    }
    Ok(missing(machine, object, &ftl_core::value::repr_str(name)))
}

/// What Ansible says when the key is false in itself (`0`, `none`, empty text): Jinja's own words, with Python's name of
/// the container.
fn no_element(object: &Value, key: &Value) -> String {
    let kind = match object {
        Value::None => "None".to_string(),
        Value::List(_) => "ansible._internal._templating._lazy_containers._AnsibleLazyTemplateList object".to_string(),
        Value::Dict(_) => "ansible._internal._templating._lazy_containers._AnsibleLazyTemplateDict object".to_string(),
        Value::Str(text) if text.mark().is_some() => {
            "ansible.module_utils._internal._datatag._AnsibleTaggedStr object".to_string()
        }
        other => format!("{} object", type_name(other)),
    };
    match key {
        Value::Str(_) => format!("'{kind}' has no attribute {}", repr(key)),
        _ => format!("{kind} has no element {}", repr(key)),
    }
}

/// Looking further into a marker gives the marker.
fn propagate(_marker: &Undefined, object: &Value) -> Result<Value, Failure> {
    Ok(object.clone())
}

fn unsafe_access(machine: &Machine<'_>, object: &Value, name: &str) -> Value {
    let message = format!("access to attribute '{name}' of '{}' object is unsafe.", type_name(object));
    marker::undefined(message, machine.evaluation.origin())
}

/// `object[key]`: entries first, then attributes.
pub(crate) fn get_item(machine: &Machine<'_>, object: &Value, key: &Value) -> Result<Value, Failure> {
    if let Value::Undefined(marker) = object {
        return propagate(marker, object);
    }
    marker::touch(key)?;
    if let Some(value) = item(machine, object, key)? {
        return Ok(value);
    }
    if let Value::Str(name) = key {
        let name = name.as_str();
        if crate::method::exists(object, name) {
            return Ok(Value::Object(Method::bind(object.clone(), name)));
        }
        if let Some(value) = callable::attribute(object, name) {
            return machine.access(value);
        }
        if is_special(name) {
            return Ok(unsafe_access(machine, object, name));
        }
    }
    if !key.is_true() {
        return Ok(marker::undefined(no_element(object, key), machine.evaluation.origin()));
    }
    Ok(missing(machine, object, &repr(key)))
}

fn item(machine: &Machine<'_>, object: &Value, key: &Value) -> Result<Option<Value>, Failure> {
    match object {
        Value::Dict(dict) => match dict.get_value(key) {
            Some(value) => dict_element(machine, dict, key, value).map(Some),
            None => Ok(None),
        },
        Value::List(list) => match index(key, list.len()) {
            Some(at) => {
                let items = list.items();
                items.get(at).map(|item| list_element(machine, list, at, item)).transpose()
            }
            None => Ok(None),
        },
        Value::Tuple(items) => {
            index(key, items.len()).and_then(|at| items.get(at)).map(|item| machine.access(item.clone())).transpose()
        }
        Value::Str(text) => Ok(character(text, key)),
        Value::Bytes(bytes) => {
            Ok(index(key, bytes.len()).and_then(|at| bytes.get(at)).map(|byte| Value::Int(*byte as i64)))
        }
        Value::Object(o) => o.get_item(key).map(|value| machine.access(value)).transpose(),
        _ => Ok(None),
    }
}

fn character(text: &str, key: &Value) -> Option<Value> {
    if text.is_ascii() {
        return index(key, text.len()).and_then(|at| text.get(at..at + 1)).map(Value::str);
    }
    let at = index(key, text.chars().count())?;
    text.chars().nth(at).map(|c| Value::str(c.to_string()))
}

/// The position that an index means; negative ones count from the end.
fn index(key: &Value, length: usize) -> Option<usize> {
    let at = key.as_int()?;
    let at = if at < 0 { at.checked_add(length as i64)? } else { at };
    usize::try_from(at).ok()
}

/// An item of a list: rendered, and put back when this template may change it.
pub(crate) fn list_element(machine: &Machine<'_>, list: &List, at: usize, raw: &Value) -> Result<Value, Failure> {
    let value = machine.own(machine.access(raw.clone())?);
    if machine.exact && !list.is_loaded() && differs(raw, &value) {
        list.edit(|items| {
            if let Some(item) = items.get_mut(at) {
                *item = value.clone();
            }
        });
    }
    Ok(value)
}

/// An entry of a dict: rendered, and put back when this template may change it.
pub(crate) fn dict_element(machine: &Machine<'_>, dict: &Dict, key: &Value, raw: Value) -> Result<Value, Failure> {
    if !machine.exact {
        return machine.access(raw);
    }
    let value = machine.own(machine.access(raw.clone())?);
    if !dict.is_loaded() && differs(&raw, &value) {
        dict.insert(key.clone(), value.clone());
    }
    Ok(value)
}

/// Is it another cell, or no longer the template it was?
fn differs(raw: &Value, value: &Value) -> bool {
    match (raw, value) {
        (Value::List(a), Value::List(b)) => !a.same_cell(b),
        (Value::Dict(a), Value::Dict(b)) => !a.same_cell(b),
        (Value::Str(text), _) => text.is_template(),
        _ => false,
    }
}

/// `object[start:stop:step]`.
pub(crate) fn slice(object: &Value, bounds: [Value; 3]) -> Result<Value, Failure> {
    if let Value::Undefined(marker) = object {
        return propagate(marker, object);
    }
    bounds.iter().try_for_each(marker::touch)?;
    let no_slice = || {
        let kind = type_name(object);
        Err(Failure::type_error(match object {
            Value::Dict(_) => "unhashable type: 'slice'".to_string(),
            _ => format!("'{kind}' object is not subscriptable"),
        }))
    };
    let mut numbers = [None; 3];
    for (number, bound) in numbers.iter_mut().zip(&bounds) {
        *number = match bound {
            Value::None => None,
            Value::Int(i) => Some(*i),
            Value::Bool(b) => Some(*b as i64),
            Value::BigInt(i) => Some(if i.sign() == num_bigint::Sign::Minus { i64::MIN } else { i64::MAX }),
            _ if !matches!(object, Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Bytes(_)) => {
                return no_slice();
            }
            _ => {
                let message = "slice indices must be integers or None or have an __index__ method";
                return Err(Failure::type_error(message));
            }
        };
    }
    let [start, stop, step] = numbers;
    if step == Some(0) {
        return Err(Failure::value_error("slice step cannot be zero"));
    }
    let step = step.unwrap_or(1);
    match object {
        Value::Str(text) if step == 1 && text.is_ascii() => {
            let (from, to) = bounds_of(text.len(), start, stop, 1);
            Ok(Value::str(text.as_str().get(from as usize..to.max(from) as usize).unwrap_or("")))
        }
        Value::Str(text) => {
            let chars: Vec<char> = text.chars().collect();
            Ok(Value::str(picked(chars.len(), start, stop, step).filter_map(|at| chars.get(at)).collect::<String>()))
        }
        Value::List(list) => {
            let items = list.items();
            let indices = picked(items.len(), start, stop, step);
            Ok(Value::list(indices.filter_map(|at| items.get(at).cloned()).collect()))
        }
        Value::Tuple(items) => {
            let indices = picked(items.len(), start, stop, step);
            Ok(Value::Tuple(indices.filter_map(|at| items.get(at).cloned()).collect()))
        }
        Value::Bytes(bytes) => {
            let indices = picked(bytes.len(), start, stop, step);
            Ok(Value::Bytes(indices.filter_map(|at| bytes.get(at).copied()).collect()))
        }
        Value::Object(o) if !o.is_mapping() => match o.iterate() {
            Some(items) => {
                let indices = picked(items.len(), start, stop, step);
                Ok(Value::list(indices.filter_map(|at| items.get(at).cloned()).collect()))
            }
            None => no_slice(),
        },
        _ => no_slice(),
    }
}

/// Python's `slice.indices`: where to begin and where to stop.
fn bounds_of(length: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> (i64, i64) {
    let length = length as i64;
    let (low, high) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let place = |bound: i64| {
        if bound < 0 { bound.saturating_add(length).max(low) } else { bound.min(high) }
    };
    let start = start.map_or(if step < 0 { high } else { low }, place);
    let stop = stop.map_or(if step < 0 { low } else { high }, place);
    (start, stop)
}

fn picked(length: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> impl Iterator<Item = usize> {
    let (mut at, stop) = bounds_of(length, start, stop, step);
    std::iter::from_fn(move || {
        if (step > 0 && at >= stop) || (step < 0 && at <= stop) {
            return None;
        }
        let picked = at as usize;
        at = at.saturating_add(step);
        Some(picked)
    })
}
