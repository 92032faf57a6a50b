//! Connections to hosts: the local machine, SSH inside this process, and the `ssh` program where that is not enough.

mod connector;
mod local;
mod process;
mod queue;
mod settings;
mod ssh;

pub use connector::connector;
pub use settings::ConnectorSettings;
