//! What all hosts know at one moment: a snapshot that workers read while the dispatcher makes the next one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ftl_core::id::HostId;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value};
use ftl_inventory::{AddedHost, Inventory, InventorySettings};

use super::Facts;

/// Gives a host's inventory variables (sources, `group_vars`, `host_vars`), lowest precedence first; the path is the
/// directory of the play's playbook, whose vars files count too.
pub type InventoryLayers = Arc<dyn Fn(&Path, &Inventory, HostId) -> Result<Vec<Arc<Map>>, Diagnostic> + Send + Sync>;

/// The variables of one host that change while a run lasts.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostVars {
    inventory: OnceLock<Arc<Vec<Arc<Map>>>>,
    pub facts: Facts,
    pub include_vars: Arc<Map>,
    /// `set_fact` and `register`.
    pub set_facts: Arc<Map>,
}

/// Immutable, cheap to clone.
#[derive(Clone)]
pub(crate) struct World {
    pub inventory: Inventory,
    layers: InventoryLayers,
    /// The directory of the play's playbook.
    play_dir: Arc<PathBuf>,
    hosts: Arc<Vec<Arc<HostVars>>>,
    /// Hosts that failed or were unreachable in this play (they leave `ansible_play_hosts`).
    pub removed: Arc<Vec<HostId>>,
}

impl World {
    pub(crate) fn new(inventory: Inventory, layers: InventoryLayers) -> World {
        let mut world =
            World { inventory, layers, play_dir: Arc::default(), hosts: Arc::default(), removed: Arc::default() };
        world.grow();
        world
    }

    /// Makes room for hosts that were added to the inventory.
    fn grow(&mut self) {
        let count = self.inventory.host_id_bound();
        if self.hosts.len() < count {
            Arc::make_mut(&mut self.hosts).resize_with(count, Arc::default);
        }
    }

    /// A play of a playbook in this directory begins.
    pub(crate) fn enter_play(&mut self, dir: &Path) {
        if **self.play_dir != *dir {
            self.play_dir = Arc::new(dir.to_path_buf());
            self.forget_inventory_vars();
        }
    }

    /// Takes a changed inventory; what was gathered stays.
    pub(crate) fn refresh(&mut self, inventory: Inventory) {
        self.inventory = inventory;
        self.grow();
        self.forget_inventory_vars();
    }

    fn forget_inventory_vars(&mut self) {
        for host in Arc::make_mut(&mut self.hosts) {
            Arc::make_mut(host).inventory = OnceLock::new();
        }
    }

    /// This world with one more host, for a task that is delegated to it.
    pub(crate) fn with_stranger(&self, name: &str, settings: &InventorySettings) -> (World, Option<HostId>) {
        let mut inventory = self.inventory.clone();
        let added = AddedHost { name: name.to_string(), ..AddedHost::default() };
        let id = inventory.add_host(&added, settings, &mut vec![]).ok().map(|(id, _)| id);
        let mut world = self.clone();
        world.refresh(inventory);
        (world, id)
    }

    /// The same knowledge about hosts of a newly read inventory.
    pub(crate) fn renumbered(&self, inventory: Inventory) -> World {
        let mut world = World::new(inventory, self.layers.clone());
        world.play_dir = self.play_dir.clone();
        for (index, host) in self.hosts.iter().enumerate() {
            let name = self.inventory.host_name(HostId(index as u32));
            if let Some(id) = world.inventory.find_host(name) {
                let known = HostVars { inventory: OnceLock::new(), ..(**host).clone() };
                Arc::make_mut(&mut world.hosts)[id.index()] = Arc::new(known);
            }
        }
        world
    }

    pub(crate) fn host(&self, id: HostId) -> &Arc<HostVars> {
        &self.hosts[id.index()]
    }

    /// The inventory variables of a host, lowest precedence first.
    pub(crate) fn inventory_vars(&self, id: HostId) -> Arc<Vec<Arc<Map>>> {
        // Errors were said at the play's start; a host that joins later has what could be read.
        self.host(id)
            .inventory
            .get_or_init(|| Arc::new((self.layers)(&self.play_dir, &self.inventory, id).unwrap_or_default()))
            .clone()
    }

    /// Reads a host's inventory variables, and says what is wrong with their files.
    pub(crate) fn check_inventory_vars(&self, id: HostId) -> Result<(), Diagnostic> {
        if self.host(id).inventory.get().is_none() {
            let layers = Arc::new((self.layers)(&self.play_dir, &self.inventory, id)?);
            let _ = self.host(id).inventory.set(layers);
        }
        Ok(())
    }

    fn edit(&mut self, id: HostId) -> &mut HostVars {
        Arc::make_mut(&mut Arc::make_mut(&mut self.hosts)[id.index()])
    }

    pub(crate) fn add_facts(&mut self, id: HostId, facts: &Map) {
        let host = self.edit(id);
        host.facts = host.facts.with(facts);
    }

    pub(crate) fn clear_facts(&mut self, id: HostId) {
        self.edit(id).facts = Facts::default();
    }

    pub(crate) fn set_fact(&mut self, id: HostId, name: &str, value: Value) {
        Arc::make_mut(&mut self.edit(id).set_facts).insert(name, value);
    }

    pub(crate) fn include_var(&mut self, id: HostId, name: &str, value: Value) {
        Arc::make_mut(&mut self.edit(id).include_vars).insert(name, value);
    }

    pub(crate) fn remove_host(&mut self, id: HostId) {
        if !self.removed.contains(&id) {
            Arc::make_mut(&mut self.removed).push(id);
        }
    }

    pub(crate) fn restore_host(&mut self, id: HostId) {
        Arc::make_mut(&mut self.removed).retain(|h| *h != id);
    }
}
