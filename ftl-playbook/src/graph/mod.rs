//! A playbook as the engine walks it: roles and static imports in place, keywords inherited, ids assigned.

mod task_graph;
mod keywords;

pub use keywords::Keywords;
pub use task_graph::{
    Action, ArgumentSpec, BlockSpec, Include, IncludeKind, Looping, Meta, PlaySpec, Playbook, RoleSpec, Section, TaskGraph,
    TaskKind, TaskSpec, VarsPrompt, Entry,
};
