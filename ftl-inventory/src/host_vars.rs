//! The variables of hosts by level of precedence: sources, `group_vars/` and `host_vars/` beside inventory and playbook.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use ftl_core::Map;
use ftl_core::id::HostId;
use ftl_core::source::{Diagnostic, Loader};
use rustc_hash::FxHashMap;

use crate::combine::combine_vars;
use crate::inventory::{GroupId, Inventory, no_vars, read, write};
use crate::settings::{GroupLevel, HashBehaviour, InventorySettings, VarsFilesTime};
use crate::vars_files::{VarsDirectory, VarsKind};

/// Where a layer of variables comes from, low precedence first (as `VARIABLE_PRECEDENCE` has it by default).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    AllInventory,
    GroupsInventory,
    AllInventoryFiles,
    AllPlaybookFiles,
    GroupsInventoryFiles,
    GroupsPlaybookFiles,
    /// `inventory_file` and `inventory_dir`.
    HostSource,
    HostInventory,
    HostInventoryFiles,
    HostPlaybookFiles,
}

/// Variables of one level; several layers of a level follow each other, the later ones win.
pub type Layer = (Level, Arc<Map>);

/// The variables all hosts get from inventory and vars files. Reads a file when the first host needs it, once.
pub struct HostVariables {
    loader: Loader,
    inventory_directories: Vec<VarsDirectory>,
    playbook_directories: Vec<VarsDirectory>,
    precedence: Vec<GroupLevel>,
    behaviour: HashBehaviour,
    time: VarsFilesTime,
    /// Listings read vars files at either time.
    listing: bool,
    by_groups: RwLock<ByGroups>,
}

/// What hosts of the same groups share; valid for one version of the inventory.
#[derive(Default)]
struct ByGroups {
    version: u64,
    layers: FxHashMap<Box<[GroupId]>, Arc<[Layer]>>,
    merged: FxHashMap<Box<[GroupId]>, Arc<Map>>,
}

impl HostVariables {
    /// `inventory_directories` are [`crate::Loaded::vars_directories`]; the playbook's come from `PLAYBOOK_VARS_ROOT`.
    pub fn new(
        loader: Loader,
        inventory_directories: &[PathBuf],
        playbook_directories: &[PathBuf],
        settings: &InventorySettings,
    ) -> HostVariables {
        let open = |paths: &[PathBuf]| match settings.vars_files {
            true => paths.iter().map(|path| VarsDirectory::new(path)).collect(),
            false => vec![],
        };
        HostVariables {
            loader,
            inventory_directories: open(inventory_directories),
            playbook_directories: open(playbook_directories),
            precedence: settings.precedence.clone(),
            behaviour: settings.hash_behaviour,
            time: settings.vars_files_time,
            listing: false,
            by_groups: RwLock::default(),
        }
    }

    /// For `ansible-inventory`, which reads all vars files whatever `RUN_VARS_PLUGINS` says.
    #[must_use]
    pub fn for_listing(self) -> HostVariables {
        HostVariables { listing: true, ..self }
    }

    /// The directories beside the playbook, in order: those a host's variables are looked up in after the inventory's.
    pub fn playbook_directories(&self) -> impl Iterator<Item = &std::path::Path> {
        self.playbook_directories.iter().map(VarsDirectory::base)
    }

    /// The layers of a host, low precedence first; empty ones are left out.
    pub fn layers_for(&self, inventory: &Inventory, host: HostId) -> Result<Vec<Layer>, Diagnostic> {
        let mut layers = self.group_layers(inventory, host)?.to_vec();
        layers.extend(self.own_layers(inventory, host)?);
        Ok(layers)
    }

    /// The layers of a host in one map.
    pub fn merged_host_vars(&self, inventory: &Inventory, host: HostId) -> Result<Arc<Map>, Diagnostic> {
        let mut merged = self.merged_group_vars(inventory, host)?;
        for (_, vars) in self.own_layers(inventory, host)? {
            if merged.is_empty() {
                merged = vars;
            } else {
                combine_vars(Arc::make_mut(&mut merged), &vars, self.behaviour);
            }
        }
        Ok(merged)
    }

    /// What a group itself says, with its vars files; without its parents.
    pub fn group_vars(
        &self,
        inventory: &Inventory,
        group: GroupId,
        with_playbook: bool,
    ) -> Result<Arc<Map>, Diagnostic> {
        let group = inventory.group(group);
        let mut layers = vec![group.vars.clone()];
        let playbook = self.playbook_directories.iter().filter(|_| with_playbook);
        for directory in self.inventory_directories.iter().chain(playbook) {
            layers.push(self.file_vars(directory, VarsKind::Group, &group.name)?);
        }
        Ok(self.combined(layers))
    }

    /// What a host itself says, with its vars files; without its groups.
    pub fn own_vars(&self, inventory: &Inventory, host: HostId, with_playbook: bool) -> Result<Arc<Map>, Diagnostic> {
        let layers = self.own_layers(inventory, host)?.into_iter();
        let wanted = |layer: &Layer| with_playbook || layer.0 != Level::HostPlaybookFiles;
        Ok(self.combined(layers.filter(wanted).map(|(_, vars)| vars)))
    }

