//! Renders values for one host and task.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ftl_core::source::Diagnostic;
use ftl_core::{Map, Str, Value};

use crate::call::Failure;
use crate::{FailureKind, Scope, Shared};

/// Renders templates with the variables of one scope. Cheap to make; nothing is copied.
pub struct Renderer {
    scope: Arc<dyn Scope>,
    shared: Arc<Shared>,
    deadline: Option<Instant>,
    /// Counts the uses of impure functions: a value is remembered only when the count stood still.
    impure: AtomicU64,
}

/// How a template file is read (`template` action, `lookup('template')`).
#[derive(Clone, Debug)]
pub struct FileOptions {
    pub variable_start: String,
    pub variable_end: String,
    pub block_start: String,
    pub block_end: String,
    pub comment_start: String,
    pub comment_end: String,
    pub newline_sequence: String,
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    /// Backslashes in string literals of `{{ }}` stay as they are (the option `escape_backslashes` of `lookup('template')`).
    pub escape_backslashes: bool,
    /// Where `include`, `import` and `extends` look, in this order.
    pub search_path: Vec<PathBuf>,
}

impl Default for FileOptions {
    fn default() -> FileOptions {
        FileOptions {
            variable_start: "{{".into(),
            variable_end: "}}".into(),
            block_start: "{%".into(),
            block_end: "%}".into(),
            comment_start: "{#".into(),
            comment_end: "#}".into(),
            newline_sequence: "\n".into(),
            trim_blocks: true,
            lstrip_blocks: false,
            escape_backslashes: false,
            search_path: Vec::new(),
        }
    }
}

fn pending() -> Diagnostic {
    Diagnostic::error("templating is not supported yet")
}

impl Renderer {
    pub fn new(scope: Arc<dyn Scope>, shared: Arc<Shared>) -> Renderer {
        Renderer { scope, shared, deadline: None, impure: AtomicU64::new(0) }
    }

    /// The same renderer that gives up at `deadline` (`timeout:` covers templating).
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Renderer {
        self.deadline = Some(deadline);
        self
    }

    /// A renderer that sees further (already rendered, or raw) variables on top of its own.
    #[must_use]
    pub fn with_variables(&self, variables: Map) -> Renderer {
        let scope = Layered { top: variables, below: self.scope.clone() };
        Renderer { deadline: self.deadline, ..Renderer::new(Arc::new(scope), self.shared.clone()) }
    }

    /// Renders every trusted template inside `value`. `Value::Omit` may remain inside; the caller drops it.
    pub fn render(&self, value: &Value) -> Result<Value, Diagnostic> {
        if !value.has_template() { Ok(value.clone()) } else { Err(pending()) }
    }

    /// Renders one string; text that is not a trusted template comes back as it is.
    pub fn render_str(&self, text: &Str) -> Result<Value, Diagnostic> {
        self.render(&Value::Str(text.clone()))
    }

    /// A bare expression, without braces.
    pub fn evaluate(&self, _expression: &Str) -> Result<Value, Diagnostic> {
        Err(pending())
    }

    /// `when`, `changed_when`, `until`, `that`: a bare expression that must give a bool.
    pub fn condition(&self, _condition: &Value) -> Result<bool, Diagnostic> {
        Err(pending())
    }

    /// A template file's text, as the `template` action writes it.
    pub fn render_file(&self, _text: &Str, _options: &FileOptions) -> Result<String, Diagnostic> {
        Err(pending())
    }

    /// A lookup called from outside a template (`with_X`): its results as a list.
    pub fn lookup(&self, _name: &str, _terms: Vec<Value>, _options: Map) -> Result<Vec<Value>, Diagnostic> {
        Err(pending())
    }

    pub fn scope(&self) -> &dyn Scope {
        &*self.scope
    }

    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn variable(&self, name: &str) -> Result<Option<Value>, Failure> {
        self.scope.get(name).map(|raw| self.render_inner(&raw)).transpose()
    }

    pub(crate) fn render_inner(&self, value: &Value) -> Result<Value, Failure> {
        self.render(value).map_err(Failure::from)
    }

    pub(crate) fn mark_impure(&self) {
        self.impure.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn check_deadline(&self) -> Result<(), Failure> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(Failure::new(FailureKind::Limit, "timed out while rendering a template"))
            }
            _ => Ok(()),
        }
    }
}

/// Variables on top of a scope.
struct Layered {
    top: Map,
    below: Arc<dyn Scope>,
}

impl Scope for Layered {
    fn get(&self, name: &str) -> Option<Value> {
        self.top.get(name).cloned().or_else(|| self.below.get(name))
    }
    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.below.names();
        names.extend(self.top.text_iter().map(|(name, _)| Arc::from(name)));
        names
    }
}

/// One template and its answer as a line of JSON, in the form of the oracle's `ask template` (`ftl eval`).
pub fn eval_line(renderer: &Renderer, text: &Str) -> String {
    let mut line = serde_json::Map::new();
    line.insert("t".into(), text.as_str().into());
    match renderer.render_str(text) {
        Ok(_) => line.insert("ok".into(), serde_json::Value::Null),
        Err(error) => line.insert("err".into(), error.one_line().into()),
    };
    serde_json::Value::Object(line).to_string()
}
