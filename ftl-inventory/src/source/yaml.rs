//! YAML inventories: groups with `hosts`, `vars` and `children`.

use ftl_core::source::Diagnostic;
use ftl_core::value::to_text;
use ftl_core::{Map, Value};

use super::attempt::Attempt;
use crate::draft::{Draft, Entity};
use crate::inventory::GroupId;
use crate::range::expand_host_pattern;

pub(super) fn wants(attempt: &Attempt<'_>) -> bool {
    let extension = attempt.extension();
    attempt.is_readable() && (extension.is_empty() || attempt.settings.yaml_extensions.contains(&extension))
}

pub(super) fn read(attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    // Ansible keeps the words of a parse error here, not its place.
    let data = load(attempt, draft).map_err(|error| Diagnostic::error(error.one_line()))?;
    if !data.is_true() {
        return Err(Diagnostic::error("Parsed empty YAML file"));
    }
    let Some(groups) = data.as_map() else {
        return Err(Diagnostic::error(format!(
            "YAML inventory has invalid structure, it should be a dictionary, got: {}",
            class_name(&data)
        )));
    };
    if groups.get("plugin").is_some_and(Value::is_true) {
        return Err(Diagnostic::error("Plugin configuration YAML file, not YAML inventory"));
    }
    for (name, content) in groups.iter() {
        read_group(name, content, draft, 0)?;
    }
    Ok(())
}

pub(super) fn load(attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<Value, Diagnostic> {
    let loaded = attempt.loader.load_value(&attempt.path);
    draft.warnings.extend(attempt.loader.take_warnings());
    loaded
}

/// Deeper than any inventory, shallower than the stack: YAML aliases can nest a group in itself.
const MOST_LEVELS: usize = 200;

fn read_group(
    name: &Value,
    content: &Value,
    draft: &mut Draft<'_>,
    level: usize,
) -> Result<Option<GroupId>, Diagnostic> {
    if level > MOST_LEVELS {
        return Err(Diagnostic::error("maximum recursion depth exceeded"));
    }
    if !matches!(content, Value::Dict(_) | Value::None) {
        draft.warn(format!("Skipping '{}' as this is not a valid group definition", to_text(name)));
        return Ok(None);
    }
    let group = match name.as_str() {
        Some(text) => draft.add_group(text),
        None => Err(Diagnostic::error(format!(
            "Invalid group name supplied, expected a string but got {} for {}",
            class_name(name),
            to_text(name)
        ))),
    }
    .map_err(|error| Diagnostic::error(format!("Unable to add group {}: {}", to_text(name), error.message)))?;
    if let Some(content) = content.as_map() {
        read_sections(group, &content, draft, level)?;
    }
    Ok(Some(group))
}

fn read_sections(group: GroupId, content: &Map, draft: &mut Draft<'_>, level: usize) -> Result<(), Diagnostic> {
    let name = draft.data.groups[group.index()].name.clone();
    for section in ["vars", "children", "hosts"] {
        let Some(value) = content.get(section) else { continue };
        if !matches!(value, Value::Dict(_) | Value::None | Value::Str(_)) {
            return Err(Diagnostic::error(format!(
                "Invalid \"{section}\" entry for \"{name}\" group, requires a dictionary, found \"{}\" instead.",
                class_name(value)
            )));
        }
    }
    for (key, value) in content {
        let known = key.as_str().filter(|key| matches!(*key, "vars" | "children" | "hosts"));
        let entries = match (value, known) {
            (Value::Dict(dict), _) => dict.entries(),
            (Value::None, _) => continue,
            // One name alone is a dict without values.
            (Value::Str(_), Some(_)) => std::sync::Arc::new([(value.clone(), Value::None)].into_iter().collect()),
            _ => {
                draft.warn(format!(
                    "Skipping key ({}) in group ({name}) as it is not a mapping, it is a {}",
                    to_text(key),
                    class_name(value)
                ));
                continue;
            }
        };
        match known {
            Some("vars") => {
                for (key, value) in entries.iter() {
                    draft.set_variable(Entity::Group(group), key, value.clone(), origin_of(key))?;
                }
            }
            Some("children") => read_children(group, &entries, draft, level)?,
            Some(_) => read_hosts(group, &entries, draft)?,
            None => draft.warn(format!(
                "Skipping unexpected key ({}) in group ({name}), only \"vars\", \"children\" and \"hosts\" are valid",
                to_text(key)
            )),
        }
    }
    Ok(())
}

fn read_children(group: GroupId, children: &Map, draft: &mut Draft<'_>, level: usize) -> Result<(), Diagnostic> {
    for (name, content) in children {
        match read_group(name, content, draft, level + 1)? {
            Some(child) => draft.data.add_child_group(group, child).map(|_| ())?,
            None => {
                let name = to_text(name);
                match draft.data.group_ids.get(name.as_str()).copied() {
                    Some(child) => draft.data.add_child_group(group, child).map(|_| ())?,
                    None => return Err(Diagnostic::error(format!("{name} is not a known host nor group"))),
                }
            }
        }
    }
    Ok(())
}

fn read_hosts(group: GroupId, hosts: &Map, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    for (pattern, vars) in hosts {
        let Some(pattern) = pattern.as_str() else {
            return Err(Diagnostic::error(format!(
                "Host pattern {} must be a string. Enclose integers/floats in quotation marks.",
                to_text(pattern)
            )));
        };
        let (names, port) = expand_host_pattern(pattern).map_err(Diagnostic::error)?;
        let nothing = Value::dict(Map::new());
        draft.populate_hosts(&names, if vars.is_true() { vars } else { &nothing }, Some(group), port)?;
    }
    Ok(())
}

fn origin_of(key: &Value) -> Option<&ftl_core::source::Origin> {
    match key {
        Value::Str(text) => text.origin(),
        _ => None,
    }
}

/// How Ansible's messages spell the type of a value that came from YAML.
pub(super) fn class_name(value: &Value) -> String {
    let tagged = match value {
        Value::Str(_) => "Str",
        Value::Int(_) | Value::BigInt(_) => "Int",
        Value::Float(_) => "Float",
        Value::List(_) => "List",
        Value::Dict(_) => "Dict",
        Value::Date(_) => "Date",
        Value::DateTime(_) => "DateTime",
        other => return format!("<class '{}'>", ftl_core::value::type_name(other)),
    };
    format!("<class 'ansible.module_utils._internal._datatag._AnsibleTagged{tagged}'>")
}
