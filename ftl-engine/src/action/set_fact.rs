//! `set_fact`: variables of the host for the rest of the run.

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, repr_str, to_text, type_name};

use super::context::origin_of;
use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { set_fact(context) })
}

fn set_fact(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    let cacheable = context.flag("cacheable", false);
    let mut facts = Map::new();
    for (key, value) in &context.args {
        let name = context.renderer.render(key)?;
        if name.as_str() == Some("cacheable") {
            continue;
        }
        if !name.as_str().is_some_and(is_identifier) {
            let shown = match &name {
                Value::Str(text) => format!(" {}", repr_str(text)),
                Value::List(_) | Value::Tuple(_) | Value::Dict(_) => format!(" of type '{}'", type_name(&name)),
                other => format!(" {} of type '{}'", repr_str(&to_text(other)), type_name(other)),
            };
            let error = Diagnostic::error(format!("Invalid variable name{shown}.")).hint(
                "Variable names must be strings starting with a letter or underscore character, and contain only letters, \
                 numbers and underscores.",
            );
            return Err(TaskFailure::Error(error.at(origin_of(key))));
        }
        facts.insert(name, value.clone());
    }
    if facts.is_empty() {
        return Err(TaskFailure::plain(
            "No key/value pairs provided, at least one is required for this action to succeed",
        ));
    }
    let mut result = Map::new();
    result.insert("changed", false);
    result.insert("ansible_facts", Value::dict(facts));
    result.insert("_ansible_facts_cacheable", cacheable);
    Ok(result)
}

/// A name Python and Ansible accept for a variable.
pub(crate) fn is_identifier(name: &str) -> bool {
    const KEYWORDS: [&str; 38] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "false", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda",
        "none", "nonlocal", "not", "or", "pass", "raise", "return", "true", "try", "while", "with", "yield",
    ];
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') && !KEYWORDS.contains(&name)
}
