//! `copy`: files and trees of the controller, or text of the task, to the host.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::Source;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, to_json, to_text};

use super::files::{remote_join, truth};
use super::{ActionContext, ActionFuture, copy_diff, copy_tree};
use crate::task::TaskFailure;

/// Arguments that the `file` module shares with `copy`.
const FILE_ARGUMENTS: [&str; 13] = [
    "mode",
    "owner",
    "group",
    "seuser",
    "serole",
    "selevel",
    "setype",
    "attributes",
    "unsafe_writes",
    "state",
    "path",
    "recurse",
    "force",
];

/// What is copied.
#[derive(Clone)]
pub(super) enum Content {
    /// Made by the task: `content:`, or a rendered template.
    Made(Arc<[u8]>),
    /// A file of the controller; decrypted contents are `Made`.
    File(PathBuf),
}

/// One file to copy.
pub(super) struct Item {
    pub content: Content,
    /// Its name below the destination.
    pub name: String,
    /// How diffs call the new side.
    pub shown: String,
    /// `content:` was given: the destination cannot be a directory.
    pub is_text: bool,
}

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { copy(context).await })
}

pub(super) fn fail(text: impl Into<String>) -> TaskFailure {
    let text = text.into();
    let mut result = Map::new();
    result.insert("msg", text.as_str());
    let error = Diagnostic::error("Action failed.").caused_by(Diagnostic::error(text));
    TaskFailure::Contributed { error, result }
}

async fn copy(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    for internal in ["_original_basename", "_diff_peek"] {
        if context.arg(internal).is_some() {
            return Err(TaskFailure::plain(format!("Invalid parameter specified: \"{internal}\"")));
        }
    }
    let truthy = |name: &str| context.arg(name).is_some_and(Value::is_true);
    let content = context.arg("content");
    let problem = match (truthy("src"), content) {
        (false, None) => Some("src (or content) is required"),
        _ if !truthy("dest") => Some("dest is required"),
        (true, Some(_)) => Some("src and content are mutually exclusive"),
        (false, Some(_)) if context.only_text("dest", "endswith")?.is_some_and(|dest| dest.ends_with('/')) => {
            Some("can not use content with a dir as dest")
        }
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(fail(problem));
    }
    if content.is_none() && context.flag("remote_src", false) {
        return context.run_named("ansible.legacy.copy", context.args.clone()).await;
    }
    let src = if content.is_none() { context.only_text("src", "endswith")?.unwrap_or_default() } else { "" };
    let dest = context.only_text("dest", "startswith")?.unwrap_or_default();
    let dest = context.remote_expand(dest).await?;
    let follow = context.flag("follow", false);
    if let Some(content) = content {
        let bytes = match content {
            Value::Dict(_) | Value::List(_) => to_json(content).into_bytes(),
            other => to_text(other).into_bytes(),
        };
        let name = dest.rsplit('/').next().unwrap_or(&dest).to_string();
        let item = Item { content: Content::Made(bytes.into()), name, shown: dest.clone(), is_text: true };
        let copied = copy_one(context, &context.args, &item, &dest, follow).await?;
        return Ok(copied.unwrap_or_else(|| unchanged(&dest, "")));
    }
    let path = context.find_file("files", src).map_err(|failure| match failure {
        TaskFailure::Error(error) => {
            TaskFailure::plain(format!("Unexpected AnsibleActionFail error: {}", error.one_line()))
        }
        other => other,
    })?;
    if path.is_dir() {
        return copy_tree::copy_tree(context, src, &path, &dest).await;
    }
    let item = file_item(context, &path, None)?;
    let copied = copy_one(context, &context.args, &item, &dest, follow).await?;
    Ok(copied.unwrap_or_else(|| unchanged(&dest, &path.to_string_lossy())))
}

fn unchanged(dest: &str, src: &str) -> Map {
    let mut result = Map::new();
    result.insert("dest", dest);
    result.insert("src", src);
    result.insert("changed", false);
    result
}

