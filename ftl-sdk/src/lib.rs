//! For authors of FTL modules: arguments checked as Ansible checks them, results as Ansible's modules print them.
//!
//! A module is a [`Module`] in a table: its name, its arguments and a function. See `plugins/README.md`.
//! Modules never read the process's environment, directory or umask: [`Host`] says what they are.
//! This crate depends on no other crate of FTL; values are `serde_json`'s. (Modules in other binaries, through a C ABI
//! or WASM, will exchange the same JSON: [`Module::call`] is their seam.)

pub mod account;
mod argument;
mod args;
mod check;
mod convert;
mod host;
mod module;
mod outcome;
mod python;
mod secret;
mod text;

pub use args::Args;
pub use argument::{Argument, Kind};
pub use host::{Host, Settings};
pub use module::{Module, Rules};
pub use outcome::{Answer, Failure, Outcome};
pub use python::repr_text;
pub use serde_json::{Map, Value, json};
pub use text::{bytes_of, text_of};

/// A JSON object: arguments, results.
pub type Object = Map<String, Value>;
