//! Expressions, from `if … else` down to names and literals.

use std::sync::Arc;

use ftl_core::Value;

use super::parser::{Parsed, Parser, is_constant, quoted};
use super::token::Token;
use super::{CallArguments, Comparison, Expression, Operator};

impl Parser {
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.deeper(Parser::conditional)
    }

    fn conditional(&mut self) -> Parsed<Expression> {
        let mut value = self.or()?;
        let mut links = 0;
        while self.skip_name("if") {
            self.link(&mut links)?;
            let test = self.or()?;
            let otherwise = if self.skip_name("else") { Some(Box::new(self.expression()?)) } else { None };
            value = Expression::Conditional(Box::new(test), Box::new(value), otherwise);
        }
        Ok(value)
    }

    fn or(&mut self) -> Parsed<Expression> {
        let mut left = self.and()?;
        let mut links = 0;
        while self.skip_name("or") {
            self.link(&mut links)?;
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expression> {
        let mut left = self.not()?;
        let mut links = 0;
        while self.skip_name("and") {
            self.link(&mut links)?;
            left = Expression::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed<Expression> {
        if self.skip_name("not") {
            let inner = self.deeper(Parser::not)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let first = self.sum()?;
        let mut operands = Vec::new();
        loop {
            let comparison = match self.current() {
                Token::Symbol("==") => Comparison::Equal,
                Token::Symbol("!=") => Comparison::NotEqual,
                Token::Symbol("<") => Comparison::Less,
                Token::Symbol("<=") => Comparison::LessEqual,
                Token::Symbol(">") => Comparison::Greater,
                Token::Symbol(">=") => Comparison::GreaterEqual,
                token if token.is_name("in") => Comparison::In,
                token if token.is_name("not") && self.look().is_name("in") => {
                    self.next();
                    Comparison::NotIn
                }
                _ => break,
            };
            self.next();
            operands.push((comparison, self.sum()?));
        }
        Ok(if operands.is_empty() { first } else { Expression::Compare(Box::new(first), operands) })
    }

    fn sum(&mut self) -> Parsed<Expression> {
        let mut left = self.concat()?;
        let mut links = 0;
        loop {
            self.link(&mut links)?;
            let operator = match self.current() {
                Token::Symbol("+") => Operator::Add,
                Token::Symbol("-") => Operator::Subtract,
                _ => return Ok(left),
            };
            self.next();
            left = Expression::Binary(operator, Box::new(left), Box::new(self.concat()?));
        }
    }

    fn concat(&mut self) -> Parsed<Expression> {
        let first = self.product()?;
        if !self.current().is_symbol("~") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.skip_symbol("~") {
            parts.push(self.product()?);
        }
        Ok(Expression::Concat(parts))
    }

    fn product(&mut self) -> Parsed<Expression> {
        let mut left = self.power()?;
        let mut links = 0;
        loop {
            self.link(&mut links)?;
            let operator = match self.current() {
                Token::Symbol("*") => Operator::Multiply,
                Token::Symbol("/") => Operator::Divide,
                Token::Symbol("//") => Operator::FloorDivide,
                Token::Symbol("%") => Operator::Modulo,
                _ => return Ok(left),
            };
            self.next();
            left = Expression::Binary(operator, Box::new(left), Box::new(self.power()?));
        }
    }

    fn power(&mut self) -> Parsed<Expression> {
        let mut left = self.unary(true)?;
        let mut links = 0;
        while self.skip_symbol("**") {
            self.link(&mut links)?;
            left = Expression::Binary(Operator::Power, Box::new(left), Box::new(self.unary(true)?));
        }
        Ok(left)
    }

    fn unary(&mut self, with_filters: bool) -> Parsed<Expression> {
        let value = if self.skip_symbol("-") {
            Expression::Negative(Box::new(self.deeper(|p| p.unary(false))?))
        } else if self.skip_symbol("+") {
            Expression::Positive(Box::new(self.deeper(|p| p.unary(false))?))
        } else {
            self.primary(false)?
        };
        let value = self.postfix(value)?;
        if with_filters { self.filters_and_tests(value) } else { Ok(value) }
    }

    fn primary(&mut self, with_namespace: bool) -> Parsed<Expression> {
        match self.current().clone() {
            Token::Name(name) => {
                self.next();
                if is_constant(&name) {
                    return Ok(Expression::Constant(match &*name {
                        "true" | "True" => Value::Bool(true),
                        "false" | "False" => Value::Bool(false),
                        _ => Value::None,
                    }));
                }
                if with_namespace && self.skip_symbol(".") {
                    let attribute = self.expect_name()?;
                    return Ok(Expression::Attribute(Box::new(Expression::Name(name)), attribute));
                }
                if let Some(mentioned) = self.mentioned.last_mut() {
                    mentioned.push(name.clone());
                }
                Ok(Expression::Name(name))
            }
            Token::Text(mut text) => {
                self.next();
                while let Token::Text(more) = self.current() {
                    text.push_str(more);
                    self.next();
                }
                Ok(Expression::Constant(Value::str(text)))
            }
            Token::Number(number) => {
                self.next();
                Ok(Expression::Constant(number))
            }
            Token::Symbol("(") => {
                self.next();
                let value = self.deeper(|p| p.tuple_or_empty())?;
                self.expect_symbol(")")?;
                Ok(value)
            }
            Token::Symbol("[") => {
                self.next();
                let mut items = Vec::new();
                while !self.current().is_symbol("]") {
                    if !items.is_empty() {
                        self.expect_symbol(",")?;
                    }
                    if self.current().is_symbol("]") {
                        break;
                    }
                    items.push(self.expression()?);
                }
                self.expect_symbol("]")?;
                Ok(Expression::List(items))
            }
            Token::Symbol("{") => {
                self.next();
                let mut entries = Vec::new();
                while !self.current().is_symbol("}") {
                    if !entries.is_empty() {
                        self.expect_symbol(",")?;
                    }
                    if self.current().is_symbol("}") {
                        break;
                    }
                    let key = self.expression()?;
                    self.expect_symbol(":")?;
                    entries.push((key, self.expression()?));
                }
                self.expect_symbol("}")?;
                Ok(Expression::Dict(entries))
            }
            token => self.fail(format!("unexpected {}", quoted(&token.describe()))),
        }
    }

    fn tuple_or_empty(&mut self) -> Parsed<Expression> {
        if self.current().is_symbol(")") {
            return Ok(Expression::Tuple(Vec::new()));
        }
        self.tuple(true, &[], None)
    }

    /// One expression, or several with commas between them. `simple`: only names and literals, as left of `=`,
    /// perhaps with `namespace.name`.
    pub(super) fn tuple(&mut self, with_conditional: bool, end: &[&str], simple: Option<bool>) -> Parsed<Expression> {
        let mut items = Vec::new();
        let mut is_tuple = false;
        loop {
            if !items.is_empty() {
                self.expect_symbol(",")?;
            }
            let at_end = matches!(self.current(), Token::VariableEnd | Token::BlockEnd | Token::Symbol(")"));
            if at_end || end.iter().any(|name| self.current().is_name(name)) {
                break;
            }
            items.push(if let Some(with_namespace) = simple {
                self.primary(with_namespace)?
            } else if with_conditional {
                self.expression()?
            } else {
                self.deeper(Parser::or)?
            });
            if !self.current().is_symbol(",") {
                break;
            }
            is_tuple = true;
        }
        if is_tuple {
            return Ok(Expression::Tuple(items));
        }
        match items.pop() {
            Some(item) => Ok(item),
            None => self.fail(format!("Expected an expression, got {}", quoted(&self.current().describe()))),
        }
    }

    fn postfix(&mut self, mut value: Expression) -> Parsed<Expression> {
        let mut links = 0;
        loop {
            self.link(&mut links)?;
            value = if self.skip_symbol(".") {
                match self.next() {
                    Token::Name(name) => Expression::Attribute(Box::new(value), name),
                    Token::Number(index @ (Value::Int(_) | Value::BigInt(_))) => {
                        Expression::Item(Box::new(value), Box::new(Expression::Constant(index)))
                    }
                    _ => return self.fail("expected name or number"),
                }
            } else if self.skip_symbol("[") {
                self.subscript(value)?
            } else if self.current().is_symbol("(") {
                Expression::Call(Box::new(value), self.call_arguments()?)
            } else {
                return Ok(value);
            };
        }
    }

    fn subscript(&mut self, value: Expression) -> Parsed<Expression> {
        if self.current().is_symbol(":") {
            return self.slice(value, None);
        }
        if self.skip_symbol("]") {
            return Ok(Expression::Item(Box::new(value), Box::new(Expression::Tuple(Vec::new()))));
        }
        let first = self.expression()?;
        if self.current().is_symbol(":") {
            return self.slice(value, Some(first));
        }
        if self.skip_symbol("]") {
            return Ok(Expression::Item(Box::new(value), Box::new(first)));
        }
        let mut items = vec![first];
        while !self.skip_symbol("]") {
            self.expect_symbol(",")?;
            items.push(self.expression()?);
        }
        Ok(Expression::Item(Box::new(value), Box::new(Expression::Tuple(items))))
    }

    fn slice(&mut self, value: Expression, start: Option<Expression>) -> Parsed<Expression> {
        let mut parts = [start, None, None];
        for part in parts.iter_mut().skip(1) {
            if !self.skip_symbol(":") {
                break;
            }
            if !matches!(self.current(), Token::Symbol(":" | "]" | ",")) {
                *part = Some(self.expression()?);
            }
        }
        if !self.skip_symbol("]") {
            // Several subscripts may follow each other, but no slices.
            return self.expect_symbol(",").and_then(|()| self.fail("several slices are not supported"));
        }
        Ok(Expression::Slice(Box::new(value), Box::new(parts)))
    }

    fn filters_and_tests(&mut self, mut value: Expression) -> Parsed<Expression> {
        let mut links = 0;
        loop {
            self.link(&mut links)?;
            value = if self.current().is_symbol("|") {
                self.filters(value, false)?
            } else if self.current().is_name("is") {
                self.test(value)?
            } else if self.current().is_symbol("(") {
                Expression::Call(Box::new(value), self.call_arguments()?)
            } else {
                return Ok(value);
            };
        }
    }

    fn dotted_name(&mut self) -> Parsed<Arc<str>> {
        let first = self.expect_name()?;
        if !self.current().is_symbol(".") {
            return Ok(first);
        }
        let mut name = first.to_string();
        while self.skip_symbol(".") {
            name.push('.');
            name.push_str(&self.expect_name()?);
        }
        Ok(name.into())
    }

    /// `|name(arguments)` as often as it comes; `inline`: the first bar is missing.
    pub(super) fn filters(&mut self, mut value: Expression, mut inline: bool) -> Parsed<Expression> {
        let mut links = 0;
        while inline || self.skip_symbol("|") {
            self.link(&mut links)?;
            inline = false;
            let name = self.dotted_name()?;
            let arguments =
                if self.current().is_symbol("(") { self.call_arguments()? } else { CallArguments::default() };
            value = Expression::Filter(Box::new(value), name, arguments);
        }
        Ok(value)
    }

    fn test(&mut self, value: Expression) -> Parsed<Expression> {
        self.next();
        let negated = self.skip_name("not");
        let name = self.dotted_name()?;
        let mut arguments = CallArguments::default();
        match self.current() {
            Token::Symbol("(") => arguments = self.call_arguments()?,
            token if token.is_name("else") || token.is_name("or") || token.is_name("and") => {}
            Token::Name(_) | Token::Text(_) | Token::Number(_) | Token::Symbol("[" | "{") => {
                if self.current().is_name("is") {
                    return self.fail("You cannot chain multiple tests with is");
                }
                let argument = self.primary(false)?;
                arguments.positional.push(self.postfix(argument)?);
            }
            _ => {}
        }
        let test = Expression::Test(Box::new(value), name, arguments);
        Ok(if negated { Expression::Not(Box::new(test)) } else { test })
    }

    fn call_arguments(&mut self) -> Parsed<CallArguments> {
        self.expect_symbol("(")?;
        let mut arguments = CallArguments::default();
        let mut more = false;
        while !self.current().is_symbol(")") {
            if more {
                self.expect_symbol(",")?;
                if self.current().is_symbol(")") {
                    break;
                }
            }
            more = true;
            let named_spread = arguments.spread_named.is_some();
            let spread = arguments.spread.is_some() || named_spread;
            let valid = if self.skip_symbol("*") {
                arguments.spread = Some(Box::new(self.expression()?));
                !spread
            } else if self.skip_symbol("**") {
                arguments.spread_named = Some(Box::new(self.expression()?));
                !named_spread
            } else if let (Token::Name(name), true) = (self.current().clone(), self.look().is_symbol("=")) {
                self.next();
                self.next();
                if arguments.named.iter().any(|(known, _)| *known == name) {
                    return self.fail(format!("keyword argument repeated: {name}"));
                }
                arguments.named.push((name, self.expression()?));
                !named_spread
            } else {
                let valid = !spread && arguments.named.is_empty();
                arguments.positional.push(self.expression()?);
                valid
            };
            if !valid {
                return self.fail("invalid syntax for function call expression");
            }
        }
        self.expect_symbol(")")?;
        Ok(arguments)
    }
}
