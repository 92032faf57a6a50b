//! `copy` of a directory: its files, its empty directories, its links.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ftl_core::value::{Map, Value};

use super::ActionContext;
use super::copy::{copy_one, file_arguments, file_item};
use super::files::{remote_join, truth};
use crate::task::TaskFailure;

/// Nobody nests directories like that; links that lead to one another in wild ways could.
const MAX_DEPTH: usize = 200;

/// What is below a directory, with names as they are to be at the destination.
#[derive(Default)]
struct Tree {
    files: Vec<(PathBuf, String)>,
    directories: Vec<String>,
    links: Vec<(PathBuf, String)>,
}

pub(super) async fn copy_tree(
    context: &ActionContext<'_>,
    written: &str,
    path: &Path,
    dest: &str,
) -> Result<Map, TaskFailure> {
    let tree = {
        let (path, follow) = (path.to_path_buf(), context.flag("local_follow", true));
        // `src: dir/` copies what is inside, `src: dir` the directory itself.
        let inside = written.ends_with('/');
        // Trees may be large: reading them must not hold up the other hosts.
        let read = tokio::task::spawn_blocking(move || read(&path, inside, follow));
        read.await.map_err(|e| TaskFailure::plain(format!("cannot read the tree to copy: {e}")))??
    };
    let dest = if dest.ends_with('/') { dest.to_string() } else { format!("{dest}/") };
    // Links at the destination are followed for single files only.
    let follow = tree.directories.is_empty() && context.flag("follow", false);
    let mut changed = false;
    let mut last = None;
    let mut implied = HashSet::new();
    for (full, name) in &tree.files {
        let item = file_item(context, full, Some(name))?;
        let Some(result) = copy_one(context, &context.args, &item, &dest, follow).await? else { continue };
        if truth(&result, "failed") {
            return Ok(result);
        }
        changed |= truth(&result, "changed");
        last = Some(result);
        // Directories with files in them come into being with the files.
        let mut dir = name.as_str();
        while let Some((parent, _)) = dir.rsplit_once('/') {
            implied.insert(parent);
            dir = parent;
        }
    }
    let mut attributes = file_arguments(&context.args);
    for own in ["mode", "state", "path", "recurse", "force"] {
        attributes.remove(own);
    }
    let mode = context.args.get("directory_mode").cloned().unwrap_or(Value::None);
    // Their results are of no interest either, but where there is one file the last one is the task's.
    let is_plain = attributes.is_empty() && mode.is_none() && tree.files.len() != 1;
    for name in &tree.directories {
        if is_plain && implied.contains(name.as_str()) && !context.keywords.check {
            continue;
        }
        let mut args = file_arguments(&context.args);
        args.insert("path", remote_join(&dest, name));
        args.insert("state", "directory");
        args.insert("mode", mode.clone());
        args.insert("recurse", false);
        let result = run_file(context, args).await?;
        if truth(&result, "failed") {
            return Ok(result);
        }
        changed |= truth(&result, "changed");
        last = Some(result);
    }
    for (to, name) in &tree.links {
        let mut args = file_arguments(&context.args);
        args.insert("path", remote_join(&dest, name));
        args.insert("src", to.to_string_lossy().into_owned());
        args.insert("state", "link");
        args.insert("force", true);
        if !tree.directories.is_empty() {
            args.insert("follow", false);
        }
        if args.get("mode").is_some_and(|m| m.as_str() == Some("preserve")) {
            args.remove("mode");
        }
        let result = run_file(context, args).await?;
        if truth(&result, "failed") {
            return Ok(result);
        }
        changed |= truth(&result, "changed");
        last = Some(result);
    }
    if let (Some(mut last), 1) = (last, tree.files.len()) {
        if let (Some(path), None) = (last.get("path").cloned(), last.get("dest")) {
            last.insert("dest", path);
        }
        last.insert("changed", changed);
        return Ok(last);
    }
    let slash = if written.ends_with('/') { "/" } else { "" };
    let mut result = Map::new();
    result.insert("dest", dest.as_str());
    result.insert("src", format!("{}{slash}", path.to_string_lossy().trim_end_matches('/')));
    result.insert("changed", changed);
    Ok(result)
}

