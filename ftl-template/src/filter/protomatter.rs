//! `ansible._protomatter`: ansible-core's own looks behind the values, as far as its tests and users of them read.

use ftl_core::{Map, Value};

use crate::call::{Arguments, Failure};
use crate::{Evaluation, evaluate};

/// The value as it would leave the template.
pub(super) fn finalize(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("finalize")?;
    evaluate::finalize(evaluation.renderer(), value, true)
}

/// Where the value was written.
pub(super) fn origin(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("origin")?;
    Ok(match &value {
        Value::Str(text) => text.origin().map_or(Value::None, |origin| origin.to_string().into()),
        _ => Value::None,
    })
}

/// What is known about a value, by the names of Ansible's tags.
pub(super) fn tag_names(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("tag_names")?;
    Ok(tags(&value).into_iter().map(Value::str).collect())
}

pub(crate) fn tags(value: &Value) -> Vec<&'static str> {
    let Value::Str(text) = value else {
        return Vec::new();
    };
    let mut names = Vec::new();
    if text.origin().is_some() {
        names.push("Origin");
    }
    if text.is_trusted() {
        names.push("TrustedAsTemplate");
    }
    if text.envelope().is_some() {
        names.push("VaultedValue");
    }
    names
}

/// The error that a marker holds, as a dict; other values as they are.
pub(super) fn dump_object(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("dump_object")?;
    let Value::Undefined(marker) = &value else {
        return Ok(value);
    };
    let diagnostic = Failure::undefined(marker.clone()).at(evaluation.origin().cloned()).diagnostic();
    let mut exception = Map::new();
    exception.insert("message", diagnostic.one_line());
    let mut dump = Map::new();
    dump.insert("exception", Value::dict(exception));
    Ok(Value::dict(dump))
}
