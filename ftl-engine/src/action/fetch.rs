//! `fetch`: a file of the host, to the controller.

use std::path::{Component, Path, PathBuf};

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, repr_str, to_text};

use super::copy::Content;
use super::files::truth;
use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { fetch(context).await })
}

async fn fetch(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    let mut result = Map::new();
    if context.keywords.check {
        result.insert("msg", "check mode not (yet) supported for this module");
        return Err(TaskFailure::Skipped(result));
    }
    let (Some(src), Some(dest)) = (context.arg("src"), context.arg("dest")) else {
        return Err(TaskFailure::plain("src and dest are required"));
    };
    for (name, value) in [("dest", dest), ("source", src)] {
        if value.as_str().is_none() {
            return Err(TaskFailure::plain(format!("Invalid type supplied for {name} option, it must be a string")));
        }
    }
    let (src, dest) = (to_text(src), to_text(dest));
    let must_exist = context.flag("fail_on_missing", true);
    let src = context.remote_expand(&src).await?;
    let stat = context.remote_stat(&src, true, true).await?;
    if !truth(&stat, "exists") {
        let text = "the remote file does not exist, not transferring, ignored";
        result.insert("msg", text);
        if must_exist {
            let why = format!("File not found: {src}: [Errno 2] No such file or directory: {}", repr_str(&src));
            let error = Diagnostic::error("Module failed.").caused_by(Diagnostic::error(why));
            return Err(TaskFailure::Contributed { error, result });
        }
        result.insert("changed", false);
        result.insert("file", src.as_str());
        return Ok(result);
    }
    let slurps = context.target()?.become_as.is_some();
    if truth(&stat, "isdir") && slurps {
        // As other users Ansible reads files by a module, which has words of its own.
        result.insert("msg", "remote file is a directory, fetch cannot work on directories");
        if must_exist {
            let why = format!(
                "Source is a directory and must be a file: {src}: [Errno 21] Is a directory: {}",
                repr_str(&src)
            );
            let error = Diagnostic::error("Module failed.").caused_by(Diagnostic::error(why));
            return Err(TaskFailure::Contributed { error, result });
        }
        result.insert("changed", false);
        result.insert("file", src);
        return Ok(result);
    }
    if truth(&stat, "isdir") {
        let text = "remote file is a directory, fetch cannot work on directories";
        if must_exist {
            result.insert("failed", true);
            result.insert("changed", false);
            result.insert("msg", text);
        } else {
            result.insert("msg", format!("{text}, not transferring, ignored"));
        }
        return Ok(result);
    }
    let place = destination(context, &src, &dest)?;
    let remote = stat.get("checksum").map(to_text).unwrap_or_default();
    let local = Content::File(place.clone()).checksum().ok();
    let shown = place.to_string_lossy().into_owned();
    if local.as_deref() == Some(remote.as_str()) && !remote.is_empty() {
        result.insert("changed", false);
        result.insert("md5sum", md5_of(&place));
        result.insert("file", src);
        result.insert("dest", shown);
        result.insert("checksum", remote);
        return Ok(result);
    }
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent).map_err(|e| {
            TaskFailure::message(format!("Unable to create local directories '{}': {e}", parent.display()))
        })?;
    }
    let fetched = context.step.run.runtime.get(context.target()?, &src, &place).await?;
    result.insert("md5sum", md5_of(&place));
    result.insert("dest", shown);
    result.insert("remote_md5sum", Value::None);
    result.insert("checksum", fetched.as_str());
    result.insert("remote_checksum", if remote.is_empty() { fetched.clone() } else { remote.clone() });
    if context.flag("validate_checksum", true) && !remote.is_empty() && fetched != remote {
        result.insert("failed", true);
        result.insert("msg", "checksum mismatch");
        result.insert("file", src);
    } else {
        result.insert("changed", true);
    }
    Ok(result)
}

/// Computed from the task and the inventory name alone: nothing a host says leads out of it.
fn destination(context: &ActionContext<'_>, src: &str, dest: &str) -> Result<PathBuf, TaskFailure> {
    let base = &context.step.play.base_dir;
    let given = context.expand_home(dest);
    if context.flag("flat", false) {
        if given.is_dir() && !dest.ends_with('/') {
            return Err(TaskFailure::plain(
                "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
            ));
        }
        let full = match dest.ends_with('/') {
            true => given.join(src.rsplit('/').next().unwrap_or(src)),
            false => given,
        };
        if full.is_dir() {
            return Err(TaskFailure::plain(format!(
                "calculated dest '{}' is an existing directory, use another path that does not point to an existing \
                 directory",
                full.display()
            )));
        }
        return Ok(normal(&base.join(full)));
    }
    let root = normal(&base.join(given)).join(&*context.step.host_name);
    let place = normal(&root.join(src.trim_start_matches('/')));
    match place.starts_with(normal(&root)) {
        true => Ok(place),
        false => Err(TaskFailure::plain(format!(
            "Detected directory traversal, expected to be contained in '{}' but got '{}'",
            root.display(),
            place.display()
        ))),
    }
}

/// Without `.` and `..`, by the text alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

fn md5_of(path: &Path) -> Value {
    use md5::{Digest, Md5};
    use std::io::Read;
    let Ok(mut file) = std::fs::File::open(path) else { return Value::None };
    let mut hash = Md5::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => hash.update(&buffer[..n]),
            Err(_) => return Value::None,
        }
    }
    Value::str(hash.finalize().iter().map(|b| format!("{b:02x}")).collect::<String>())
}
