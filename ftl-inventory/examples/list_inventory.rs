//! Reads an inventory and says what it cost: `list_inventory SOURCE [json|merge]`.

use std::sync::Arc;
use std::time::Instant;

use ftl_core::source::Loader;
use ftl_core::vault::VaultSecrets;
use ftl_inventory::listing::Listing;
use ftl_inventory::{HostVariables, InventorySettings, load};

#[allow(clippy::print_stdout)]
fn main() {
    let mut arguments = std::env::args().skip(1);
    let (source, work) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let base_dir = std::env::current_dir().unwrap_or_default();
    let settings = InventorySettings { base_dir: base_dir.clone(), ..InventorySettings::default() };
    let loader = Loader::new(&base_dir, Arc::new(VaultSecrets::default()));
    let start = Instant::now();
    let loaded = load(&[source], &settings, &loader);
    println!("read {} hosts: {:?}", loaded.inventory.host_count(), start.elapsed());
    let variables = HostVariables::new(loader, &loaded.vars_directories, &[base_dir], &settings);
    let start = Instant::now();
    match work.as_str() {
        "json" => {
            let listing = Listing {
                inventory: &loaded.inventory,
                variables: &variables,
                settings: &settings,
                limit: None,
                export: false,
                playbook_dir_given: false,
                extra_vars: &ftl_core::Map::new(),
            };
            println!("json {} bytes: {:?}", listing.list_json().map_or(0, |text| text.len()), start.elapsed());
        }
        "graph" => {
            let listing = Listing {
                inventory: &loaded.inventory,
                variables: &variables,
                settings: &settings,
                limit: None,
                export: false,
                playbook_dir_given: false,
                extra_vars: &ftl_core::Map::new(),
            };
            println!("graph {} bytes: {:?}", listing.graph("all", false).map_or(0, |text| text.len()), start.elapsed());
        }
        _ => {
            let entries: usize = loaded
                .inventory
                .hosts()
                .map(|host| variables.layers_for(&loaded.inventory, host).map_or(0, |layers| layers.len()))
                .sum();
            println!("{entries} layers: {:?}", start.elapsed());
        }
    }
}
