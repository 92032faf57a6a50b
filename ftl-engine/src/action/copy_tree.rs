//! `copy` of a directory: its files, its empty directories, its links.

use std::path::{Path, PathBuf};

use ftl_core::value::{Map, Value};

use super::ActionContext;
use super::copy::{copy_one, file_item};
use super::files::remote_join;
use crate::task::TaskFailure;

/// What is below a directory, with names as they are to be at the destination.
#[derive(Default)]
struct Tree {
    files: Vec<(PathBuf, String)>,
    directories: Vec<(PathBuf, String)>,
    links: Vec<(String, String)>,
}

pub(super) async fn copy_tree(
    context: &ActionContext<'_>,
    written: &str,
    path: &Path,
    dest: &str,
) -> Result<Map, TaskFailure> {
    // `src: dir/` copies what is inside, `src: dir` the directory itself.
    let prefix = match written.ends_with('/') {
        true => String::new(),
        false => path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let follow = context.flag("local_follow", true);
    let tree = read(path, &prefix, follow)?;
    let dest = if dest.ends_with('/') { dest.to_string() } else { format!("{dest}/") };
    let mut changed = false;
    let mut last = None;
    let mut implied: Vec<String> = vec![];
    for (full, name) in &tree.files {
        let item = file_item(context, full, Some(name))?;
        let Some(result) = copy_one(context, &context.args, &item, &dest).await? else { continue };
        if result.get("failed").is_some_and(Value::is_true) {
            return Ok(result);
        }
        changed |= result.get("changed").is_some_and(Value::is_true);
        last = Some(result);
        // Directories with files in them come into being with the files.
        let mut dir = name.as_str();
        while let Some((parent, _)) = dir.rsplit_once('/') {
            implied.push(parent.to_string());
            dir = parent;
        }
    }
    for (full, name) in tree.directories.iter().filter(|(_, n)| !implied.contains(n)) {
        let mut args = file_args(context);
        args.insert("path", remote_join(&dest, name));
        args.insert("state", "directory");
        args.insert("recurse", false);
        match context.args.get("directory_mode") {
            Some(mode) => args.insert("mode", mode.clone()),
            None if args.get("mode").is_some_and(|m| m.as_str() == Some("preserve")) => {
                args.insert("mode", mode_of(full))
            }
            None => args.remove("mode"),
        };
        match run_file(context, args).await? {
            Ok(done) => changed |= done,
            Err(result) => return Ok(result),
        }
    }
    for (name, to) in &tree.links {
        let mut args = file_args(context);
        args.insert("path", remote_join(&dest, name));
        args.insert("src", to.as_str());
        args.insert("state", "link");
        args.insert("force", true);
        args.insert("follow", false);
        if args.get("mode").is_some_and(|m| m.as_str() == Some("preserve")) {
            args.remove("mode");
        }
        match run_file(context, args).await? {
            Ok(done) => changed |= done,
            Err(result) => return Ok(result),
        }
    }
    let mut result = Map::new();
    if let (Some(one), 1) = (last, tree.files.len()) {
        result = one;
        return Ok(result);
    }
    result.insert("dest", dest.as_str());
    result.insert("src", path.to_string_lossy().into_owned() + if written.ends_with('/') { "/" } else { "" });
    result.insert("changed", changed);
    Ok(result)
}

/// Runs the `file` module: whether it changed anything, or its failed result.
async fn run_file(context: &ActionContext<'_>, args: Map) -> Result<Result<bool, Map>, TaskFailure> {
    let module = context.find_module("ansible.legacy.file")?;
    let result = context.run_foreground(module, args).await?;
    if result.get("failed").is_some_and(Value::is_true) {
        return Ok(Err(result));
    }
    Ok(Ok(result.get("changed").is_some_and(Value::is_true)))
}

fn file_args(context: &ActionContext<'_>) -> Map {
    const KEPT: [&str; 10] =
        ["mode", "owner", "group", "seuser", "serole", "selevel", "setype", "attributes", "attr", "unsafe_writes"];
    let kept = context.args.iter().filter(|(k, _)| k.as_str().is_some_and(|k| KEPT.contains(&k)));
    kept.map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn mode_of(path: &Path) -> Value {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().map(|m| m.permissions().mode() & 0o7777).unwrap_or(0o755);
    Value::str(format!("0{mode:03o}"))
}

fn read(root: &Path, prefix: &str, follow: bool) -> Result<Tree, TaskFailure> {
    let mut tree = Tree::default();
    let name_of = |path: &Path| -> String {
        let below = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        match (prefix, below.as_str()) {
            ("", below) => below.to_string(),
            (prefix, "") => prefix.to_string(),
            (prefix, below) => format!("{prefix}/{below}"),
        }
    };
    if !prefix.is_empty() {
        tree.directories.push((root.to_path_buf(), prefix.to_string()));
    }
    for entry in walkdir::WalkDir::new(root).min_depth(1).follow_links(follow).sort_by_file_name() {
        let entry = entry.map_err(|e| TaskFailure::plain(format!("cannot read the tree to copy: {e}")))?;
        sendable(entry.path())?;
        let (path, name) = (entry.path().to_path_buf(), name_of(entry.path()));
        let kind = entry.file_type();
        if kind.is_dir() {
            tree.directories.push((path, name));
        } else if kind.is_symlink() {
            let to = std::fs::read_link(&path).map_err(|e| TaskFailure::plain(format!("{}: {e}", path.display())))?;
            sendable(&to)?;
            tree.links.push((name, to.to_string_lossy().into_owned()));
        } else if kind.is_file() {
            tree.files.push((path, name));
        } else {
            return Err(TaskFailure::plain(format!("{} is not a regular file", path.display())));
        }
    }
    Ok(tree)
}

/// Names travel as text. One that is none would arrive changed, and that must not pass for a copy.
fn sendable(path: &Path) -> Result<(), TaskFailure> {
    match path.to_str() {
        Some(_) => Ok(()),
        None => Err(TaskFailure::plain(format!("{path:?}: copying names that are not UTF-8 is not supported yet"))),
    }
}
