//! Jinja's own tests.

use std::cmp::Ordering;

use ftl_core::Value;
use ftl_core::value::{compare, equal, type_name};

use crate::Evaluation;
use crate::call::{Arguments, Failure};

fn no_arguments(arguments: &Arguments, name: &str) -> Result<(), Failure> {
    arguments.finish(name)
}

fn remainder(evaluation: &Evaluation<'_>, value: Value, by: Value) -> Result<Value, Failure> {
    evaluation.modulo(value, by)
}

pub(super) fn odd(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_odd")?;
    Ok(equal(&remainder(evaluation, value, Value::Int(2))?, &Value::Int(1)))
}

pub(super) fn even(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_even")?;
    Ok(equal(&remainder(evaluation, value, Value::Int(2))?, &Value::Int(0)))
}

pub(super) fn divisible(evaluation: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<bool, Failure> {
    let by = arguments.require("test_divisibleby", "num", 0)?;
    no_arguments(&arguments, "test_divisibleby")?;
    Ok(equal(&remainder(evaluation, value, by)?, &Value::Int(0)))
}

pub(super) fn defined(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_defined")?;
    match value {
        // An error is not the same as a missing value; nobody may overlook it.
        Value::Undefined(marker) if marker.error.is_some() => Err(Failure::undefined(marker)),
        value => Ok(!is_undefined(&value)),
    }
}

pub(super) fn undefined(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_undefined")?;
    match value {
        Value::Undefined(marker) if marker.error.is_some() => Err(Failure::undefined(marker)),
        value => Ok(is_undefined(&value)),
    }
}

fn is_undefined(value: &Value) -> bool {
    value.is_undefined() || matches!(value, Value::Object(o) if o.type_name() == "Undefined")
}

pub(super) fn filter(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_filter")?;
    Ok(value.as_str().is_some_and(|name| evaluation.shared().has("filter", name)))
}

pub(super) fn test(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_test")?;
    Ok(value.as_str().is_some_and(|name| evaluation.shared().has("test", name)))
}

pub(super) fn none(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_none")?;
    Ok(value.is_none())
}

pub(super) fn boolean(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_boolean")?;
    Ok(matches!(value, Value::Bool(_)))
}

pub(super) fn is_false(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_false")?;
    Ok(matches!(value, Value::Bool(false)))
}

pub(super) fn is_true(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_true")?;
    Ok(matches!(value, Value::Bool(true)))
}

pub(super) fn integer(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_integer")?;
    Ok(matches!(value, Value::Int(_) | Value::BigInt(_)))
}

pub(super) fn float(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_float")?;
    Ok(matches!(value, Value::Float(_)))
}

pub(super) fn number(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_number")?;
    Ok(matches!(value, Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_)))
}

pub(super) fn lower(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_lower")?;
    text_is(&value, "islower")
}

pub(super) fn upper(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_upper")?;
    text_is(&value, "isupper")
}

fn text_is(value: &Value, method: &str) -> Result<bool, Failure> {
    let text = Value::str(crate::evaluate::as_text(value));
    Ok(crate::method::call(&text, method, Arguments::default())?.is_true())
}

pub(super) fn string(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_string")?;
    Ok(matches!(value, Value::Str(_)))
}

pub(super) fn mapping(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_mapping")?;
    Ok(match value {
        Value::Dict(_) => true,
        Value::Object(object) => object.is_mapping(),
        _ => false,
    })
}

pub(super) fn sequence(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_sequence")?;
    Ok(match value {
        Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) | Value::Bytes(_) => true,
        Value::Object(object) => object.len().is_some(),
        _ => false,
    })
}

pub(super) fn iterable(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_iterable")?;
    Ok(match value {
        Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) | Value::Bytes(_) => true,
        Value::Object(object) => object.type_name() == "range" || object.iterate().is_some(),
        _ => false,
    })
}

pub(super) fn callable(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "callable")?;
    Ok(matches!(value, Value::Object(object) if matches!(
        object.type_name(),
        "Macro" | "type" | "function" | "method" | "builtin_function_or_method" | "Joiner" | "LoopContext" | "BlockReference"
    )))
}

/// Identity: the same cell; small values are the same when they are equal and of one type.
pub(super) fn same_as(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<bool, Failure> {
    let other = arguments.require("test_sameas", "other", 0)?;
    no_arguments(&arguments, "test_sameas")?;
    Ok(match (&value, &other) {
        (Value::List(a), Value::List(b)) => a.same_cell(b),
        (Value::Dict(a), Value::Dict(b)) => a.same_cell(b),
        (Value::Object(a), Value::Object(b)) => std::sync::Arc::ptr_eq(a, b),
        (Value::Tuple(a), Value::Tuple(b)) => std::sync::Arc::ptr_eq(a, b),
        (Value::Int(a), Value::Int(b)) => a == b && (-5..=256).contains(a),
        (Value::Str(a), Value::Str(b)) => a == b,
        (a, b) => type_name(a) == type_name(b) && equal(a, b),
    })
}

pub(super) fn escaped(_: &Evaluation<'_>, _: Value, arguments: Arguments) -> Result<bool, Failure> {
    no_arguments(&arguments, "test_escaped")?;
    Ok(false)
}

pub(super) fn is_in(evaluation: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<bool, Failure> {
    let container = arguments.require("test_in", "seq", 0)?;
    no_arguments(&arguments, "test_in")?;
    evaluation.contains(&container, &value)
}

pub(super) fn equal_to(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<bool, Failure> {
    let other = arguments.require("eq", "other", 0)?;
    two_operands(&arguments, "eq")?;
    Ok(equal(&value, &other))
}

pub(super) fn not_equal(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<bool, Failure> {
    let other = arguments.require("ne", "other", 0)?;
    two_operands(&arguments, "ne")?;
    Ok(!equal(&value, &other))
}

/// More operands than two are a mistake, not nothing.
fn two_operands(arguments: &Arguments, name: &str) -> Result<(), Failure> {
    match arguments.positional_count() + 1 {
        given if given > 2 => Err(Failure::type_error(format!("{name} expected 2 arguments, got {given}"))),
        _ => Ok(()),
    }
}

fn ordered(value: Value, mut arguments: Arguments, symbol: &str, holds: fn(Ordering) -> bool) -> Result<bool, Failure> {
    let other = arguments.require(symbol, "other", 0)?;
    let name = match symbol {
        "<" => "lt",
        "<=" => "le",
        ">" => "gt",
        _ => "ge",
    };
    two_operands(&arguments, name)?;
    match compare(&value, &other) {
        Some(ordering) => Ok(holds(ordering)),
        None if matches!((&value, &other), (Value::Float(_), _) | (_, Value::Float(_)))
            && crate::filter::to_float(&value).is_some()
            && crate::filter::to_float(&other).is_some() =>
        {
            Ok(false)
        }
        None => Err(Failure::type_error(format!(
            "'{symbol}' not supported between instances of '{}' and '{}'",
            type_name(&value),
            type_name(&other)
        ))),
    }
}

pub(super) fn greater(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    ordered(value, arguments, ">", |o| o == Ordering::Greater)
}

pub(super) fn greater_equal(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    ordered(value, arguments, ">=", |o| o != Ordering::Less)
}

pub(super) fn less(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    ordered(value, arguments, "<", |o| o == Ordering::Less)
}

pub(super) fn less_equal(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<bool, Failure> {
    ordered(value, arguments, "<=", |o| o != Ordering::Greater)
}