/// A file of the controller, decrypted when it is a vault and `decrypt` is on.
pub(super) fn file_item(context: &ActionContext<'_>, path: &Path, name: Option<&str>) -> Result<Item, TaskFailure> {
    let own = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let content = match context.flag("decrypt", true) && is_vault(path) {
        true => Content::Made(context.step.run.loader.read(path)?.into()),
        false => Content::File(path.to_path_buf()),
    };
    let shown = path.to_string_lossy().into_owned();
    Ok(Item { content, name: name.map_or(own, str::to_string), shown, is_text: false })
}

fn is_vault(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0u8; 14];
    let read = std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut head));
    read.is_ok() && &head == b"$ANSIBLE_VAULT"
}

impl Content {
    pub(super) fn checksum(&self) -> std::io::Result<String> {
        use sha1::{Digest, Sha1};
        use std::io::Read;
        let mut hash = Sha1::new();
        match self {
            Content::Made(bytes) => hash.update(bytes),
            Content::File(path) => {
                let mut file = std::fs::File::open(path)?;
                let mut buffer = vec![0u8; 1 << 16];
                loop {
                    let n = file.read(&mut buffer)?;
                    if n == 0 {
                        break;
                    }
                    hash.update(&buffer[..n]);
                }
            }
        }
        Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }

    fn source(&self) -> Source {
        match self {
            Content::Made(bytes) => Source::Bytes(bytes.clone()),
            Content::File(path) => Source::File(path.clone()),
        }
    }
}

/// Copies one file to `dest`, a path without `~`; `None` when `force: false` leaves an existing one alone.
pub(super) async fn copy_one(
    context: &ActionContext<'_>,
    args: &Map,
    item: &Item,
    dest: &str,
    follow: bool,
) -> Result<Option<Map>, TaskFailure> {
    let force = context.flag("force", true);
    let mut target = match dest.ends_with('/') {
        true => remote_join(dest, &item.name),
        false => dest.to_string(),
    };
    // A place for the new content is made meanwhile: one round trip less where it is needed.
    let (stat, temp) = tokio::join!(context.remote_stat(&target, follow, force), Temp::make(context));
    let mut stat = stat?;
    if truth(&stat, "exists") && truth(&stat, "isdir") {
        if item.is_text {
            return Err(fail("can not use content with a dir as dest"));
        }
        target = remote_join(&target, &item.name);
        stat = context.remote_stat(&target, follow, force).await?;
    }
    if truth(&stat, "exists") && !force {
        return Ok(None);
    }
    let unreadable = |e: std::io::Error| fail(format!("could not find src={}, {e}", item.shown));
    let checksum = item.content.checksum().map_err(unreadable)?;
    let mode = preserved_mode(args, item);
    let same = stat.get("checksum").is_some_and(|c| to_text(c) == checksum);
    let mut result = match same {
        true => settle(context, args, item, dest, &stat, follow, mode).await?,
        false => {
            let diff = match context.keywords.diff {
                true => Some(copy_diff::diff(context, &target, item).await?),
                false => None,
            };
            if context.keywords.check {
                let mut result = Map::new();
                result.insert("changed", true);
                insert_diff(&mut result, diff);
                return Ok(Some(result));
            }
            // `validate` may go by the extension of the name it gets.
            let extension = Path::new(&target).extension().map(|e| format!(".{}", e.to_string_lossy()));
            let source = remote_join(temp.path()?, &format!(".source{}", extension.unwrap_or_default()));
            let mut result = place(context, args, item, dest, &checksum, follow, mode, source).await?;
            insert_diff(&mut result, diff);
            result
        }
    };
    if !result.get("checksum").is_some_and(Value::is_true) {
        result.insert("checksum", checksum);
    }
    // The `file` module says `path` where `copy` says `dest`.
    if let (Some(path), None, false) = (result.get("path").cloned(), result.get("dest"), truth(&result, "failed")) {
        result.insert("dest", path);
    }
    let mut out = Map::new();
    out.insert("diff", Value::list(vec![]));
    if !context.keywords.diff {
        result.remove("diff");
    }
    out.extend(result);
    Ok(Some(out))
}

