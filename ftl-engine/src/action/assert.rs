//! `assert`: conditions that must all hold.

use std::sync::LazyLock;

use ftl_core::value::{Map, Value, to_text};

use super::{ActionContext, ActionFuture, Specification};
use crate::task::TaskFailure;

static SPECIFICATION: LazyLock<Specification> = LazyLock::new(|| {
    Specification::new(
        r#"{"fail_msg": {"type": "str_or_list_of_str", "aliases": ["msg"], "default": "Assertion failed"},
            "success_msg": {"type": "str_or_list_of_str", "default": "All assertions passed"},
            "quiet": {"type": "bool", "default": false}, "that": {"type": "raw", "required": true}}"#,
        "{}",
    )
});

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { assert(context) })
}

fn assert(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    let args = context.checked(&SPECIFICATION)?;
    let that = match context.args.get("that") {
        None => vec![],
        Some(Value::List(l)) => (*l.items()).clone(),
        // A template may stand for the whole list; what goes wrong in it, the condition tells better.
        Some(Value::Str(s)) if s.is_template() && s.as_str().starts_with("{{") => {
            match context.renderer.render_container(s) {
                Ok(Value::List(l)) => (*l.items()).clone(),
                _ => vec![Value::Str(s.clone())],
            }
        }
        Some(other) => vec![other.clone()],
    };
    let message = |key: &str| args.get(key).cloned().unwrap_or_default();
    let quiet = args.get("quiet").is_some_and(Value::is_true);
    let mut result = Map::new();
    if !quiet {
        result.insert("_ansible_verbose_always", true);
    }
    for condition in that {
        if !context.renderer.condition(&condition)? {
            result.insert("failed", true);
            result.insert("evaluated_to", false);
            let shown = match &condition {
                Value::Str(s) => Value::str(s.as_str()),
                other => Value::str(to_text(other)),
            };
            result.insert("assertion", if condition.as_str().is_some() { shown } else { condition.clone() });
            result.insert("msg", message("fail_msg"));
            return Ok(result);
        }
    }
    result.insert("changed", false);
    result.insert("msg", message("success_msg"));
    Ok(result)
}
