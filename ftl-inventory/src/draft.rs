//! An inventory while a source or a task writes it.

use std::path::Path;
use std::sync::Arc;

use ftl_core::id::HostId;
use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::to_text;
use ftl_core::{Map, Value};
use rustc_hash::FxHashMap;

use crate::inventory::{Data, GroupId, Host, LOCALHOST, SourceFile, no_vars};
use crate::settings::{InvalidGroupChars, InventorySettings};
use crate::variable::{name_deprecation, set_group_variable, set_variable};

/// The writing end of an inventory. What it writes stays, even when the source turns out to be broken further down.
pub(crate) struct Draft<'a> {
    pub(crate) data: &'a mut Data,
    pub(crate) settings: &'a InventorySettings,
    pub(crate) warnings: &'a mut Vec<Diagnostic>,
    /// Hosts met first are noted with it.
    pub(crate) source: Arc<SourceFile>,
    /// One shared value per variable name: large inventories repeat the same few.
    names: FxHashMap<Box<str>, Value>,
}

/// Whose variable is set.
#[derive(Clone, Copy)]
pub(crate) enum Entity {
    Host(HostId),
    Group(GroupId),
}

impl SourceFile {
    /// `inventory_dir` is nothing when the source is no path.
    pub(crate) fn of(source: Option<&str>, base_dir: &Path) -> Arc<SourceFile> {
        let directory = source.and_then(|source| {
            let path = base_dir.join(source);
            if path.is_dir() {
                Some(path)
            } else if path.is_file() {
                path.parent().map(Path::to_path_buf)
            } else {
                None
            }
        });
        let directory: Option<Arc<str>> = directory.map(|path| path.to_string_lossy().into());
        let file: Option<Arc<str>> = source.map(Arc::from);
        let value = |text: &Option<Arc<str>>| text.clone().map_or(Value::None, Value::str);
        let mut vars = Map::with_capacity(2);
        vars.insert("inventory_file", value(&file));
        vars.insert("inventory_dir", value(&directory));
        Arc::new(SourceFile { file, directory, vars: Arc::new(vars) })
    }
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        data: &'a mut Data,
        settings: &'a InventorySettings,
        warnings: &'a mut Vec<Diagnostic>,
        source: Option<&str>,
    ) -> Draft<'a> {
        let source = SourceFile::of(source, &settings.base_dir);
        Draft { data, settings, warnings, source, names: FxHashMap::default() }
    }

    pub(crate) fn warn(&mut self, message: impl Into<String>) {
        self.warnings.push(Diagnostic::warning(message));
    }

    /// The group of this name, made if need be; its name may become another by `TRANSFORM_INVALID_GROUP_CHARS`.
    pub(crate) fn add_group(&mut self, name: &str) -> Result<GroupId, Diagnostic> {
        if name.is_empty() {
            return Err(Diagnostic::error("Invalid empty/false group name provided: "));
        }
        if let Some(known) = self.data.group_ids.get(name) {
            return Ok(*known);
        }
        let safe = self.safe_group_name(name);
        if let Some(known) = self.data.group_ids.get(safe.as_str()) {
            return Ok(*known);
        }
        Ok(self.data.push_group(safe.into()))
    }

    /// Ansible's `to_safe_group_name`, with its warnings.
    pub(crate) fn safe_group_name(&mut self, name: &str) -> String {
        let valid = |(i, c): (usize, char)| is_word(c) && !(i == 0 && c.is_numeric());
        if name.char_indices().all(valid) {
            return name.to_string();
        }
        let (replace, warning) = match self.settings.invalid_group_chars {
            InvalidGroupChars::Always => (true, Some("and automatically replaced")),
            InvalidGroupChars::Silently => (true, None),
            InvalidGroupChars::Never => (false, Some("but not replaced")),
            InvalidGroupChars::Ignore => (false, None),
        };
        if let Some(what) = warning {
            self.warn(format!("Invalid characters were found in group names {what}, use -vvvv to see details"));
        }
        match replace {
            true => sanitized(name),
            false => name.to_string(),
        }
    }

    /// The host of this name, made if need be, and put into `group`. A port counts only for a new host.
    pub(crate) fn add_host(
        &mut self,
        name: &str,
        group: Option<GroupId>,
        port: Option<i64>,
    ) -> Result<HostId, Diagnostic> {
        if name.is_empty() {
            return Err(Diagnostic::error("Invalid empty host name provided: "));
        }
        let id = match self.data.host_ids.get(name) {
            Some(known) => *known,
            None => self.new_host(name, port),
        };
        if let Some(group) = group {
            self.add_to_group(group, id);
        }
        Ok(id)
    }

    fn new_host(&mut self, name: &str, port: Option<i64>) -> HostId {
        let id = HostId(self.data.hosts.len() as u32);
        let name: Arc<str> = name.into();
        let mut host = Host { name: name.clone(), vars: no_vars(), groups: vec![], source: None, implicit: false };
        if let Some(port) = port.filter(|port| *port != 0) {
            let key = self.name("ansible_port");
            Arc::make_mut(&mut host.vars).insert(key, port);
        }
        // Ansible asks for a group of the name first when it sets a variable, so these end there.
        match self.data.group_ids.get(&name) {
            Some(group) => {
                let vars = self.source.vars.clone();
                let group = self.data.group_mut(*group);
                Arc::make_mut(&mut group.vars).extend(vars.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
            None => host.source = Some(self.source.clone()),
        }
        self.data.hosts.push(Arc::new(host));
        self.data.host_ids.insert(name.clone(), id);
        if LOCALHOST.contains(&&*name) {
            match self.data.localhost {
                None => self.data.localhost = Some(id),
                Some(first) => {
                    let first = self.data.hosts[first.index()].name.clone();
                    self.warn(format!(
                        "A duplicate localhost-like entry was found ({name}). First found localhost was {first}"
                    ));
                }
            }
        }
        id
    }

    /// `false` when the group named the host already.
    pub(crate) fn add_to_group(&mut self, group: GroupId, host: HostId) -> bool {
        if self.data.hosts[host.index()].groups.contains(&group) {
            return false;
        }
        self.data.host_mut(host).groups.push(group);
        self.data.group_mut(group).hosts.push(host);
        true
    }

    /// Who gets the variables set for `host`: the group, if one has the same name.
    pub(crate) fn entity_of_host(&self, host: HostId) -> Entity {
        match self.data.group_ids.get(&self.data.hosts[host.index()].name) {
            Some(group) => Entity::Group(*group),
            None => Entity::Host(host),
        }
    }

    pub(crate) fn set_variable(
        &mut self,
        entity: Entity,
        key: &Value,
        value: Value,
        origin: Option<&Origin>,
    ) -> Result<(), Diagnostic> {
        let key = match key.as_str() {
            Some(name) => self.checked_name(name, origin),
            None => {
                self.warnings.extend(name_deprecation(key, origin));
                key.clone()
            }
        };
        let behaviour = self.settings.hash_behaviour;
        match entity {
            Entity::Host(id) => set_variable(&mut self.data.host_mut(id).vars, key, value, behaviour),
            Entity::Group(id) => set_group_variable(self.data.group_mut(id), key, value, behaviour)?,
        }
        Ok(())
    }

    fn checked_name(&mut self, name: &str, origin: Option<&Origin>) -> Value {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        self.warnings.extend(name_deprecation(&Value::str(name), origin));
        self.name(name)
    }

    fn name(&mut self, name: &str) -> Value {
        self.names.entry(name.into()).or_insert_with(|| Value::str(name)).clone()
    }

    /// Adds hosts with variables; the shape both YAML and scripts use.
    pub(crate) fn populate_hosts(
        &mut self,
        hosts: &[String],
        vars: &Value,
        group: Option<GroupId>,
        port: Option<i64>,
    ) -> Result<(), Diagnostic> {
        let Some(vars) = vars.as_map() else {
            return Err(Diagnostic::error(format!(
                "Invalid data from file, expected dictionary and got:\n\n{}",
                to_text(vars)
            )));
        };
        for host in hosts {
            let id = self.add_host(host, group, port)?;
            let entity = self.entity_of_host(id);
            for (key, value) in vars.iter() {
                self.set_variable(entity, key, value.clone(), None)?;
            }
        }
        Ok(())
    }
}

/// `\w` of Python's `re`.
pub(crate) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// A name with all that cannot be in a variable's name replaced.
pub(crate) fn sanitized(name: &str) -> String {
    name.char_indices().map(|(i, c)| if is_word(c) && !(i == 0 && c.is_numeric()) { c } else { '_' }).collect()
}
