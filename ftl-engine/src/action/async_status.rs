//! `async_status`: how a background job is doing.

use std::sync::LazyLock;

use ftl_core::value::{Map, Value, to_text};

use super::files::remote_join;
use super::{ActionContext, ActionFuture, Specification};
use crate::task::TaskFailure;

static SPECIFICATION: LazyLock<Specification> = LazyLock::new(|| {
    Specification::new(
        r#"{"jid": {"required": true}, "mode": {"choices": ["status", "cleanup"], "default": "status"}}"#,
        "{}",
    )
});

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let args = context.checked(&SPECIFICATION)?;
        let text = |name: &str| args.get(name).map(to_text).unwrap_or_default();
        ask(context, text("jid"), text("mode")).await
    })
}

/// The state of a job, as the module tells it, and where it is kept.
pub(crate) async fn ask(context: &ActionContext<'_>, job: String, mode: String) -> Result<Map, TaskFailure> {
    let directory = context.remote_expand(&context.resolution()?.async_dir.clone()).await?;
    let file = remote_join(&directory, &job);
    let mut result = Map::new();
    for key in ["stdout", "stderr"] {
        result.insert(key, "");
        result.insert(format!("{key}_lines"), Value::list(vec![]));
    }
    result.insert("started", false);
    result.insert("finished", false);
    result.insert("ansible_job_id", job.as_str());
    match mode.as_str() {
        "cleanup" => result.insert("erased", file),
        _ => {
            result.insert("started", true);
            result.insert("results_file", file)
        }
    };
    let mut args = Map::new();
    args.insert("jid", job);
    args.insert("mode", mode);
    args.insert("_async_dir", directory);
    let module = context.find_module("ansible.legacy.async_status")?;
    result.extend(context.run_foreground(module, args).await?);
    for key in ["started", "finished"] {
        let truth = result.get(key).is_some_and(Value::is_true);
        result.insert(key, truth);
    }
    Ok(result)
}