    fn combined(&self, layers: impl IntoIterator<Item = Arc<Map>>) -> Arc<Map> {
        let mut merged = no_vars();
        for vars in layers {
            if merged.is_empty() {
                merged = vars;
            } else if !vars.is_empty() {
                combine_vars(Arc::make_mut(&mut merged), &vars, self.behaviour);
            }
        }
        merged
    }

    fn file_vars(&self, directory: &VarsDirectory, kind: VarsKind, name: &str) -> Result<Arc<Map>, Diagnostic> {
        directory.vars(kind, name, &self.loader, self.behaviour)
    }

    /// The layers of the groups, shared by all hosts in the same ones.
    fn group_layers(&self, inventory: &Inventory, host: HostId) -> Result<Arc<[Layer]>, Diagnostic> {
        let set = inventory.group_set(host);
        {
            let known = read(&self.by_groups);
            if known.version == inventory.version()
                && let Some(layers) = known.layers.get(&set.direct)
            {
                return Ok(layers.clone());
            }
        }
        let mut layers = vec![];
        for level in &self.precedence {
            self.add_group_level(*level, inventory, &set.by_precedence, &mut layers)?;
        }
        layers.retain(|(_, vars)| !vars.is_empty());
        let layers: Arc<[Layer]> = layers.into();
        self.remember(inventory).layers.insert(set.direct.clone(), layers.clone());
        Ok(layers)
    }

    fn merged_group_vars(&self, inventory: &Inventory, host: HostId) -> Result<Arc<Map>, Diagnostic> {
        let set = inventory.group_set(host);
        {
            let known = read(&self.by_groups);
            if known.version == inventory.version()
                && let Some(merged) = known.merged.get(&set.direct)
            {
                return Ok(merged.clone());
            }
        }
        let layers = self.group_layers(inventory, host)?;
        let merged = self.combined(layers.iter().map(|(_, vars)| vars.clone()));
        self.remember(inventory).merged.insert(set.direct.clone(), merged.clone());
        Ok(merged)
    }

    fn remember(&self, inventory: &Inventory) -> std::sync::RwLockWriteGuard<'_, ByGroups> {
        let mut known = write(&self.by_groups);
        if known.version != inventory.version() {
            *known = ByGroups { version: inventory.version(), ..ByGroups::default() };
        }
        known
    }

    fn add_group_level(
        &self,
        level: GroupLevel,
        inventory: &Inventory,
        groups: &[GroupId],
        layers: &mut Vec<Layer>,
    ) -> Result<(), Diagnostic> {
        let all = &[GroupId::ALL][..];
        match level {
            GroupLevel::AllInventory => self.add_sources(Level::AllInventory, inventory, all, layers),
            GroupLevel::GroupsInventory => self.add_sources(Level::GroupsInventory, inventory, groups, layers),
            GroupLevel::AllPluginsInventory => self.add_files(Level::AllInventoryFiles, inventory, all, layers),
            GroupLevel::AllPluginsPlay => self.add_files(Level::AllPlaybookFiles, inventory, all, layers),
            GroupLevel::GroupsPluginsInventory => {
                self.add_files(Level::GroupsInventoryFiles, inventory, groups, layers)
            }
            GroupLevel::GroupsPluginsPlay => self.add_files(Level::GroupsPlaybookFiles, inventory, groups, layers),
        }
    }

    fn add_sources(
        &self,
        level: Level,
        inventory: &Inventory,
        groups: &[GroupId],
        layers: &mut Vec<Layer>,
    ) -> Result<(), Diagnostic> {
        for id in groups {
            let group = inventory.group(*id);
            layers.push((level, group.vars.clone()));
            if self.time == VarsFilesTime::Start {
                for directory in &self.inventory_directories {
                    layers.push((level, self.file_vars(directory, VarsKind::Group, &group.name)?));
                }
            }
        }
        Ok(())
    }

    fn add_files(
        &self,
        level: Level,
        inventory: &Inventory,
        groups: &[GroupId],
        layers: &mut Vec<Layer>,
    ) -> Result<(), Diagnostic> {
        let directories = match level {
            Level::AllInventoryFiles | Level::GroupsInventoryFiles => &self.inventory_directories,
            _ => &self.playbook_directories,
        };
        if self.time == VarsFilesTime::Start && !self.listing {
            return Ok(());
        }
        for directory in directories {
            for id in groups {
                let name = &inventory.group(*id).name;
                layers.push((level, self.file_vars(directory, VarsKind::Group, name)?));
            }
        }
        Ok(())
    }

    fn own_layers(&self, inventory: &Inventory, host: HostId) -> Result<Vec<Layer>, Diagnostic> {
        let host = inventory.host(host);
        let mut layers = vec![];
        if let Some(source) = &host.source {
            layers.push((Level::HostSource, source.vars.clone()));
        }
        layers.push((Level::HostInventory, host.vars.clone()));
        let start = self.time == VarsFilesTime::Start;
        let mut add = |level, directories: &[VarsDirectory]| -> Result<(), Diagnostic> {
            for directory in directories {
                layers.push((level, self.file_vars(directory, VarsKind::Host, &host.name)?));
            }
            Ok(())
        };
        if start {
            add(Level::HostInventory, &self.inventory_directories)?;
        }
        if !start || self.listing {
            add(Level::HostInventoryFiles, &self.inventory_directories)?;
            add(Level::HostPlaybookFiles, &self.playbook_directories)?;
        }
        layers.retain(|(_, vars)| !vars.is_empty());
        Ok(layers)
    }
}
