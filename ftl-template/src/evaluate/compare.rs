//! Comparisons and membership.

use std::cmp::Ordering;

use ftl_core::Value;
use ftl_core::value::{compare as order, equal, type_name};

use super::Machine;
use super::marker;
use crate::call::Failure;
use crate::syntax::Comparison;

pub(crate) fn compare(
    machine: &Machine<'_>,
    comparison: Comparison,
    left: &Value,
    right: &Value,
) -> Result<bool, Failure> {
    if matches!(comparison, Comparison::In | Comparison::NotIn) {
        return Ok(contains(machine, right, left)? == (comparison == Comparison::In));
    }
    marker::touch(left)?;
    marker::touch(right)?;
    let left = machine.solid(left.clone())?;
    let right = machine.solid(right.clone())?;
    match comparison {
        Comparison::Equal => Ok(equal(&left, &right)),
        Comparison::NotEqual => Ok(!equal(&left, &right)),
        _ => ordered(comparison, &left, &right),
    }
}

fn ordered(comparison: Comparison, left: &Value, right: &Value) -> Result<bool, Failure> {
    match order(left, right) {
        Some(ordering) => Ok(match comparison {
            Comparison::Less => ordering == Ordering::Less,
            Comparison::LessEqual => ordering != Ordering::Greater,
            Comparison::Greater => ordering == Ordering::Greater,
            _ => ordering != Ordering::Less,
        }),
        // Not a number is neither less nor greater, and no error.
        None if is_number(left) && is_number(right) => Ok(false),
        None => Err(not_ordered(comparison.symbol(), left, right)),
    }
}

pub(crate) fn is_number(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_))
}

/// Python's `TypeError` for values that have no order; lists and tuples blame their first differing items.
pub(crate) fn not_ordered(symbol: &str, left: &Value, right: &Value) -> Failure {
    if let (Value::List(_), Value::List(_)) | (Value::Tuple(_), Value::Tuple(_)) = (left, right)
        && let (Some(a), Some(b)) = (left.as_items(), right.as_items())
        && let Some((a, b)) = a.iter().zip(b.iter()).find(|(a, b)| !equal(a, b))
    {
        return not_ordered(symbol, a, b);
    }
    Failure::type_error(format!(
        "'{symbol}' not supported between instances of '{}' and '{}'",
        type_name(left),
        type_name(right)
    ))
}

/// `item in container`.
pub(crate) fn contains(machine: &Machine<'_>, container: &Value, item: &Value) -> Result<bool, Failure> {
    marker::touch(container)?;
    match container {
        Value::Str(text) => match item {
            Value::Str(part) => Ok(text.as_str().contains(part.as_str())),
            other => {
                // Python asks for the type before it notices the marker.
                Err(Failure::type_error(format!(
                    "'in <string>' requires string as left operand, not {}",
                    type_name(other)
                )))
            }
        },
        Value::Bytes(bytes) => match item {
            Value::Bytes(part) => Ok(part.is_empty() || bytes.windows(part.len()).any(|w| w == &**part)),
            Value::Int(byte) => Ok(bytes.iter().any(|b| *b as i64 == *byte)),
            other => Err(Failure::type_error(format!("a bytes-like object is required, not '{}'", type_name(other)))),
        },
        Value::Dict(dict) => {
            super::operator::check_hashable(item)?;
            Ok(dict.entries().contains_value(item))
        }
        Value::List(_) | Value::Tuple(_) => {
            let items = machine.deep(container.clone())?.as_items().unwrap_or_default();
            if items.is_empty() {
                return Ok(false);
            }
            let item = machine.solid(item.clone())?;
            for other in items.iter() {
                marker::trip(other)?;
                if equal(other, &item) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Object(object) => {
            if object.is_mapping() {
                return Ok(object.has_item(item));
            }
            let item = machine.solid(item.clone())?;
            if let Some(range) = object.as_any().downcast_ref::<super::callable::Range>() {
                return Ok(range.contains(&item));
            }
            match object.iterate() {
                Some(items) => Ok(items.iter().any(|other| equal(other, &item))),
                None => Err(not_iterable(container)),
            }
        }
        other => Err(not_iterable(other)),
    }
}

fn not_iterable(value: &Value) -> Failure {
    Failure::type_error(format!("argument of type '{}' is not iterable", type_name(value)))
}
