//! `assemble`: one file from the fragments in a directory.

use ftl_core::value::{Map, to_text};
use ftl_template::python_regex::{Flags, Regex};

use super::copy::{Content, Item};
use super::files::remote_join;
use super::{ActionContext, ActionFuture, copy_diff};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let (Some(src), Some(dest)) = (context.text("src"), context.text("dest")) else {
            return Err(TaskFailure::plain("src and dest are required"));
        };
        let mut args = context.args.clone();
        args.remove("decrypt");
        if context.flag("remote_src", true) {
            return context.run_named("ansible.legacy.assemble", args).await;
        }
        let path = context.find_file("files", &src)?;
        if !path.is_dir() {
            return Err(TaskFailure::plain(format!("Source ({}) is not a directory", path.display())));
        }
        let content = Content::Made(assembled(context, &path)?.into());
        let checksum = content.checksum().unwrap_or_default();
        let dest = context.remote_expand(&dest).await?;
        let stat = context.remote_stat(&dest, context.flag("follow", false), true).await?;
        for key in ["remote_src", "regexp", "delimiter", "ignore_hidden"] {
            args.remove(key);
        }
        args.insert("dest", dest.as_str());
        if stat.get("checksum").is_some_and(|c| to_text(c) == checksum) {
            let module = context.find_module("ansible.legacy.file")?;
            return context.run_foreground(module, args).await;
        }
        let item = Item { content, name: "src".into(), shown: src, is_text: false };
        let diff = match context.keywords.diff {
            true => Some(copy_diff::diff(context, &dest, &item).await?),
            false => None,
        };
        let temp = context.remote_temp().await?;
        let result = place(context, &item, args, &temp).await;
        context.remote_remove(&temp).await;
        let mut result = result?;
        if let Some(diff) = diff {
            result.insert("diff", ftl_core::Value::dict(diff));
        }
        Ok(result)
    })
}

async fn place(context: &ActionContext<'_>, item: &Item, mut args: Map, temp: &str) -> Result<Map, TaskFailure> {
    let remote = remote_join(temp, "src");
    if let Content::Made(bytes) = &item.content {
        context.transfer(ftl_core::call::Source::Bytes(bytes.clone()), &remote, 0o600).await?;
    }
    args.insert("src", remote);
    let module = context.find_module("ansible.legacy.copy")?;
    context.run_foreground(module, args).await
}

fn assembled(context: &ActionContext<'_>, dir: &std::path::Path) -> Result<Vec<u8>, TaskFailure> {
    let io = |e: std::io::Error| TaskFailure::plain(format!("{}: {e}", dir.display()));
    let regex = match context.text("regexp") {
        Some(pattern) => Some(Regex::new(&pattern, Flags::default()).map_err(|e| TaskFailure::plain(e.to_string()))?),
        None => None,
    };
    let delimiter = context.text("delimiter").map(|d| unescape(&d));
    let ignore_hidden = context.flag("ignore_hidden", false);
    let mut names: Vec<_> = std::fs::read_dir(dir).map_err(io)?.filter_map(Result::ok).map(|e| e.file_name()).collect();
    names.sort();
    let mut out: Vec<u8> = vec![];
    let (mut delimit, mut newline) = (false, false);
    for name in names {
        let shown = name.to_string_lossy();
        if regex.as_ref().is_some_and(|r| r.search(&shown).ok().flatten().is_none()) {
            continue;
        }
        let path = dir.join(&name);
        if !path.is_file() || (ignore_hidden && shown.starts_with('.')) {
            continue;
        }
        let content = match context.flag("decrypt", true) {
            true => context.step.run.loader.read(&path)?,
            false => std::fs::read(&path).map_err(io)?,
        };
        if newline {
            out.push(b'\n');
        }
        if let (true, Some(delimiter)) = (delimit, &delimiter) {
            out.extend_from_slice(delimiter.as_bytes());
            if !delimiter.ends_with('\n') {
                out.push(b'\n');
            }
        }
        newline = !content.ends_with(b"\n");
        delimit = true;
        out.extend(content);
    }
    Ok(out)
}

/// The escapes of a Python string literal that occur in delimiters.
fn unescape(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\\\\", "\\")
}
