//! Jinja as ansible-core 2.19 evaluates it: native types, trust, lazy variables, markers for what is undefined.

mod call;
mod dispatch;
mod eval_line;
mod evaluate;
mod evaluation;
mod file_options;
mod filter;
mod format;
mod glob;
mod jinja_test;
mod jmespath;
mod lookup;
mod method;
pub mod python_regex;
mod renderer;
mod replacing;
mod settings;
mod stack;
mod syntax;

pub use call::{Arguments, Failure, FailureKind, FilterFunction, LookupFunction, TestFunction};
pub use eval_line::eval_line;
pub use evaluation::Evaluation;
pub use file_options::FileOptions;
pub use lookup::template_variables;
pub use renderer::Renderer;
pub use replacing::Placeholders;
pub use settings::{
    Budget, COLLECTIONS, Files, HostsMatching, PlainFiles, PythonPlugins, Scope, Shared, UntrustedTemplates,
};
