//! `copy`: puts a file, or a tree of the same machine, in its place. `template` ends here too.

mod destination;
mod module;
mod tree;

pub(crate) use module::{MODULE, check_line, run_line};
