//! Typed access to arguments that were checked: nothing here can fail.

use serde_json::Value;

use crate::Object;
use crate::python::str_of;

/// The arguments of one call: every argument of the module's table is there, converted to its type.
#[derive(Clone, Debug, Default)]
pub struct Args(Object);

impl Args {
    pub(crate) fn new(object: Object) -> Args {
        Args(object)
    }

    /// The text of an argument; `None` when it was not given (or is null).
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The text of an argument that is required or has a default.
    pub fn needed(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A flag that may be unset.
    pub fn optional_flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        self.0.get(name).and_then(Value::as_array).map(|items| items.iter().map(str_of).collect())
    }

    /// The value as it is; `None` when it was not given or is null.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Changes an argument, as `invocation` will show it.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub(crate) fn into_object(self) -> Object {
        self.0
    }
}
