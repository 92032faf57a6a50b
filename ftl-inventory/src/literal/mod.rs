//! Python literals (`ast.literal_eval`): the types of values in INI inventories.

mod cursor;
mod expression;
mod number;
mod text;

pub use expression::{Literal, read_literal};
