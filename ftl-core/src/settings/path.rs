//! Paths as settings and options write them: `~`, `$VARIABLE`, relative to a file or the working directory.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// What paths are resolved with.
#[derive(Clone, Copy)]
pub struct PathRules<'a> {
    pub env: &'a BTreeMap<String, String>,
    pub working_dir: &'a Path,
    /// The home directory of a user; of the one who runs this for `""`.
    pub home_of: &'a dyn Fn(&str) -> Option<String>,
}

impl PathRules<'_> {
    /// The path without variables, `~` and dots; links are kept. Relative ones start at `base`, else where we are.
    pub fn resolve(&self, path: &str, base: Option<&Path>) -> PathBuf {
        let path = path.replace("{{CWD}}", &self.working_dir.to_string_lossy());
        let path = self.expand_home(&self.expand_variables(&path));
        normalized(&base.unwrap_or(self.working_dir).join(path))
    }

    pub fn expand_home(&self, path: &str) -> String {
        let Some(rest) = path.strip_prefix('~') else { return path.to_string() };
        let (user, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        match (self.home_of)(user) {
            Some(home) => format!("{}{tail}", home.trim_end_matches('/')),
            None => path.to_string(),
        }
    }

    /// `$NAME` and `${NAME}`; unknown ones stay as they are.
    pub fn expand_variables(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let (name, length) = match after.strip_prefix('{') {
                Some(braced) => match braced.find('}') {
                    Some(end) => (&braced[..end], end + 3),
                    None => ("", 1),
                },
                None => {
                    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                    (&after[..end], end + 1)
                }
            };
            match self.env.get(name) {
                Some(value) if !name.is_empty() => out.push_str(value),
                _ => out.push_str(&rest[at..at + length]),
            }
            rest = &rest[at + length..];
        }
        out.push_str(rest);
        out
    }
}

/// `os.path.normpath`.
fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_as_ansible_does() {
        let env = BTreeMap::from([("A".to_string(), "/x/y".to_string()), ("B".into(), "b".into())]);
        let home = |user: &str| match user {
            "" => Some("/home/me".to_string()),
            "you" => Some("/home/you/".to_string()),
            _ => None,
        };
        let rules = PathRules { env: &env, working_dir: Path::new("/w/d"), home_of: &home };
        let check = |path: &str, base: Option<&str>, expected: &str| {
            assert_eq!(rules.resolve(path, base.map(Path::new)), Path::new(expected), "{path}");
        };
        check("a", None, "/w/d/a");
        check("./a/../b", None, "/w/d/b");
        check("a", Some("/etc"), "/etc/a");
        check("~/a", Some("/etc"), "/home/me/a");
        check("~you/a", None, "/home/you/a");
        check("~no/a", None, "/w/d/~no/a");
        check("$A/z", None, "/x/y/z");
        check("${B}c/$B", None, "/w/d/bc/b");
        check("$NO/${NO}/${", None, "/w/d/$NO/${NO}/${");
        check("{{CWD}}/a", Some("/etc"), "/w/d/a");
        check("/", None, "/");
    }
}
