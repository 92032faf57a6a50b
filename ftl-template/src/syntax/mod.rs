//! Text to tree: Jinja's lexer and parser, with Jinja's words when the text is wrong.

mod cache;
mod check;
mod escape;
mod expression;
mod lexer;
mod parser;
mod token;
mod tree;

pub(crate) use cache::{parse_expression, parse_template};
pub(crate) use escape::unescape;
pub(crate) use token::{Syntax, SyntaxError};
pub(crate) use tree::*;
