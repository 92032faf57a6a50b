//! Tests (`value is name`): Jinja's own, and Ansible's.

mod collection;
mod file;
mod jinja;
mod pattern;
mod pep440;
mod protomatter;
mod result;
mod table;
mod uri;
mod version;

pub(crate) use table::find;
