//! The arena of plays, blocks, tasks and roles: written things with their inheritance flattened, nothing rendered.

use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::call::{ModuleRef, ModuleSearch};
use ftl_core::id::{BlockId, RoleId, TaskId};
use ftl_core::source::Origin;
use ftl_core::value::{Map, Value};

use super::Keywords;

/// All plays of the playbooks named on the command line (imported playbooks in place).
#[derive(Clone, Debug)]
pub struct Playbook {
    /// As given on the command line (for `PLAYBOOK: x`).
    pub file: String,
    pub plays: Vec<PlaySpec>,
}

/// One play. Values may be templates; they are rendered when the play begins.
#[derive(Clone, Debug)]
pub struct PlaySpec {
    pub origin: Option<Origin>,
    /// The `name`, when written.
    pub name: Option<Value>,
    /// A pattern or a list of patterns.
    pub hosts: Value,
    pub gather_facts: Option<Value>,
    pub gather_subset: Option<Value>,
    pub gather_timeout: Option<Value>,
    pub fact_path: Option<Value>,
    /// `vars` of the play (with those that `import_playbook` gave it above them, as Ansible has it).
    pub vars: Arc<Map>,
    pub vars_prompt: Vec<VarsPrompt>,
    /// Each entry a file name or a list of candidates.
    pub vars_files: Vec<Value>,
    pub serial: Option<Value>,
    pub strategy: Option<Value>,
    pub order: Option<Value>,
    pub max_fail_percentage: Option<Value>,
    pub force_handlers: Option<Value>,
    /// Inheritable keywords as written on the play.
    pub keywords: Arc<Keywords>,
    /// `when` of the `import_playbook` that brought the play in: all tasks have it already, gathering facts has not.
    pub import_conditions: Vec<Value>,
    /// The file the play stands in, and its directory (Ansible's `playbook_dir`, that of an imported playbook too).
    pub file: PathBuf,
    pub base_dir: PathBuf,
    /// The collection the playbook belongs to.
    pub collection: Option<Arc<str>>,
    pub graph: TaskGraph,
    /// What runs, in order: pre_tasks, an implicit `meta: flush_handlers`, roles, tasks, another flush, post_tasks, another
    /// flush. (Facts are gathered by the engine before.)
    pub body: Vec<BlockId>,
    /// Handlers of the play and of its static roles, in definition order.
    pub handlers: Vec<TaskId>,
    /// Roles in the order they were applied (`roles:`, then `import_role`), dependencies included.
    pub roles: Vec<RoleId>,
}

#[derive(Clone, Debug)]
pub struct VarsPrompt {
    pub name: String,
    pub prompt: Option<Value>,
    pub default: Option<Value>,
    pub private: bool,
    pub confirm: bool,
    pub encrypt: Option<String>,
    pub salt: Option<String>,
    pub salt_size: Option<i64>,
    pub unsafe_text: bool,
}

/// Ids index these. Grafting (`include_tasks`, `include_role`) only appends, so ids stay valid.
#[derive(Clone, Debug, Default)]
pub struct TaskGraph {
    pub tasks: Vec<Arc<TaskSpec>>,
    pub blocks: Vec<Arc<BlockSpec>>,
    pub roles: Vec<Arc<RoleSpec>>,
}

impl TaskGraph {
    pub fn task(&self, id: TaskId) -> &Arc<TaskSpec> {
        &self.tasks[id.index()]
    }
    pub fn block(&self, id: BlockId) -> &Arc<BlockSpec> {
        &self.blocks[id.index()]
    }
    pub fn role(&self, id: RoleId) -> &Arc<RoleSpec> {
        &self.roles[id.index()]
    }
}

/// A written block, or a list of tasks that acts as one (a play section, a role's tasks, an included file).
#[derive(Clone, Debug)]
pub struct BlockSpec {
    pub id: BlockId,
    pub parent: Option<BlockId>,
    pub name: Option<Value>,
    pub origin: Option<Origin>,
    /// Not written as `block:`: made to hold a list of tasks.
    pub implicit: bool,
    pub body: Vec<Entry>,
    pub rescue: Vec<Entry>,
    pub always: Vec<Entry>,
    /// The role whose tasks these are.
    pub role: Option<RoleId>,
    /// This block ends a role: after it, the role is complete for the host (`roles run once`, `end_role`).
    pub ends_role: Option<RoleId>,
    /// The chain of includes and imports that brought this block in; relative includes are looked up along it.
    pub included_from: Option<Arc<IncludedFrom>>,
    pub keywords: Arc<Keywords>,
}

/// One include or import on the way to a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IncludedFrom {
    /// The directory part of the file name as written, or the path of the included role.
    pub dir: PathBuf,
    /// The include around it.
    pub outer: Option<Arc<IncludedFrom>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    Body,
    Rescue,
    Always,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    Task(TaskId),
    Block(BlockId),
}

