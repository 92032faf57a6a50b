//! Where inventories come from: a table of source kinds, tried in order, as Ansible tries its inventory plugins.

mod attempt;
mod constructed;
mod generator;
mod host_list;
mod ini;
mod keyed_groups;
mod load;
mod plugin;
mod script;
mod script_json;
mod script_process;
mod yaml;

pub use load::{Loaded, load};
