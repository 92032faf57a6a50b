//! Host patterns: `web:&prod:!old`, globs, `~regex`, `group[0:2]`, `@file` limits.

mod glob;
mod limit;
mod select;
mod split;

pub use glob::matches_glob;
pub use limit::{Limit, check_targets};
pub use select::Selection;
pub use split::split_host_pattern;
