//! Where `include_tasks` and `import_tasks` look for their file.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::graph::IncludedFrom;
use crate::parse::unquote;

/// What the place of an include says about its search.
#[derive(Clone, Debug)]
pub struct IncludeSearch<'a> {
    /// The path of the task's role.
    pub role_path: Option<&'a Path>,
    pub handler: bool,
    /// `import_tasks` looks a little elsewhere than `include_tasks`.
    pub import: bool,
    /// The includes the task came from.
    pub from: Option<&'a Arc<IncludedFrom>>,
    /// Directory of the play's file.
    pub base_dir: &'a Path,
    pub working_dir: &'a Path,
}

/// The file an include means: the first that exists, else the one to name in the message.
pub fn search_include_file(target: &str, search: &IncludeSearch<'_>) -> PathBuf {
    let subdir = if search.handler { "handlers" } else { "tasks" };
    let mut last = None;
    let mut together: Option<PathBuf> = None;
    let mut link = search.from;
    while let Some(from) = link {
        // Directories of includes add up from the inside out, until one is absolute.
        let dir = match together {
            None => from.dir.clone(),
            Some(inner) if inner.is_absolute() && search.import => inner,
            Some(inner) if inner.is_absolute() => from.dir.clone(),
            Some(inner) => from.dir.join(inner),
        };
        let found = match search.role_path {
            Some(role) => {
                let inside = search.relative(&role.join(subdir).join(&dir), subdir, target, !search.import);
                if search.import {
                    inside
                } else {
                    let direct = search.relative(role, subdir, target, true);
                    if direct.exists() { direct } else { inside }
                }
            }
            None => search.relative(search.base_dir, &dir.to_string_lossy(), target, false),
        };
        if found.exists() {
            return found;
        }
        last = Some(found);
        together = Some(dir);
        link = from.outer.as_ref();
    }
    match (last, search.role_path) {
        (Some(last), _) if !search.import => last,
        (_, Some(role)) => search.relative(role, subdir, target, !search.import),
        (_, None) => search.plain(target),
    }
}

impl IncludeSearch<'_> {
    /// Relative to the play's directory.
    fn plain(&self, given: &str) -> PathBuf {
        normalize(&self.base_dir.join(unquote(given)))
    }

    /// Below `path`, with or without `dirname`, in a role or beside the play.
    fn relative(&self, path: &Path, dirname: &str, source: &str, is_role: bool) -> PathBuf {
        if source.starts_with('/') || source.starts_with('~') {
            return normalize(Path::new(source));
        }
        let mut base = self.absolute(path);
        let is_role = is_role || looks_like_role(path, &base);
        let mut places = vec![path.join(dirname).join(source)];
        if is_role && path.ends_with("tasks") {
            base = base.parent().map(Path::to_path_buf).unwrap_or(base);
        }
        places.push(normalize(&base.join(dirname).join(source)));
        if is_role && !source.ends_with(dirname) {
            places.push(normalize(&base.join("tasks").join(source)));
        }
        places.push(self.absolute(&Path::new(dirname).join(source)));
        places.push(normalize(&base.join(source)));
        places.push(self.plain(&Path::new(dirname).join(source).to_string_lossy()));
        let last = self.plain(source);
        places.into_iter().find(|p| p.exists()).unwrap_or(last)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        normalize(&self.working_dir.join(path))
    }
}

fn looks_like_role(path: &Path, absolute: &Path) -> bool {
    const MAINS: [&str; 3] = ["main.yml", "main.yaml", "main"];
    let any = |dir: PathBuf| MAINS.iter().any(|m| dir.join(m).exists());
    let beside = path.parent().unwrap_or(path);
    (path.ends_with("tasks") && any(path.to_path_buf()))
        || ["tasks", "meta"].iter().any(|d| any(absolute.join(d)) || any(beside.join(d)))
}

/// Without `.`, `..` and double slashes; links are not followed.
pub(crate) fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !matches!(out.components().next_back(), None | Some(Component::ParentDir | Component::RootDir)) {
                    out.pop();
                } else if !out.has_root() {
                    out.push("..");
                }
            }
            other => out.push(other),
        }
    }
    out
}
