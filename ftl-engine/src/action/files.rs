//! What actions that move files share: finding them, looking at the host's side, temporary places.

use std::path::{Path, PathBuf};

use ftl_core::call::{FileRequest, Source};
use ftl_core::result::HostError;
use ftl_core::source::{Diagnostic, not_found_message};
use ftl_core::value::{Map, Value, repr_str, to_text};

use super::ActionContext;
use crate::task::TaskFailure;

impl ActionContext<'_> {
    /// A file of the operator: in the `kind` directory (`files`, `templates`, `vars`) of roles and of the play, or beside.
    pub(super) fn find_file(&self, kind: &str, name: &str) -> Result<PathBuf, TaskFailure> {
        let expanded = self.expand_home(name);
        if expanded.is_absolute() {
            return match expanded.exists() {
                true => Ok(expanded),
                false => Err(not_found(name, &[expanded])),
            };
        }
        let mut tried: Vec<PathBuf> = vec![];
        let own_kind = Path::new(name).components().next().is_some_and(|c| c.as_os_str() == kind);
        for dir in self.step.search_path() {
            let dir = match dir.ends_with("tasks") || dir.ends_with("handlers") {
                // Inside a role the files stand beside `tasks`.
                true if dir.parent().is_some_and(|role| role.join(kind).is_dir() || role.join("meta").is_dir()) => {
                    vec![dir.parent().unwrap_or(&dir).to_path_buf(), dir]
                }
                _ => vec![dir],
            };
            for dir in dir {
                if !own_kind {
                    tried.push(dir.join(kind).join(name));
                }
                tried.push(dir.join(name));
            }
        }
        match tried.iter().find(|p| p.exists()) {
            Some(found) => Ok(found.clone()),
            None => {
                let mut seen = vec![];
                tried.retain(|p| {
                    !seen.contains(p) && {
                        seen.push(p.clone());
                        true
                    }
                });
                // Ansible looks into the playbook's directory last, whether it did before or not, and says so.
                let base = &self.step.play.base_dir;
                if self.step.task.file_dir == *base {
                    if !own_kind {
                        tried.push(base.join(kind).join(name));
                    }
                    tried.push(base.join(name));
                }
                Err(not_found(name, &tried))
            }
        }
    }

    pub(super) fn expand_home(&self, name: &str) -> PathBuf {
        match (name.strip_prefix('~'), self.step.run.template.environment.get("HOME")) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                PathBuf::from(format!("{home}{rest}"))
            }
            _ => PathBuf::from(name),
        }
    }

    /// What is at `path` on the host; a dict with the keys of the `stat` module.
    pub(super) async fn remote_stat(&self, path: &str, follow: bool, checksum: bool) -> Result<Map, TaskFailure> {
        let request = FileRequest::Stat { path: path.to_string(), follow, checksum };
        let answer = self.step.run.runtime.file(self.target()?, request).await.map_err(|error| match error {
            HostError::Failed { message, .. } => TaskFailure::message(format!(
                "Failed to get information on remote file ({path}): {}",
                without_errno(&message, path)
            )),
            other => other.into(),
        })?;
        Ok(answer.as_map().map(|m| (*m).clone()).unwrap_or_default())
    }

    /// Here a `~` is a name like any other; whoever means a home has it expanded first.
    pub(super) async fn remote_exists(&self, path: &str) -> Result<bool, TaskFailure> {
        let literal = format!("./{path}");
        let path = if path.starts_with('~') { &literal } else { path };
        Ok(truth(&self.remote_stat(path, true, false).await?, "exists"))
    }

    pub(super) async fn remote_expand(&self, path: &str) -> Result<String, TaskFailure> {
        if !path.starts_with('~') {
            return Ok(path.to_string());
        }
        let request = FileRequest::ExpandUser { path: path.to_string() };
        Ok(to_text(&self.step.run.runtime.file(self.target()?, request).await?))
    }

    /// A private directory on the host; give it to [`ActionContext::remote_remove`] in the end.
    pub(super) async fn remote_temp(&self) -> Result<String, TaskFailure> {
        Ok(to_text(&self.step.run.runtime.file(self.target()?, FileRequest::TempDir).await?))
    }

    pub(super) async fn remote_remove(&self, path: &str) {
        let Ok(target) = self.target() else { return };
        // What stays behind is removed with the gate's own directory when it ends.
        let _ = self.step.run.runtime.file(target, FileRequest::Remove { path: path.to_string() }).await;
    }

    /// As [`ActionContext::remote_remove`], without waiting for it.
    pub(super) fn remote_remove_later(&self, path: String) {
        let Ok(target) = self.target().cloned() else { return };
        let runtime = self.step.run.runtime.clone();
        self.step.run.cleanups.add(async move {
            let _ = runtime.file(&target, FileRequest::Remove { path }).await;
        });
    }

    pub(super) async fn transfer(&self, source: Source, path: &str, mode: u32) -> Result<(), TaskFailure> {
        Ok(self.step.run.runtime.put(self.target()?, source, path, mode).await?)
    }
}

/// The words of an error of Python's `os`, as `strerror` has them.
fn without_errno<'a>(message: &'a str, path: &str) -> &'a str {
    let text = message.strip_prefix("[Errno ").and_then(|rest| rest.split_once("] ")).map_or(message, |(_, text)| text);
    text.strip_suffix(&format!(": {}", repr_str(path))).unwrap_or(text)
}

pub(super) fn truth(map: &Map, key: &str) -> bool {
    map.get(key).is_some_and(Value::is_true)
}

/// A missing file as `template` and `script` report it.
pub(super) fn missing_file(text: String) -> TaskFailure {
    let mut result = Map::new();
    result.insert("msg", text.as_str());
    // A hint, if empty, keeps the message below `<<< caused by >>>`, where Ansible shows this one.
    TaskFailure::Contributed { error: Diagnostic::error(text).hint(""), result }
}

pub(super) fn not_found(name: &str, tried: &[PathBuf]) -> TaskFailure {
    TaskFailure::message(not_found_message("", name, tried))
}

/// Joins as the host's shell would.
pub(super) fn remote_join(dir: &str, name: &str) -> String {
    match dir.ends_with('/') {
        true => format!("{dir}{name}"),
        false => format!("{dir}/{name}"),
    }
}
