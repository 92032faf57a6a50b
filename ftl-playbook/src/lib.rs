//! What is written: playbooks, roles and tasks, made into task graphs. Reads files through one `Loader`, contacts no host.

pub mod graph;
