//! What filters, tests and lookups may ask of the template that calls them.

use std::sync::Arc;

use ftl_core::source::{Diagnostic, Origin, Removal};
use ftl_core::{Map, Str, Value};

use crate::call::{Arguments, Failure};
use crate::evaluate::{self, Machine};
use crate::{FileOptions, Renderer, Shared};

/// One template being rendered. Functions get it as their first argument.
pub struct Evaluation<'a> {
    renderer: &'a Renderer,
    origin: Option<Origin>,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(renderer: &'a Renderer, origin: Option<Origin>) -> Evaluation<'a> {
        Evaluation { renderer, origin }
    }

    /// The variable, rendered; markers of undefined parts may be inside.
    pub fn get(&self, name: &str) -> Result<Option<Value>, Failure> {
        self.renderer.variable(name)
    }

    /// The variable as it was written.
    pub fn raw(&self, name: &str) -> Option<Value> {
        self.renderer.scope().get(name)
    }

    /// The names of all variables.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.renderer.scope().names()
    }

    pub fn call_filter(&self, name: &str, value: Value, arguments: Arguments) -> Result<Value, Failure> {
        crate::dispatch::filter(self, name, value, arguments)
    }

    pub fn call_test(&self, name: &str, value: Value, arguments: Arguments) -> Result<bool, Failure> {
        crate::dispatch::test(self, name, value, arguments)
    }

    /// The results of a lookup, as a list (`query`).
    pub fn call_lookup(&self, name: &str, terms: Vec<Value>, options: Arguments) -> Result<Vec<Value>, Failure> {
        crate::dispatch::lookup(self, name, terms, options)
    }

    /// Renders what trusted templates are inside `value`; everything else comes back as it is.
    pub fn render(&self, value: &Value) -> Result<Value, Failure> {
        let value = self.renderer.deep(value.clone())?;
        crate::evaluate::trip(&value)?;
        Ok(value)
    }

    /// Renders a template file's text (`lookup('template', …)`), with further variables on top.
    pub fn render_file(&self, text: &Str, options: &FileOptions, variables: Map) -> Result<String, Failure> {
        let renderer = self.renderer.with_variables(variables);
        renderer.render_file(text, options).map_err(Failure::from)
    }

    /// As [`render_file`](Evaluation::render_file), with the template's own value; markers may be inside.
    pub fn render_file_value(&self, text: &Str, options: &FileOptions, variables: Map) -> Result<Value, Failure> {
        let renderer = self.renderer.with_variables(variables);
        let value = renderer.render_file_inner(text, options)?;
        renderer.deep(value)
    }

    pub(crate) fn machine(&self) -> Machine<'a> {
        Machine::new(self.renderer, &Str::with_origin("", self.origin.clone()), self.renderer.syntax().clone())
    }

    /// `value[key]`, or the marker for its absence.
    pub fn item(&self, value: &Value, key: &Value) -> Result<Value, Failure> {
        evaluate::get_item(&self.machine(), value, key)
    }

    /// `value.name`, or the marker for its absence.
    pub fn attribute(&self, value: &Value, name: &str) -> Result<Value, Failure> {
        evaluate::get_attribute(&self.machine(), value, name)
    }

    /// `a + b`.
    pub fn add(&self, a: Value, b: Value) -> Result<Value, Failure> {
        evaluate::add(&self.machine(), a, b)
    }

    /// `a % b`.
    pub fn modulo(&self, a: Value, b: Value) -> Result<Value, Failure> {
        evaluate::modulo(&self.machine(), a, b)
    }

    /// `item in container`.
    pub fn contains(&self, container: &Value, item: &Value) -> Result<bool, Failure> {
        evaluate::contains(&self.machine(), container, item)
    }

    pub fn shared(&self) -> &Shared {
        self.renderer.shared()
    }

    /// A warning of the task whose template this is.
    pub fn warn(&self, warning: Diagnostic) {
        (self.shared().warn)(warning);
    }

    /// As [`warn`](Evaluation::warn), of a feature that ansible-core takes away.
    pub fn deprecate(&self, message: String, version: &str) {
        self.warn(Diagnostic::deprecation(message).removed(Removal::core(version)));
    }

    pub fn renderer(&self) -> &'a Renderer {
        self.renderer
    }

    /// Where the template was written.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Says that the result may differ next time (random, time, files): what depends on it is not remembered.
    pub fn impure(&self) {
        self.renderer.mark_impure();
    }

    /// Fails when the deadline has passed: call it in loops.
    pub fn check_deadline(&self) -> Result<(), Failure> {
        self.renderer.check_deadline()
    }

    /// Fails when a text of this size is beyond the budget.
    pub fn check_text(&self, bytes: usize) -> Result<(), Failure> {
        if bytes > self.shared().budget.text {
            return Err(Failure::new(crate::FailureKind::Limit, format!("text of {bytes} bytes is beyond the budget")));
        }
        Ok(())
    }

    /// Fails when a list of this many items is beyond the budget.
    pub fn check_items(&self, items: usize) -> Result<(), Failure> {
        if items > self.shared().budget.items {
            return Err(Failure::new(crate::FailureKind::Limit, format!("list of {items} items is beyond the budget")));
        }
        self.check_deadline()
    }
}
