//! Where inventories come from: a table of source kinds, tried in order, as Ansible tries its inventory plugins.

mod load;
mod attempt;
mod host_list;
mod ini;
mod yaml;
mod script;
mod script_process;
mod script_json;

pub use load::{Loaded, load};
