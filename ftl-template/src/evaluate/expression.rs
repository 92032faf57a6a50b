//! Expressions to values.

use std::sync::Arc;

use ftl_core::{Map, Value};

use super::callable::Lenient;
use super::scope::Frame;
use super::{Machine, attribute, callable, compare, global, marker, operator, output};
use crate::call::{Arguments, Failure};
use crate::dispatch;
use crate::syntax::{CallArguments, Expression};

impl Machine<'_> {
    pub(crate) fn evaluate(&self, frame: &Frame, expression: &Expression) -> Result<Value, Failure> {
        match expression {
            Expression::Constant(value) => match value {
                Value::Str(text) if self.render_constants.get() && super::looks_like_template(text) => {
                    self.render_constant(text)
                }
                _ => Ok(value.clone()),
            },
            Expression::Name(name) => self.name(frame, name),
            Expression::Captured => Ok(frame.captured.clone().unwrap_or_default()),
            Expression::Attribute(object, name) => {
                let object = self.evaluate(frame, object)?;
                attribute::get_attribute(self, &object, name)
            }
            _ => crate::stack::grow(|| self.evaluate_deep(frame, expression)),
        }
    }

    fn evaluate_deep(&self, frame: &Frame, expression: &Expression) -> Result<Value, Failure> {
        match expression {
            Expression::List(items) => Ok(Value::list(self.evaluate_all(frame, items)?)),
            Expression::Tuple(items) => {
                let items = self.evaluate_all(frame, items)?;
                Ok(Value::Tuple(items.into()))
            }
            Expression::Dict(entries) => self.dict(frame, entries),
            Expression::Item(object, key) => {
                let object = self.evaluate(frame, object)?;
                let key = self.evaluate(frame, key)?;
                attribute::get_item(self, &object, &key)
            }
            Expression::Slice(object, parts) => {
                let object = self.evaluate(frame, object)?;
                let mut bounds = [Value::None, Value::None, Value::None];
                for (bound, part) in bounds.iter_mut().zip(parts.iter()) {
                    if let Some(part) = part {
                        *bound = self.evaluate(frame, part)?;
                    }
                }
                attribute::slice(&object, bounds)
            }
            Expression::Call(function, arguments) => self.call(frame, function, arguments),
            Expression::Filter(value, name, arguments) => {
                let value = self.evaluate(frame, value)?;
                let arguments = self.arguments(frame, arguments)?;
                dispatch::filter_value(&self.evaluation, name, value, arguments)
            }
            Expression::Test(value, name, arguments) => {
                let value = self.evaluate(frame, value)?;
                let arguments = self.arguments(frame, arguments)?;
                dispatch::test_value(&self.evaluation, name, value, arguments)
            }
            Expression::Not(value) => Ok(Value::Bool(!self.truth(frame, value)?)),
            Expression::Negative(value) => operator::negative(&self.evaluate(frame, value)?),
            Expression::Positive(value) => operator::positive(&self.evaluate(frame, value)?),
            Expression::Binary(operator, left, right) => {
                let left = self.evaluate(frame, left)?;
                let right = self.evaluate(frame, right)?;
                operator::binary(self, *operator, left, right)
            }
            Expression::And(left, right) => {
                let left = self.evaluate(frame, left)?;
                if truth_of(&left)? { self.evaluate(frame, right) } else { Ok(left) }
            }
            Expression::Or(left, right) => {
                let left = self.evaluate(frame, left)?;
                if truth_of(&left)? { Ok(left) } else { self.evaluate(frame, right) }
            }
            Expression::Concat(parts) => {
                let mut text = String::new();
                for value in self.evaluate_all(frame, parts)? {
                    match &value {
                        Value::Str(part) => {
                            self.evaluation.check_text(text.len() + part.len())?;
                            text.push_str(part);
                        }
                        _ => text.push_str(&output::text_of(self, value)?),
                    }
                    self.evaluation.check_text(text.len())?;
                }
                Ok(Value::str(text))
            }
            Expression::Compare(first, operands) => {
                let mut left = self.evaluate(frame, first)?;
                for (at, (comparison, operand)) in operands.iter().enumerate() {
                    let right = self.evaluate(frame, operand)?;
                    let holds = compare::compare(self, *comparison, &left, &right)?;
                    if !holds || at + 1 == operands.len() {
                        return Ok(Value::Bool(holds));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Expression::Conditional(test, value, otherwise) => {
                if self.truth(frame, test)? {
                    return self.evaluate(frame, value);
                }
                match otherwise {
                    Some(otherwise) => self.evaluate(frame, otherwise),
                    None => Ok(Value::Object(Arc::new(Lenient))),
                }
            }
            Expression::Constant(_) | Expression::Name(_) | Expression::Captured | Expression::Attribute(..) => {
                self.evaluate(frame, expression)
            }
        }
    }

    fn evaluate_all(&self, frame: &Frame, expressions: &[Expression]) -> Result<Vec<Value>, Failure> {
        expressions.iter().map(|e| self.evaluate(frame, e)).collect()
    }

    fn dict(&self, frame: &Frame, entries: &[(Expression, Expression)]) -> Result<Value, Failure> {
        let mut map = Map::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.evaluate(frame, key)?;
            operator::check_hashable(&key)?;
            map.insert(key, self.evaluate(frame, value)?);
        }
        Ok(Value::dict(map))
    }

    /// The truth of an expression; a marker fails.
    pub(crate) fn truth(&self, frame: &Frame, expression: &Expression) -> Result<bool, Failure> {
        truth_of(&self.evaluate(frame, expression)?)
    }

    pub(crate) fn arguments(&self, frame: &Frame, arguments: &CallArguments) -> Result<Arguments, Failure> {
        self.arguments_after(frame, arguments, None)
    }

    /// The arguments, the first of which is known already when it is given.
    fn arguments_after(
        &self,
        frame: &Frame,
        arguments: &CallArguments,
        first: Option<Value>,
    ) -> Result<Arguments, Failure> {
        let rest = arguments.positional.get(first.is_some() as usize..).unwrap_or_default();
        let mut positional: Vec<Value> = first.into_iter().collect();
        positional.extend(self.evaluate_all(frame, rest)?);
        let mut named: Vec<(Arc<str>, Value)> = Vec::with_capacity(arguments.named.len());
        for (name, value) in &arguments.named {
            named.push((name.clone(), self.evaluate(frame, value)?));
        }
        if let Some(spread) = &arguments.spread {
            let items = self.evaluate(frame, spread)?;
            positional.extend(self.iterate(&items)?);
        }
        if let Some(spread) = &arguments.spread_named {
            let entries = self.evaluate(frame, spread)?;
            marker::touch(&entries)?;
            let Some(entries) = entries.as_map() else {
                return Err(Failure::type_error("argument after ** must be a mapping"));
            };
            for (key, value) in entries.iter() {
                let Some(key) = key.as_str() else {
                    return Err(Failure::type_error("keywords must be strings"));
                };
                if named.iter().any(|(name, _)| **name == *key) {
                    return Err(Failure::type_error(format!("got multiple values for keyword argument '{key}'")));
                }
                named.push((Arc::from(key), self.access(value.clone())?));
            }
        }
        Ok(Arguments::new(positional, named))
    }

    fn call(&self, frame: &Frame, function: &Expression, arguments: &CallArguments) -> Result<Value, Failure> {
        // The usual call of a method needs no bound method object.
        if let Expression::Attribute(object, name) = function {
            let object = self.evaluate(frame, object)?;
            if crate::method::exists(&object, name) {
                let arguments = self.arguments(frame, arguments)?;
                return callable::call_method(self, &object, name, arguments);
            }
            let function = attribute::get_attribute(self, &object, name)?;
            let arguments = self.arguments(frame, arguments)?;
            return callable::call(self, &function, arguments);
        }
        let function = self.evaluate(frame, function)?;
        if !global::is_lookup(&function) {
            return callable::call(self, &function, self.arguments(frame, arguments)?);
        }
        // Templates in the terms of lookups are rendered, as they were before there was trust; their names never were.
        let before = self.render_constants.replace(false);
        let name = arguments.positional.first().map(|name| self.evaluate(frame, name)).transpose();
        self.render_constants.set(true);
        let evaluated = self.arguments_after(frame, arguments, name?);
        self.render_constants.set(before);
        callable::call(self, &function, evaluated?)
    }

    /// What a loop over the value gives; templates inside are rendered one by one.
    pub(crate) fn iterate(&self, value: &Value) -> Result<Vec<Value>, Failure> {
        match value {
            Value::List(list) => {
                let items = list.items();
                (0..items.len()).map(|at| attribute::list_element(self, list, at, &items[at])).collect()
            }
            Value::Tuple(items) => items.iter().map(|item| self.access(item.clone())).collect(),
            Value::Object(object) => {
                self.evaluation.check_items(object.len().unwrap_or_default())?;
                crate::method::iterate(value)
            }
            other => crate::method::iterate(other),
        }
    }
}

/// Python's truth; a marker fails.
pub(crate) fn truth_of(value: &Value) -> Result<bool, Failure> {
    marker::touch(value)?;
    Ok(value.is_true())
}
