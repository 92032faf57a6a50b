//! Executable inventories: `script --list`, and `script --host NAME` for those without `_meta`.

use ftl_core::Value;
use ftl_core::id::HostId;
use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{repr_str, to_text};
use indexmap::IndexSet;
use serde_json::Value as Json;

use super::attempt::Attempt;
use super::script_json::{Marking, python_type};
use super::script_process::{Output, run};
use crate::draft::{Draft, Entity};

pub(super) fn wants(attempt: &Attempt<'_>) -> bool {
    attempt.is_readable() && attempt.is_executable() && attempt.path.is_file()
}

pub(super) fn read(attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let script = attempt.settings;
    let output = run(attempt.source, &["--list"], &script.base_dir, &script.script)?;
    let document = parse_list(&output.stdout).map_err(|error| output.hint(error))?;
    if !output.stderr.is_empty() && script.script.always_show_stderr {
        draft.warnings.push(Diagnostic::error(output.stderr.clone()));
    }
    let origin = Origin::file(format!("<inventory script output from {}>", repr_str(attempt.source)));
    let marking = Marking { trusted: script.script.trusted, origin, secrets: &attempt.loader.secrets };
    Reading { attempt, marking, hosts: IndexSet::new() }.read(&document, draft)
}

/// Checks the outline of the document, with Ansible's words.
fn parse_list(text: &str) -> Result<serde_json::Map<String, Json>, Diagnostic> {
    let failed =
        |reason: String| Diagnostic::error(format!("Unable to get JSON decoder for inventory script result: {reason}"));
    let document: Json =
        serde_json::from_str(text).map_err(|error| failed(format!("Value could not be parsed as JSON: {error}")))?;
    let document = match document {
        Json::Object(map) => map,
        other => return Err(failed(format!("Value is '{}' instead of 'dict'.", python_type(&other)))),
    };
    match document.get("_meta") {
        None => {}
        Some(Json::Object(meta)) => match meta.get("profile") {
            None => {}
            Some(Json::String(profile)) if !profile.starts_with("inventory_") => {
                return Err(failed(format!("Non-inventory profile {} is not allowed.", repr_str(profile))));
            }
            Some(Json::String(profile)) if profile != "inventory_legacy" => {
                return Err(failed(format!("Unknown profile name {}.", repr_str(profile))));
            }
            Some(Json::String(_)) => {}
            Some(other) => {
                let found = python_type(other);
                return Err(failed(format!("Value contains '_meta.profile' which is '{found}' instead of 'str'.")));
            }
        },
        Some(other) => {
            let found = python_type(other);
            return Err(failed(format!("Value contains '_meta' which is '{found}' instead of 'dict'.")));
        }
    }
    if let Some(found) = broken_marker(&Json::Object(document.clone())) {
        return Err(Diagnostic::error(format!("Inventory script result could not be parsed as JSON: {found}")));
    }
    Ok(document)
}

/// `__ansible_vault` and `__ansible_unsafe` are for strings only.
fn broken_marker(json: &Json) -> Option<String> {
    match json {
        Json::Array(items) => items.iter().find_map(broken_marker),
        Json::Object(map) => map.iter().find_map(|(key, value)| match key.as_str() {
            "__ansible_vault" | "__ansible_unsafe" if !value.is_string() => {
                Some(format!("{key} is <class '{}'> not <class 'str'>", python_type(value)))
            }
            _ => broken_marker(value),
        }),
        _ => None,
    }
}

struct Reading<'a> {
    attempt: &'a Attempt<'a>,
    marking: Marking<'a>,
    hosts: IndexSet<HostId>,
}

