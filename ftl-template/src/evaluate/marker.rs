//! Markers: values that are missing, and errors that wait until somebody uses them.

use std::sync::Arc;

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::{Undefined, Value};

use crate::call::{Failure, FailureKind};

pub(crate) fn undefined(message: impl Into<String>, origin: Option<&Origin>) -> Value {
    Value::Undefined(Arc::new(Undefined {
        message: message.into(),
        origin: origin.cloned(),
        error: None,
        envelope: None,
    }))
}

/// An error that only counts when the value is used. Plugins' errors have no place of their own: it is that of the
/// template that uses the value. `origin` is the template that failed.
pub(crate) fn error(diagnostic: Diagnostic, origin: Option<&Origin>) -> Value {
    let message = format!("A captured exception marker was tripped: {}", diagnostic.one_line());
    Value::Undefined(Arc::new(Undefined {
        message,
        origin: diagnostic.origin.clone().or_else(|| origin.cloned()),
        error: Some(Box::new(diagnostic)),
        envelope: None,
    }))
}

/// The marker for a failure, at the edge of the template or call where it ends; limits pass on. `kind`: is
/// it a template or an expression?
pub(crate) fn from_failure(failure: Failure, origin: Option<&Origin>, kind: &str) -> Result<Value, Failure> {
    match failure.kind() {
        FailureKind::Undefined(marker) => Ok(Value::Undefined(marker.clone())),
        FailureKind::Limit => Err(failure),
        FailureKind::Finished => Ok(error(failure.diagnostic(), origin)),
        _ => Ok(error(complete(failure, origin, kind), origin)),
    }
}

/// The failure as the error users see: what is not yet a template error is wrapped into one.
pub(crate) fn complete(failure: Failure, origin: Option<&Origin>, kind: &str) -> Diagnostic {
    let outer = match failure.kind() {
        // A vault that cannot be opened is an error from outside.
        FailureKind::Undefined(marker) if marker.envelope.is_some() => format!("Error rendering {kind}."),
        FailureKind::Undefined(_) | FailureKind::Finished => {
            let mut diagnostic = failure.diagnostic();
            diagnostic.origin = diagnostic.origin.or(origin.cloned());
            return diagnostic;
        }
        FailureKind::Recursion => format!("Recursive loop detected in {kind}."),
        FailureKind::Syntax => format!("Syntax error in {kind}."),
        _ => format!("Error rendering {kind}."),
    };
    Diagnostic::error(outer).at(origin.cloned()).caused_by(failure.diagnostic())
}

/// The first marker in the value or inside its containers. Loaded containers hold none.
pub(crate) fn find(value: &Value) -> Option<Arc<Undefined>> {
    match value {
        Value::Undefined(marker) => Some(marker.clone()),
        Value::List(list) if !list.is_loaded() => crate::stack::grow(|| list.items().iter().find_map(find)),
        Value::Tuple(items) => crate::stack::grow(|| items.iter().find_map(find)),
        Value::Dict(dict) if !dict.is_loaded() => {
            crate::stack::grow(|| dict.entries().iter().find_map(|(key, value)| find(key).or_else(|| find(value))))
        }
        _ => None,
    }
}

/// Fails when there is a marker in the value.
pub(crate) fn trip(value: &Value) -> Result<(), Failure> {
    match find(value) {
        Some(marker) => Err(Failure::undefined(marker)),
        None => Ok(()),
    }
}

/// Fails when the value itself is a marker.
pub(crate) fn touch(value: &Value) -> Result<(), Failure> {
    match value {
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        _ => Ok(()),
    }
}
