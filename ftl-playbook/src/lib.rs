//! What is written: playbooks, roles and tasks, made into task graphs. Reads files through one `Loader`, contacts no host.

pub mod graph;
pub mod keyword;
mod options;
mod include_file;
mod parse;
mod role;

pub use include_file::{IncludeSearch, search_include_file};
pub use options::{LoadError, ParseOptions, Problem, ProblemKind};
pub use parse::{
    CONTROLLER_ACTIONS, Loaded, load_play, load_playbook, parse_key_values, resolve_action, split_arguments,
    takes_raw_params, unquote,
};
pub use role::FromFiles;
