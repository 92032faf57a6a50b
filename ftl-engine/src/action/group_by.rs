//! `group_by`: the host joins a group named by a variable.

use ftl_core::value::{Map, Value, to_text, type_name};

use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        context.only(&["key", "parents"])?;
        let mut result = Map::new();
        let Some(key) = context.args.get("key") else {
            result.insert("failed", true);
            result.insert("msg", "the 'key' param is required when using group_by");
            return Ok(result);
        };
        let plain = |v: &Value| match v {
            Value::Str(name) => Ok(Value::str(name.as_str().replace(' ', "-"))),
            other => Err(TaskFailure::plain(format!(
                "Names of groups are text, not {}: {}",
                type_name(other),
                to_text(other)
            ))),
        };
        let parents: Vec<Value> = match context.args.get("parents") {
            None => vec![Value::str("all")],
            Some(Value::List(l)) => l.items().iter().map(plain).collect::<Result<_, _>>()?,
            Some(one) => vec![plain(one)?],
        };
        result.insert("changed", false);
        result.insert("add_group", plain(key)?);
        result.insert("parent_groups", parents);
        Ok(result)
    })
}
