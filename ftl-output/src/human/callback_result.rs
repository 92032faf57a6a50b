//! A result as Ansible's callbacks get it, and the questions displays ask about it.

use std::sync::Arc;

use ftl_core::event::HostResult;
use ftl_core::value::{Map, Value};

/// Said by the event already.
const REMOVED: [&str; 2] = ["failed", "skipped"];
/// All that stays of a result under `no_log`.
const KEPT_CENSORED: [&str; 7] =
    ["attempts", "changed", "retries", "_ansible_no_log", "exception", "warnings", "deprecations"];
const CENSORED: &str = "the output has been hidden due to the fact that 'no_log: true' was specified for this result";
/// What `debug` says besides its variable.
const DEBUG_HIDDEN: [&str; 8] = [
    "changed",
    "failed",
    "skipped",
    "invocation",
    "skip_reason",
    "ansible_loop_var",
    "ansible_index_var",
    "ansible_loop",
];
const DEBUG_SHOWN: [&str; 4] = ["msg", "exception", "warnings", "deprecations"];

pub(crate) fn is_true(map: &Map, key: &str) -> bool {
    map.get(key).is_some_and(Value::is_true)
}

/// Is this the action `name` of ansible-core, however it is written?
pub(crate) fn is_action(action: &str, names: &[&str]) -> bool {
    let short = action.strip_prefix("ansible.builtin.").or(action.strip_prefix("ansible.legacy.")).unwrap_or(action);
    names.contains(&short)
}

pub(crate) fn is_debug(result: &HostResult) -> bool {
    is_action(&result.task.action, &["debug"])
}

/// An include only starts something: the lines of its files and roles say the rest.
pub(crate) fn is_include(result: &HostResult) -> bool {
    is_action(&result.task.action, &["include_tasks", "include_role", "import_role", "import_tasks"])
}

/// `command` and its like show what they printed, not a result.
pub(crate) fn is_raw(result: &HostResult) -> bool {
    let windows = ["ansible.windows.win_command", "ansible.windows.win_shell"];
    is_action(&result.task.action, &["command", "shell", "raw", "win_command", "win_shell"])
        || windows.contains(&&*result.task.action)
}

/// The result of a loop, whose items were shown one by one.
pub(crate) fn is_loop(result: &HostResult) -> bool {
    result.looped && result.result.contains_key("results")
}

/// The keys callbacks see: without those the event itself speaks for. The deep `_ansible_*` ones go when it is dumped.
pub(crate) fn visible(result: &HostResult) -> Map {
    let mut map = censored(&result.result);
    for key in REMOVED {
        map.remove(key);
    }
    if is_debug(result) {
        map.remove("invocation");
    }
    map
}

/// The engine censors; a result that says it is secret is never shown even if it did not.
fn censored(result: &Arc<Map>) -> Map {
    if !is_true(result, "_ansible_no_log") || result.contains_key("censored") {
        return (**result).clone();
    }
    let mut map = censored_part(result);
    if let Some(items) = result.get("results").and_then(Value::as_items) {
        let items = items.iter().map(|item| match item.as_map() {
            Some(item) if is_true(&item, "_ansible_no_log") => Value::dict(censored_part(&item)),
            _ => item.clone(),
        });
        map.insert("results", items.collect::<Value>());
    }
    map
}

fn censored_part(result: &Map) -> Map {
    let mut map = Map::new();
    for key in KEPT_CENSORED {
        if let Some(value) = result.get(key) {
            map.insert(key, value.clone());
        }
    }
    map.insert("censored", CENSORED);
    map
}

/// `debug` shows its message, or its variable, and nothing else.
pub(crate) fn clean(map: &mut Map, result: &HostResult) {
    if !is_debug(result) {
        return;
    }
    if map.contains_key("msg") {
        map.retain(|key, _| key.as_str().is_some_and(|k| DEBUG_SHOWN.contains(&k) || k.starts_with('_')));
    } else {
        for key in DEBUG_HIDDEN {
            map.remove(key);
        }
    }
}

/// Does `-v` (above `level`), or the action itself, ask for the whole result?
pub(crate) fn is_verbose(result: &Map, verbosity: u8, level: u8) -> bool {
    (verbosity > level || matches!(result.get("_ansible_verbose_always"), Some(Value::Bool(true))))
        && matches!(result.get("_ansible_verbose_override"), None | Some(Value::Bool(false)))
}

/// `host`, `host -> delegate` or `host -> delegate(address)`.
pub(crate) fn host_label(result: &HostResult) -> String {
    match &result.delegated {
        Some((delegate, address)) if **delegate != *result.host => match address {
            Some(address) if address != delegate => format!("{} -> {delegate}({address})", result.host),
            _ => format!("{} -> {delegate}", result.host),
        },
        _ => result.host.to_string(),
    }
}

pub(crate) fn item_label(result: &HostResult) -> String {
    if is_true(&result.result, "_ansible_no_log") {
        return "(censored due to no_log)".into();
    }
    result.item.clone().unwrap_or_else(|| "None".into())
}
