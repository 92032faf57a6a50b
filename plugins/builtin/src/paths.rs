//! Names of files, as Python's `os.path` treats them.

use std::path::{Component, Path, PathBuf};

/// The part after the last `/`.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The part before the last `/`, without slashes at its end.
pub(crate) fn directory(path: &str) -> &str {
    let Some(at) = path.rfind('/') else { return "" };
    let head = path[..at].trim_end_matches('/');
    if head.is_empty() { &path[..=at] } else { head }
}

/// `os.path.join`.
pub(crate) fn join(directory: &str, name: &str) -> String {
    if name.starts_with('/') || directory.is_empty() {
        return name.to_owned();
    }
    format!("{directory}{}{name}", if directory.ends_with('/') { "" } else { "/" })
}

/// `os.path.realpath`: links resolved as far as the path exists. `path` is absolute.
pub(crate) fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| resolve(path))
}

fn resolve(path: &Path) -> PathBuf {
    let mut done = PathBuf::from("/");
    let mut left: Vec<PathBuf> = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop() {
        match part.components().next() {
            Some(Component::ParentDir) => {
                done.pop();
            }
            Some(Component::Normal(name)) => {
                let next = done.join(name);
                match std::fs::read_link(&next) {
                    Ok(target) if links < 40 => {
                        links += 1;
                        if target.is_absolute() {
                            done = PathBuf::from("/");
                        }
                        left.extend(parts(&target));
                    }
                    _ => done = next,
                }
            }
            _ => {}
        }
    }
    done
}

/// The components, last first.
fn parts(path: &Path) -> Vec<PathBuf> {
    path.components().rev().map(|part| PathBuf::from(part.as_os_str())).collect()
}

/// Does anything answer to that name, even a broken link?
pub(crate) fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let check = |path: &str, dir: &str, base: &str| assert_eq!((directory(path), base_name(path)), (dir, base));
        check("/a/b", "/a", "b");
        check("/a", "/", "a");
        check("a", "", "a");
        check("/a//b/", "/a//b", "");
        check("a//b", "a", "b");
        assert_eq!(join("/a", "b"), "/a/b");
        assert_eq!(join("/a/", "/b"), "/b");
    }
}
