//! The life of one task on one host: items, conditions, arguments, the action, the verdict.

mod execute;
mod looping;
mod keywords;
mod arguments;
mod target;
mod verdict;
mod background;
mod failure;
mod notes;

pub(crate) use arguments::{first_undefined, module_defaults};
pub(crate) use execute::run_step;
pub(crate) use failure::TaskFailure;
pub(crate) use keywords::defined;
pub(crate) use keywords::{Resolved, render_bool};
pub use notes::keep_note;
pub(crate) use target::{Resolution, other_interpreter, resolve_target, rlimit_nofile};
pub(crate) use verdict::failed as fail;
