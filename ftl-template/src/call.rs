//! How filters, tests and lookups are called, and how they fail.

use std::fmt;
use std::sync::Arc;

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::{Map, Undefined, Value};

use crate::Evaluation;

/// A filter: the value before the bar, and the arguments in parentheses. Containers arrive rendered.
pub type FilterFunction = fn(&Evaluation<'_>, Value, Arguments) -> Result<Value, Failure>;
/// A test (`value is name(arguments)`).
pub type TestFunction = fn(&Evaluation<'_>, Value, Arguments) -> Result<bool, Failure>;
/// A lookup: terms and options (`wantlist` and `errors` are already taken out).
pub type LookupFunction = fn(&Evaluation<'_>, Vec<Value>, Arguments) -> Result<Vec<Value>, Failure>;

/// The arguments of one call, taken one by one by the function called.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// `None` once taken.
    positional: Vec<Option<Value>>,
    named: Vec<(Arc<str>, Value)>,
}

impl Arguments {
    pub fn new(positional: Vec<Value>, named: Vec<(Arc<str>, Value)>) -> Arguments {
        Arguments { positional: positional.into_iter().map(Some).collect(), named }
    }

    /// Only positional arguments.
    pub fn of(positional: impl IntoIterator<Item = Value>) -> Arguments {
        Arguments { positional: positional.into_iter().map(Some).collect(), named: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.named.is_empty()
    }

    /// How many positional arguments were given.
    pub fn positional_count(&self) -> usize {
        self.positional.len()
    }

    /// The argument called `name`, or the one at the position `index` (from 0, the filtered value not counted).
    pub fn take(&mut self, name: &str, index: usize) -> Option<Value> {
        match self.take_named(name) {
            Some(value) => Some(value),
            None => self.positional.get_mut(index).and_then(Option::take),
        }
    }

    /// The argument at this position, whatever names were given.
    pub fn take_positional(&mut self, index: usize) -> Option<Value> {
        self.positional.get_mut(index).and_then(Option::take)
    }

    /// The argument that can only be given by name.
    pub fn take_named(&mut self, name: &str) -> Option<Value> {
        let at = self.named.iter().position(|(n, _)| &**n == name)?;
        Some(self.named.remove(at).1)
    }

    /// As [`take`](Arguments::take), and an error when it is missing.
    pub fn require(&mut self, function: &str, name: &str, index: usize) -> Result<Value, Failure> {
        self.take(name, index).ok_or_else(|| {
            Failure::type_error(format!("{function}() missing 1 required positional argument: '{name}'"))
        })
    }

    /// Python's truth of the argument, `default` when it is not given.
    pub fn take_bool(&mut self, name: &str, index: usize, default: bool) -> bool {
        self.take(name, index).map_or(default, |v| v.is_true())
    }

    /// All positional arguments not taken yet, in order (`*args`).
    pub fn rest(&mut self) -> Vec<Value> {
        self.positional.iter_mut().filter_map(Option::take).collect()
    }

    /// All named arguments not taken yet (`**kwargs`).
    pub fn rest_named(&mut self) -> Vec<(Arc<str>, Value)> {
        std::mem::take(&mut self.named)
    }

    /// All named arguments not taken yet, as the entries of a dict.
    pub fn rest_map(&mut self) -> Map {
        self.rest_named().into_iter().map(|(k, v)| (Value::str(k), v)).collect()
    }

    /// Fails when an argument is left over, as Python does.
    pub fn finish(&self, function: &str) -> Result<(), Failure> {
        if let Some((name, _)) = self.named.first() {
            return Err(Failure::type_error(format!("{function}() got an unexpected keyword argument '{name}'")));
        }
        if self.positional.iter().any(Option::is_some) {
            let taken = self.positional.iter().take_while(|a| a.is_none()).count() + 1;
            let given = self.positional.len() + 1;
            return Err(Failure::type_error(format!(
                "{function}() takes {taken} positional argument{} but {given} were given",
                if taken == 1 { "" } else { "s" }
            )));
        }
        Ok(())
    }

    pub(crate) fn push_named(&mut self, name: &str, value: Value) {
        self.named.push((Arc::from(name), value));
    }

    /// Every value still here, for searches.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.positional.iter().flatten().chain(self.named.iter().map(|(_, v)| v))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.positional.iter_mut().flatten().chain(self.named.iter_mut().map(|(_, v)| v))
    }
}

/// Why an evaluation ended without a value.
pub struct Failure(Box<FailureParts>);

struct FailureParts {
    kind: FailureKind,
    message: String,
    origin: Option<Origin>,
    help: Option<String>,
    cause: Option<Diagnostic>,
    /// Of a complete error: see [`Diagnostic::is_undefined`].
    is_undefined: bool,
}

/// What went wrong: decides how the failure is wrapped, and which of Python's `except` clauses would see it.
#[derive(Clone, Debug)]
pub enum FailureKind {
    /// A marker was used: the failure turns back into it at the edge of the innermost template or call.
    Undefined(Arc<Undefined>),
    /// Python's `TypeError`.
    Type,
    /// Python's `ValueError` and everything that has no kind of its own.
    Value,
    /// Python's `KeyError`, `IndexError`.
    Lookup,
    /// Python's `AttributeError`.
    Attribute,
    /// The template cannot be parsed.
    Syntax,
    /// Nested too deep, or a variable that needs itself.
    Recursion,
    /// A budget or the deadline is used up: nothing may catch this.
    Limit,
    /// An error that is already complete ([`Failure::diagnostic`] gives it back unchanged).
    Finished,
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        let message = message.into();
        Failure(Box::new(FailureParts { kind, message, origin: None, help: None, cause: None, is_undefined: false }))
    }

    /// Python's `ValueError` (the usual choice: "the text after `failed: `").
    pub fn value_error(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Value, message)
    }

    /// Python's `TypeError`.
    pub fn type_error(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Type, message)
    }

    pub fn lookup_error(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Lookup, message)
    }

    /// The use of a missing value.
    pub fn undefined(marker: Arc<Undefined>) -> Failure {
        let message = marker.message.clone();
        Failure::new(FailureKind::Undefined(marker), message)
    }

    /// What is not supported yet says so.
    pub fn unsupported(what: impl fmt::Display) -> Failure {
        Failure::value_error(format!("{what} is not supported yet"))
    }

    /// A complete error, such as the one of a nested template.
    pub fn finished(diagnostic: Diagnostic) -> Failure {
        Failure(Box::new(FailureParts {
            kind: FailureKind::Finished,
            message: diagnostic.message,
            origin: diagnostic.origin,
            help: diagnostic.hint,
            cause: diagnostic.cause.map(|c| *c),
            is_undefined: diagnostic.is_undefined,
        }))
    }

    #[must_use]
    pub fn at(mut self, origin: Option<Origin>) -> Failure {
        if self.0.origin.is_none() {
            self.0.origin = origin;
        }
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Failure {
        self.0.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn caused_by(mut self, cause: Diagnostic) -> Failure {
        self.0.cause = Some(cause);
        self
    }

    pub fn kind(&self) -> &FailureKind {
        &self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The marker whose use this is.
    pub fn marker(&self) -> Option<&Arc<Undefined>> {
        match &self.0.kind {
            FailureKind::Undefined(marker) => Some(marker),
            _ => None,
        }
    }

    /// Must it pass every handler?
    pub fn is_final(&self) -> bool {
        matches!(self.0.kind, FailureKind::Limit)
    }

    pub fn diagnostic(self) -> Diagnostic {
        let parts = *self.0;
        if let FailureKind::Undefined(marker) = &parts.kind {
            return marker.diagnostic();
        }
        let mut diagnostic = Diagnostic::error(parts.message).at(parts.origin);
        diagnostic.is_undefined = parts.is_undefined;
        diagnostic.hint = parts.help;
        diagnostic.cause = parts.cause.map(Box::new);
        diagnostic
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)
    }
}
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}
impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::value_error(message)
    }
}
impl From<&str> for Failure {
    fn from(message: &str) -> Failure {
        Failure::value_error(message)
    }
}
impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Failure {
        Failure::finished(diagnostic)
    }
}
