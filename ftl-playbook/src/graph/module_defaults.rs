//! Arguments that `module_defaults` gives a task.

use ftl_core::port::ModuleRuntime;
use ftl_core::value::{Map, Value};

/// The default arguments for an action: what the (rendered) `module_defaults` dicts say for its groups and for itself, later
/// dicts over earlier ones, its own name over its groups. `action` is the canonical name (`ansible.builtin.copy`).
pub fn default_arguments(defaults: &[Value], action: &str, modules: &dyn ModuleRuntime) -> Map {
    let mut merged = Map::new();
    for dict in defaults {
        if let Some(dict) = dict.as_map() {
            merged.extend(dict.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }
    let mut arguments = Map::new();
    let mut take = |value: &Value| {
        if let Some(map) = value.as_map() {
            arguments.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    };
    for (name, value) in merged.text_iter() {
        if name.strip_prefix("group/").is_some_and(|group| group_has(group, action, modules)) {
            take(value);
        }
    }
    for (name, value) in merged.text_iter() {
        if !name.starts_with("group/") && means(name, action) {
            take(value);
        }
    }
    arguments
}

fn group_has(group: &str, action: &str, modules: &dyn ModuleRuntime) -> bool {
    let full = if group.split('.').count() < 3 { format!("ansible.builtin.{group}") } else { group.to_string() };
    let members = modules.group_members(&full).or_else(|| modules.group_members(group)).unwrap_or_default();
    members.iter().any(|member| means(member, action))
}

/// Short names and `ansible.legacy` names mean the builtin of that name too.
fn means(name: &str, action: &str) -> bool {
    if name == action {
        return true;
    }
    let short = crate::parse::builtin_name(name);
    short.is_some() && short == crate::parse::builtin_name(action)
}
