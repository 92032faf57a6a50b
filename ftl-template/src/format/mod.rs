//! Python's ways to put values into text: `%`, `str.format`, `strftime`.

mod spec;
pub(crate) mod percent;
pub(crate) mod braces;
mod time;

pub(crate) use time::{epoch, strftime};
