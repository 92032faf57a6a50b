//! `for`, and the `loop` that its body can ask.

use std::any::Any;
use std::sync::{Arc, Mutex};

use ftl_core::{Object, Value};

use super::Machine;
use super::scope::Frame;
use super::statement::Flow;
use crate::call::{Arguments, Failure};
use crate::syntax::For;

/// The `loop` of one run through a `for`.
pub(crate) struct Loop {
    items: Arc<Vec<Value>>,
    state: Mutex<State>,
    depth: usize,
    /// For recursive loops: what to run again, and where.
    again: Option<(Arc<For>, Frame)>,
}

#[derive(Default)]
struct State {
    at: usize,
    changed: Option<Vec<Value>>,
}

impl Machine<'_> {
    pub(crate) fn run_for(&self, frame: &Frame, f: &Arc<For>, out: &mut Vec<Value>) -> Result<Flow, Failure> {
        let iterable = self.evaluate(frame, &f.iterable)?;
        self.run_loop(frame, f, &iterable, 0, out)
    }

    fn run_loop(
        &self,
        frame: &Frame,
        f: &Arc<For>,
        iterable: &Value,
        depth: usize,
        out: &mut Vec<Value>,
    ) -> Result<Flow, Failure> {
        super::marker::touch(iterable)?;
        let mut items = self.iterate(iterable)?;
        self.evaluation.check_items(items.len())?;
        if let Some(condition) = &f.condition {
            let mut kept = Vec::with_capacity(items.len());
            for item in items {
                let inner = frame.inner();
                self.assign(&inner, &f.target, item.clone())?;
                if self.truth(&inner, condition)? {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            return self.run_body(&frame.inner(), &f.otherwise, out);
        }
        let items = Arc::new(items);
        let state = f.uses_loop.then(|| {
            let again = f.recursive.then(|| (f.clone(), frame.clone()));
            Arc::new(Loop { items: items.clone(), state: Mutex::default(), depth, again })
        });
        let name: Arc<str> = Arc::from("loop");
        // One scope for all turns, unless a macro or block remembers it.
        let mut inner = frame.inner();
        for (at, item) in items.iter().enumerate() {
            if at % 64 == 0 {
                self.evaluation.check_deadline()?;
            }
            if Arc::strong_count(&inner.scope) > 1 {
                inner = frame.inner();
            } else {
                inner.scope.clear();
            }
            if let Some(state) = &state {
                state.lock().at = at;
                inner.scope.set(&name, Value::Object(state.clone()));
            }
            self.assign(&inner, &f.target, item.clone())?;
            match self.run_body(&inner, &f.body, out)? {
                Flow::Break => break,
                Flow::Next | Flow::Continue => {}
            }
        }
        Ok(Flow::Next)
    }
}

impl Loop {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// `loop(items)` inside a recursive loop.
    pub(crate) fn recurse(&self, machine: &Machine<'_>, items: &Value) -> Result<Value, Failure> {
        let Some((f, frame)) = &self.again else {
            return Err(Failure::type_error("The loop must have the 'recursive' marker to be called recursively."));
        };
        crate::stack::deeper(machine.depth_limit() * 2, || {
            let mut out = Vec::new();
            machine.run_loop(frame, f, items, self.depth + 1, &mut out)?;
            super::output::concat(machine.renderer(), out)
        })
    }

    pub(crate) fn call(&self, name: &str, mut arguments: Arguments) -> Result<Value, Failure> {
        let values = arguments.rest();
        let mut state = self.lock();
        if name == "changed" {
            let changed = state.changed.as_ref() != Some(&values);
            state.changed = Some(values);
            return Ok(Value::Bool(changed));
        }
        if values.is_empty() {
            return Err(Failure::type_error("no items for cycling given"));
        }
        Ok(values[state.at % values.len()].clone())
    }
}

impl Object for Loop {
    fn type_name(&self) -> &str {
        "LoopContext"
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        let (at, length) = (self.lock().at, self.items.len());
        let number = |n: usize| Some(Value::from(n));
        match name {
            "index" => number(at + 1),
            "index0" => number(at),
            "revindex" => number(length - at),
            "revindex0" => number(length - at - 1),
            "first" => Some(Value::Bool(at == 0)),
            "last" => Some(Value::Bool(at + 1 == length)),
            "length" => number(length),
            "depth" => number(self.depth + 1),
            "depth0" => number(self.depth),
            "previtem" => {
                at.checked_sub(1).and_then(|at| self.items.get(at)).cloned().or_else(|| Some(no_item("previous")))
            }
            "nextitem" => self.items.get(at + 1).cloned().or_else(|| Some(no_item("next"))),
            _ => None,
        }
    }

    fn len(&self) -> Option<usize> {
        Some(self.items.len())
    }

    fn is_true(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        format!("<LoopContext {}/{}>", self.lock().at + 1, self.items.len())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn no_item(which: &str) -> Value {
    Value::undefined(format!("there is no {which} item"))
}
