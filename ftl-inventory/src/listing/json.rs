//! `--list` and `--host` as JSON: the form inventory scripts have.

use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;
use ftl_core::value::{JsonOptions, write_json};
use ftl_core::{Map, Value};
use rustc_hash::FxHashSet;

use super::shown::shown_map;
use super::view::Listing;
use crate::inventory::GroupId;

impl Listing<'_> {
    /// `ansible-inventory --list`
    pub fn list_json(&self) -> Result<String, Diagnostic> {
        let (hosts, available) = self.available()?;
        let mut document = Map::new();
        self.add_group(GroupId::ALL, &available, &mut FxHashSet::default(), &mut document)?;
        let mut host_vars = Map::with_capacity(hosts.len());
        for host in hosts {
            let vars = self.host_vars(host)?;
            if !vars.is_empty() {
                let name = Value::str(self.inventory.host_name(host).clone());
                host_vars.insert(name, shown_map(&vars, true));
            }
        }
        let mut meta = Map::new();
        meta.insert("hostvars", host_vars);
        meta.insert("profile", "inventory_legacy");
        document.insert("_meta", meta);
        Ok(pretty(&Value::dict(document)))
    }

    /// `ansible-inventory --host PATTERN`
    pub fn host_json(&self, pattern: &str) -> Result<String, Diagnostic> {
        let vars = self.host_vars(self.single_host(pattern)?)?;
        Ok(pretty(&Value::dict(shown_map(&vars, false))))
    }

    fn add_group(
        &self,
        id: GroupId,
        available: &FxHashSet<HostId>,
        seen: &mut FxHashSet<GroupId>,
        document: &mut Map,
    ) -> Result<(), Diagnostic> {
        let group = self.inventory.group(id);
        let mut parts = Map::new();
        if id != GroupId::ALL {
            let hosts = group.hosts.iter().filter(|host| available.contains(*host));
            let names: Vec<Value> = hosts.map(|host| Value::str(self.inventory.host_name(*host).clone())).collect();
            if !names.is_empty() {
                parts.insert("hosts", names);
            }
        }
        let child_name = |child: &GroupId| Value::str(self.inventory.group(*child).name.clone());
        let children: Vec<Value> = group.children.iter().map(child_name).collect();
        if !children.is_empty() {
            parts.insert("children", children);
        }
        for child in &group.children {
            if !seen.contains(child) {
                self.add_group(*child, available, seen, document)?;
                seen.insert(*child);
            }
        }
        if self.export {
            let vars = self.group_vars(id)?;
            if !vars.is_empty() {
                parts.insert("vars", shown_map(&vars, true));
            }
        }
        if !parts.is_empty() {
            document.insert(Value::str(group.name.clone()), parts);
        }
        Ok(())
    }
}

fn pretty(value: &Value) -> String {
    write_json(value, &JsonOptions { sort_keys: true, ensure_ascii: false, ..JsonOptions::indented(4) })
}
