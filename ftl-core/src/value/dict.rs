//! Dicts: insertion order, Python's key equality, shared cells.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, RwLock};

use indexmap::{Equivalent, IndexMap};
use rustc_hash::FxBuildHasher;

use super::Value;

/// The entries of a dict. Look up by text with [`MapExt`-like](Map) `map.get(&Key("x"))`, or through [`Dict::get`].
#[derive(Clone, Default, Debug)]
pub struct Map(IndexMap<Value, Value, FxBuildHasher>);

/// Looks a string key up without making a `Value`.
struct Text<'a>(&'a str);

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_text(self.0, state);
    }
}
impl Equivalent<Value> for Text<'_> {
    fn equivalent(&self, key: &Value) -> bool {
        matches!(key, Value::Str(s) if s.as_str() == self.0)
    }
}

pub(super) fn hash_text<H: Hasher>(text: &str, state: &mut H) {
    state.write_u8(4);
    state.write(text.as_bytes());
    state.write_u8(0xff);
}

impl Map {
    pub fn new() -> Map {
        Map::default()
    }

    pub fn with_capacity(n: usize) -> Map {
        Map(IndexMap::with_capacity_and_hasher(n, FxBuildHasher))
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(&Text(key))
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.get_mut(&Text(key))
    }

    pub fn get_value(&self, key: &Value) -> Option<&Value> {
        self.0.get(key)
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(&Text(key))
    }

    pub fn contains_value(&self, key: &Value) -> bool {
        self.0.contains_key(key)
    }

    /// Sets an entry; an existing key keeps its place, as in Python.
    pub fn insert(&mut self, key: impl Into<Value>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(key.into(), value.into())
    }

    /// Removes an entry; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(&Text(key))
    }

    pub fn remove_value(&mut self, key: &Value) -> Option<Value> {
        self.0.shift_remove(key)
    }

    pub fn pop(&mut self) -> Option<(Value, Value)> {
        self.0.pop()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> indexmap::map::Iter<'_, Value, Value> {
        self.0.iter()
    }

    pub fn iter_mut(&mut self) -> indexmap::map::IterMut<'_, Value, Value> {
        self.0.iter_mut()
    }

    pub fn keys(&self) -> indexmap::map::Keys<'_, Value, Value> {
        self.0.keys()
    }

    pub fn values(&self) -> indexmap::map::Values<'_, Value, Value> {
        self.0.values()
    }

    pub fn retain(&mut self, keep: impl FnMut(&Value, &mut Value) -> bool) {
        self.0.retain(keep);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The entries whose key is text, as `(&str, &Value)`.
    pub fn text_iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().filter_map(|(k, v)| k.as_str().map(|k| (k, v)))
    }
}

impl Extend<(Value, Value)> for Map {
    fn extend<I: IntoIterator<Item = (Value, Value)>>(&mut self, iter: I) {
        self.0.extend(iter);
    }
}
impl FromIterator<(Value, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(iter: I) -> Map {
        Map(iter.into_iter().collect())
    }
}
impl<'a> FromIterator<(&'a str, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (&'a str, Value)>>(iter: I) -> Map {
        Map(iter.into_iter().map(|(k, v)| (Value::str(k), v)).collect())
    }
}
impl IntoIterator for Map {
    type Item = (Value, Value);
    type IntoIter = indexmap::map::IntoIter<Value, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Value, &'a Value);
    type IntoIter = indexmap::map::Iter<'a, Value, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A shared, changeable dict.
#[derive(Clone)]
pub struct Dict(Arc<Cell>);

struct Cell {
    entries: RwLock<Arc<Map>>,
    templates: Option<bool>,
}

impl Dict {
    pub fn new(map: Map) -> Dict {
        Dict::shared(Arc::new(map))
    }

    pub fn shared(map: Arc<Map>) -> Dict {
        Dict(Arc::new(Cell { entries: RwLock::new(map), templates: None }))
    }

    /// A dict of a loader: whether it holds templates is found once, here.
    pub fn loaded(map: Map) -> Dict {
        let templates = map.iter().any(|(k, v)| k.has_template() || v.has_template());
        Dict(Arc::new(Cell { entries: RwLock::new(Arc::new(map)), templates: Some(templates) }))
    }

    pub fn entries(&self) -> Arc<Map> {
        self.0.entries.read().unwrap_or_else(|e| e.into_inner()).clone()
    }

    pub fn len(&self) -> usize {
        self.0.entries.read().unwrap_or_else(|e| e.into_inner()).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, key: &str) -> Option<Value> {
        self.0.entries.read().unwrap_or_else(|e| e.into_inner()).get(key).cloned()
    }

    pub fn get_value(&self, key: &Value) -> Option<Value> {
        self.0.entries.read().unwrap_or_else(|e| e.into_inner()).get_value(key).cloned()
    }

    /// Changes the dict in place, for every holder.
    pub fn edit<R>(&self, change: impl FnOnce(&mut Map) -> R) -> R {
        change(Arc::make_mut(&mut self.0.entries.write().unwrap_or_else(|e| e.into_inner())))
    }

    pub fn insert(&self, key: impl Into<Value>, value: impl Into<Value>) {
        self.edit(|map| map.insert(key, value));
    }

    pub fn is_loaded(&self) -> bool {
        self.0.templates.is_some()
    }

    pub fn has_template(&self) -> bool {
        match self.0.templates {
            Some(known) => known,
            None => self.entries().iter().any(|(k, v)| k.has_template() || v.has_template()),
        }
    }

    pub fn same_cell(&self, other: &Dict) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}
