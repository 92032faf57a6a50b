//! Values as Ansible knows them: Python's data model, with marks on strings.

mod types;
mod text;
mod list;
mod dict;
mod undefined;
mod object;
mod order;
mod python;
mod json;

pub use dict::{Dict, Map};
pub use json::{JsonOptions, from_json, to_json, to_json_sorted, write_json};
pub use list::List;
pub use object::{Object, ObjectRef};
pub use order::{compare, equal};
pub use python::{repr, repr_float, repr_str, to_text, type_name};
pub use text::{Mark, Str};
pub use types::{DateTime, Value};
pub use undefined::Undefined;