fn insert_diff(result: &mut Map, diff: Option<Map>) {
    if let Some(diff) = diff {
        let mut all = vec![Value::dict(diff)];
        match result.get("diff") {
            Some(Value::List(l)) => all.extend(l.items().iter().cloned()),
            Some(Value::Dict(d)) if !d.is_empty() => all.push(Value::Dict(d.clone())),
            _ => {}
        }
        result.insert("diff", all);
    }
}

/// `mode: preserve` means the mode of the source.
fn preserved_mode(args: &Map, item: &Item) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let Content::File(path) = &item.content else { return None };
    let wanted = args.get("mode").is_some_and(|m| m.as_str() == Some("preserve"));
    let mode = wanted.then(|| path.metadata().ok()).flatten()?.permissions().mode() & 0o7777;
    Some(format!("0{mode:03o}"))
}

/// Contents are equal: only attributes may differ.
async fn settle(
    context: &ActionContext<'_>,
    args: &Map,
    item: &Item,
    dest: &str,
    stat: &Map,
    follow: bool,
    mode: Option<String>,
) -> Result<Map, TaskFailure> {
    let mut target = dest.to_string();
    if follow
        && truth(stat, "islnk")
        && let Some(source) = stat.get("lnk_source")
    {
        target = to_text(source);
    }
    let mut out = file_arguments(args);
    out.insert("dest", target);
    out.insert("_original_basename", item.name.as_str());
    out.insert("recurse", false);
    out.insert("state", "file");
    if let Some(mode) = mode {
        out.insert("mode", mode);
    }
    let module = context.find_module("ansible.legacy.file")?;
    context.run_foreground(module, out).await
}

/// What of the arguments the `file` module is given.
pub(super) fn file_arguments(args: &Map) -> Map {
    let known = args.iter().filter(|(k, _)| k.as_str().is_some_and(|k| FILE_ARGUMENTS.contains(&k)));
    known.map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// A private directory on the host, removed when it is dropped.
struct Temp<'a> {
    context: &'a ActionContext<'a>,
    /// An error counts where the directory is used.
    path: Result<String, TaskFailure>,
}

impl<'a> Temp<'a> {
    async fn make(context: &'a ActionContext<'a>) -> Temp<'a> {
        let path = match context.keywords.check {
            true => Err(TaskFailure::plain("No files are copied in check mode.")),
            false => context.remote_temp().await,
        };
        Temp { context, path }
    }
}

impl Temp<'_> {
    fn path(&self) -> Result<&str, TaskFailure> {
        self.path.as_deref().map_err(Clone::clone)
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if let Ok(path) = &self.path {
            self.context.remote_remove_later(path.clone());
        }
    }
}

/// Contents differ: the bytes go to a temporary file, the `copy` module moves them into place.
#[expect(clippy::too_many_arguments, reason = "one place calls it, with all it knows")]
async fn place(
    context: &ActionContext<'_>,
    args: &Map,
    item: &Item,
    dest: &str,
    checksum: &str,
    follow: bool,
    mode: Option<String>,
    remote: String,
) -> Result<Map, TaskFailure> {
    context.transfer(item.content.source(), &remote, 0o600).await?;
    let mut out: Map = args
        .iter()
        .filter(|(k, _)| !matches!(k.as_str(), Some("content" | "decrypt")))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    out.insert("src", remote);
    // As written: the module itself finds the place in a directory, and makes missing ones on the way.
    out.insert("dest", dest);
    out.insert("_original_basename", item.name.as_str());
    out.insert("follow", follow);
    if !args.get("checksum").is_some_and(Value::is_true) {
        out.insert("checksum", checksum);
    }
    if let Some(mode) = mode {
        out.insert("mode", mode);
    }
    let module = context.find_module("ansible.legacy.copy")?;
    context.run_foreground(module, out).await
}
