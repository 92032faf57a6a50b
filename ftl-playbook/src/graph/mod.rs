//! A playbook as the engine walks it: roles and static imports in place, keywords inherited, ids assigned.

mod task_graph;
mod keywords;
pub(crate) mod inherit;
pub(crate) mod build;
mod static_vars;

pub use keywords::Keywords;
pub use task_graph::{
    Action, ArgumentSpec, BlockSpec, Include, IncludedFrom, IncludeKind, Looping, Meta, PlaySpec, Playbook, RoleSpec, Section, TaskGraph,
    TaskKind, TaskSpec, VarsPrompt, Entry,
};
