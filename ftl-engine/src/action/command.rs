//! `command` and `shell`: one module, with or without a shell.

use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { context.run_named("ansible.legacy.command", context.args.clone()).await })
}

pub(super) fn run_shell<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        if context.args.contains_key("expand_argument_vars") {
            let written = &context.step.task.written_action;
            return Err(TaskFailure::plain(format!(
                "Unsupported parameters for ({written}) module: expand_argument_vars"
            )));
        }
        let mut args = context.args.clone();
        args.insert("_uses_shell", true);
        context.run_named("ansible.legacy.command", args).await
    })
}
