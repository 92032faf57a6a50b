//! Ansible's settings: what there is, and the pure rules by which environment and `ansible.cfg` give them values.

mod ini;
mod kind;
mod path;
mod plugin_table;
mod deprecated;
mod resolve;
mod spec;
mod table;

pub use ini::Ini;
pub use path::PathRules;
pub use plugin_table::PLUGIN_OPTIONS;
pub use resolve::{SettingError, Settings, Sources};
pub use spec::{Kind, SettingSpec};
pub use table::SETTINGS;
