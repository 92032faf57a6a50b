//! Runs Ansible's module and the native one in two equal fresh trees, and compares what they say and leave.

pub(crate) mod cases;
mod oracle;
mod tree;
