//! FTL's own modules: what Ansible's modules of the same names do and say, without Python.
//!
//! One file (or folder) per module, one line in [`table`]. Arguments a module cannot honour exactly are not "covered":
//! Ansible's module takes such calls.

pub mod table;

mod attributes;
mod command;
mod copy;
mod digest;
mod file;
mod glob;
mod lineinfile;
mod mode;
mod paths;
mod pattern;
mod ping;
mod process;
mod problem;
mod replace;
mod setup;
mod slurp;
mod stat;
mod tempfile;
mod times;
mod wait_for;
mod words;

pub use table::{MODULES, find};

/// The module that `plugins/README.md` shows, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
