//! YAML as Ansible reads it: libyaml's grammar, YAML 1.1 scalars, Ansible's tags and messages, an origin for each node.

mod compose;
mod construct;
mod emit;
mod json;
mod load;
mod node;
mod problem;
mod scalar;
mod set;
mod tree;

pub use emit::{DumpOptions, MultiLine, QuoteStyle, dump};
pub use load::{DuplicateKeys, LoadOptions, Loaded, from_text, from_text_all, load, load_all, load_value};
pub use node::{Node, NodeKind};
