//! A playbook as the engine walks it: roles and static imports in place, keywords inherited, ids assigned.

mod task_graph;
mod keywords;
pub(crate) mod inherit;
pub(crate) mod build;
mod static_vars;
mod tags;
mod list;
mod graft;

pub use graft::{Grafted, graft_role, graft_tasks, included_file};
pub use keywords::Keywords;
pub use list::{ListRequest, is_builtin, list_playbook, syntax_checked};
pub use tags::{flat_tags, is_selected, selected};
pub use task_graph::{
    Action, ArgumentSpec, BlockSpec, Entry, Include, IncludeKind, IncludedFrom, Looping, Meta, PlaySpec, Playbook,
    RoleSpec, Section, TaskGraph, TaskKind, TaskSpec, VarsPrompt,
};
