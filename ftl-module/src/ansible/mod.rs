//! Modules as ansible-core has them: where it is installed, kinds of modules, packs, arguments and answers.

pub mod core;
pub mod style;
pub mod imports;
pub mod module_utils;
pub mod package;
pub mod args;
pub mod json;
pub mod output;
pub mod summary;
pub mod answer;
