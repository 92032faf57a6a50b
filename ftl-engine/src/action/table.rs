//! All actions, by canonical name.

use super::{ActionFunction, assert, debug, fail, passthrough, set_fact};

/// An action and what the engine must know about it beforehand.
pub struct ActionSpec {
    pub name: &'static str,
    pub run: ActionFunction,
    /// Runs once for all hosts of the batch (`add_host`, `pause`).
    pub bypass_host_loop: bool,
    pub supports_async: bool,
    pub supports_check: bool,
    /// The module behind it makes the result (so failures say "Module failed").
    pub is_module: bool,
}

const fn action(name: &'static str, run: ActionFunction) -> ActionSpec {
    ActionSpec { name, run, bypass_host_loop: false, supports_async: false, supports_check: true, is_module: false }
}

/// Sorted by name.
pub(super) static ACTIONS: &[ActionSpec] = &[
    action("ansible.builtin.assert", assert::run),
    action("ansible.builtin.debug", debug::run),
    action("ansible.builtin.fail", fail::run),
    action("ansible.builtin.set_fact", set_fact::run),
];

/// Every other module: its arguments as they are.
pub(super) static PASSTHROUGH: ActionSpec = ActionSpec {
    name: "ansible.builtin.normal",
    run: passthrough::run,
    bypass_host_loop: false,
    supports_async: true,
    supports_check: true,
    is_module: true,
};

/// The action of this canonical name; modules without one of their own are passed through.
pub fn find(name: &str) -> &'static ActionSpec {
    match ACTIONS.binary_search_by(|a| a.name.cmp(name)) {
        Ok(index) => &ACTIONS[index],
        Err(_) => &PASSTHROUGH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(ACTIONS.is_sorted_by_key(|a| a.name));
    }
}
