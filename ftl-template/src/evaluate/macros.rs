//! Macros, imported templates, and `super()`.

use std::any::Any;
use std::sync::{Arc, Weak};

use ftl_core::{Object, Value};

use super::scope::{Frame, Scope, Unit};
use super::{Machine, marker};
use crate::call::{Arguments, Failure};
use crate::syntax::Macro;

/// A macro, with the scope it was defined in. The machine keeps that scope as long as the template runs.
pub(crate) struct MacroObject {
    definition: Arc<Macro>,
    scope: Weak<Scope>,
    unit: Arc<Unit>,
    /// `self.unit.root` may be the scope that holds this macro; weak, so that both can go.
    captured: Option<Value>,
}

impl MacroObject {
    pub(crate) fn new(definition: Arc<Macro>, frame: &Frame) -> MacroObject {
        MacroObject {
            definition,
            scope: Arc::downgrade(&frame.scope),
            unit: frame.unit.clone(),
            captured: frame.captured.clone(),
        }
    }

    pub(crate) fn call(&self, machine: &Machine<'_>, mut arguments: Arguments) -> Result<Value, Failure> {
        let definition = &self.definition;
        let Some(scope) = self.scope.upgrade() else {
            return Err(Failure::value_error("this macro belongs to a template that has ended"));
        };
        let scope = Scope::child(&scope);
        let frame = Frame { scope, unit: self.unit.clone(), captured: self.captured.clone() };
        self.bind(machine, &frame, &mut arguments)?;
        crate::stack::deeper(machine.depth_limit() * 2, || machine.capture(&frame, &definition.body))
    }

    fn bind(&self, machine: &Machine<'_>, frame: &Frame, arguments: &mut Arguments) -> Result<(), Failure> {
        let definition = &self.definition;
        let count = definition.parameters.len();
        let first_default = count - definition.defaults.len();
        let caller = arguments.take_named("caller");
        for (at, name) in definition.parameters.iter().enumerate() {
            let value = match arguments.take_positional(at).or_else(|| arguments.take_named(name)) {
                Some(value) => value,
                None if at >= first_default => machine.evaluate(frame, &definition.defaults[at - first_default])?,
                None => {
                    let message = format!("parameter '{name}' was not provided");
                    marker::undefined(message, machine.evaluation.origin())
                }
            };
            frame.scope.set(name, value);
        }
        let rest = arguments.rest();
        let rest_named = arguments.rest_map();
        if definition.uses_caller || caller.is_some() {
            let caller = match caller {
                Some(_) if !definition.uses_caller => {
                    return Err(Failure::type_error(format!(
                        "macro '{}' was invoked with two values for the special caller argument. This is most likely \
                         a bug.",
                        definition.name
                    )));
                }
                Some(caller) => caller,
                None => marker::undefined("No caller defined", machine.evaluation.origin()),
            };
            frame.scope.set(&Arc::from("caller"), caller);
        }
        if definition.uses_kwargs {
            frame.scope.set(&Arc::from("kwargs"), Value::dict(rest_named));
        } else if let Some((name, _)) = rest_named.text_iter().next() {
            return Err(Failure::type_error(format!("macro '{}' takes no keyword argument '{name}'", definition.name)));
        }
        if definition.uses_varargs {
            frame.scope.set(&Arc::from("varargs"), Value::Tuple(rest.into()));
        } else if !rest.is_empty() {
            return Err(Failure::type_error(format!(
                "macro '{}' takes not more than {count} argument(s)",
                definition.name
            )));
        }
        Ok(())
    }
}

impl Object for MacroObject {
    fn type_name(&self) -> &str {
        "Macro"
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        match name {
            "name" => Some(Value::str(&*self.definition.name)),
            "arguments" => {
                Some(Value::Tuple(self.definition.parameters.iter().map(|p| Value::str(p.clone())).collect()))
            }
            "catch_kwargs" => Some(Value::Bool(self.definition.uses_kwargs)),
            "catch_varargs" => Some(Value::Bool(self.definition.uses_varargs)),
            "caller" => Some(Value::Bool(self.definition.uses_caller)),
            _ => None,
        }
    }
    fn is_true(&self) -> bool {
        true
    }
    fn repr(&self) -> String {
        format!("<Macro {}>", ftl_core::value::repr_str(&self.definition.name))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An imported template: its macros and the names it set.
pub(crate) struct Module {
    pub name: Arc<str>,
    pub exports: Vec<(Arc<str>, Value)>,
    pub text: Value,
}

impl Module {
    /// The export of this name, or a marker.
    pub(crate) fn export(&self, machine: &Machine<'_>, name: &str, line: u32) -> Value {
        self.get_attr(name).unwrap_or_else(|| {
            let message = format!(
                "the template '{}' (imported on line {line}) does not export the requested name '{name}'",
                self.name
            );
            marker::undefined(message, machine.evaluation.origin())
        })
    }
}

impl Object for Module {
    fn type_name(&self) -> &str {
        "TemplateModule"
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        self.exports.iter().find(|(n, _)| **n == *name).map(|(_, value)| value.clone())
    }
    fn is_true(&self) -> bool {
        true
    }
    fn repr(&self) -> String {
        format!("<TemplateModule '{}'>", self.name)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `super()` inside a block: the block of the same name in the template below.
pub(crate) struct Super {
    scope: Weak<Scope>,
    unit: Arc<Unit>,
    name: Arc<str>,
    level: usize,
}

impl Super {
    pub(crate) fn new(frame: &Frame, name: Arc<str>, level: usize) -> Super {
        Super { scope: Arc::downgrade(&frame.scope), unit: frame.unit.clone(), name, level }
    }

    pub(crate) fn call(&self, machine: &Machine<'_>) -> Result<Value, Failure> {
        let Some(scope) = self.scope.upgrade() else {
            return Err(Failure::value_error("this block has ended"));
        };
        let Some(block) = self.unit.block(&self.name, self.level) else {
            let message = format!("there is no parent block called '{}'.", self.name);
            return Ok(marker::undefined(message, machine.evaluation.origin()));
        };
        let frame = Frame { scope, unit: self.unit.clone(), captured: None };
        let mut out = Vec::new();
        machine.run_block(&frame, &block, self.level, &mut out)?;
        super::output::concat(machine.renderer(), out)
    }
}

impl Object for Super {
    fn type_name(&self) -> &str {
        "BlockReference"
    }
    fn is_true(&self) -> bool {
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `self`: the blocks of the template, by name.
pub(crate) struct SelfReference {
    scope: Weak<Scope>,
    unit: Arc<Unit>,
}

impl SelfReference {
    pub(crate) fn new(frame: &Frame) -> SelfReference {
        SelfReference { scope: Arc::downgrade(&frame.scope), unit: frame.unit.clone() }
    }
}

impl Object for SelfReference {
    fn type_name(&self) -> &str {
        "TemplateReference"
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        self.unit.block(name, 0)?;
        let block = Super { scope: self.scope.clone(), unit: self.unit.clone(), name: name.into(), level: 0 };
        Some(Value::Object(Arc::new(block)))
    }
    fn is_true(&self) -> bool {
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
