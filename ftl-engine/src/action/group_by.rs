//! `group_by`: the host joins a group named by a variable.

use ftl_core::value::{Map, Value, to_text};

use super::{ActionContext, ActionFuture};

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        context.only(&["key", "parents"])?;
        let mut result = Map::new();
        let Some(key) = context.args.get("key") else {
            result.insert("failed", true);
            result.insert("msg", "the 'key' param is required when using group_by");
            return Ok(result);
        };
        let plain = |v: &Value| Value::str(to_text(v).replace(' ', "-"));
        let parents: Vec<Value> = match context.args.get("parents") {
            None => vec![Value::str("all")],
            Some(Value::List(l)) => l.items().iter().map(plain).collect(),
            Some(one) => vec![plain(one)],
        };
        result.insert("changed", false);
        result.insert("add_group", plain(key));
        result.insert("parent_groups", parents);
        Ok(result)
    })
}
