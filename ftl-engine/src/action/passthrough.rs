//! Modules without a half on the controller: the arguments go to the host as they are.

use super::{ActionContext, ActionFuture};

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let mut result = context.run_own_module(context.args.clone()).await?;
        // With -v, results are shown; facts are too many.
        if matches!(context.name, "ansible.builtin.setup" | "ansible.legacy.setup") {
            result.insert("_ansible_verbose_override", true);
        }
        Ok(result)
    })
}
