//! `ftl eval`: evaluates templates, with the variables of a host if one is named.

use std::sync::Arc;

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Str, Value, to_json, to_text};
use ftl_inventory::{HostVariables, combine_vars};
use ftl_template::{Renderer, eval_line};

use super::run::Prepared;
use crate::exit::{self, Failure};
use crate::program::Context;

pub fn run(context: &Context<'_>) -> Result<u8, Failure> {
    let arguments = context.arguments;
    let prepared = Prepared::new(context, &[], true)?;
    let renderer = Renderer::new(Arc::new(variables(context, &prepared)?), prepared.shared.clone());
    let mut code = exit::OK;
    for written in &arguments.positionals {
        if arguments.flag("json") {
            let line = eval_line(&renderer, &Str::trusted(written.as_str(), None));
            context.print(&format!("{line}\n"))?;
            continue;
        }
        let is_template = ["{{", "{%", "{#"].iter().any(|mark| written.contains(mark));
        let text = if is_template { written.clone() } else { format!("{{{{ {written} }}}}") };
        match renderer.render_str(&Str::trusted(text, None)) {
            Ok(value) => context.print(&format!("{}\n", shown(&value)))?,
            Err(error) => {
                context.display.message(&error);
                code = exit::GENERAL;
            }
        }
    }
    Ok(code)
}

/// Containers as JSON, everything else as text.
fn shown(value: &Value) -> String {
    match value {
        Value::Dict(_) | Value::List(_) | Value::Tuple(_) => to_json(value),
        other => to_text(other),
    }
}

/// Those of the host, then of `--vars`, then of `-e`.
fn variables(context: &Context<'_>, prepared: &Prepared) -> Result<Map, Failure> {
    let behaviour = prepared.inventory_settings.hash_behaviour;
    let mut variables = Map::new();
    if let Some(name) = context.arguments.text("subset") {
        let inventory = &prepared.inventory;
        let host = inventory
            .find_host(name)
            .ok_or_else(|| Failure::general(format!("Could not match supplied host pattern: {name}")))?;
        let here = context.surroundings.working_dir.clone();
        let layers = HostVariables::new(
            prepared.loader.clone(),
            &prepared.vars_directories,
            &[here],
            &prepared.inventory_settings,
        );
        variables = (*layers.merged_host_vars(inventory, host)?).clone();
        variables.insert("inventory_hostname", Value::str(name));
        variables.insert("inventory_hostname_short", Value::str(inventory.host(host).short_name()));
        variables.insert("group_names", inventory.group_names(host));
        variables.insert("groups", inventory.groups_value());
    }
    for file in context.arguments.texts("vars") {
        let value = prepared.loader.load_value(file.as_ref())?;
        let Some(map) = value.as_map() else {
            return Err(Diagnostic::error(format!("The file {file} does not hold a dictionary.")).into());
        };
        combine_vars(&mut variables, &map, behaviour);
    }
    combine_vars(&mut variables, &prepared.extra_vars, behaviour);
    Ok(variables)
}
