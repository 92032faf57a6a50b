//! `script`: a local script, run on the host without any module or Python.

use std::sync::LazyLock;

use ftl_core::call::{ExecRequest, Source};
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
        let Some(first) = first_word(&written) else {
            return Err(TaskFailure::plain("one of the following is required: _raw_params, cmd"));
        };
        let path = context.find_file("files", &first).map_err(|failure| match failure {
            TaskFailure::Error(error) => missing_file(error.one_line()),
            other => other,
        })?;
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
        command = format!("cd {} && {command}", quote(&dir));
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

/// A word for a POSIX shell.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}

/// The first word, unquoted as a shell would.
fn first_word(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut quoted: Option<char> = None;
    let mut any = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quoted = None,
            (None, '\'' | '"') => {
                quoted = Some(c);
                any = true;
            }
            (None | Some('"'), '\\') => out.extend(chars.next()),
            (None, c) if c.is_whitespace() => break,
            (_, c) => out.push(c),
        }
    }
    (any || !out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_what_a_shell_sees() {
        for (text, expected) in [
            ("a.sh x y", Some("a.sh")),
            ("'a b.sh' x", Some("a b.sh")),
            ("a\\ b.sh x", Some("a b.sh")),
            ("\"q\"r s", Some("qr")),
            ("", None),
        ] {
            assert_eq!(first_word(text).as_deref(), expected, "{text}");
        }
    }
}
