//! Names that templates set themselves.

use std::sync::{Arc, Mutex, MutexGuard};

use ftl_core::Value;
use rustc_hash::FxHashMap;

use crate::syntax::Block;

/// One level of names; looking up goes on to the parent.
pub(crate) struct Scope {
    names: Mutex<Vec<(Arc<str>, Value)>>,
    parent: Option<Arc<Scope>>,
}

impl Scope {
    pub(crate) fn root() -> Arc<Scope> {
        Arc::new(Scope { names: Mutex::default(), parent: None })
    }

    pub(crate) fn child(parent: &Arc<Scope>) -> Arc<Scope> {
        Arc::new(Scope { names: Mutex::default(), parent: Some(parent.clone()) })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<str>, Value)>> {
        self.names.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        let mut scope = self;
        loop {
            if let Some((_, value)) = scope.lock().iter().find(|(n, _)| **n == *name) {
                return Some(value.clone());
            }
            scope = scope.parent.as_ref()?;
        }
    }

    /// Sets a name on this level.
    pub(crate) fn set(&self, name: &Arc<str>, value: Value) {
        let mut names = self.lock();
        match names.iter_mut().find(|(n, _)| n == name) {
            Some(entry) => entry.1 = value,
            None => names.push((name.clone(), value)),
        }
    }

    /// Forgets the names of this level: the next turn of a loop starts afresh.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// The names of this level.
    pub(crate) fn own(&self) -> Vec<(Arc<str>, Value)> {
        self.lock().clone()
    }
}

/// What all parts of one template share.
pub(crate) struct Unit {
    /// Imported templates see no variables unless asked `with context`.
    pub with_variables: bool,
    pub root: Arc<Scope>,
    /// The versions of each block, the most derived first.
    pub blocks: Mutex<FxHashMap<Arc<str>, Vec<Arc<Block>>>>,
    /// The template that this one turned out to extend.
    parent: Mutex<Option<Value>>,
}

impl Unit {
    pub(crate) fn new(with_variables: bool, root: Arc<Scope>) -> Arc<Unit> {
        Arc::new(Unit { with_variables, root, blocks: Mutex::default(), parent: Mutex::default() })
    }

    pub(crate) fn parent(&self) -> MutexGuard<'_, Option<Value>> {
        self.parent.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(crate) fn add_blocks(&self, blocks: &[Arc<Block>]) {
        let mut known = self.blocks.lock().unwrap_or_else(|e| e.into_inner());
        for block in blocks {
            known.entry(block.name.clone()).or_default().push(block.clone());
        }
    }

    pub(crate) fn block(&self, name: &str, level: usize) -> Option<Arc<Block>> {
        self.blocks.lock().unwrap_or_else(|e| e.into_inner()).get(name)?.get(level).cloned()
    }
}

/// Where evaluation stands: the names it sees, and what surrounds it.
#[derive(Clone)]
pub(crate) struct Frame {
    pub scope: Arc<Scope>,
    pub unit: Arc<Unit>,
    /// The text of the innermost `{% filter %}` or filtered `{% set %}`.
    pub captured: Option<Value>,
}

impl Frame {
    pub(crate) fn new(unit: Arc<Unit>) -> Frame {
        Frame { scope: unit.root.clone(), unit, captured: None }
    }

    pub(crate) fn inner(&self) -> Frame {
        Frame { scope: Scope::child(&self.scope), ..self.clone() }
    }
}
