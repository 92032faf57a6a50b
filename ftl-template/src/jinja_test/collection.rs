//! Tests on lists and on truth.

use ftl_core::Value;
use ftl_core::value::{repr, type_name};

use crate::filter::argument::{defined, defined_items, hashable};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<bool, Failure>;

fn as_set(value: &Value) -> Result<Vec<Value>, Failure> {
    let items = defined_items(value)?;
    items.iter().try_for_each(hashable)?;
    Ok(items)
}

// Keys were checked to be hashable, and nothing changes them here.
#[allow(clippy::mutable_key_type)]
fn within(small: &Value, large: &Value) -> Answer {
    let (small, large) = (as_set(small)?, as_set(large)?);
    let known: rustc_hash::FxHashSet<Value> = large.into_iter().collect();
    Ok(small.iter().all(|item| known.contains(item)))
}

pub(super) fn subset(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let other = args.require("issubset", "b", 0)?;
    args.finish("issubset")?;
    within(&value, &other)
}

pub(super) fn superset(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let other = args.require("issuperset", "b", 0)?;
    args.finish("issuperset")?;
    within(&other, &value)
}

pub(super) fn contains(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let item = args.require("contains", "value", 0)?;
    args.finish("contains")?;
    defined(&item)?;
    match &value {
        Value::Str(text) => match item.as_str() {
            Some(part) => Ok(text.contains(part)),
            None => Err(Failure::type_error(format!(
                "'in <string>' requires string as left operand, not {}",
                type_name(&item)
            ))),
        },
        Value::Dict(dict) => {
            hashable(&item)?;
            Ok(dict.get_value(&item).is_some())
        }
        Value::Object(object) if object.is_mapping() => Ok(object.has_item(&item)),
        other => {
            let items = crate::filter::argument::iterate(other).map_err(|f| match f.kind() {
                crate::FailureKind::Type => {
                    Failure::type_error(format!("argument of type '{}' is not iterable", type_name(other)))
                }
                _ => f,
            })?;
            items.iter().try_for_each(defined)?;
            Ok(items.contains(&item))
        }
    }
}

/// Is there an item of this truth? Markers matter only as far as one must look.
fn any_item(value: &Value, wanted: bool) -> Answer {
    for item in crate::filter::argument::iterate(value)? {
        defined(&item)?;
        if item.is_true() == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn any(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("any")?;
    any_item(&value, true)
}

pub(super) fn all(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("all")?;
    Ok(!any_item(&value, false)?)
}

fn truth(value: Value, mut args: Arguments, name: &str) -> Answer {
    let convert = args.take_bool("convert_bool", 0, false);
    args.finish(name)?;
    defined(&value)?;
    Ok(match value.to_bool_loose() {
        Some(converted) if convert => converted,
        _ => value.is_true(),
    })
}

pub(super) fn truthy(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    truth(value, args, "truthy")
}

pub(super) fn falsy(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    truth(value, args, "falsy").map(|truth| !truth)
}

pub(super) fn nan(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("isnotanumber")?;
    defined(&value)?;
    Ok(matches!(value, Value::Float(f) if f.is_nan()))
}

/// For messages.
pub(super) fn shown(value: &Value) -> String {
    repr(value)
}
