//! `debug`: a message, or the value of an expression.

use std::sync::LazyLock;

use ftl_core::event::Event;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Str, Value};

use super::{ActionContext, ActionFuture, Specification};
use crate::task::TaskFailure;

static SPECIFICATION: LazyLock<Specification> = LazyLock::new(|| {
    Specification::new(
        r#"{"msg": {"type": "raw"}, "var": {"type": "strict_str"}, "verbosity": {"type": "int"}}"#,
        r#"{"mutually_exclusive": [["msg", "var"]]}"#,
    )
});

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { debug(context) })
}

fn debug(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    let args = context.checked(&SPECIFICATION)?;
    let mut result = Map::new();
    let wanted = match args.get("verbosity") {
        Some(Value::Int(verbosity)) => *verbosity,
        _ => 0,
    };
    if wanted > context.step.run.settings.verbosity as i64 {
        result.insert("skipped_reason", "Verbosity threshold not met.");
        result.insert("skipped", true);
        return Ok(result);
    }
    if let Some(message) = context.args.get("msg") {
        result.insert("msg", message.clone());
    } else if let Some(var) = context.args.get("var") {
        let (name, value) = variable(context, var)?;
        result.insert(name, value);
    } else {
        result.insert("msg", "Hello world!");
    }
    result.insert("_ansible_verbose_always", true);
    result.insert("failed", false);
    result.insert("changed", false);
    Ok(result)
}

/// `ansible._protomatter.debug`: what each expression gives, with words in the place of missing values.
pub(super) fn run_expressions<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { expressions(context) })
}

fn expressions(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    let Some(Value::List(given)) = context.args.get("expression") else {
        return Err(TaskFailure::plain("missing required arguments: expression"));
    };
    let (mut values, mut warnings) = (vec![], vec![]);
    for expression in given.items().iter() {
        let Value::Str(text) = expression else {
            return Err(TaskFailure::plain("Elements of 'expression' are texts."));
        };
        let error = match context.renderer.evaluate(text) {
            Ok(Value::Undefined(marker)) => marker.message.to_string(),
            Err(error) => error.one_line(),
            Ok(value) => {
                values.push(value);
                continue;
            }
        };
        let number = warnings.len() + 1;
        warnings.push(Value::str(format!("Encountered 1 template error.\nerror {number} - {error}")));
        values.push(Value::str(format!("<< error {number} - {error} >>")));
    }
    let mut result = Map::new();
    result.insert("_ansible_verbose_always", true);
    result.insert("expression_result", Value::list(values));
    if !warnings.is_empty() {
        result.insert("warnings", Value::list(warnings));
    }
    result.insert("changed", false);
    Ok(result)
}

/// What `var:` shows: the expression as written, and its value or the words Ansible shows for a missing one.
fn variable(context: &ActionContext<'_>, var: &Value) -> Result<(String, Value), TaskFailure> {
    // A list or dict stands for its values; its text is the key.
    let rendered = match var {
        Value::Str(s) if !s.is_template() => {
            let name = s.as_str().to_string();
            let value = match context.renderer.evaluate(s) {
                Ok(Value::Undefined(u)) => missing(context, &Diagnostic::error(u.message.clone()), s),
                Ok(value) => match hidden_error(&value) {
                    Some(error) => return Err(error.into()),
                    None => value,
                },
                Err(error) if is_missing(&error) => missing(context, &error, s),
                Err(error) => return Err(error.into()),
            };
            return Ok((name, shown(value)));
        }
        Value::Dict(_) | Value::List(_) => {
            let kind = ftl_core::value::type_name(var);
            let text = ftl_core::value::to_text(var);
            return Err(TaskFailure::plain(format!(
                "argument 'var' is of type {kind} and we were unable to convert to str: {} is not a string and conversion \
                 is not allowed",
                ftl_core::value::repr_str(&text)
            )));
        }
        other => context.renderer.render(other)?,
    };
    if let Some(error) = crate::task::first_undefined(&rendered) {
        return Err(error.into());
    }
    match &rendered {
        // The text a template gives is an expression of its own only when it was written by the operator.
        Value::Str(s) => {
            let expression = Str::plain(s.as_str());
            match context.scope_value(s.as_str()) {
                Some(value) => Ok((expression.as_str().to_string(), shown(context.renderer.render(&value)?))),
                None => {
                    Ok((s.as_str().to_string(), Value::str(format!("<< error 1 - '{}' is undefined >>", s.as_str()))))
                }
            }
        }
        other => Ok((format!("<class '{}'>", ftl_core::value::type_name(other)), shown(other.clone()))),
    }
}

fn shown(value: Value) -> Value {
    match value {
        Value::Undefined(u) => Value::str(format!("<< error 1 - {} >>", u.message)),
        other => other,
    }
}

/// An error deep inside (a vault that cannot be opened): nothing may stand in its place.
fn hidden_error(value: &Value) -> Option<Diagnostic> {
    match value {
        Value::Undefined(u) => u.error.as_deref().cloned().filter(|e| !is_missing(e)),
        Value::List(l) => l.items().iter().find_map(hidden_error),
        Value::Dict(d) => d.entries().values().find_map(hidden_error),
        _ => None,
    }
}

fn is_missing(error: &Diagnostic) -> bool {
    let text = error.one_line();
    text.contains("is undefined") || text.contains("has no attribute") || text.contains("has no element")
}

/// What stands for a missing value, and the warning that goes with it.
fn missing(context: &ActionContext<'_>, error: &Diagnostic, expression: &Str) -> Value {
    let text = error.one_line();
    let warning = Diagnostic::warning(format!("Encountered 1 template error.\nerror 1 - {text}"));
    context.step.emit(Event::Message(warning.at(expression.origin().cloned())));
    Value::str(format!("<< error 1 - {text} >>"))
}

impl ActionContext<'_> {
    /// A variable by its exact name, unrendered.
    pub(crate) fn scope_value(&self, name: &str) -> Option<Value> {
        ftl_template::Scope::get(&**self.scope, name)
    }
}
