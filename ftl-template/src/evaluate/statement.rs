//! Statements, one after the other.

use std::sync::Arc;

use ftl_core::Value;
use ftl_core::value::{Dict, List, type_name};

use super::callable::Namespace;
use super::macros::{MacroObject, Super};
use super::scope::Frame;
use super::{Machine, callable, marker};
use crate::call::Failure;
use crate::syntax::{Block, Expression, Statement, Target, Template};

/// How a list of statements ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
}

impl Machine<'_> {
    /// Runs a whole template, and the template that it extends.
    pub(crate) fn run_unit(&self, template: &Template, frame: &Frame, out: &mut Vec<Value>) -> Result<(), Failure> {
        frame.unit.add_blocks(&template.blocks);
        self.run_until_extends(&template.body, frame, out)?;
        let Some(parent) = frame.unit.parent().take() else {
            return Ok(());
        };
        let parent = self.load_template(&parent)?;
        crate::stack::deeper(self.depth_limit(), || self.run_unit(&parent.0, frame, out))
    }

    /// Runs the body; what comes after `extends` is heard but not seen.
    fn run_until_extends(&self, body: &[Statement], frame: &Frame, out: &mut Vec<Value>) -> Result<(), Failure> {
        for statement in body {
            let extends = frame.unit.parent().is_some();
            match statement {
                Statement::Block(_) | Statement::Output(_) if extends => {}
                statement if extends => {
                    self.run_statement(frame, statement, &mut Vec::new())?;
                }
                statement => {
                    self.run_statement(frame, statement, out)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn depth_limit(&self) -> usize {
        self.evaluation.shared().budget.depth
    }

    pub(crate) fn run_body(&self, frame: &Frame, body: &[Statement], out: &mut Vec<Value>) -> Result<Flow, Failure> {
        for statement in body {
            let flow = self.run_statement(frame, statement, out)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// What a body puts out, as one value.
    pub(crate) fn capture(&self, frame: &Frame, body: &[Statement]) -> Result<Value, Failure> {
        let mut nodes = Vec::new();
        self.run_body(frame, body, &mut nodes)?;
        match super::output::concat(self.renderer(), nodes) {
            Err(failure) => marker::from_failure(failure, self.evaluation.origin(), self.kind),
            ok => ok,
        }
    }

    fn run_statement(&self, frame: &Frame, statement: &Statement, out: &mut Vec<Value>) -> Result<Flow, Failure> {
        match statement {
            Statement::Output(parts) => {
                for part in parts {
                    let value = self.evaluate(frame, part)?;
                    let value = callable::module_text(&value).unwrap_or(value);
                    // Later changes in place must not show in what is already put out.
                    out.push(if self.exact { snapshot(value) } else { value });
                }
                self.evaluation.check_items(out.len())?;
            }
            Statement::If(branches, otherwise) => {
                for (test, body) in branches {
                    if self.truth(frame, test)? {
                        return crate::stack::grow(|| self.run_body(frame, body, out));
                    }
                }
                return crate::stack::grow(|| self.run_body(frame, otherwise, out));
            }
            Statement::For(f) => return crate::stack::grow(|| self.run_for(frame, f, out)),
            Statement::Set(target, value) => {
                let value = self.evaluate(frame, value)?;
                self.assign(frame, target, value)?;
            }
            Statement::SetBlock(target, filter, body) => {
                let value = crate::stack::grow(|| self.capture(&frame.inner(), body))?;
                let value = match filter {
                    Some(filter) => self.filter_captured(frame, filter, value)?,
                    None => value,
                };
                self.assign(frame, target, value)?;
            }
            Statement::With(assignments, body) => {
                let inner = frame.inner();
                for (target, value) in assignments {
                    let value = self.evaluate(frame, value)?;
                    self.assign(&inner, target, value)?;
                }
                return crate::stack::grow(|| self.run_body(&inner, body, out));
            }
            Statement::Macro(definition) => {
                let object = MacroObject::new(definition.clone(), frame);
                self.keep(&frame.scope);
                frame.scope.set(&definition.name, Value::Object(Arc::new(object)));
            }
            Statement::CallBlock(call, caller) => {
                let Expression::Call(function, arguments) = call else {
                    return Ok(Flow::Next);
                };
                let function = self.evaluate(frame, function)?;
                let mut positional = self.arguments(frame, arguments)?;
                self.keep(&frame.scope);
                positional.push_named("caller", Value::Object(Arc::new(MacroObject::new(caller.clone(), frame))));
                out.push(callable::call(self, &function, positional)?);
            }
            Statement::FilterBlock(filter, body) => {
                let value = crate::stack::grow(|| self.capture(&frame.inner(), body))?;
                out.push(self.filter_captured(frame, filter, value)?);
            }
            Statement::Block(block) => {
                let block = frame.unit.block(&block.name, 0).unwrap_or_else(|| block.clone());
                crate::stack::grow(|| self.run_block(frame, &block, 0, out))?;
            }
            Statement::Extends(template) => {
                let parent = self.evaluate(frame, template)?;
                if frame.unit.parent().replace(parent).is_some() {
                    return Err(Failure::value_error("extended multiple times"));
                }
            }
            Statement::Include { template, ignore_missing, with_context } => {
                self.include(frame, template, *ignore_missing, *with_context, out)?;
            }
            Statement::Import { template, target, with_context } => {
                let name = self.evaluate(frame, template)?;
                let module = self.import(frame, &name, *with_context)?;
                frame.scope.set(target, Value::Object(module));
            }
            Statement::FromImport { template, names, with_context, line } => {
                let name = self.evaluate(frame, template)?;
                let module = self.import(frame, &name, *with_context)?;
                for (name, alias) in names {
                    frame.scope.set(alias, module.export(self, name, *line));
                }
            }
            Statement::Scope(body) => {
                return crate::stack::grow(|| self.run_body(&frame.inner(), body, out));
            }
            Statement::Do(value) => {
                self.evaluate(frame, value)?;
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn filter_captured(&self, frame: &Frame, filter: &Expression, captured: Value) -> Result<Value, Failure> {
        let frame = Frame { captured: Some(captured), ..frame.clone() };
        self.evaluate(&frame, filter)
    }

    pub(crate) fn run_block(
        &self,
        frame: &Frame,
        block: &Arc<Block>,
        level: usize,
        out: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        if block.required {
            return Err(Failure::value_error(format!("Required block '{}' not found", block.name)));
        }
        let scope = if block.scoped { &frame.scope } else { &frame.unit.root };
        let inner = Frame { scope: super::scope::Scope::child(scope), ..frame.clone() };
        inner
            .scope
            .set(&Arc::from("super"), Value::Object(Arc::new(Super::new(&inner, block.name.clone(), level + 1))));
        self.keep(&inner.scope);
        crate::stack::deeper(self.depth_limit() * 2, || self.run_body(&inner, &block.body, out)).map(|_| ())
    }

    pub(crate) fn assign(&self, frame: &Frame, target: &Target, value: Value) -> Result<(), Failure> {
        match target {
            Target::Name(name) => {
                frame.scope.set(name, value);
                Ok(())
            }
            Target::Attribute(object, name) => {
                let namespace = self.name(frame, object)?;
                if let Value::Object(o) = &namespace
                    && let Some(Namespace(map)) = o.as_any().downcast_ref::<Namespace>()
                {
                    map.lock().unwrap_or_else(|e| e.into_inner()).insert(&**name, value);
                    return Ok(());
                }
                Err(Failure::value_error("cannot assign attribute on non-namespace object"))
            }
            Target::Tuple(targets) => {
                let items = self.iterate(&value).map_err(|failure| match failure.marker() {
                    Some(_) => failure,
                    None => Failure::type_error(format!("cannot unpack non-iterable {} object", type_name(&value))),
                })?;
                if items.len() > targets.len() {
                    return Err(Failure::value_error(format!(
                        "too many values to unpack (expected {})",
                        targets.len()
                    )));
                }
                if items.len() < targets.len() {
                    return Err(Failure::value_error(format!(
                        "not enough values to unpack (expected {}, got {})",
                        targets.len(),
                        items.len()
                    )));
                }
                targets.iter().zip(items).try_for_each(|(target, item)| self.assign(frame, target, item))
            }
        }
    }
}

fn snapshot(value: Value) -> Value {
    match &value {
        Value::List(list) => Value::List(List::shared(list.items())),
        Value::Dict(dict) => Value::Dict(Dict::shared(dict.entries())),
        _ => value,
    }
}
