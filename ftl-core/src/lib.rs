//! The words all crates share: values, sources and diagnostics, YAML, vault, settings, calls, results, events and ports.
//!
//! This crate runs nothing: no async runtime, no network, no process, no environment.

pub mod value;
pub mod source;
pub mod settings;
pub mod vault;
pub mod yaml;
pub mod id;
pub mod call;
pub mod mask;
pub mod result;
pub mod event;
pub mod port;
pub mod shell_words;

pub use value::{Dict, List, Map, Object, ObjectRef, Str, Undefined, Value};
