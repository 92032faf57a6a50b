//! Runs Ansible's module and the native one in two equal fresh trees, and compares what they say and leave.

pub(crate) mod cases;
pub(crate) mod oracle;
pub(crate) mod tree;
