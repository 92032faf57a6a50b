//! Changes tasks make while a play runs: `add_host` and `group_by`.

use std::sync::Arc;

use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;
use ftl_core::{Map, Value};

use crate::combine::combine_vars;
use crate::draft::Draft;
use crate::inventory::Inventory;
use crate::settings::InventorySettings;
/// What `add_host` wants.
#[derive(Clone, Debug, Default)]
pub struct AddedHost {
    pub name: String,
    pub vars: Map,
    pub groups: Vec<String>,
}

/// What `group_by` wants for one host.
#[derive(Clone, Debug, Default)]
pub struct GroupedHost {
    pub group: String,
    pub parents: Vec<String>,
}

impl Inventory {
    /// Adds a host, or adds to it. Says whether anything changed. Hosts keep their ids.
    pub fn add_host(
        &mut self,
        added: &AddedHost,
        settings: &InventorySettings,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<(HostId, bool), Diagnostic> {
        if let Some(id) = self.find_explicit(&added.name)
            && !self.would_change(id, added, settings)
        {
            return Ok((id, false));
        }
        let mut draft = Draft::new(self.edit(), settings, warnings, None);
        let all = draft.add_group("all")?;
        let known = draft.data.host_ids.get(added.name.as_str()).copied();
        let id = match known {
            Some(id) => id,
            None => draft.add_host(&added.name, Some(all), None)?,
        };
        let host = draft.data.host_mut(id);
        combine_vars(Arc::make_mut(&mut host.vars), &added.vars, settings.hash_behaviour);
        for name in &added.groups {
            let group = draft.add_group(name)?;
            draft.add_to_group(group, id);
        }
        draft.reconcile_groups();
        draft.reconcile_hosts(&[id]);
        Ok((id, true))
    }

    fn would_change(&self, id: HostId, added: &AddedHost, settings: &InventorySettings) -> bool {
        let host = self.host(id);
        let in_group = |name: &String| self.find_group(name).is_some_and(|group| host.groups.contains(&group));
        if !added.groups.iter().all(in_group) {
            return true;
        }
        let mut combined = (*host.vars).clone();
        combine_vars(&mut combined, &added.vars, settings.hash_behaviour);
        Value::dict(combined) != Value::dict((*host.vars).clone())
    }

    /// Puts a host into a group of that name. Says whether anything changed.
    pub fn group_host(
        &mut self,
        host: HostId,
        grouped: &GroupedHost,
        settings: &InventorySettings,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<bool, Diagnostic> {
        if self.is_grouped(host, grouped) {
            return Ok(false);
        }
        let mut draft = Draft::new(self.edit(), settings, warnings, None);
        let group = draft.add_group(&grouped.group)?;
        let mut changed = false;
        for name in &grouped.parents {
            changed |= !draft.data.group_ids.contains_key(name.as_str());
            let parent = draft.add_group(name)?;
            changed |= draft.data.add_child_group(parent, group)?;
        }
        if !draft.data.hosts_below(group).contains(&host) {
            changed |= draft.add_to_group(group, host);
        }
        draft.reconcile_groups();
        draft.reconcile_hosts(&[host]);
        Ok(changed)
    }

    fn is_grouped(&self, host: HostId, grouped: &GroupedHost) -> bool {
        let Some(group) = self.find_group(&grouped.group) else { return false };
        let below = |name: &String| self.find_group(name).is_some_and(|id| self.group(id).children.contains(&group));
        grouped.parents.iter().all(below) && self.hosts_of(group).contains(&host)
    }
}
