//! `generator`: hosts and groups for every combination of layers.

use std::sync::Arc;

use ftl_core::source::Diagnostic;
use ftl_core::value::to_text;
use ftl_core::{Map, Value};
use ftl_template::Renderer;

use super::attempt::Attempt;
use super::plugin::read_config;
use crate::draft::{Draft, Entity};
use crate::inventory::GroupId;

/// More combinations than that are a mistake.
const MOST_HOSTS: usize = 10_000_000;

pub(super) fn read(attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let config = read_config("generator", attempt, draft)?;
    let required =
        |name: &str| config.get(name).and_then(Value::as_map).ok_or_else(|| Diagnostic::error(format!("'{name}'")));
    let (hosts, layers) = (required("hosts")?, required("layers")?);
    let host = hosts.get("name").ok_or_else(|| Diagnostic::error("'name'"))?;
    let parents = hosts.get("parents").cloned().unwrap_or_default();
    for combination in combinations(&layers)? {
        let renderer = Renderer::new(Arc::new(combination), attempt.settings.templates.shared.clone());
        let id = draft.add_host(&to_text(&renderer.render(host)?), None, None)?;
        let name = draft.data.hosts[id.index()].name.to_string();
        add_parents(&Child { name, group: None, host: Some(id) }, &parents, &renderer, draft, 0)?;
    }
    Ok(())
}

/// All choices of one value per layer, the last layer changing fastest.
fn combinations(layers: &Map) -> Result<Vec<Map>, Diagnostic> {
    let mut found = vec![Map::new()];
    for (layer, values) in layers {
        let Some(values) = values.as_items() else {
            let name = ftl_core::value::type_name(values);
            return Err(Diagnostic::error(format!("'{name}' object is not iterable")));
        };
        if found.len().saturating_mul(values.len()) > MOST_HOSTS {
            return Err(Diagnostic::error(format!("the layers stand for more than {MOST_HOSTS} hosts")));
        }
        found = found
            .iter()
            .flat_map(|chosen| {
                values.iter().map(move |value| {
                    let mut chosen = chosen.clone();
                    chosen.insert(layer.clone(), value.clone());
                    chosen
                })
            })
            .collect();
    }
    Ok(found)
}

/// What is put into parents: the host, or a group.
struct Child {
    name: String,
    group: Option<GroupId>,
    host: Option<ftl_core::id::HostId>,
}

fn add_parents(
    child: &Child,
    parents: &Value,
    renderer: &Renderer,
    draft: &mut Draft<'_>,
    level: usize,
) -> Result<(), Diagnostic> {
    if level > 200 {
        return Err(Diagnostic::error("maximum recursion depth exceeded"));
    }
    for parent in parents.as_items().unwrap_or_default().iter() {
        let name = renderer.render(&parent.get("name").unwrap_or_default())?;
        if !name.is_true() {
            return Err(Diagnostic::error(format!("Element {} has a parent with no name.", child.name)));
        }
        let group = draft.add_group(&to_text(&name))?;
        if let Some(vars) = parent.get("vars").and_then(|vars| vars.as_map()) {
            for (key, value) in vars.iter() {
                let value = match value {
                    Value::Str(text) => renderer.render_str(text)?,
                    other => other.clone(),
                };
                draft.set_variable(Entity::Group(group), key, value, None)?;
            }
        }
        if let Some(id) = child.group {
            draft.data.add_child_group(group, id)?;
        }
        if let Some(id) = child.host {
            draft.add_to_group(group, id);
        }
        let above = Child { name: to_text(&name), group: Some(group), host: None };
        add_parents(&above, &parent.get("parents").unwrap_or_default(), renderer, draft, level + 1)?;
    }
    Ok(())
}
