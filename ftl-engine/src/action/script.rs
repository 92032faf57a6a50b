//! `script`: a local script, run on the host without any module or Python.

use std::sync::LazyLock;

use ftl_core::call::{ExecRequest, Source};
use ftl_core::shell_words;
use ftl_core::source::not_found_message;
use ftl_core::value::Map;

use super::files::{missing_file, remote_join};
use super::{ActionContext, ActionFuture, Specification, raw};
use crate::task::TaskFailure;

static SPECIFICATION: LazyLock<Specification> = LazyLock::new(|| {
    Specification::new(
        r#"{"_raw_params": {}, "cmd": {}, "creates": {}, "removes": {}, "chdir": {}, "executable": {}}"#,
        r#"{"required_one_of": [["_raw_params", "cmd"]], "mutually_exclusive": [["_raw_params", "cmd"]]}"#,
    )
});

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        context.checked(&SPECIFICATION)?;
        if let Some(creates) = context.text("creates")
            && context.remote_exists(&creates).await?
        {
            return Err(skip(format!("{creates} exists, matching creates option")));
        }
        if let Some(removes) = context.text("removes")
            && !context.remote_exists(&removes).await?
        {
            return Err(skip(format!("{removes} does not exist, matching removes option")));
        }
        let chdir = context.text("chdir");
        if let Some(dir) = chdir.as_ref().filter(|d| !d.starts_with('/')) {
            return Err(TaskFailure::plain(format!(
                "chdir {dir} must be an absolute path for a Unix-aware remote node"
            )));
        }
        let written = context.text("_raw_params").or_else(|| context.text("cmd")).unwrap_or_default();
        let written = written.trim().to_string();
        let words = shell_words::split(&written, false).map_err(TaskFailure::message)?;
        let Some(first) = words.into_iter().next() else {
            return Err(TaskFailure::message("list index out of range"));
        };
        let path = context.find_file("files", &first).map_err(|failure| match failure {
            TaskFailure::Error(error) => missing_file(error.one_line()),
            other => other,
        })?;
        if path.is_dir() {
            return Err(missing_file(not_found_message("", &path.to_string_lossy(), &[])));
        }
        if context.keywords.check {
            let mut result = Map::new();
            if context.arg("creates").is_some() || context.arg("removes").is_some() {
                result.insert("changed", true);
                return Ok(result);
            }
            result.insert("changed", false);
            result.insert("msg", "Check mode is not supported for this task.");
            return Err(TaskFailure::Skipped(result));
        }
        let bytes = context.step.run.loader.read(&path)?;
        let temp = context.remote_temp().await?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let remote = remote_join(&temp, &name);
        let result = execute(context, bytes, &remote, &written, &first, chdir).await;
        context.remote_remove(&temp).await;
        result
    })
}

async fn execute(
    context: &ActionContext<'_>,
    bytes: Vec<u8>,
    remote: &str,
    written: &str,
    first: &str,
    chdir: Option<String>,
) -> Result<Map, TaskFailure> {
    context.transfer(Source::Bytes(bytes.into()), remote, 0o700).await?;
    let mut command = written.replace(first, remote);
    if let Some(executable) = context.text("executable") {
        command = format!("{executable} {command}");
    }
    if let Some(dir) = chdir {
        command = format!("cd {} && {command}", shell_words::quote(&dir));
    }
    let request = ExecRequest {
        command,
        environment: context.keywords.environment.clone(),
        timeout: context.keywords.timeout,
        ..ExecRequest::default()
    };
    let output = context.step.run.runtime.exec(context.target()?, request).await?;
    let mut result = Map::new();
    raw::fill(&mut result, &output);
    result.insert("changed", true);
    Ok(result)
}

fn skip(msg: String) -> TaskFailure {
    let mut map = Map::new();
    map.insert("msg", msg);
    TaskFailure::Skipped(map)
}
