//! Exit codes, Ansible's and ours: the only place that knows them.

use ftl_core::source::Diagnostic;
use ftl_core::value::{Value, repr};

pub const OK: u8 = 0;
pub const GENERAL: u8 = 1;
/// `argparse` ends so.
pub const USAGE: u8 = 2;
pub const PARSER: u8 = 4;
pub const OPTION: u8 = 5;
pub const INTERRUPTED: u8 = 99;
pub const TERMINATED: u8 = 143;
pub const HUNG_UP: u8 = 129;

/// Why a program ends before its time.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: u8,
    pub diagnostics: Vec<Diagnostic>,
}

impl Failure {
    pub fn general(message: impl Into<String>) -> Failure {
        Diagnostic::error(message).into()
    }

    /// What is wrong with the options.
    pub fn option(message: impl Into<String>) -> Failure {
        Failure { code: OPTION, diagnostics: vec![Diagnostic::error(message)] }
    }

    /// What is written on the command line cannot be read.
    pub fn unreadable(error: Diagnostic) -> Failure {
        Failure { code: PARSER, diagnostics: vec![error] }
    }

    /// Ctrl-C at a question before the run.
    pub fn interrupted() -> Failure {
        Failure { code: INTERRUPTED, diagnostics: vec![Diagnostic::error("User interrupted execution")] }
    }

    pub fn not_supported(what: &str) -> Failure {
        Failure::option(format!("{what} is not supported yet"))
    }
}

/// An error of the system in Python's words.
pub fn os_error(error: &std::io::Error, path: &str) -> String {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    let path = repr(&Value::Bytes(path.as_bytes().into()));
    format!("[Errno {}] {reason}: {path}", error.raw_os_error().unwrap_or_default())
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Failure {
        let code = if diagnostic.message.starts_with("YAML parsing failed") { PARSER } else { GENERAL };
        Failure { code, diagnostics: vec![diagnostic] }
    }
}

impl From<ftl_playbook::LoadError> for Failure {
    fn from(error: ftl_playbook::LoadError) -> Failure {
        Failure { code: error.kind().exit_code(), diagnostics: error.diagnostics() }
    }
}
