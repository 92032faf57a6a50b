//! Filters: Jinja's own, and Ansible's.

pub(crate) mod argument;
mod choice;
mod collection;
mod combination;
mod comment;
pub(crate) mod encode;
mod jinja_attribute;
mod jinja_html;
mod jinja_map;
pub(crate) mod jinja_number;
mod jinja_sequence;
mod jinja_sort;
pub(crate) mod jinja_text;
mod ip_calculation;
mod ip_network;
mod ipaddr;
pub(crate) mod json_text;
pub(crate) mod math;
pub(crate) mod password;
pub(crate) mod path;
mod protomatter;
mod python_set;
pub(crate) mod random;
pub(crate) mod regex;
mod serialize;
mod set_theory;
pub(crate) mod structure;
mod table;
pub(crate) mod time;
pub(crate) mod url;
mod vault;

pub(crate) use table::{find, find_of_collection};

pub(crate) use jinja_number::to_float;
pub(crate) use protomatter::tags;
