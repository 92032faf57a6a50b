//! Python's ways to put values into text: `%`, `str.format`, `strftime`.

pub(crate) mod braces;
pub(crate) mod percent;
mod spec;
mod time;

pub(crate) use spec::{MAX_WIDTH, fixed};
pub(crate) use time::{epoch, strftime};
