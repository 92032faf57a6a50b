//! Tests on the results of tasks.

use std::sync::Arc;

use ftl_core::source::Diagnostic;
use ftl_core::{Map, Value};

use crate::filter::argument::{defined, failure, mapping};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<bool, Failure>;

fn result(value: &Value, args: &Arguments, name: &str) -> Result<Arc<Map>, Failure> {
    args.finish(name)?;
    defined(value)?;
    mapping(value).ok_or_else(|| failure(format!("The '{name}' test expects a dictionary")))
}

fn holds(map: &Map, key: &str) -> Answer {
    match map.get(key) {
        None => Ok(false),
        Some(value) => {
            defined(value)?;
            Ok(value.is_true())
        }
    }
}

pub(super) fn failed(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    holds(&*result(&value, &args, "failed")?, "failed")
}

pub(super) fn succeeded(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    Ok(!holds(&*result(&value, &args, "failed")?, "failed")?)
}

pub(super) fn unreachable(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    holds(&*result(&value, &args, "unreachable")?, "unreachable")
}

pub(super) fn reachable(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    Ok(!holds(&*result(&value, &args, "unreachable")?, "unreachable")?)
}

pub(super) fn skipped(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    holds(&*result(&value, &args, "skipped")?, "skipped")
}

pub(super) fn timedout(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    let result = result(&value, &args, "timedout")?;
    if !holds(&result, "timedout")? {
        return Ok(false);
    }
    match result.get("timedout").and_then(mapping) {
        Some(details) => holds(&details, "period"),
        None => {
            let kind = result.get("timedout").map_or("NoneType", ftl_core::value::type_name).to_string();
            Err(Failure::new(crate::FailureKind::Attribute, format!("'{kind}' object has no attribute 'get'")))
        }
    }
}

pub(super) fn changed(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    let result = result(&value, &args, "changed")?;
    if result.contains_key("changed") {
        return holds(&result, "changed");
    }
    let Some(Value::List(items)) = result.get("results") else { return Ok(false) };
    let items = items.items();
    let Some(first) = items.first() else { return Err(Failure::lookup_error("list index out of range")) };
    if mapping(first).is_none() {
        return Ok(false);
    }
    for item in items.iter() {
        if let Some(item) = mapping(item)
            && holds(&item, "changed")?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Of tasks that do not run in the background both are true, with a warning.
fn background(evaluation: &Evaluation<'_>, value: &Value, args: &Arguments, key: &str) -> Answer {
    let result = result(value, args, key)?;
    if result.contains_key(key) {
        return holds(&result, key);
    }
    evaluation
        .warn(Diagnostic::warning(format!("The '{key}' test expects an async task, but a non-async task was tested")));
    Ok(true)
}

pub(super) fn started(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    background(evaluation, &value, &args, "started")
}

pub(super) fn finished(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    background(evaluation, &value, &args, "finished")
}
