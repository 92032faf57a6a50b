//! `fail`: a failure with a message.

use ftl_core::value::{Map, Value};

use super::{ActionContext, ActionFuture};

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        context.only(&["msg"])?;
        let mut result = Map::new();
        let text = context.args.get("msg").cloned();
        result.insert("msg", text.unwrap_or_else(|| Value::str("Failed as requested from task")));
        result.insert("failed", true);
        Ok(result)
    })
}
