//! The rules every inventory obeys after a change: all groups below `all`, hosts without a group in `ungrouped`.

use ftl_core::id::HostId;

use crate::draft::Draft;
use crate::inventory::GroupId;

impl Draft<'_> {
    pub(crate) fn reconcile(&mut self) {
        self.reconcile_groups();
        let ids: Vec<HostId> = (0..self.data.hosts.len() as u32).map(HostId).collect();
        self.reconcile_hosts(&ids);
        self.warn_of_conflicts();
    }

    pub(crate) fn reconcile_groups(&mut self) {
        for id in (1..self.data.groups.len() as u32).map(GroupId) {
            if self.data.groups[id.index()].parents.is_empty() {
                self.data.link(GroupId::ALL, id);
            }
        }
    }

    /// Puts hosts into `ungrouped`, or takes them out, by the groups they are in.
    pub(crate) fn reconcile_hosts(&mut self, ids: &[HostId]) {
        let mut leaving = false;
        for id in ids {
            let host = &self.data.hosts[id.index()];
            if host.implicit {
                continue;
            }
            let ungrouped = host.groups.contains(&GroupId::UNGROUPED);
            let elsewhere = host.groups.iter().any(|g| *g != GroupId::ALL && *g != GroupId::UNGROUPED);
            if ungrouped && elsewhere {
                leaving = true;
                self.data.host_mut(*id).groups.retain(|g| *g != GroupId::UNGROUPED);
            } else if !ungrouped && !elsewhere {
                self.add_to_group(GroupId::UNGROUPED, *id);
            }
        }
        if leaving {
            let hosts = std::mem::take(&mut self.data.group_mut(GroupId::UNGROUPED).hosts);
            let still = |id: &HostId| self.data.hosts[id.index()].groups.contains(&GroupId::UNGROUPED);
            let hosts = hosts.into_iter().filter(still).collect();
            self.data.group_mut(GroupId::UNGROUPED).hosts = hosts;
        }
    }

    fn warn_of_conflicts(&mut self) {
        let conflicts: Vec<_> = self
            .data
            .groups
            .iter()
            .filter(|g| self.data.host_ids.contains_key(&g.name))
            .map(|g| g.name.clone())
            .collect();
        for name in conflicts {
            self.warn(format!("Found both group and host with same name: {name}"));
        }
    }
}
