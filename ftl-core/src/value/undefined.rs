//! Missing values: strict when used, chainable when only looked at.

use std::sync::Arc;

use crate::source::{Diagnostic, Origin};

/// Why there is no value. Attribute access on it gives it back; `default` and `is defined` may look; all else raises.
#[derive(Clone, Debug)]
pub struct Undefined {
    /// What using it says: `'x' is undefined`, `object of type 'dict' has no attribute 'y'`.
    pub message: String,
    /// The template that produced it.
    pub origin: Option<Origin>,
    /// An error inside a lazily rendered variable: not even `default` may hide it.
    pub error: Option<Box<Diagnostic>>,
    /// A vault value that could not be opened: filters that bring a secret can still.
    pub envelope: Option<Arc<str>>,
}

impl Undefined {
    pub fn new(message: impl Into<String>) -> Undefined {
        Undefined { message: message.into(), origin: None, error: None, envelope: None }
    }

    /// The error that using it is.
    pub fn diagnostic(&self) -> Diagnostic {
        if let Some(error) = &self.error {
            return (**error).clone();
        }
        let mut diagnostic = Diagnostic::error(self.message.clone()).at(self.origin.clone());
        diagnostic.is_undefined = true;
        diagnostic
    }
}
