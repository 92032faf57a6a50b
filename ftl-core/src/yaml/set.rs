//! Python's `set`, which `!!set` makes.

use std::any::Any;
use std::sync::Arc;

use crate::value::{Object, Value};

/// The members in the order they were written; to templates a plain list.
pub(super) struct Set(Vec<Value>);

impl Set {
    pub(super) fn value(members: Vec<Value>) -> Value {
        Value::Object(Arc::new(Set(members)))
    }
}

impl Object for Set {
    fn type_name(&self) -> &str {
        "set"
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.0.clone())
    }

    fn len(&self) -> Option<usize> {
        Some(self.0.len())
    }

    fn to_data(&self) -> Option<Value> {
        Some(Value::list(self.0.clone()))
    }

    fn repr(&self) -> String {
        if self.0.is_empty() {
            return "set()".into();
        }
        let members: Vec<String> = self.0.iter().map(crate::value::repr).collect();
        format!("{{{}}}", members.join(", "))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
