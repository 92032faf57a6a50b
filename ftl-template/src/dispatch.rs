//! Calls filters, tests and lookups by name, with the rules for markers that all of them share.

use ftl_core::Value;

use crate::call::{Arguments, Failure};
use crate::{Evaluation, filter, jinja_test, lookup};

pub(crate) fn filter(
    evaluation: &Evaluation<'_>,
    name: &str,
    value: Value,
    arguments: Arguments,
) -> Result<Value, Failure> {
    match filter::find(name) {
        Some(function) => function(evaluation, value, arguments),
        None => Err(Failure::value_error(format!("No filter named '{name}'."))),
    }
}

pub(crate) fn test(
    evaluation: &Evaluation<'_>,
    name: &str,
    value: Value,
    arguments: Arguments,
) -> Result<bool, Failure> {
    match jinja_test::find(name) {
        Some(function) => function(evaluation, value, arguments),
        None => Err(Failure::value_error(format!("No test named '{name}'."))),
    }
}

pub(crate) fn lookup(
    evaluation: &Evaluation<'_>,
    name: &str,
    terms: Vec<Value>,
    options: Arguments,
) -> Result<Vec<Value>, Failure> {
    match lookup::find(name) {
        Some(function) => function(evaluation, terms, options),
        None => Err(Failure::value_error(format!("The lookup plugin '{name}' was not found."))),
    }
}
