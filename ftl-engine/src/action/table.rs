//! All actions, by canonical name.

use super::*;

/// An action and what the engine must know about it beforehand.
pub(crate) struct ActionSpec {
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

/// An action whose module answers.
const fn with_module(name: &'static str, run: ActionFunction) -> ActionSpec {
    ActionSpec { is_module: true, ..action(name, run) }
}

const fn with_async(name: &'static str, run: ActionFunction) -> ActionSpec {
    ActionSpec { supports_async: true, ..with_module(name, run) }
}

const fn once(name: &'static str, run: ActionFunction) -> ActionSpec {
    ActionSpec { bypass_host_loop: true, ..action(name, run) }
}

/// Sorted by name.
pub(super) static ACTIONS: &[ActionSpec] = &[
    action("ansible._protomatter.debug", debug::run_expressions),
    once("ansible.builtin.add_host", add_host::run),
    with_module("ansible.builtin.assemble", assemble::run),
    action("ansible.builtin.assert", assert::run),
    with_module("ansible.builtin.async_status", async_status::run),
    with_async("ansible.builtin.command", command::run),
    with_module("ansible.builtin.copy", copy::run),
    action("ansible.builtin.debug", debug::run),
    with_async("ansible.builtin.dnf", package::run_dnf),
    action("ansible.builtin.fail", fail::run),
    action("ansible.builtin.fetch", fetch::run),
    action("ansible.builtin.gather_facts", gather_facts::run),
    action("ansible.builtin.group_by", group_by::run),
    action("ansible.builtin.include_vars", include_vars::run),
    with_async("ansible.builtin.package", package::run),
    once("ansible.builtin.pause", pause::run),
    action("ansible.builtin.raw", raw::run),
    action("ansible.builtin.reboot", reboot::run),
    action("ansible.builtin.script", script::run),
    with_async("ansible.builtin.service", service::run),
    action("ansible.builtin.set_fact", set_fact::run),
    action("ansible.builtin.set_stats", set_stats::run),
    with_async("ansible.builtin.shell", command::run_shell),
    with_module("ansible.builtin.template", template::run),
    with_module("ansible.builtin.unarchive", unarchive::run),
    with_async("ansible.builtin.uri", uri::run),
    action("ansible.builtin.validate_argument_spec", validate_argument_spec::run),
    action("ansible.builtin.wait_for_connection", wait_for_connection::run),
];

/// Every other module: its arguments as they are.
pub(super) static PASSTHROUGH: ActionSpec = with_async("ansible.builtin.normal", passthrough::run);

/// Modules whose half on the controller is a plugin in Python.
pub(crate) static PLUGIN: ActionSpec =
    ActionSpec { supports_async: true, ..action("ansible.legacy.plugin", plugin::run) };

/// The action of this canonical name; modules without one of their own are passed through.
pub(crate) fn find(name: &str) -> &'static ActionSpec {
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
