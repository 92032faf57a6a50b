//! A YAML document with the place of each of its parts.

use std::collections::HashMap;
use std::sync::Arc;

use crate::source::Origin;
use crate::value::{Dict, List, Map, Value};

/// One scalar, sequence or mapping. Cloning is cheap; what an alias repeats is shared.
#[derive(Clone)]
pub struct Node {
    pub kind: NodeKind,
    pub origin: Origin,
}

#[derive(Clone)]
pub enum NodeKind {
    Scalar(Value),
    Seq(Arc<Vec<Node>>),
    /// Merge keys are applied and duplicate keys removed; keys are scalars.
    Map(Arc<Vec<(Node, Node)>>),
}

impl Node {
    pub fn scalar(value: Value, origin: Origin) -> Node {
        Node { kind: NodeKind::Scalar(value), origin }
    }

    pub fn as_value(&self) -> Option<&Value> {
        match &self.kind {
            NodeKind::Scalar(value) => Some(value),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        self.as_value().and_then(Value::as_str)
    }

    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::Seq(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&[(Node, Node)]> {
        match &self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a text key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(_, v)| v)
    }

    pub fn is_none(&self) -> bool {
        matches!(self.kind, NodeKind::Scalar(Value::None))
    }

    /// The document as a value. What an alias shares is shared there too.
    pub fn to_value(&self) -> Value {
        to_value(self, &mut HashMap::new())
    }
}

/// Only nodes that somebody else holds as well can come up again, so only those are remembered.
fn to_value(node: &Node, seen: &mut HashMap<usize, Value>) -> Value {
    match &node.kind {
        NodeKind::Scalar(value) => value.clone(),
        NodeKind::Seq(items) => {
            once(items, seen, |seen| Value::List(List::loaded(items.iter().map(|item| to_value(item, seen)).collect())))
        }
        NodeKind::Map(entries) => once(entries, seen, |seen| {
            let mut map = Map::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                map.insert(to_value(key, seen), to_value(value, seen));
            }
            Value::Dict(Dict::loaded(map))
        }),
    }
}

fn once<T>(
    shared: &Arc<T>,
    seen: &mut HashMap<usize, Value>,
    make: impl FnOnce(&mut HashMap<usize, Value>) -> Value,
) -> Value {
    if Arc::strong_count(shared) == 1 {
        return make(seen);
    }
    let address = Arc::as_ptr(shared) as usize;
    if let Some(value) = seen.get(&address) {
        return value.clone();
    }
    let value = make(seen);
    seen.insert(address, value.clone());
    value
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            NodeKind::Scalar(value) => value.fmt(f),
            NodeKind::Seq(items) => f.debug_list().entries(items.iter()).finish(),
            NodeKind::Map(entries) => f.debug_map().entries(entries.iter().map(|(k, v)| (k, v))).finish(),
        }
    }
}
