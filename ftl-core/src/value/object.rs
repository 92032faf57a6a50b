//! Values with behaviour of their own.

use std::any::Any;
use std::sync::Arc;

use super::Value;

pub type ObjectRef = Arc<dyn Object>;

/// What a value with behaviour can be asked. The template engine knows more about some of them through [`Object::as_any`]
/// (callables need its state); this trait is what the rest of FTL may use.
pub trait Object: Send + Sync {
    /// Python's type name, for messages and `type_debug`.
    fn type_name(&self) -> &str;

    /// `obj[key]`; `None` when there is no such entry.
    fn get_item(&self, _key: &Value) -> Option<Value> {
        None
    }

    /// `key in obj`, for mappings.
    fn has_item(&self, key: &Value) -> bool {
        self.get_item(key).is_some()
    }

    /// `obj.name`; `None` when there is no such attribute.
    fn get_attr(&self, _name: &str) -> Option<Value> {
        None
    }

    /// The values it iterates over (keys, for mappings); `None` when it cannot be iterated.
    fn iterate(&self) -> Option<Vec<Value>> {
        None
    }

    fn len(&self) -> Option<usize> {
        self.iterate().map(|v| v.len())
    }

    fn is_true(&self) -> bool {
        self.len() != Some(0)
    }

    fn is_mapping(&self) -> bool {
        false
    }

    /// Plain data of the same content (hostvars become a dict, a range a list); `None` when there is none.
    fn to_data(&self) -> Option<Value> {
        None
    }

    /// Python's `repr`.
    fn repr(&self) -> String {
        match self.to_data() {
            Some(data) => super::repr(&data),
            None => format!("<{}>", self.type_name()),
        }
    }

    fn as_any(&self) -> &dyn Any;
}
