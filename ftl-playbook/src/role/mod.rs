//! Roles: where they are found, what their directories hold, how they come into a play.

mod locate;
mod files;
mod meta;
mod argument_spec;
mod apply;

pub(crate) use argument_spec::made_task;
pub(crate) use locate::is_qualified;

use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::id::{BlockId, RoleId, TaskId};
use ftl_core::source::Origin;
use ftl_core::value::Map;

use crate::graph::Keywords;

/// `tasks_from` and its like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FromFiles {
    pub tasks: Option<String>,
    pub vars: Option<String>,
    pub defaults: Option<String>,
    pub handlers: Option<String>,
}

impl FromFiles {
    /// The fields by the names of their arguments.
    pub(crate) fn slots(&mut self) -> [(&'static str, &mut Option<String>); 4] {
        [
            ("tasks_from", &mut self.tasks),
            ("vars_from", &mut self.vars),
            ("defaults_from", &mut self.defaults),
            ("handlers_from", &mut self.handlers),
        ]
    }
}

/// One wish to have a role here: an entry of `roles:`, a dependency, an import or an include.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoleUse {
    pub name: String,
    pub origin: Option<Origin>,
    pub from: FromFiles,
    pub from_include: bool,
    /// By `include_role`, while the play runs.
    pub dynamic: bool,
    pub public: Option<bool>,
    pub validate: bool,
    /// Overrides what the role's `meta` says.
    pub allow_duplicates: Option<bool>,
    pub params: Arc<Map>,
    pub entry_vars: Arc<Map>,
    /// Keywords of the entry.
    pub own: Keywords,
    /// The role whose dependency this is, or whose task brings it in.
    pub parent: Option<RoleId>,
    /// Where unqualified names are looked up, besides the role directories.
    pub collections: Vec<String>,
    /// The directory that holds the role this one belongs to.
    pub beside: Option<PathBuf>,
}

/// A role that was put into the graph: its dependencies' blocks, its own, and a last one that marks its end.
#[derive(Clone, Debug)]
pub(crate) struct AppliedRole {
    pub id: RoleId,
    pub blocks: Vec<BlockId>,
    pub handlers: Vec<TaskId>,
}
