//! Python's `re`: its syntax, its messages and its match loop, on top of `fancy-regex`.
//!
//! [`Regex::new`] parses what Python would parse (`parse`, `class`, `group`), rejects what Python rejects, and writes the
//! pattern anew in the dialect of `fancy-regex` (`translate`); `regex` finds matches as `re.finditer` does.

mod class;
mod error;
mod group;
mod parse;
mod regex;
mod replacement;
mod source;
mod syntax;
mod translate;

pub use error::RegexError;
pub use regex::{Match, Matches, Regex, escape};
pub use replacement::Replacement;
pub use syntax::Flags;
