//! Values in the JSON of inventory scripts: what may be a template, what is secret.

use std::sync::Arc;

use ftl_core::source::Origin;
use ftl_core::value::from_json;
use ftl_core::vault::VaultSecrets;
use ftl_core::{Dict, List, Str, Value};

/// How strings of a script become values.
pub(super) struct Marking<'a> {
    pub(super) trusted: bool,
    pub(super) origin: Origin,
    pub(super) secrets: &'a Arc<VaultSecrets>,
}

impl Marking<'_> {
    /// A variable's value: text may be a template unless it says `__ansible_unsafe`.
    pub(super) fn variable(&self, json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::String(text) if self.trusted => {
                Value::Str(Str::trusted(text.as_str(), Some(self.origin.clone())))
            }
            serde_json::Value::Array(items) => {
                Value::List(List::loaded(items.iter().map(|item| self.variable(item)).collect()))
            }
            serde_json::Value::Object(map) => {
                if let (Some((key, serde_json::Value::String(text))), 1) = (map.iter().next(), map.len()) {
                    match key.as_str() {
                        "__ansible_unsafe" => {
                            return Value::Str(Str::with_origin(text.as_str(), Some(self.origin.clone())));
                        }
                        "__ansible_vault" => {
                            let origin = Some(self.origin.clone());
                            return Value::Str(Str::sealed(text.as_str(), self.secrets.clone(), origin));
                        }
                        _ => {}
                    }
                }
                let entries = map.iter().map(|(key, value)| (Value::str(key.as_str()), self.variable(value)));
                Value::Dict(Dict::loaded(entries.collect()))
            }
            other => from_json(other),
        }
    }
}

/// The Python type a JSON value has.
pub(super) fn python_type(json: &serde_json::Value) -> &'static str {
    match json {
        serde_json::Value::Null => "NoneType",
        serde_json::Value::Bool(_) => "bool",
        serde_json::Value::Number(n) if n.is_f64() => "float",
        serde_json::Value::Number(_) => "int",
        serde_json::Value::String(_) => "str",
        serde_json::Value::Array(_) => "list",
        serde_json::Value::Object(_) => "dict",
    }
}
