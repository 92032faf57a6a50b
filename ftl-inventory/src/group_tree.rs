//! Groups within groups: loops, depths, ancestors, and the order of hosts below a group.

use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;

use crate::inventory::{Data, GroupId, GroupSet};

impl Data {
    /// Makes `child` a child of `parent`; `false` when it was one already.
    pub(crate) fn add_child_group(&mut self, parent: GroupId, child: GroupId) -> Result<bool, Diagnostic> {
        if parent == child {
            return Err(Diagnostic::error("can't add group to itself"));
        }
        if self.groups[parent.index()].children.contains(&child) {
            return Ok(false);
        }
        if self.ancestors(parent).contains(&child) {
            return Err(Diagnostic::error(format!(
                "Adding group '{}' as child to '{}' creates a recursive dependency loop.",
                self.groups[child.index()].name,
                self.groups[parent.index()].name
            )));
        }
        self.link(parent, child);
        Ok(true)
    }

    /// Links two groups that are known to make no loop, and pushes the subtree down.
    pub(crate) fn link(&mut self, parent: GroupId, child: GroupId) {
        let depth = self.groups[parent.index()].depth + 1;
        self.group_mut(parent).children.push(child);
        let group = self.group_mut(child);
        group.parents.push(parent);
        group.depth = group.depth.max(depth);
        self.deepen_below(child);
    }

    fn deepen_below(&mut self, top: GroupId) {
        let mut level = vec![top];
        while !level.is_empty() {
            let mut next = vec![];
            for id in level {
                let depth = self.groups[id.index()].depth + 1;
                for child in self.groups[id.index()].children.clone() {
                    if self.groups[child.index()].depth < depth {
                        self.group_mut(child).depth = depth;
                        next.push(child);
                    }
                }
            }
            level = next;
        }
    }

    /// All groups above, without the group itself.
    pub(crate) fn ancestors(&self, group: GroupId) -> Vec<GroupId> {
        let mut seen = vec![false; self.groups.len()];
        let mut found = vec![];
        let mut waiting = self.groups[group.index()].parents.clone();
        while let Some(id) = waiting.pop() {
            if !std::mem::replace(&mut seen[id.index()], true) {
                found.push(id);
                waiting.extend(&self.groups[id.index()].parents);
            }
        }
        found
    }

    /// The group's own hosts, then those of its children, then of theirs, each host once.
    pub(crate) fn hosts_below(&self, top: GroupId) -> Vec<HostId> {
        let mut seen_hosts = vec![false; self.hosts.len()];
        let mut seen_groups = vec![false; self.groups.len()];
        let mut hosts = vec![];
        let mut level = vec![top];
        while !level.is_empty() {
            let mut next = vec![];
            for id in level {
                if std::mem::replace(&mut seen_groups[id.index()], true) {
                    continue;
                }
                let group = &self.groups[id.index()];
                for host in &group.hosts {
                    if !std::mem::replace(&mut seen_hosts[host.index()], true) {
                        hosts.push(*host);
                    }
                }
                next.extend(&group.children);
            }
            level = next;
        }
        if top == GroupId::ALL {
            hosts.retain(|host| !self.hosts[host.index()].implicit);
        }
        hosts
    }

    pub(crate) fn group_set(&self, direct: Box<[GroupId]>) -> GroupSet {
        let mut member = vec![false; self.groups.len()];
        for id in &direct {
            member[id.index()] = true;
            for above in self.ancestors(*id) {
                member[above.index()] = true;
            }
        }
        member[GroupId::ALL.index()] = false;
        let mut by_precedence: Vec<GroupId> =
            (0..self.groups.len() as u32).map(GroupId).filter(|id| member[id.index()]).collect();
        by_precedence.sort_by(|a, b| {
            let (a, b) = (&self.groups[a.index()], &self.groups[b.index()]);
            (a.depth, a.priority, &a.name).cmp(&(b.depth, b.priority, &b.name))
        });
        let mut names: Vec<_> = by_precedence.iter().map(|id| self.groups[id.index()].name.clone()).collect();
        names.sort_unstable();
        GroupSet { by_precedence, names, direct }
    }
}
