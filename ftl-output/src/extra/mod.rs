//! Displays beside the main one (`callbacks_enabled`).

mod junit;
mod profile_tasks;
mod timer;

pub(crate) use junit::Junit;
pub(crate) use profile_tasks::ProfileTasks;
pub(crate) use timer::Timer;
