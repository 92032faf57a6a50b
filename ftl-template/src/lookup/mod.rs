//! Lookups: data from the controller, by name.

mod command;
mod file;
mod list;
mod options;
mod password;
pub(crate) mod search;
mod sequence;
mod table;
mod table_file;
mod template;
mod url;
mod variable;

pub(crate) use table::{find, find_of_collection};
pub use template::template_variables;
