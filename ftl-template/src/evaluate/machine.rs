//! One template being evaluated.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::source::Diagnostic;
use ftl_core::value::{Dict, List};
use ftl_core::{Str, Undefined, Value};
use rustc_hash::FxHashMap;

use super::macros::SelfReference;
use super::scope::{Frame, Scope, Unit};
use super::{global, marker, output};
use crate::call::Failure;
use crate::syntax::{Syntax, Template};
use crate::{Evaluation, Renderer};

pub(crate) struct Machine<'r> {
    pub evaluation: Evaluation<'r>,
    /// The template may change lists and dicts in place: what it takes from variables is copied first, so that the change
    /// is seen by this template and by nothing else, as in Ansible.
    pub exact: bool,
    pub syntax: Arc<Syntax>,
    /// Strings that look like templates inside an expression are rendered (conditionals do that).
    pub render_constants: Cell<bool>,
    /// The text of the template itself.
    source: Str,
    /// Where `include` and `import` look; the playbook's directory when empty.
    pub search_path: Vec<PathBuf>,
    pub is_conditional: bool,
    /// `template` or `expression`, for messages.
    pub kind: &'static str,
    /// Variables this template has looked up.
    names: RefCell<FxHashMap<Arc<str>, Value>>,
    /// Scopes that macros refer to, kept until the template ends.
    kept: RefCell<Vec<Arc<Scope>>>,
}

impl<'r> Machine<'r> {
    pub(crate) fn new(renderer: &'r Renderer, text: &Str, syntax: Arc<Syntax>) -> Machine<'r> {
        Machine {
            evaluation: Evaluation::new(renderer, text.origin().cloned()),
            exact: false,
            syntax,
            render_constants: Cell::new(false),
            is_conditional: false,
            kind: "template",
            source: text.clone(),
            search_path: Vec::new(),
            names: RefCell::default(),
            kept: RefCell::default(),
        }
    }

    /// Runs a template to its single value. A failure of the template is a marker in the result; only limits are errors.
    pub(crate) fn run(&mut self, template: &Template) -> Result<Value, Failure> {
        self.exact = template.mutates;
        let unit = Unit::new(true, Scope::root());
        let mut nodes = Vec::new();
        let outcome = self.run_unit(template, &Frame::new(unit), &mut nodes);
        self.single(nodes, outcome)
    }

    /// The one value of `nodes`; what ended the run early comes last.
    pub(crate) fn single(&self, mut nodes: Vec<Value>, outcome: Result<(), Failure>) -> Result<Value, Failure> {
        if let Err(failure) = outcome {
            nodes.push(marker::from_failure(failure, self.evaluation.origin(), self.kind)?);
            // The template may have been cut short: text before is no result on its own.
            if self.kind == "template" {
                nodes.push(marker::undefined("template potentially truncated", self.evaluation.origin()));
            }
        }
        match output::concat(self.renderer(), nodes) {
            Err(failure) => marker::from_failure(failure, self.evaluation.origin(), self.kind),
            ok => ok,
        }
    }

    /// A string literal that is itself a template: Ansible renders it in conditionals and in the terms of lookups, with a warning.
    pub(crate) fn render_constant(&self, text: &Str) -> Result<Value, Failure> {
        if !self.evaluation.shared().allow_embedded_templates {
            return Ok(Value::Str(text.clone()));
        }
        let mut warning = Diagnostic::warning(
            "Jinja constant strings should not contain embedded templates. This feature will be disabled by default in \
             ansible-core 2.23.",
        )
        .at(self.source.origin().cloned());
        warning.hint = Some(self.constant_hint().to_string());
        self.evaluation.warn(warning);
        self.renderer().render_nested(&self.source.part(text.shared()))
    }

    fn constant_hint(&self) -> &'static str {
        if self.is_conditional {
            "Use inline expressions, for example: `when: \"{{ a_var }}\" == 42` becomes `when: a_var == 42`"
        } else {
            "Use inline expressions, for example: `msg: \"{{ lookup('env', '{{ a_var }}') }}\"` becomes `msg: \"{{ \
             lookup('env', a_var) }}\"`"
        }
    }

    pub(crate) fn keep(&self, scope: &Arc<Scope>) {
        self.kept.borrow_mut().push(scope.clone());
    }

    pub(crate) fn renderer(&self) -> &'r Renderer {
        self.evaluation.renderer()
    }

    /// The value of a name: set by the template, a variable, or a global.
    pub(crate) fn name(&self, frame: &Frame, name: &Arc<str>) -> Result<Value, Failure> {
        if let Some(value) = frame.scope.get(name) {
            return Ok(value);
        }
        if frame.unit.with_variables {
            if let Some(value) = self.names.borrow().get(name) {
                return Ok(value.clone());
            }
            if let Some(raw) = self.renderer().scope().get(name) {
                let rendered = matches!(&raw, Value::Str(s) if s.is_template());
                let value = self.own(self.access(raw)?);
                if rendered || self.exact {
                    self.names.borrow_mut().insert(name.clone(), value.clone());
                }
                return Ok(value);
            }
        }
        if &**name == "self" {
            return Ok(Value::Object(Arc::new(SelfReference::new(frame))));
        }
        match global::find(name) {
            Some(value) => Ok(value),
            None => Ok(marker::undefined(format!("'{name}' is undefined"), self.evaluation.origin())),
        }
    }

    /// A value taken from a variable: a template is rendered, a container stays as it is until its items are taken.
    pub(crate) fn access(&self, value: Value) -> Result<Value, Failure> {
        match &value {
            Value::Str(text) if text.is_template() => self.renderer().render_nested(text),
            Value::Tuple(_) if value.has_template() => self.deep(value),
            Value::Undefined(missing) if missing.origin.is_none() => {
                let origin = self.evaluation.origin().cloned();
                Ok(Value::Undefined(Arc::new(Undefined { origin, ..(**missing).clone() })))
            }
            Value::Str(_) => Ok(self
                .renderer()
                .check_trust(&value)
                .map_or_else(|error| super::error_marker(error, None), |()| value)),
            _ => Ok(value),
        }
    }

    /// A container of the variables becomes a copy that this template may change, when it might.
    pub(crate) fn own(&self, value: Value) -> Value {
        match &value {
            Value::List(list) if self.exact && list.is_loaded() => Value::List(List::shared(list.items())),
            Value::Dict(dict) if self.exact && dict.is_loaded() => Value::Dict(Dict::shared(dict.entries())),
            _ => value,
        }
    }

    /// The value with everything inside it rendered; what fails becomes a marker inside.
    pub(crate) fn deep(&self, value: Value) -> Result<Value, Failure> {
        self.renderer().deep(value)
    }

    /// The value ready for use as data: rendered inside, and free of markers.
    pub(crate) fn solid(&self, value: Value) -> Result<Value, Failure> {
        let value = self.deep(value)?;
        marker::trip(&value)?;
        Ok(value)
    }
}
