//! `set_stats`: figures for the end of the run.

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, repr_str, to_text};

use super::context::origin_of;
use super::{ActionContext, ActionFuture, set_fact::is_identifier};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        context.only(&["aggregate", "data", "per_host"])?;
        let mut result = Map::new();
        let data = match context.args.get("data") {
            None => Map::new(),
            Some(Value::Dict(d)) => (*d.entries()).clone(),
            Some(_) => {
                result.insert("failed", true);
                result.insert("msg", "The 'data' option needs to be a dictionary/hash");
                return Ok(result);
            }
        };
        for key in data.keys() {
            let name = to_text(key);
            if !is_identifier(&name) {
                return Err(TaskFailure::Error(
                    Diagnostic::error(format!("Invalid variable name {}.", repr_str(&name))).at(origin_of(key)).hint(
                        "Variable names must be strings starting with a letter or underscore character, and \
                             contain only letters, numbers and underscores.",
                    ),
                ));
            }
        }
        let mut stats = Map::new();
        stats.insert("data", Value::dict(data));
        stats.insert("per_host", context.flag("per_host", false));
        stats.insert("aggregate", context.flag("aggregate", true));
        result.insert("changed", false);
        result.insert("ansible_stats", Value::dict(stats));
        Ok(result)
    })
}
