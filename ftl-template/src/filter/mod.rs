//! Filters: Jinja's own, and Ansible's.

mod table;

pub use table::{find, names};
