//! Lists: shared cells, so that `append` is seen by every holder as in Python.

use std::sync::{Arc, RwLock};

use super::Value;

/// A shared, growable list. Reading takes a snapshot, so no lock is ever held while user code runs.
#[derive(Clone)]
pub struct List(Arc<Cell>);

struct Cell {
    items: RwLock<Arc<Vec<Value>>>,
    /// Whether the items were seen to hold templates when the list was made; `None` when not known.
    templates: Option<bool>,
}

impl List {
    pub fn new(items: Vec<Value>) -> List {
        List::shared(Arc::new(items))
    }

    pub fn shared(items: Arc<Vec<Value>>) -> List {
        List(Arc::new(Cell { items: RwLock::new(items), templates: None }))
    }

    /// A list of a loader: whether it holds templates is found once, here.
    pub fn loaded(items: Vec<Value>) -> List {
        let templates = items.iter().any(Value::has_template);
        List(Arc::new(Cell { items: RwLock::new(Arc::new(items)), templates: Some(templates) }))
    }

    pub fn items(&self) -> Arc<Vec<Value>> {
        self.0.items.read().unwrap_or_else(|e| e.into_inner()).clone()
    }

    pub fn len(&self) -> usize {
        self.0.items.read().unwrap_or_else(|e| e.into_inner()).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, index: usize) -> Option<Value> {
        self.0.items.read().unwrap_or_else(|e| e.into_inner()).get(index).cloned()
    }

    /// Changes the list in place, for every holder.
    pub fn edit<R>(&self, change: impl FnOnce(&mut Vec<Value>) -> R) -> R {
        change(Arc::make_mut(&mut self.0.items.write().unwrap_or_else(|e| e.into_inner())))
    }

    pub fn push(&self, value: Value) {
        self.edit(|items| items.push(value));
    }

    /// Loaded lists come from variables; templates must copy before they edit them.
    pub fn is_loaded(&self) -> bool {
        self.0.templates.is_some()
    }

    pub fn has_template(&self) -> bool {
        match self.0.templates {
            Some(known) => known,
            None => self.items().iter().any(Value::has_template),
        }
    }

    pub fn same_cell(&self, other: &List) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Identity, for cycle detection.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}
