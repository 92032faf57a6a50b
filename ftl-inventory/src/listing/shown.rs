//! Values as listings write them: secrets stay sealed, and what must not be rendered says so.

use ftl_core::{Map, Value};

/// `mark_plain`: text that is no template is wrapped in `__ansible_unsafe`, as Ansible does for variables of hosts and
/// groups, so that reading the listing again gives the same.
pub(super) fn shown(value: &Value, mark_plain: bool) -> Value {
    match value {
        Value::Str(text) => match text.envelope().cloned() {
            Some(envelope) => wrapped("__ansible_vault", Value::str(envelope)),
            None if mark_plain && !text.is_trusted() => wrapped("__ansible_unsafe", value.clone()),
            None => value.clone(),
        },
        Value::List(list) => list.items().iter().map(|item| shown(item, mark_plain)).collect(),
        Value::Tuple(items) => items.iter().map(|item| shown(item, mark_plain)).collect(),
        Value::Dict(dict) => Value::dict(shown_map(&dict.entries(), mark_plain)),
        other => other.clone(),
    }
}

pub(super) fn shown_map(map: &Map, mark_plain: bool) -> Map {
    map.iter().map(|(key, value)| (key.clone(), shown(value, mark_plain))).collect()
}

fn wrapped(key: &str, value: Value) -> Value {
    let mut map = Map::with_capacity(1);
    map.insert(key, value);
    Value::dict(map)
}
