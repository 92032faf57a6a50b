//! Arguments as Python functions take them: text, numbers, sequences, mappings.

use std::sync::Arc;

use ftl_core::value::{to_text, type_name};
use ftl_core::{Map, Value};

use crate::{Arguments, Failure, FailureKind};

/// Ansible's `to_text(value)`: text as it is, bytes decoded, `str()` of everything else.
pub(crate) fn text_of(value: &Value) -> Result<String, Failure> {
    match value {
        Value::Bytes(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        other => Ok(to_text(other)),
    }
}

/// A value that must be text already (what Python's `os.path` or `re` demand).
pub(crate) fn strict_text(value: &Value, complaint: impl FnOnce(&str) -> String) -> Result<Arc<str>, Failure> {
    match value {
        Value::Str(text) => Ok(text.shared()),
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        other => Err(Failure::type_error(complaint(type_name(other)))),
    }
}

/// A path argument of `os.path`.
pub(crate) fn path_text(value: &Value) -> Result<Arc<str>, Failure> {
    strict_text(value, |kind| format!("expected str, bytes or os.PathLike object, not {kind}"))
}

/// Python's iteration: items, keys, characters.
pub(crate) fn iterate(value: &Value) -> Result<Vec<Value>, Failure> {
    match value {
        Value::List(list) => Ok(list.items().to_vec()),
        Value::Tuple(items) => Ok(items.to_vec()),
        Value::Dict(dict) => Ok(dict.entries().keys().cloned().collect()),
        Value::Str(text) => Ok(text.as_str().chars().map(|c| Value::str(c.to_string())).collect()),
        Value::Bytes(bytes) => Ok(bytes.iter().map(|b| Value::Int(*b as i64)).collect()),
        Value::Object(object) => object.iterate().ok_or_else(|| not_iterable(value)),
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        other => Err(not_iterable(other)),
    }
}

fn not_iterable(value: &Value) -> Failure {
    Failure::type_error(format!("'{}' object is not iterable", type_name(value)))
}

/// Items that can be used one by one: a marker among them is an error.
pub(crate) fn defined_items(value: &Value) -> Result<Vec<Value>, Failure> {
    let items = iterate(value)?;
    items.iter().try_for_each(defined)?;
    Ok(items)
}

/// The error a marker carries.
pub(crate) fn defined(value: &Value) -> Result<(), Failure> {
    match value {
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        _ => Ok(()),
    }
}

/// The first marker anywhere inside is an error: for whatever writes a whole tree.
pub(crate) fn wholly_defined(value: &Value) -> Result<(), Failure> {
    match value {
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        Value::List(list) => list.items().iter().try_for_each(wholly_defined),
        Value::Tuple(items) => items.iter().try_for_each(wholly_defined),
        Value::Dict(dict) => dict.entries().values().try_for_each(wholly_defined),
        _ => Ok(()),
    }
}

/// Ansible's `is_sequence`: lists and tuples, not text.
pub(crate) fn is_sequence(value: &Value) -> bool {
    match value {
        Value::List(_) | Value::Tuple(_) => true,
        Value::Object(object) => !object.is_mapping() && object.len().is_some(),
        _ => false,
    }
}

/// The entries of a mapping of any kind.
pub(crate) fn mapping(value: &Value) -> Option<Arc<Map>> {
    match value {
        Value::Dict(dict) => Some(dict.entries()),
        Value::Object(object) if object.is_mapping() => object.to_data().and_then(|data| data.as_map()),
        _ => None,
    }
}

/// A whole number as Python's `operator.index` takes it.
pub(crate) fn index(value: &Value) -> Result<i64, Failure> {
    match value {
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        other => other.as_int().ok_or_else(|| {
            Failure::type_error(format!("'{}' object cannot be interpreted as an integer", type_name(other)))
        }),
    }
}

/// A number as Python's `math` functions take it.
pub(crate) fn real(value: &Value) -> Result<f64, Failure> {
    match value {
        Value::Float(f) => Ok(*f),
        Value::Int(i) => Ok(*i as f64),
        Value::Bool(b) => Ok(*b as i64 as f64),
        Value::BigInt(b) => {
            let float = num_traits::ToPrimitive::to_f64(&**b).unwrap_or(f64::INFINITY);
            if float.is_finite() { Ok(float) } else { Err(Failure::value_error("int too large to convert to float")) }
        }
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        other => Err(Failure::type_error(format!("must be real number, not {}", type_name(other)))),
    }
}

/// `hash()`: whether Python accepts the value as a member of a set or a key.
pub(crate) fn hashable(value: &Value) -> Result<(), Failure> {
    match value {
        Value::List(_) | Value::Dict(_) => {
            let kind = super::structure::python_name(value);
            Err(Failure::type_error(format!("unhashable type: '{kind}'")))
        }
        Value::Tuple(items) => items.iter().try_for_each(hashable),
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        _ => Ok(()),
    }
}

impl Arguments {
    /// Python's truth of an argument that may be given and is not `None`.
    pub(crate) fn take_given(&mut self, name: &str, index: usize) -> Option<Value> {
        self.take(name, index).filter(|v| !v.is_none())
    }
}

/// An error of a kind nobody distinguishes.
pub(crate) fn failure(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Value, message)
}
