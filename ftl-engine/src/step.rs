//! One host's turn at one task: everything a worker needs, by shared reference.

use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::event::{Detail, Event, TaskInfo};
use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value};
use ftl_playbook::graph::{RoleSpec, TaskGraph, TaskSpec};
use ftl_template::Renderer;

use crate::run::Run;
use crate::vars::{PlayVars, RoleVars, TaskScope, World};

/// A worker shares nothing else; its answer is a message.
#[derive(Clone)]
pub(crate) struct Step {
    pub run: Arc<Run>,
    pub play: Arc<PlayVars>,
    pub world: World,
    pub graph: Arc<TaskGraph>,
    pub host: HostId,
    pub host_name: Arc<str>,
    pub task: Arc<TaskSpec>,
    pub role_vars: Option<Arc<RoleVars>>,
    pub info: Arc<TaskInfo>,
}

impl Step {
    /// This step with outer keywords where templates of inner ones give `omit`; `None` when there is nothing to do.
    /// What cannot be rendered yet stays.
    pub(crate) fn without_omitted(&self, renderer: &Renderer) -> Option<Step> {
        self.task.keywords.outer.as_ref()?;
        let omitted = |value: &Value| matches!(renderer.render(value), Ok(Value::Omit));
        let keywords = self.task.keywords.without_omitted(&omitted);
        Some(Step { task: Arc::new(TaskSpec { keywords, ..(*self.task).clone() }), ..self.clone() })
    }

    pub(crate) fn role(&self) -> Option<&Arc<RoleSpec>> {
        self.task.role.map(|id| self.graph.role(id))
    }

    /// The variables of `host` (the step's own, or one it is delegated to) for this task.
    pub(crate) fn scope_for(&self, host: Option<HostId>) -> TaskScope {
        let role = self.role().map(Arc::as_ref);
        let task = (&*self.task, self.role_vars.as_deref(), role);
        TaskScope::new(&self.run, &self.play, &self.world, host, Some(task))
    }

    /// Directories that files of this task are looked up in: its role and the roles above it, its own, the playbook's.
    pub(crate) fn search_path(&self) -> Vec<PathBuf> {
        let mut path = vec![];
        let mut role = self.task.role;
        while let Some(id) = role {
            let spec = self.graph.role(id);
            path.push(spec.path.clone());
            role = spec.parent;
        }
        for dir in [&self.task.file_dir, &self.play.base_dir] {
            if !path.contains(dir) {
                path.push(dir.clone());
            }
        }
        path
    }

    pub(crate) fn renderer(&self, scope: &Arc<TaskScope>) -> Renderer {
        Renderer::new(scope.clone(), self.run.template.clone())
    }

    pub(crate) fn emit(&self, event: Event) {
        self.run.sink.emit(event);
    }

    /// A warning of the task: part of its result while the task runs.
    pub(crate) fn note(&self, note: Diagnostic) {
        if let Some(note) = crate::task::keep_note(note) {
            self.emit(Event::Message(note));
        }
    }

    pub(crate) fn warn(&self, message: impl Into<String>) {
        self.note(Diagnostic::warning(message));
    }
}

/// What a worker sends back: the result in Ansible's raw shape (`_ansible_*` keys included), and what belongs to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub map: Map,
    /// Printed as the `[ERROR]` block of a failure.
    pub error: Option<Diagnostic>,
    pub messages: Vec<Diagnostic>,
    pub ignore_errors: bool,
    pub ignore_unreachable: bool,
    pub no_log: bool,
    pub run_once: bool,
    pub delegate_facts: bool,
    pub looped: bool,
    pub delegated: Option<(String, Option<String>)>,
    pub register: Option<String>,
    /// Per-item diff display etc. wants to know the effective `diff`.
    pub diff: bool,
    /// For callback plugins in Python: the keywords as rendered.
    pub detail: Detail,
    /// A discovered interpreter, to be stored as a fact of this host (or the one delegated to).
    pub discovered: Option<String>,
}

impl Outcome {
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(Value::is_true)
    }

    /// The items of a loop, as dicts.
    pub(crate) fn items(&self) -> Vec<Value> {
        if !self.looped {
            return vec![];
        }
        self.map.get("results").and_then(Value::as_items).map(|l| (*l).clone()).unwrap_or_default()
    }

    fn any(&self, key: &str) -> bool {
        match self.map.get(key) {
            Some(value) => value.is_true(),
            None => self.items().iter().any(|i| i.get(key).is_some_and(|v| v.is_true())),
        }
    }

    pub(crate) fn is_failed(&self) -> bool {
        let judged = |v: &Value| v.get("failed_when_result").is_some();
        if self.map.contains_key("failed_when_result") || self.items().iter().any(judged) {
            return self.any("failed_when_result");
        }
        self.any("failed")
    }

    pub(crate) fn is_unreachable(&self) -> bool {
        self.any("unreachable")
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.any("changed")
    }

    pub(crate) fn is_skipped(&self) -> bool {
        let items = self.items();
        if !items.is_empty() && items.iter().all(|i| i.get("skipped").is_some_and(|v| v.is_true())) {
            return true;
        }
        self.flag("skipped")
    }
}
