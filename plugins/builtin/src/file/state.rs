//! What is at a path, in the module's words, and how a change of it is shown.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ftl_sdk::{Host, Object, Value, json};

use crate::attributes::side;
use crate::paths;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Absent,
    Directory,
    File,
    Hard,
    Link,
    Touch,
}

impl State {
    pub(crate) fn named(name: &str) -> Option<State> {
        let all = [State::Absent, State::Directory, State::File, State::Hard, State::Link, State::Touch];
        all.into_iter().find(|state| state.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Absent => "absent",
            State::Directory => "directory",
            State::File => "file",
            State::Hard => "hard",
            State::Link => "link",
            State::Touch => "touch",
        }
    }

    /// What is there now.
    pub(crate) fn of(path: &Path) -> State {
        let Ok(found) = std::fs::symlink_metadata(path) else { return State::Absent };
        if found.is_symlink() {
            State::Link
        } else if found.is_dir() {
            State::Directory
        } else if found.nlink() > 1 {
            State::Hard
        } else {
            State::File
        }
    }
}

/// The diff a change from one state to another begins with.
pub(crate) fn initial_diff(host: &Host, path: &str, wanted: State, before: State) -> Object {
    let mut diff = Object::new();
    side(&mut diff, "before").insert("path".into(), path.into());
    side(&mut diff, "after").insert("path".into(), path.into());
    if before != wanted {
        side(&mut diff, "before").insert("state".into(), before.name().into());
        side(&mut diff, "after").insert("state".into(), wanted.name().into());
        // The tree is walked only for those who look at it.
        if wanted == State::Absent && before == State::Directory && host.diff() {
            let (mut directories, mut files) = (Vec::new(), Vec::new());
            list(host, path, &mut directories, &mut files);
            let content = json!({"directories": directories, "files": files});
            side(&mut diff, "before").insert("path_content".into(), content);
        }
    }
    diff
}

fn list(host: &Host, path: &str, directories: &mut Vec<Value>, files: &mut Vec<Value>) {
    for name in below(host, path, |name, is_dir| {
        let whole = Value::from(paths::join(path, name));
        if is_dir { directories.push(whole) } else { files.push(whole) }
    }) {
        list(host, &paths::join(path, &name), directories, files);
    }
}

/// Calls `see` for each name in a directory (`is_dir` also for links to directories); answers those to descend into.
pub(crate) fn below(host: &Host, path: &str, mut see: impl FnMut(&str, bool)) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(host.at(path)) else { return Vec::new() };
    let mut descend = Vec::new();
    for entry in entries.flatten() {
        let name = host.shown(Path::new(&entry.file_name()));
        let kind = entry.file_type().ok();
        let is_link = kind.is_some_and(|kind| kind.is_symlink());
        let is_dir = kind.is_some_and(|kind| kind.is_dir()) || (is_link && entry.path().is_dir());
        see(&name, is_dir);
        if is_dir && !is_link {
            descend.push(name);
        }
    }
    descend
}