async fn run_file(context: &ActionContext<'_>, args: Map) -> Result<Map, TaskFailure> {
    let module = context.find_module("ansible.legacy.file")?;
    context.run_foreground(module, args).await
}

fn read(root: &Path, inside: bool, follow: bool) -> Result<Tree, TaskFailure> {
    let base = match root.file_name() {
        Some(name) if !inside => PathBuf::from(name),
        _ => PathBuf::new(),
    };
    // With a slash at its end the path of a link would be that of what it leads to.
    let own = PathBuf::from(root.to_string_lossy().trim_end_matches('/'));
    if own.is_symlink() && !follow && !inside {
        return Err(TaskFailure::plain(format!(
            "{}: copying a link to a directory as a link is not supported; add a slash to copy what is inside.",
            own.display()
        )));
    }
    let mut walk = Walk { tree: Tree::default(), follow };
    let parents = HashSet::from([id_of(root)?]);
    walk.level(root, &base, &parents, 0)?;
    Ok(walk.tree)
}

type Id = (u64, u64);

struct Walk {
    tree: Tree,
    follow: bool,
}

impl Walk {
    /// Takes in a directory. `parents` are the directories that it is being copied as a part of: a link to one of them
    /// stays a link, for its content would have no end.
    fn level(&mut self, dir: &Path, base: &Path, parents: &HashSet<Id>, depth: usize) -> Result<(), TaskFailure> {
        if depth > MAX_DEPTH {
            return Err(TaskFailure::plain(format!("{}: directories are nested too deeply", dir.display())));
        }
        let mut entries: Vec<_> = std::fs::read_dir(dir)
            .and_then(|all| all.collect::<Result<Vec<_>, _>>())
            .map_err(|e| unreadable(dir, &e))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let mut below = vec![];
        for entry in entries {
            let (path, name) = (entry.path(), base.join(entry.file_name()));
            let own = entry.file_type().map_err(|e| unreadable(&path, &e))?;
            // What a link leads to; one that leads nowhere is a link all the same.
            let kind = if own.is_symlink() { path.metadata().ok().map(|m| m.file_type()) } else { Some(own) };
            let stays = own.is_symlink() && !self.follow;
            match kind {
                _ if stays => self.link(&path, &name)?,
                Some(kind) if kind.is_file() => self.tree.files.push((path, sendable(&name)?)),
                Some(kind) if kind.is_dir() && own.is_symlink() => below.push((path, name, true)),
                Some(kind) if kind.is_dir() => below.push((path, name, false)),
                _ if own.is_symlink() => self.link(&path, &name)?,
                _ => return Err(TaskFailure::plain(format!("{} is not a regular file", path.display()))),
            }
        }
        for (path, name, is_link) in below {
            if !is_link {
                self.tree.directories.push(sendable(&name)?);
                self.level(&path, &name, parents, depth + 1)?;
                continue;
            }
            let id = id_of(&path)?;
            let mut inner = parents.clone();
            for parent in path.ancestors().skip(1) {
                if !inner.insert(id_of(parent)?) {
                    break;
                }
            }
            if inner.contains(&id) {
                self.link(&path, &name)?;
                continue;
            }
            self.tree.directories.push(sendable(&name)?);
            let real = path.canonicalize().map_err(|e| unreadable(&path, &e))?;
            self.level(&real, &name, &inner, depth + 1)?;
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, name: &Path) -> Result<(), TaskFailure> {
        let to = std::fs::read_link(path).map_err(|e| unreadable(path, &e))?;
        sendable(&to)?;
        self.tree.links.push((to, sendable(name)?));
        Ok(())
    }
}

fn id_of(path: &Path) -> Result<Id, TaskFailure> {
    use std::os::unix::fs::MetadataExt;
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    path.metadata().map(|m| (m.dev(), m.ino())).map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, error: &std::io::Error) -> TaskFailure {
    TaskFailure::plain(format!("cannot read the tree to copy: {}: {error}", path.display()))
}

/// Names travel as text. One that is none would arrive changed, and that must not pass for a copy.
fn sendable(path: &Path) -> Result<String, TaskFailure> {
    match path.to_str() {
        Some(name) => Ok(name.to_string()),
        None => Err(TaskFailure::plain(format!("{path:?}: copying names that are not UTF-8 is not supported yet"))),
    }
}
