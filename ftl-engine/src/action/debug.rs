//! `debug`: a message, or the value of an expression.

use std::sync::LazyLock;

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Str, Value};

use ftl_template::{Placeholders, Renderer};

use super::{ActionContext, ActionFuture, Specification};
use crate::task::TaskFailure;

static SPECIFICATION: LazyLock<Specification> = LazyLock::new(|| {
    Specification::new(
        r#"{"msg": {"type": "raw"}, "var": {"type": "strict_str"}, "verbosity": {"type": "int", "default": 0}}"#,
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
    if let Some(Value::Str(expression)) = context.args.get("var").filter(|var| var.is_true()) {
        result.insert(expression.as_str(), variable(context, expression)?);
    } else {
        result.insert("msg", context.args.get("msg").cloned().unwrap_or_else(|| Value::str("Hello world!")));
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
    let evaluate = |renderer: &Renderer| {
        let items = given.items();
        let texts = items.iter().map(|expression| match expression {
            Value::Str(text) => renderer.evaluate(text),
            _ => Err(Diagnostic::error("Elements of 'expression' are texts.")),
        });
        texts.collect::<Result<Vec<_>, _>>()
    };
    let (values, warnings) = context.renderer.with_placeholders(Placeholders::All, evaluate);
    let values = values?;
    let warnings: Vec<Value> = warnings.into_iter().map(|warning| Value::str(warning.message)).collect();
    let mut result = Map::new();
    result.insert("_ansible_verbose_always", true);
    result.insert("expression_result", Value::list(values));
    if !warnings.is_empty() {
        result.insert("warnings", Value::list(warnings));
    }
    result.insert("changed", false);
    Ok(result)
}

/// What `var:` shows: the expression as written, and its value; words stand for what is missing.
fn variable(context: &ActionContext<'_>, expression: &Str) -> Result<Value, TaskFailure> {
    let evaluate = |renderer: &Renderer| renderer.evaluate(expression);
    let (value, mut warnings) = context.renderer.with_placeholders(Placeholders::Missing, evaluate);
    let value = value.map_err(|cause| {
        let outer = Diagnostic::error("Error while resolving `var` expression.");
        TaskFailure::from(outer.at(expression.origin().cloned()).caused_by(cause))
    })?;
    let value = match value {
        Value::Omit => {
            let text = "The result of the `var` expression could not be omitted; a placeholder was used instead.";
            warnings.push(Diagnostic::warning(text).at(expression.origin().cloned()));
            Value::str("<<Omit>>")
        }
        value => value,
    };
    warnings.into_iter().for_each(|warning| context.step.note(warning));
    Ok(value)
}