impl Reading<'_> {
    fn read(mut self, document: &serde_json::Map<String, Json>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let mut host_vars = None;
        for (name, content) in document {
            if name != "_meta" {
                self.read_group(name, content, draft)?;
                continue;
            }
            match content.get("hostvars") {
                Some(Json::Object(vars)) => host_vars = Some(vars),
                other => {
                    let found = other.map_or("NoneType", python_type);
                    return Err(Diagnostic::error(format!(
                        "Value contains '_meta.hostvars' which is '{found}' instead of 'dict'."
                    )));
                }
            }
        }
        if host_vars.is_none() {
            self.deprecate(
                "Inventory scripts should always provide 'meta.hostvars'. Host variables will be collected by running \
                 the inventory script with the '--host' option for each host.",
                draft,
            );
        }
        for host in self.hosts.clone() {
            let name = draft.data.hosts[host.index()].name.clone();
            match host_vars {
                Some(vars) => self.set_host_vars(host, vars.get(&*name), draft)?,
                None => {
                    let vars = self.ask_host(&name)?;
                    self.set_host_vars(host, vars.as_ref(), draft)?;
                }
            }
        }
        Ok(())
    }

    fn set_host_vars(&self, host: HostId, vars: Option<&Json>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        match vars {
            None => Ok(()),
            Some(Json::Object(vars)) => self.set_vars(draft.entity_of_host(host), vars, true, draft),
            Some(other) => Err(Diagnostic::error(format!(
                "Invalid data from file, expected dictionary and got:\n\n{}",
                to_text(&self.marking.variable(other))
            ))),
        }
    }

    fn set_vars(
        &self,
        entity: Entity,
        vars: &serde_json::Map<String, Json>,
        trusted: bool,
        draft: &mut Draft<'_>,
    ) -> Result<(), Diagnostic> {
        for (key, value) in vars {
            let value = self.marking.variable(value);
            let value = if trusted { value } else { value.untrusted() };
            draft.set_variable(entity, &Value::str(key.as_str()), value, Some(&self.marking.origin))?;
        }
        Ok(())
    }

    fn read_group(&mut self, name: &str, content: &Json, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let group = draft.add_group(name)?;
        let name = draft.data.groups[group.index()].name.to_string();
        let shown = repr_str(&name);
        let parts = match content {
            Json::Object(map) if ["hosts", "vars", "children"].iter().any(|key| map.contains_key(*key)) => map,
            Json::Object(vars) => {
                self.deprecate(
                    &format!(
                        "Treating malformed group {shown} as the sole host of that group. Variables provided in this \
                         manner cannot be templated."
                    ),
                    draft,
                );
                self.hosts.insert(draft.add_host(&name, Some(group), None)?);
                return self.set_vars(Entity::Group(group), vars, false, draft);
            }
            other => {
                let found = python_type(other);
                self.deprecate(&format!("Group {shown} was converted to 'dict' from '{found}'."), draft);
                return self.read_hosts(&name, group, other, draft);
            }
        };
        if let Some(hosts) = parts.get("hosts") {
            self.read_hosts(&name, group, hosts, draft)?;
        }
        match parts.get("vars") {
            None => {}
            Some(Json::Object(vars)) => self.set_vars(Entity::Group(group), vars, true, draft)?,
            Some(other) => return Err(wrong_type(&name, "vars", other, "dict")),
        }
        match parts.get("children") {
            None => Ok(()),
            Some(children) => add_children(group, children, draft),
        }
    }

    fn read_hosts(
        &mut self,
        name: &str,
        group: crate::inventory::GroupId,
        hosts: &Json,
        draft: &mut Draft<'_>,
    ) -> Result<(), Diagnostic> {
        let Json::Array(hosts) = hosts else { return Err(wrong_type(name, "hosts", hosts, "list")) };
        for host in hosts {
            let Some(host) = host.as_str() else {
                return Err(Diagnostic::error(format!(
                    "Invalid host name supplied, expected a string but got <class '{}'> for {host}",
                    python_type(host)
                )));
            };
            self.hosts.insert(draft.add_host(host, Some(group), None)?);
        }
        Ok(())
    }

    /// The old way: one run for each host.
    fn ask_host(&self, host: &str) -> Result<Option<Json>, Diagnostic> {
        let settings = self.attempt.settings;
        let output: Output = run(self.attempt.source, &["--host", host], &settings.base_dir, &settings.script)?;
        if output.stdout.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&output.stdout).map(Some).map_err(|error| {
            output.hint(Diagnostic::error(format!(
                "Inventory script result for host {} could not be parsed as JSON: {error}",
                repr_str(host)
            )))
        })
    }

    fn deprecate(&self, message: &str, draft: &mut Draft<'_>) {
        let message = format!(
            "{message} This feature will be removed from inventory plugin 'script' in ansible-core version 2.23."
        );
        draft.warnings.push(Diagnostic::deprecation(message).at(Some(self.marking.origin.clone())));
    }
}

fn add_children(group: crate::inventory::GroupId, children: &Json, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let names: Vec<&str> = match children {
        Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
        Json::Object(map) => map.keys().map(String::as_str).collect(),
        other => return Err(Diagnostic::error(format!("'{}' object is not iterable", python_type(other)))),
    };
    for name in names {
        let child = draft.add_group(name)?;
        draft.data.add_child_group(group, child)?;
    }
    Ok(())
}

fn wrong_type(group: &str, part: &str, found: &Json, wanted: &str) -> Diagnostic {
    let found = python_type(found);
    Diagnostic::error(format!("Value contains '{group}.{part}' which is '{found}' instead of '{wanted}'."))
}
