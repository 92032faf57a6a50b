//! Keywords that plays, roles, blocks and tasks hand down.

use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::value::{Map, Value};

/// The effective keywords of a task (or of a play or block, for its children). Every value is as written: it may be a
/// template. Scalars: the innermost wins. Lists: outermost first.
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    pub connection: Option<Value>,
    pub port: Option<Value>,
    pub remote_user: Option<Value>,
    pub r#become: Option<Value>,
    pub become_method: Option<Value>,
    pub become_user: Option<Value>,
    pub become_exe: Option<Value>,
    pub become_flags: Option<Value>,
    pub no_log: Option<Value>,
    pub run_once: Option<Value>,
    pub ignore_errors: Option<Value>,
    pub ignore_unreachable: Option<Value>,
    pub check_mode: Option<Value>,
    pub diff: Option<Value>,
    pub any_errors_fatal: Option<Value>,
    pub throttle: Option<Value>,
    pub timeout: Option<Value>,
    pub delegate_to: Option<Value>,
    pub delegate_facts: Option<Value>,
    pub debugger: Option<Value>,
    /// Of enclosing blocks and imports, for tasks without their own; [`TaskSpec::notify`](super::TaskSpec) already says it.
    pub notify: Option<Value>,
    /// Play first, task last: later ones win key by key.
    pub environment: Vec<Value>,
    pub module_defaults: Vec<Value>,
    /// Conditions, outermost first: all must hold.
    pub when: Vec<Value>,
    pub tags: Vec<Value>,
    /// `vars` of enclosing blocks and includes, outermost first, then the task's own.
    pub vars: Vec<Arc<Map>>,
    /// Parameters of `include_*` tasks (precedence above set_fact).
    pub include_params: Vec<Arc<Map>>,
    pub collections: Arc<Vec<String>>,
    /// Where modules are looked up for this task.
    pub module_search: Arc<ModuleSearch>,
    /// What stood here before templates took its place: it counts again where one of them gives `omit`.
    pub outer: Option<Arc<Keywords>>,
}
