//! `raw`: a command line for the host's shell, without any module or Python.

use ftl_core::call::{ExecOutput, ExecRequest};
use ftl_core::value::{Map, Value};

use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let mut result = Map::new();
        if !context.keywords.environment.is_empty() {
            context.step.warn("raw module does not support the environment keyword");
        }
        if context.keywords.check {
            result.insert("skipped", true);
            return Ok(result);
        }
        let command = context.text("_raw_params").unwrap_or_default();
        if command.trim().is_empty() {
            return Err(TaskFailure::plain("raw needs a command."));
        }
        let request = ExecRequest {
            command,
            executable: context.text("executable"),
            timeout: context.keywords.timeout,
            ..ExecRequest::default()
        };
        let output = context.step.run.runtime.exec(context.target()?, request).await?;
        fill(&mut result, &output);
        result.insert("changed", true);
        Ok(result)
    })
}

/// The keys of a command's result.
pub(super) fn fill(result: &mut Map, output: &ExecOutput) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines = |text: &str| -> Value { text.lines().map(Value::str).collect() };
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    result.insert("rc", output.rc as i64);
    result.insert("stdout_lines", lines(&stdout));
    result.insert("stdout", stdout);
    result.insert("stderr_lines", lines(&stderr));
    result.insert("stderr", stderr);
    if output.rc != 0 {
        result.insert("failed", true);
        result.insert("msg", "non-zero return code");
    }
}
