//! `set_fact`: variables of the host for the rest of the run.

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{Map, Value, repr_str, to_text, type_name};

use super::context::origin_of;
use super::{ActionContext, ActionFuture};
use crate::argument_spec::convert;
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { set_fact(context) })
}

fn set_fact(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    let mut given = context.args.clone();
    let cacheable = match given.remove("cacheable") {
        Some(value) => convert("strict_bool", &value).map_err(TaskFailure::message)?,
        None => Value::Bool(false),
    };
    if given.is_empty() {
        return Err(TaskFailure::plain(
            "No key/value pairs provided, at least one is required for this action to succeed",
        ));
    }
    let mut facts = Map::new();
    for (key, value) in &given {
        let name = variable_name(&context.renderer.render(key)?, origin_of(key))?;
        facts.insert(name, value.clone());
    }
    let mut result = Map::new();
    result.insert("changed", false);
    result.insert("ansible_facts", Value::dict(facts));
    result.insert("_ansible_facts_cacheable", cacheable);
    Ok(result)
}

/// The key as the name of a variable, if it can be one.
pub(super) fn variable_name(key: &Value, origin: Option<Origin>) -> Result<String, TaskFailure> {
    /// Words of templates, which no variable can have as its name.
    const WORDS: [&str; 7] = ["true", "false", "none", "True", "False", "None", "not"];
    if let Some(name) = key.as_str().filter(|name| is_identifier(name) && !WORDS.contains(name)) {
        return Ok(name.to_string());
    }
    let shown = match key {
        Value::Str(name) => repr_str(name),
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) | Value::Bool(_) | Value::None => {
            format!("{} of type '{}'", repr_str(&to_text(key)), type_name(key))
        }
        _ => format!("of type '{}'", type_name(key)),
    };
    let error = Diagnostic::error(format!("Invalid variable name {shown}.")).at(origin).hint(
        "Variable names must be strings starting with a letter or underscore character, and contain only letters, \
         numbers and underscores.",
    );
    Err(TaskFailure::Error(error))
}

fn is_identifier(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
