//! What is to be shown, and the variables of hosts and groups as the listings show them.

use std::sync::Arc;

use ftl_core::Map;
use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;
use rustc_hash::FxHashSet;

use crate::combine::combine_vars;
use crate::host_vars::HostVariables;
use crate::inventory::{GroupId, Inventory};
use crate::pattern::{Limit, Selection};
use crate::settings::InventorySettings;

/// An inventory to be shown, with the options of `ansible-inventory`.
pub struct Listing<'a> {
    pub inventory: &'a Inventory,
    pub variables: &'a HostVariables,
    pub settings: &'a InventorySettings,
    pub limit: Option<&'a Limit>,
    /// `--export`: variables where they are written, not where they count.
    pub export: bool,
    /// `--playbook-dir` was given: its vars files belong to groups and exported hosts too.
    pub playbook_dir_given: bool,
    /// `-e`
    pub extra_vars: &'a Map,
}

/// Variables Ansible makes itself: never listed.
const INTERNAL: [&str; 31] = [
    "ansible_async_path",
    "ansible_collection_name",
    "ansible_config_file",
    "ansible_dependent_role_names",
    "ansible_diff_mode",
    "ansible_facts",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_role_names",
    "ansible_playbook_python",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "group_names",
    "groups",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_names",
];

impl Listing<'_> {
    /// The hosts of `all` within the limit, in order, and as a set.
    pub(super) fn available(&self) -> Result<(Vec<HostId>, FxHashSet<HostId>), Diagnostic> {
        let hosts = Selection::new(self.inventory, self.settings).hosts(&["all"], self.limit)?;
        let set = hosts.iter().copied().collect();
        Ok((hosts, set))
    }

    pub(super) fn host_vars(&self, host: HostId) -> Result<Arc<Map>, Diagnostic> {
        let mut vars = match self.export {
            true => self.variables.own_vars(self.inventory, host, self.playbook_dir_given)?,
            false => self.variables.merged_host_vars(self.inventory, host)?,
        };
        if !self.export && !self.extra_vars.is_empty() {
            combine_vars(Arc::make_mut(&mut vars), self.extra_vars, self.settings.hash_behaviour);
        }
        Ok(without_internal(vars))
    }

    pub(super) fn group_vars(&self, group: GroupId) -> Result<Arc<Map>, Diagnostic> {
        let mut vars = self.variables.group_vars(self.inventory, group, self.playbook_dir_given)?;
        let priority = self.inventory.group(group).priority;
        if priority != 1 {
            Arc::make_mut(&mut vars).insert("ansible_group_priority", priority);
        }
        Ok(without_internal(vars))
    }

    /// The one host `--host` names.
    pub(super) fn single_host(&self, pattern: &str) -> Result<HostId, Diagnostic> {
        let hosts = Selection::new(self.inventory, self.settings).hosts(&[pattern], None)?;
        match hosts[..] {
            [host] => Ok(host),
            _ => Err(Diagnostic::error("You must pass a single valid host to --host parameter")),
        }
    }
}

fn without_internal(mut vars: Arc<Map>) -> Arc<Map> {
    let internal = |key: &str| INTERNAL.contains(&key) || key == "role_path" || key == "role_uuid";
    if vars.text_iter().any(|(key, _)| internal(key)) {
        Arc::make_mut(&mut vars).retain(|key, _| !key.as_str().is_some_and(internal));
    }
    vars
}
