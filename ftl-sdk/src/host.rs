//! Where a module runs, and how: everything that would otherwise be state of the process.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::account;
use crate::text::{path_of, shown, text_of};

/// The settings of one call.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub check: bool,
    pub diff: bool,
    /// All variables, for `$VARIABLE` and for the programs a module starts.
    pub environment: Arc<BTreeMap<OsString, OsString>>,
    /// Where relative paths start; absolute.
    pub cwd: PathBuf,
    /// The bits new files do not get.
    pub umask: u32,
    /// The shell of shell commands.
    pub shell: String,
    /// `remote_tmp`: where modules may put temporary files.
    pub temporary: String,
    /// Set when nobody waits for the answer any more: programs are ended.
    pub cancelled: Arc<AtomicBool>,
    /// The Python that Ansible's modules would run with; looked for where it is not given.
    pub python: Option<String>,
}

/// The machine a module works on, during one call.
pub struct Host {
    settings: Settings,
    module_name: String,
    warnings: Mutex<Vec<String>>,
}

impl Host {
    pub fn new(module_name: &str, settings: Settings) -> Host {
        Host { settings, module_name: module_name.to_owned(), warnings: Mutex::default() }
    }

    /// Only say what would be done.
    pub fn check(&self) -> bool {
        self.settings.check
    }

    /// Say what changes.
    pub fn diff(&self) -> bool {
        self.settings.diff
    }

    pub fn umask(&self) -> u32 {
        self.settings.umask
    }

    pub fn cwd(&self) -> &Path {
        &self.settings.cwd
    }

    pub fn shell(&self) -> &str {
        &self.settings.shell
    }

    pub fn temporary(&self) -> &str {
        &self.settings.temporary
    }

    /// The Python that Ansible's modules would run with, where it is known.
    pub fn python(&self) -> Option<&str> {
        self.settings.python.as_deref()
    }

    pub fn environment(&self) -> &BTreeMap<OsString, OsString> {
        &self.settings.environment
    }

    pub fn variable(&self, name: &str) -> Option<String> {
        self.settings.environment.get(OsStr::new(name)).map(|value| text_of(value.as_bytes()))
    }

    /// The name of the module, for messages.
    pub fn module_name(&self) -> &str {
        &self.module_name
    }

    pub fn is_cancelled(&self) -> bool {
        self.settings.cancelled.load(Ordering::Relaxed)
    }

    pub fn warn(&self, text: impl Into<String>) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(text.into());
    }

    pub(crate) fn take_warnings(&self) -> Vec<String> {
        let mut warnings = std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner));
        let mut seen = std::collections::HashSet::new();
        warnings.retain(|warning| seen.insert(warning.clone()));
        warnings
    }

    /// The file a path of an argument means. No path means no file, not the directory where the task starts.
    pub fn at(&self, path: &str) -> PathBuf {
        match path {
            "" => PathBuf::new(),
            path => self.settings.cwd.join(path_of(path)),
        }
    }

    /// A path as text in results.
    pub fn shown(&self, path: &Path) -> String {
        shown(path)
    }

    /// Python's `expanduser(expandvars(text))`.
    pub fn expand(&self, text: &str) -> String {
        if !text.contains('$') && !text.starts_with('~') {
            return text.to_owned();
        }
        self.expand_user(&self.expand_variables(text))
    }

    /// `$NAME` and `${NAME}`; unknown ones stay.
    fn expand_variables(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let (name, length) = match rest.strip_prefix("${") {
                Some(inside) => match inside.find('}') {
                    Some(end) => (&inside[..end], end + 3),
                    None => ("", 1),
                },
                None => {
                    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
                    let end = rest[1..].find(word).unwrap_or(rest.len() - 1);
                    (&rest[1..=end], end + 1)
                }
            };
            match self.variable(name).filter(|_| !name.is_empty()) {
                Some(value) => out.push_str(&value),
                None => out.push_str(&rest[..length]),
            }
            rest = &rest[length..];
        }
        out.push_str(rest);
        out
    }

    /// `~` and `~user` at the beginning.
    fn expand_user(&self, text: &str) -> String {
        let Some(after) = text.strip_prefix('~') else { return text.to_owned() };
        let (user, rest) = after.split_at(after.find('/').unwrap_or(after.len()));
        let home = match user {
            "" => self.variable("HOME").or_else(|| account::user_of(own_uid()).map(|user| user.home)),
            user => account::user_named(user).map(|user| user.home),
        };
        match home {
            Some(home) => {
                let whole = format!("{}{rest}", home.trim_end_matches('/'));
                if whole.is_empty() { "/".into() } else { whole }
            }
            None => text.to_owned(),
        }
    }
}

fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").map(|found| found.uid()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_is_no_file() {
        let host = Host::new("m", Settings { cwd: "/here".into(), ..Settings::default() });
        assert_eq!(host.at("a"), PathBuf::from("/here/a"));
        assert!(host.at("").symlink_metadata().is_err());
    }

    #[test]
    fn paths_are_expanded() {
        let environment = [("HOME", "/home/me"), ("A", "x y"), ("EMPTY", "")];
        let environment = environment.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect();
        let host = Host::new("m", Settings { environment: Arc::new(environment), ..Settings::default() });
        let check = |text: &str, expected: &str| assert_eq!(host.expand(text), expected);
        check("~/a", "/home/me/a");
        check("~", "/home/me");
        check("~root/x", "/root/x");
        check("~nobodyhere/x", "~nobodyhere/x");
        check("/$A/${A}b/$NOT/${NOT}/$A-", "/x y/x yb/$NOT/${NOT}/x y-");
        check("a$EMPTY$", "a$");
        check("${A", "${A");
        check("a~/b", "a~/b");
    }
}
