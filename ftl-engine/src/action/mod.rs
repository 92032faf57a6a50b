//! Actions: what the controller does for a task, alone or before and after a module.

mod context;
mod table;
mod files;
mod passthrough;
mod plugin;
mod debug;
mod set_fact;
mod assert;
mod fail;
mod add_host;
mod group_by;
mod set_stats;
mod include_vars;
mod pause;
mod gather_facts;
mod service;
mod package;
mod command;
mod raw;
mod script;
mod copy;
mod copy_tree;
mod copy_diff;
mod template;
mod assemble;
mod fetch;
mod unarchive;
mod uri;
pub(crate) mod async_status;
mod reboot;
mod wait_for_connection;
mod validate_argument_spec;

pub(crate) use context::{ActionContext, ActionFunction, ActionFuture, Described, Specification, append};
pub(crate) use table::{ActionSpec, PLUGIN, find};
