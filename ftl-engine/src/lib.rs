//! What happens: hosts walk the task graph, tasks run, events say how it went.
//!
//! The engine prints nothing and opens no socket: it speaks to ports and emits events.

mod action;
mod facts_cache;
mod includes;
mod magic;
mod meta;
mod play;
mod play_run;
mod playbooks;
mod process;
mod strategy;
mod argument_spec;
mod cancel;
mod cursor;
mod debugger;
mod detail;
mod report;
mod run;
mod settings;
mod step;
mod task;
mod vars;

pub use cancel::Cancel;
pub use playbooks::{ADHOC, Finish, Plan, run_playbooks, version_value};
pub use run::ReloadInventory;
pub use run::{Prompt, Question, Run};
pub use settings::{EngineSettings, Gathering};
pub use task::keep_note;
pub use vars::InventoryLayers;
