//! All modules, sorted by name.

use ftl_sdk::Module;

use crate::{command, copy, file, lineinfile, ping, setup, slurp, stat, tempfile, wait_for};

pub const MODULES: &[&Module] = &[
    &command::MODULE,
    &copy::MODULE,
    &file::MODULE,
    &lineinfile::MODULE,
    &ping::MODULE,
    &setup::MODULE,
    &slurp::MODULE,
    &stat::MODULE,
    &tempfile::MODULE,
    &wait_for::MODULE,
];

/// The module of that short name.
pub fn find(name: &str) -> Option<&'static Module> {
    MODULES.binary_search_by(|module| module.name.cmp(name)).ok().map(|at| MODULES[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(MODULES.is_sorted_by(|a, b| a.name < b.name));
    }
}
