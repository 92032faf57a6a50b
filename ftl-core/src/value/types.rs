//! The one value type that playbooks, templates, facts and results share.

use std::sync::Arc;

use num_bigint::BigInt;

use super::{Dict, List, Map, ObjectRef, Str, Undefined};

/// A value with Python's types and Python's meaning of equality, order and truth.
///
/// Cloning is cheap: everything large is shared. Lists and dicts are *shared cells*, as in Python: a clone sees what
/// `append` on the other does. Use [`Value::detached`] where a snapshot must not change any more.
#[derive(Clone, Default)]
pub enum Value {
    #[default]
    None,
    Bool(bool),
    Int(i64),
    BigInt(Arc<BigInt>),
    Float(f64),
    Str(Str),
    Bytes(Arc<[u8]>),
    List(List),
    Tuple(Arc<[Value]>),
    Dict(Dict),
    Date(jiff::civil::Date),
    DateTime(DateTime),
    /// A duration in microseconds (Python's `timedelta`).
    TimeDelta(i64),
    /// A value that is missing or could not be made; using it is the error it carries.
    Undefined(Arc<Undefined>),
    /// The `omit` placeholder: the argument that holds it is left out.
    Omit,
    /// Anything with behaviour of its own: callables, `hostvars`, `loop`, `range`, dict views.
    Object(ObjectRef),
}

/// A point in civil time, with the offset from UTC in seconds when one is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DateTime {
    pub civil: jiff::civil::DateTime,
    pub offset: Option<i32>,
}

impl Value {
    /// A plain string: what a host, a module or a lookup said. It is never rendered.
    pub fn str(text: impl Into<Arc<str>>) -> Value {
        Value::Str(Str::plain(text))
    }

    pub fn list(items: Vec<Value>) -> Value {
        Value::List(List::new(items))
    }

    pub fn dict(map: Map) -> Value {
        Value::Dict(Dict::new(map))
    }

    pub fn undefined(message: impl Into<String>) -> Value {
        Value::Undefined(Arc::new(Undefined::new(message)))
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(s) => Some(s.as_str()),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(i) => Some(*i),
            Value::Bool(b) => Some(*b as i64),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    pub fn as_items(&self) -> Option<Arc<Vec<Value>>> {
        match self {
            Value::List(l) => Some(l.items()),
            Value::Tuple(t) => Some(Arc::new(t.to_vec())),
            _ => None,
        }
    }

    /// The entries of a dict.
    pub fn as_map(&self) -> Option<Arc<Map>> {
        match self {
            Value::Dict(d) => Some(d.entries()),
            _ => None,
        }
    }

    /// The entry `key` of a dict; `None` for other values.
    pub fn get(&self, key: &str) -> Option<Value> {
        match self {
            Value::Dict(d) => d.get(key),
            _ => None,
        }
    }

    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    pub fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined(_))
    }

    pub fn is_omit(&self) -> bool {
        matches!(self, Value::Omit)
    }

    /// Python's truth of a value.
    pub fn is_true(&self) -> bool {
        match self {
            Value::None | Value::Undefined(_) => false,
            Value::Omit => true,
            Value::Bool(b) => *b,
            Value::Int(i) => *i != 0,
            Value::BigInt(i) => **i != BigInt::from(0),
            Value::Float(f) => *f != 0.0,
            Value::Str(s) => !s.as_str().is_empty(),
            Value::Bytes(b) => !b.is_empty(),
            Value::List(l) => !l.is_empty(),
            Value::Tuple(t) => !t.is_empty(),
            Value::Dict(d) => !d.is_empty(),
            Value::Date(_) | Value::DateTime(_) => true,
            Value::TimeDelta(us) => *us != 0,
            Value::Object(o) => o.is_true(),
        }
    }

    /// Ansible's `boolean(value, strict=False)`: `yes`, `on`, `1`, `true`, `t`, `y` in any case.
    pub fn to_bool_loose(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            Value::Float(f) if *f == 0.0 => Some(false),
            Value::Float(f) if *f == 1.0 => Some(true),
            Value::Str(s) => match s.as_str().trim().to_lowercase().as_str() {
                "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
                "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Does this value, or anything inside it, hold text that may be rendered and looks like a template?
    pub fn has_template(&self) -> bool {
        match self {
            Value::Str(s) => s.is_template(),
            Value::List(l) => l.has_template(),
            Value::Tuple(t) => t.iter().any(Value::has_template),
            Value::Dict(d) => d.has_template(),
            // A vault value that would not open: whoever renders what holds it must meet its error.
            Value::Undefined(marker) => marker.envelope.is_some(),
            _ => false,
        }
    }

    /// A copy that shares no mutable cell with `self`.
    pub fn detached(&self) -> Value {
        match self {
            Value::List(l) => Value::list(l.items().iter().map(Value::detached).collect()),
            Value::Tuple(t) => Value::Tuple(t.iter().map(Value::detached).collect()),
            Value::Dict(d) => Value::dict(d.entries().iter().map(|(k, v)| (k.clone(), v.detached())).collect()),
            other => other.clone(),
        }
    }

    /// The same value with every mark (trust, origin) taken off: data that can never become a template.
    pub fn untrusted(&self) -> Value {
        match self {
            Value::Str(s) if s.mark().is_some() => match s.open() {
                Some(opened) => opened.untrusted(),
                None => Value::Str(Str::plain(s.shared())),
            },
            Value::List(l) => Value::list(l.items().iter().map(Value::untrusted).collect()),
            Value::Tuple(t) => Value::Tuple(t.iter().map(Value::untrusted).collect()),
            Value::Dict(d) => Value::dict(d.entries().iter().map(|(k, v)| (k.untrusted(), v.untrusted())).collect()),
            other => other.clone(),
        }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Bool(b)
    }
}
impl From<i64> for Value {
    fn from(i: i64) -> Value {
        Value::Int(i)
    }
}
impl From<usize> for Value {
    fn from(i: usize) -> Value {
        Value::Int(i as i64)
    }
}
impl From<f64> for Value {
    fn from(f: f64) -> Value {
        Value::Float(f)
    }
}
impl From<&str> for Value {
    fn from(s: &str) -> Value {
        Value::str(s)
    }
}
impl From<String> for Value {
    fn from(s: String) -> Value {
        Value::str(s)
    }
}
impl From<BigInt> for Value {
    /// The smallest representation: values that fit are plain integers.
    fn from(big: BigInt) -> Value {
        match i64::try_from(&big) {
            Ok(i) => Value::Int(i),
            Err(_) => Value::BigInt(Arc::new(big)),
        }
    }
}
impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Value {
        Value::list(items)
    }
}
impl From<Map> for Value {
    fn from(map: Map) -> Value {
        Value::dict(map)
    }
}
impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(iter: I) -> Value {
        Value::list(iter.into_iter().collect())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        super::equal(self, other)
    }
}
impl Eq for Value {}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&super::repr(self))
    }
}
