//! `fail`: a failure with a message.

use ftl_core::value::Map;

use super::{ActionContext, ActionFuture};

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        context.only(&["msg"])?;
        let mut result = Map::new();
        result.insert("msg", context.text("msg").unwrap_or_else(|| "Failed as requested from task".into()));
        result.insert("failed", true);
        Ok(result)
    })
}
