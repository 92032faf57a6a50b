//! What the composer builds: nodes, or values at once.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::node::{Node, NodeKind};
use crate::source::Origin;
use crate::value::{Dict, List, Map, Value};

/// A tree under construction. Origins are closures because values keep them on strings only.
pub(super) trait Tree: Clone {
    /// Is this what variables are made of, which are rendered before they are used?
    const IS_VALUE: bool;

    fn scalar(value: Value, origin: impl FnOnce() -> Origin) -> Self;
    fn sequence(items: Vec<Self>, origin: impl FnOnce() -> Origin) -> Self;

    /// A mapping; of equal keys the first keeps its place and the last gives the value. `repeated` hears of each.
    fn mapping(entries: Vec<(Self, Self)>, origin: impl FnOnce() -> Origin, repeated: impl FnMut(&Value)) -> Self;

    /// The value, when this is a scalar.
    fn value(&self) -> Option<Value>;
    fn to_value(&self) -> Value;
    fn items(&self) -> Option<Vec<Self>>;
    fn entries(&self) -> Option<Vec<(Self, Self)>>;
}

impl Tree for Value {
    const IS_VALUE: bool = true;

    fn scalar(value: Value, _: impl FnOnce() -> Origin) -> Value {
        value
    }

    fn sequence(items: Vec<Value>, _: impl FnOnce() -> Origin) -> Value {
        Value::List(List::loaded(items))
    }

    fn mapping(entries: Vec<(Value, Value)>, _: impl FnOnce() -> Origin, mut repeated: impl FnMut(&Value)) -> Value {
        let mut map = Map::with_capacity(entries.len());
        for (key, value) in entries {
            let again = key.clone();
            if map.insert(key, value).is_some() {
                repeated(&again);
            }
        }
        Value::Dict(Dict::loaded(map))
    }

    fn value(&self) -> Option<Value> {
        (!matches!(self, Value::List(_) | Value::Dict(_))).then(|| self.clone())
    }

    fn to_value(&self) -> Value {
        self.clone()
    }

    fn items(&self) -> Option<Vec<Value>> {
        match self {
            Value::List(list) => Some(list.items().to_vec()),
            _ => None,
        }
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        match self {
            Value::Dict(dict) => Some(dict.entries().iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
            _ => None,
        }
    }
}

impl Tree for Node {
    const IS_VALUE: bool = false;

    fn scalar(value: Value, origin: impl FnOnce() -> Origin) -> Node {
        Node::scalar(value, origin())
    }

    fn sequence(items: Vec<Node>, origin: impl FnOnce() -> Origin) -> Node {
        Node { kind: NodeKind::Seq(Arc::new(items)), origin: origin() }
    }

    fn mapping(entries: Vec<(Node, Node)>, origin: impl FnOnce() -> Origin, mut repeated: impl FnMut(&Value)) -> Node {
        let mut unique: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
        // Most mappings are small: comparing beats hashing there.
        let mut places: Option<FxHashMap<Value, usize>> = (entries.len() > 8).then(FxHashMap::default);
        for (key, value) in entries {
            let name = key.as_value().cloned().unwrap_or_default();
            let place = match &mut places {
                Some(places) => *places.entry(name.clone()).or_insert(unique.len()),
                None => unique.iter().position(|(k, _)| k.as_value() == Some(&name)).unwrap_or(unique.len()),
            };
            match unique.get_mut(place) {
                Some(slot) => {
                    repeated(&name);
                    slot.1 = value;
                }
                None => unique.push((key, value)),
            }
        }
        Node { kind: NodeKind::Map(Arc::new(unique)), origin: origin() }
    }

    fn value(&self) -> Option<Value> {
        self.as_value().cloned()
    }

    fn to_value(&self) -> Value {
        Node::to_value(self)
    }

    fn items(&self) -> Option<Vec<Node>> {
        self.as_seq().map(<[Node]>::to_vec)
    }

    fn entries(&self) -> Option<Vec<(Node, Node)>> {
        self.as_map().map(<[(Node, Node)]>::to_vec)
    }
}
