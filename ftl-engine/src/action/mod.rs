//! Actions: what the controller does for a task, alone or before and after a module.

mod context;
mod table;
mod passthrough;
mod debug;
mod set_fact;
mod assert;
mod fail;

pub use context::{ActionContext, ActionFunction, ActionFuture};
pub use table::{ActionSpec, find};
