//! `group_by`: the host joins a group named by a variable.

use ftl_core::value::{Map, Value};

use super::{ActionContext, ActionFuture};
use crate::argument_spec::class_name;
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
            other => {
                let kind = class_name(other);
                Err(TaskFailure::message(format!("'{kind}' object has no attribute 'replace'")))
            }
        };
        let parents: Vec<Value> = match context.args.get("parents") {
            None => vec![Value::str("all")],
            Some(Value::List(l)) => l.items().iter().map(plain).collect::<Result<_, _>>()?,
            Some(Value::Str(name)) => vec![plain(&Value::Str(name.clone()))?],
            Some(other) => {
                return Err(TaskFailure::message(format!("'{}' object is not iterable", class_name(other))));
            }
        };
        result.insert("changed", false);
        result.insert("add_group", plain(key)?);
        result.insert("parent_groups", parents);
        Ok(result)
    })
}
