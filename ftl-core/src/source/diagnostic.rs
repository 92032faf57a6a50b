//! What is wrong with the user's text, where, and what to try.

use super::{Origin, Removal};

/// One message. Loading gathers them in lists; it does not stop at the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub message: String,
    pub origin: Option<Origin>,
    pub hint: Option<String>,
    /// The chain of causes, outermost first; printed after `<<< caused by >>>`.
    pub cause: Option<Box<Diagnostic>>,
    /// Is it the use of something undefined? Ansible treats such errors differently in places.
    pub is_undefined: bool,
    /// Of a deprecation: a screen adds it to the message, a result has it apart.
    pub removal: Option<Box<Removal>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    Error,
    Warning,
    Deprecation,
}

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            origin: None,
            hint: None,
            cause: None,
            is_undefined: false,
            removal: None,
        }
    }

    pub fn warning(message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(message) }
    }

    pub fn deprecation(message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Deprecation, ..Diagnostic::error(message) }
    }

    #[must_use]
    pub fn at(mut self, origin: Option<Origin>) -> Diagnostic {
        self.origin = origin;
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn caused_by(mut self, cause: Diagnostic) -> Diagnostic {
        self.cause = Some(Box::new(cause));
        self
    }

    #[must_use]
    pub fn removed(mut self, removal: Removal) -> Diagnostic {
        self.removal = Some(Box::new(removal));
        self
    }

    /// The messages of the chain in one line, as Ansible puts them into `msg`: `outer: inner`.
    pub fn one_line(&self) -> String {
        let mut messages = vec![];
        let mut current = Some(self);
        while let Some(diagnostic) = current {
            messages.push(diagnostic.message.as_str());
            current = diagnostic.cause.as_deref();
        }
        super::render::one_line(&messages)
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.one_line())
    }
}
impl std::error::Error for Diagnostic {}
