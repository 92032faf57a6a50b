//! Modules without a half on the controller: the arguments go to the host as they are.

use super::{ActionContext, ActionFuture};

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { context.run_own_module(context.args.clone()).await })
}
