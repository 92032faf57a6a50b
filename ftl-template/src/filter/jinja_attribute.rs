//! Attributes named by text: `map(attribute='a.b')`, `sort(attribute='x,y')`.

use ftl_core::Value;

use crate::Evaluation;
use crate::call::Failure;
use crate::evaluate::{self, Machine};

/// Finds `a.b.0` in values.
pub(super) struct Getter<'r> {
    machine: Machine<'r>,
    parts: Vec<Value>,
    default: Option<Value>,
}

impl<'r> Getter<'r> {
    pub(super) fn new(evaluation: &Evaluation<'r>, attribute: &Value) -> Getter<'r> {
        let parts = match attribute {
            Value::None => Vec::new(),
            Value::Str(path) => path.split('.').map(part).collect(),
            other => vec![other.clone()],
        };
        Getter { machine: evaluation.machine(), parts, default: None }
    }

    pub(super) fn with_default(mut self, default: Option<Value>) -> Self {
        self.default = default.filter(|d| !d.is_none());
        self
    }

    /// The attribute, or the marker for its absence.
    pub(super) fn find(&self, value: &Value) -> Result<Value, Failure> {
        let mut value = value.clone();
        for part in &self.parts {
            value = evaluate::get_item(&self.machine, &value, part)?;
            if value.is_undefined()
                && let Some(default) = &self.default
            {
                value = default.clone();
            }
        }
        Ok(value)
    }

    /// The attribute, which must be there.
    pub(super) fn get(&self, value: &Value) -> Result<Value, Failure> {
        match self.find(value)? {
            Value::Undefined(marker) => Err(Failure::undefined(marker)),
            found => Ok(found),
        }
    }
}

fn part(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(index) if text.bytes().all(|b| b.is_ascii_digit()) => Value::Int(index),
        _ => Value::str(text),
    }
}

/// What text compares as when case does not matter.
pub(super) fn ignore_case(value: Value) -> Value {
    match &value {
        Value::Str(text) => Value::str(text.to_lowercase()),
        _ => value,
    }
}
