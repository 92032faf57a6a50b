//! Magic variables that stay the same for a whole play.

use std::sync::Arc;

use ftl_core::value::{Map, Value, to_text};
use ftl_playbook::graph::PlaySpec;

use crate::run::Run;

pub(crate) fn for_play(run: &Run, spec: &PlaySpec, name: &str) -> Arc<Map> {
    let mut map = for_run(run);
    map.insert("playbook_dir", spec.base_dir.to_string_lossy().into_owned());
    map.insert("ansible_play_name", name);
    let names = |dependencies: bool| -> Vec<Value> {
        let mut out: Vec<Value> = vec![];
        for id in &spec.roles {
            let role = spec.graph.role(*id);
            let is_dependency = role.parent.is_some() && !role.from_include;
            let value = Value::str(&*role.name);
            if is_dependency == dependencies && !out.contains(&value) {
                out.push(value);
            }
        }
        out
    };
    let (own, dependencies) = (names(false), names(true));
    let mut all = own.clone();
    all.extend(dependencies.iter().filter(|d| !own.contains(d)).cloned());
    map.insert("ansible_play_role_names", own.clone());
    map.insert("role_names", own);
    map.insert("ansible_dependent_role_names", dependencies);
    map.insert("ansible_role_names", all);
    Arc::new(map)
}

/// Options as variables, without any play.
fn for_run(run: &Run) -> Map {
    let settings = &run.settings;
    let list = |items: &[String]| -> Value { items.iter().map(|s| Value::str(s.as_str())).collect() };
    let mut map = Map::new();
    map.insert("ansible_playbook_python", settings.controller_python.as_str());
    map.insert("ansible_config_file", settings.config_file.as_deref().map_or(Value::None, Value::str));
    map.insert("ansible_version", settings.ansible_version.clone());
    map.insert("ansible_check_mode", settings.check);
    map.insert("ansible_diff_mode", settings.diff);
    map.insert("ansible_forks", settings.forks);
    map.insert("ansible_inventory_sources", list(&settings.inventory_sources));
    map.insert("ansible_run_tags", if settings.tags.is_empty() { list(&["all".into()]) } else { list(&settings.tags) });
    map.insert("ansible_skip_tags", list(&settings.skip_tags));
    map.insert("ansible_verbosity", settings.verbosity as i64);
    if let Some(limit) = &settings.limit {
        map.insert("ansible_limit", limit.as_str());
    }
    map
}

/// Texts of a list of patterns.
pub(crate) fn flatten_patterns(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::List(l) => l.items().iter().for_each(|v| flatten_patterns(v, into)),
        Value::None => {}
        other => into.push(to_text(other)),
    }
}
