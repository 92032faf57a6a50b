//! From YAML to plays, blocks and tasks.

mod free_form;
mod arguments;
mod inheritable;
mod action;
mod task;
mod block;
mod include;
mod play;
mod playbook;
mod single;

pub use action::{CONTROLLER_ACTIONS, resolve_action};
pub use arguments::takes_raw_params;
pub(crate) use arguments::{builtin_name, key_text, python_class};
pub use free_form::{parse_key_values, split_arguments, unquote};
pub(crate) use include::directory_of;
pub use playbook::{Loaded, load_playbook};
pub use single::load_play;
