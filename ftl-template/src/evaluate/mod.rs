//! Walks the tree of a template and makes values.

mod attribute;
mod callable;
mod compare;
mod expression;
mod global;
mod loops;
mod machine;
mod macros;
mod marker;
mod operator;
mod output;
mod scope;
mod statement;
mod template_files;

pub(crate) use attribute::{get_attribute, get_item};
pub(crate) use compare::contains;
pub(crate) use global::NOT_OVERRIDDEN;
pub(crate) use machine::Machine;
pub(crate) use marker::{complete, error as error_marker, find as find_marker, from_failure, trip, undefined};
pub(crate) use operator::{add_values as add, modulo};
pub(crate) use output::{as_text, finalize};

/// Ansible's test for strings that may be templates.
pub(crate) fn looks_like_template(text: &str) -> bool {
    text.starts_with("#jinja2:") || ["{{", "{%", "{#"].iter().any(|start| text.contains(start))
}
