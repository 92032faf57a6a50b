//! `--list --yaml`: groups within groups, each host's variables where the host comes first.

use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;
use ftl_core::yaml::{DumpOptions, dump};
use ftl_core::{Map, Value};
use rustc_hash::FxHashSet;

use super::view::Listing;
use crate::inventory::GroupId;
use crate::settings::HashBehaviour;

struct Seen {
    hosts: FxHashSet<HostId>,
    groups: FxHashSet<GroupId>,
}

impl Listing<'_> {
    /// `ansible-inventory --list --yaml`
    pub fn list_yaml(&self) -> Result<String, Diagnostic> {
        let (_, available) = self.available()?;
        let mut seen = Seen { hosts: FxHashSet::default(), groups: FxHashSet::default() };
        let mut document = Map::new();
        self.grow_group(GroupId::ALL, &available, &mut seen, &mut document)?;
        self.write(document)
    }

    /// `ansible-inventory --host PATTERN --yaml`
    pub fn host_yaml(&self, pattern: &str) -> Result<String, Diagnostic> {
        self.write((*self.host_vars(self.single_host(pattern)?)?).clone())
    }

    fn grow_group(
        &self,
        id: GroupId,
        available: &FxHashSet<HostId>,
        seen: &mut Seen,
        document: &mut Map,
    ) -> Result<(), Diagnostic> {
        let group = self.inventory.group(id);
        let (mut parts, mut children, mut hosts) = (Map::new(), Map::new(), Map::new());
        for child in group.children.iter().filter(|child| **child != GroupId::ALL) {
            if seen.groups.contains(child) {
                children.insert(Value::str(self.inventory.group(*child).name.clone()), Map::new());
            } else {
                self.grow_group(*child, available, seen, &mut children)?;
                seen.groups.insert(*child);
            }
        }
        if id != GroupId::ALL {
            for host in group.hosts.iter().filter(|host| available.contains(*host)) {
                let vars = match seen.hosts.insert(*host) {
                    true => (*self.host_vars(*host)?).clone(),
                    false => Map::new(),
                };
                hosts.insert(Value::str(self.inventory.host_name(*host).clone()), vars);
            }
        }
        let vars = if self.export { (*self.group_vars(id)?).clone() } else { Map::new() };
        for (key, map) in [("children", children), ("hosts", hosts), ("vars", vars)] {
            if !map.is_empty() {
                parts.insert(key, map);
            }
        }
        if !parts.is_empty() {
            document.insert(Value::str(group.name.clone()), parts);
        }
        Ok(())
    }
    fn write(&self, document: Map) -> Result<String, Diagnostic> {
        let options = DumpOptions {
            default_flow_style: Some(false),
            allow_unicode: true,
            sort_keys: true,
            // Merging makes a dict of its own for each host.
            aliases: self.settings.hash_behaviour == HashBehaviour::Replace,
            ..DumpOptions::default()
        };
        dump(&Value::dict(document), &options)
    }
}