/// One task or handler.
#[derive(Clone, Debug)]
pub struct TaskSpec {
    pub id: TaskId,
    pub origin: Option<Origin>,
    /// The block it stands in.
    pub block: BlockId,
    pub name: Option<Value>,
    /// The action as written (`apt`, `ansible.builtin.apt`), shown when there is no name.
    pub written_action: Arc<str>,
    /// The action's name when it is a template, as written (with `TaskKind::Unresolved`).
    pub action_template: Option<Value>,
    pub kind: TaskKind,
    /// Arguments: a dict (with `_raw_params` for free-form), as `args:` and the action's value give them together.
    pub args: Arc<Map>,
    /// `args: "{{ dict }}"` or `module: "{{ dict }}"`: rendered to a dict and merged below `args`.
    pub args_template: Option<Value>,
    /// Where the action's key stands, for messages about its arguments.
    pub args_origin: Option<Origin>,
    pub looping: Option<Looping>,
    pub register: Option<Value>,
    pub until: Vec<Value>,
    pub retries: Option<Value>,
    pub delay: Option<Value>,
    pub changed_when: Vec<Value>,
    pub failed_when: Vec<Value>,
    pub notify: Vec<Value>,
    /// Handlers only.
    pub listen: Vec<Value>,
    pub is_handler: bool,
    pub async_seconds: Option<Value>,
    pub poll: Option<Value>,
    pub role: Option<RoleId>,
    /// Everything that is inherited, flattened: play, roles, blocks, then the task's own.
    pub keywords: Arc<Keywords>,
    /// Made by FTL (gathering facts, flushing handlers, validating arguments), not written.
    pub implicit: bool,
    /// Directory of the file the task stands in, for relative includes and file searches.
    pub file_dir: PathBuf,
}

impl TaskSpec {
    /// A task FTL makes itself; the caller fills in what it does.
    pub fn blank(id: TaskId, block: BlockId, action: &str, keywords: Arc<Keywords>, file_dir: PathBuf) -> TaskSpec {
        TaskSpec {
            id,
            origin: None,
            block,
            name: None,
            written_action: action.into(),
            action_template: None,
            kind: TaskKind::Unresolved,
            args: Arc::default(),
            args_template: None,
            args_origin: None,
            looping: None,
            register: None,
            until: vec![],
            retries: None,
            delay: None,
            changed_when: vec![],
            failed_when: vec![],
            notify: vec![],
            listen: vec![],
            is_handler: false,
            async_seconds: None,
            poll: None,
            role: None,
            keywords,
            implicit: false,
            file_dir,
        }
    }
}

impl BlockSpec {
    /// A block FTL makes itself.
    pub fn blank(id: BlockId, keywords: Arc<Keywords>) -> BlockSpec {
        BlockSpec {
            id,
            parent: None,
            name: None,
            origin: None,
            implicit: true,
            body: vec![],
            rescue: vec![],
            always: vec![],
            role: None,
            ends_role: None,
            included_from: None,
            keywords,
        }
    }
}

#[derive(Clone, Debug)]
pub enum TaskKind {
    /// Done by the controller's action of this canonical name (`ansible.builtin.debug`); module-backed actions (copy,
    /// template, …) carry the module they use.
    Action(Action),
    /// Runs a module as it is.
    Module(ModuleRef),
    Meta(Meta),
    Include(Include),
    /// The action's name is a template or could not be resolved yet (`action: "{{ x }}"`).
    Unresolved,
}

#[derive(Clone, Debug)]
pub struct Action {
    pub name: Arc<str>,
    pub module: Option<ModuleRef>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meta {
    Noop,
    FlushHandlers,
    RefreshInventory,
    ClearFacts,
    ClearHostErrors,
    EndPlay,
    EndBatch,
    EndHost,
    EndRole,
    ResetConnection,
    /// The implicit end of a role (bookkeeping, never shown).
    RoleComplete,
}

#[derive(Clone, Debug)]
pub struct Include {
    pub kind: IncludeKind,
    /// `apply:`, as written.
    pub apply: Option<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IncludeKind {
    Tasks,
    Role,
    /// `include_vars` is an action; this is only `import_*` left dynamic because its name is a template.
    ImportedTasks,
}

/// `loop:` or `with_<lookup>:`.
#[derive(Clone, Debug)]
pub struct Looping {
    /// `None` for `loop`, else the lookup's name.
    pub lookup: Option<String>,
    pub items: Value,
    /// The `loop_control` dict, as written.
    pub control: Option<Value>,
}

impl Looping {
    /// Where the items are written.
    pub fn items_origin(&self) -> Option<Origin> {
        match &self.items {
            Value::Str(s) => s.origin().cloned(),
            _ => None,
        }
    }
}

/// A role as it was applied.
#[derive(Clone, Debug)]
pub struct RoleSpec {
    pub id: RoleId,
    /// As users write it: `nginx`, or `ns.coll.nginx`.
    pub name: Arc<str>,
    pub collection: Option<Arc<str>>,
    pub path: PathBuf,
    pub defaults: Arc<Map>,
    pub vars: Arc<Map>,
    /// Parameters of this application (free keys of the role entry).
    pub params: Arc<Map>,
    /// The `vars:` of the role entry (or of the `import_role`/`include_role` task). The role's own tasks see them through
    /// their keywords already; roles it depends on see them just below its `vars`.
    pub entry_vars: Arc<Map>,
    /// The role that depends on this one, or whose task includes it.
    pub parent: Option<RoleId>,
    /// Roles it depends on (applied before it).
    pub dependencies: Vec<RoleId>,
    pub allow_duplicates: bool,
    /// Equal for two applications with the same path, params, tags and conditions: such a role runs once per host.
    pub identity: u64,
    /// `public`: its vars and defaults are seen by the whole play (static roles always).
    pub public: bool,
    pub from_include: bool,
    pub module_search: Arc<ModuleSearch>,
    pub argument_spec: Option<Arc<ArgumentSpec>>,
}

/// `meta/argument_specs.yml`, the entry that applies.
#[derive(Clone, Debug)]
pub struct ArgumentSpec {
    pub entry: String,
    pub options: Value,
    pub short_description: Option<String>,
}
