//! YAML files that configure an inventory plugin: which plugin, and its options.

use std::sync::Arc;

use ftl_core::source::Diagnostic;
use ftl_core::value::to_text;
use ftl_core::{Map, Value};

use super::attempt::{Attempt, KINDS};
use super::yaml;
use crate::draft::Draft;

pub(super) fn wants_auto(attempt: &Attempt<'_>) -> bool {
    attempt.is_readable() && (attempt.source.ends_with(".yml") || attempt.source.ends_with(".yaml"))
}

pub(super) fn wants(attempt: &Attempt<'_>) -> bool {
    yaml::wants(attempt) || attempt.is_readable() && attempt.extension() == ".config"
}

/// `auto`: hands a file to the plugin it names.
pub(super) fn read_auto(attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let Some(name) = plugin_name(&yaml::load(attempt, draft)?) else {
        return Err(Diagnostic::error(format!(
            "no root 'plugin' key found, '{}' is not a valid YAML inventory plugin config file",
            attempt.source
        )));
    };
    match KINDS.iter().find(|kind| kind.name == short(&name) && kind.name != "auto") {
        None => Err(Diagnostic::error(format!("the inventory plugin '{name}' is not supported yet by FTL"))),
        Some(kind) if !(kind.wants)(attempt) => Err(Diagnostic::error(format!(
            "inventory source '{}' could not be verified by inventory plugin '{name}'",
            attempt.source
        ))),
        Some(kind) => (kind.read)(attempt, draft),
    }
}

/// The options of a file that must be for `plugin`.
pub(super) fn read_config(plugin: &str, attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<Arc<Map>, Diagnostic> {
    let config = yaml::load(attempt, draft).map_err(|error| Diagnostic::error(error.one_line()))?;
    if !config.is_true() {
        return Err(Diagnostic::error(format!("{} is empty", attempt.source)));
    }
    match plugin_name(&config) {
        Some(name) if short(&name) == plugin => config.as_map().ok_or_else(|| {
            Diagnostic::error(format!(
                "inventory source has invalid structure, it should be a dictionary, got: {}",
                yaml::class_name(&config)
            ))
        }),
        name => Err(Diagnostic::error(format!(
            "Incorrect plugin name in file: {}",
            name.unwrap_or_else(|| "none found".into())
        ))),
    }
}

fn plugin_name(config: &Value) -> Option<String> {
    config.get("plugin").filter(Value::is_true).map(|name| to_text(&name))
}

fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name)
}
