//! `constructed`: variables and groups made from the variables of hosts that earlier sources gave.

use std::sync::Arc;

use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;
use ftl_core::value::{repr_str, to_text};
use ftl_core::{Map, Value};
use ftl_template::Renderer;

use super::attempt::Attempt;
use super::keyed_groups::add_to_keyed_groups;
use super::load::vars_directories;
use super::plugin::read_config;
use crate::combine::combine_vars;
use crate::draft::{Draft, sanitized};
use crate::inventory::GroupId;
use crate::vars_files::{VarsDirectory, VarsKind};

pub(super) fn read(attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let config = read_config("constructed", attempt, draft)?;
    let flag = |name: &str, default: bool| config.get(name).and_then(Value::to_bool_loose).unwrap_or(default);
    let templates = &attempt.settings.templates;
    let construction = Construction {
        attempt,
        strict: flag("strict", false),
        leading_separator: flag("leading_separator", true),
        use_extra_vars: flag("use_extra_vars", templates.use_extra_vars),
        directories: match flag("use_vars_plugins", false) {
            true => directories(attempt),
            false => vec![],
        },
        compose: map_option(&config, "compose"),
        groups: map_option(&config, "groups"),
        keyed_groups: config.get("keyed_groups").and_then(Value::as_items).unwrap_or_default(),
    };
    let hosts: Vec<HostId> =
        (0..draft.data.hosts.len() as u32).map(HostId).filter(|id| !draft.data.hosts[id.index()].implicit).collect();
    for host in hosts {
        construction.apply(host, draft).map_err(|error| {
            Diagnostic::error(format!("Failed to parse {}: {}", repr_str(attempt.source), error.one_line()))
        })?;
    }
    Ok(())
}

fn map_option(config: &Map, name: &str) -> Arc<Map> {
    config.get(name).and_then(Value::as_map).unwrap_or_default()
}

fn directories(attempt: &Attempt<'_>) -> Vec<VarsDirectory> {
    let paths = vars_directories(attempt.processed, &attempt.settings.base_dir);
    paths.iter().map(|path| VarsDirectory::new(path)).collect()
}

/// What one file asks for.
pub(super) struct Construction<'a> {
    attempt: &'a Attempt<'a>,
    pub(super) strict: bool,
    pub(super) leading_separator: bool,
    use_extra_vars: bool,
    /// `use_vars_plugins`: vars files beside the sources read so far.
    directories: Vec<VarsDirectory>,
    compose: Arc<Map>,
    groups: Arc<Map>,
    keyed_groups: Arc<Vec<Value>>,
}

impl Construction<'_> {
    fn apply(&self, host: HostId, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let vars = self.vars_of(host, draft)?;
        self.compose_vars(host, vars, draft)?;
        // The composed variables count for the groups.
        let vars = self.vars_of(host, draft)?;
        self.add_to_groups(host, &vars, draft)?;
        let renderer = self.renderer(vars, self.use_extra_vars);
        for keyed in self.keyed_groups.iter() {
            add_to_keyed_groups(self, keyed, host, &renderer, draft)?;
        }
        Ok(())
    }

    fn renderer(&self, mut vars: Map, with_extra: bool) -> Renderer {
        let templates = &self.attempt.settings.templates;
        if with_extra {
            combine_vars(&mut vars, &templates.extra_vars, self.attempt.settings.hash_behaviour);
        }
        Renderer::new(Arc::new(vars), templates.shared.clone())
    }

    fn compose_vars(&self, host: HostId, vars: Map, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let renderer = self.renderer(vars, self.use_extra_vars);
        for (name, expression) in self.compose.iter() {
            match evaluate(&renderer, expression) {
                Ok(value) => draft.set_variable(draft.entity_of_host(host), name, value, None)?,
                Err(error) if self.strict => {
                    let (name, host) = (to_text(name), &draft.data.hosts[host.index()].name);
                    return Err(Diagnostic::error(format!(
                        "Could not set {name} for host {host}: {}",
                        error.one_line()
                    )));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn add_to_groups(&self, host: HostId, vars: &Map, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let renderer = self.renderer(vars.clone(), false);
        for (name, condition) in self.groups.iter() {
            let name = sanitized(&to_text(name));
            match renderer.condition(condition) {
                Ok(true) => {
                    let group = draft.add_group(&name)?;
                    draft.add_to_group(group, host);
                }
                Ok(false) => {}
                Err(error) if self.strict => {
                    let host = &draft.data.hosts[host.index()].name;
                    return Err(Diagnostic::error(format!(
                        "Could not add host {host} to group {name}: {}",
                        error.one_line()
                    )));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Group variables, host variables and magic ones, as far as the sources before this one tell.
    fn vars_of(&self, id: HostId, draft: &Draft<'_>) -> Result<Map, Diagnostic> {
        let behaviour = self.attempt.settings.hash_behaviour;
        let loader = self.attempt.loader;
        let host = draft.data.hosts[id.index()].clone();
        let set = draft.data.group_set(host.groups.clone().into_boxed_slice());
        let below_all = host.groups.contains(&GroupId::ALL)
            || host.groups.iter().any(|group| draft.data.ancestors(*group).contains(&GroupId::ALL));
        let groups: Vec<GroupId> =
            below_all.then_some(GroupId::ALL).into_iter().chain(set.by_precedence.iter().copied()).collect();
        let mut vars = Map::new();
        for group in &groups {
            combine_vars(&mut vars, &draft.data.groups[group.index()].vars, behaviour);
        }
        for directory in &self.directories {
            for group in &groups {
                let name = &draft.data.groups[group.index()].name;
                combine_vars(&mut vars, &*directory.vars(VarsKind::Group, name, loader, behaviour)?, behaviour);
            }
        }
        if let Some(source) = &host.source {
            combine_vars(&mut vars, &source.vars, behaviour);
        }
        combine_vars(&mut vars, &host.vars, behaviour);
        vars.insert("inventory_hostname", Value::str(host.name.clone()));
        vars.insert("inventory_hostname_short", host.short_name());
        vars.insert("group_names", set.names.iter().map(|name| Value::str(name.clone())).collect::<Value>());
        for directory in &self.directories {
            combine_vars(&mut vars, &*directory.vars(VarsKind::Host, &host.name, loader, behaviour)?, behaviour);
        }
        Ok(vars)
    }
}

/// A bare expression; what is no text is its own value.
pub(super) fn evaluate(renderer: &Renderer, expression: &Value) -> Result<Value, Diagnostic> {
    match expression {
        Value::Str(text) => renderer.evaluate(text),
        other => {
            Err(Diagnostic::error(format!("Expressions must be 'str', got '{}'.", ftl_core::value::type_name(other))))
        }
    }
}
