//! Jinja as ansible-core 2.19 evaluates it: native types, trust, lazy variables, markers for what is undefined.

mod call;
mod dispatch;
mod evaluation;
pub mod filter;
mod glob;
pub mod jinja_test;
pub mod lookup;
pub mod python_regex;
mod renderer;
mod settings;

pub use call::{Arguments, Failure, FailureKind, FilterFunction, LookupFunction, TestFunction};
pub use evaluation::Evaluation;
pub use renderer::{FileOptions, Renderer, eval_line};
pub use settings::{Budget, Files, PlainFiles, Scope, Shared};
