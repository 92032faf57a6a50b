//! Text to tree: Jinja's lexer and parser, with Jinja's words when the text is wrong.

mod tree;
mod token;
mod lexer;
mod escape;
mod parser;
mod expression;
mod check;
mod cache;

pub(crate) use escape::unescape;
pub(crate) use cache::{parse_expression, parse_template};
pub(crate) use token::{Syntax, SyntaxError};
pub(crate) use tree::*;
