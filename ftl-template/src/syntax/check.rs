//! A walk over a new tree: are all filters and tests known, and may something change in place?

use std::sync::Arc;

use super::{CallArguments, Expression, Macro, Statement, SyntaxError, Template};
use crate::{filter, jinja_test};

/// Methods that change their list or dict.
pub(crate) const MUTATORS: [&str; 12] = [
    "append",
    "extend",
    "insert",
    "pop",
    "remove",
    "clear",
    "sort",
    "reverse",
    "update",
    "setdefault",
    "popitem",
    "__setitem__",
];

/// Notes filters and tests that are not ansible-core's: unless a plugin has them, they are a syntax error. Inside `if` that is
/// only found out at run time, as in Jinja.
pub(super) fn check(template: &mut Template) {
    let mut walk = Walk { soft: 0, mutates: false, unknown: vec![] };
    walk.statements(&template.body);
    template.mutates = walk.mutates;
    template.foreign = walk.unknown;
}

/// The error for a foreign name that nobody has.
pub(super) fn resolve(template: &Template, has: &dyn Fn(&str, &str) -> bool) -> Result<(), SyntaxError> {
    match template.foreign.iter().find(|(kind, name)| !has(kind, name)) {
        Some((kind, name)) => Err(SyntaxError::new(format!("No {kind} named '{name}'."), 0)),
        None => Ok(()),
    }
}

struct Walk {
    soft: usize,
    mutates: bool,
    unknown: Vec<(&'static str, Arc<str>)>,
}

impl Walk {
    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Output(parts) => parts.iter().for_each(|part| self.expression(part)),
            Statement::If(branches, otherwise) => {
                self.soft += 1;
                for (test, body) in branches {
                    self.expression(test);
                    self.statements(body);
                }
                self.statements(otherwise);
                self.soft -= 1;
            }
            Statement::For(f) => {
                self.expression(&f.iterable);
                f.condition.iter().for_each(|c| self.expression(c));
                self.statements(&f.body);
                self.statements(&f.otherwise);
            }
            Statement::Set(_, value) => self.expression(value),
            Statement::SetBlock(_, filter, body) => {
                filter.iter().for_each(|f| self.expression(f));
                self.statements(body);
            }
            Statement::With(assignments, body) => {
                assignments.iter().for_each(|(_, value)| self.expression(value));
                self.statements(body);
            }
            Statement::Macro(m) => self.macro_body(m),
            Statement::CallBlock(call, caller) => {
                self.expression(call);
                self.macro_body(caller);
            }
            Statement::FilterBlock(filter, body) => {
                self.expression(filter);
                self.statements(body);
            }
            Statement::Block(block) => self.statements(&block.body),
            Statement::Scope(body) => self.statements(body),
            Statement::Do(value) => self.expression(value),
            Statement::Extends(template)
            | Statement::Include { template, .. }
            | Statement::Import { template, .. }
            | Statement::FromImport { template, .. } => {
                // What is pulled in may change what this template hands to it.
                self.mutates = true;
                self.expression(template);
            }
            Statement::Break | Statement::Continue => {}
        }
    }

    fn macro_body(&mut self, m: &Macro) {
        m.defaults.iter().for_each(|d| self.expression(d));
        self.statements(&m.body);
    }

    fn arguments(&mut self, arguments: &CallArguments) {
        arguments.positional.iter().for_each(|a| self.expression(a));
        arguments.named.iter().for_each(|(_, a)| self.expression(a));
        arguments.spread.iter().for_each(|a| self.expression(a));
        arguments.spread_named.iter().for_each(|a| self.expression(a));
    }

    fn unknown(&mut self, kind: &'static str, name: &str, is_known: bool) {
        if !is_known && self.soft == 0 {
            self.unknown.push((kind, name.into()));
        }
    }

    fn expression(&mut self, expression: &Expression) {
        use Expression::*;
        crate::stack::grow(|| match expression {
            Constant(_) | Name(_) | Captured => {}
            List(items) | Tuple(items) | Concat(items) => items.iter().for_each(|i| self.expression(i)),
            Dict(entries) => entries.iter().for_each(|(k, v)| {
                self.expression(k);
                self.expression(v);
            }),
            Attribute(object, name) => {
                self.mutates |= MUTATORS.contains(&&**name);
                self.expression(object);
            }
            Item(object, key) => {
                self.mutates |= matches!(&**key, Constant(k) if k.as_str().is_some_and(|k| MUTATORS.contains(&k)));
                self.expression(object);
                self.expression(key);
            }
            Slice(object, parts) => {
                self.expression(object);
                parts.iter().flatten().for_each(|p| self.expression(p));
            }
            Call(function, arguments) => {
                self.expression(function);
                self.arguments(arguments);
            }
            Filter(value, name, arguments) => {
                self.mutates |= &**name == "attr";
                self.unknown("filter", name, filter::find(name).is_some());
                self.expression(value);
                self.arguments(arguments);
            }
            Test(value, name, arguments) => {
                self.unknown("test", name, jinja_test::find(name).is_some());
                self.expression(value);
                self.arguments(arguments);
            }
            Not(value) | Negative(value) | Positive(value) => self.expression(value),
            Binary(_, a, b) | And(a, b) | Or(a, b) => {
                self.expression(a);
                self.expression(b);
            }
            Compare(first, operands) => {
                self.expression(first);
                operands.iter().for_each(|(_, operand)| self.expression(operand));
            }
            Conditional(test, value, otherwise) => {
                self.soft += 1;
                self.expression(test);
                self.expression(value);
                otherwise.iter().for_each(|o| self.expression(o));
                self.soft -= 1;
            }
        });
    }
}
