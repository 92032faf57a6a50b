//! `add_host`, `group_by`, snapshots, and the implicit localhost.

use std::sync::Arc;

use ftl_core::source::Loader;
use ftl_core::value::repr;
use ftl_core::vault::VaultSecrets;
use ftl_core::{Map, Value};
use ftl_inventory::pattern::check_targets;
use ftl_inventory::{AddedHost, GroupedHost, HostVariables, Inventory, InventorySettings, Level, Limit, Loaded, load};

fn settings() -> InventorySettings {
    InventorySettings { base_dir: "/nonexistent".into(), ..InventorySettings::default() }
}

fn loader() -> Loader {
    Loader::new("/nonexistent", Arc::new(VaultSecrets::default()))
}

fn read(source: &str) -> Loaded {
    load(&[source.into()], &settings(), &loader())
}

fn added(name: &str, groups: &[&str], vars: &[(&str, i64)]) -> AddedHost {
    AddedHost {
        name: name.into(),
        vars: vars.iter().map(|(k, v)| (*k, Value::Int(*v))).collect(),
        groups: groups.iter().map(|g| g.to_string()).collect(),
    }
}

fn groups(inventory: &Inventory) -> String {
    repr(&inventory.groups_value())
}

#[test]
fn added_hosts_and_groups() {
    let mut inventory = read("a,b,").inventory;
    let before = inventory.clone();
    let (settings, mut warnings) = (settings(), vec![]);
    let (host, changed) = inventory.add_host(&added("c", &["new"], &[("x", 1)]), &settings, &mut warnings).unwrap();
    assert!(changed);
    assert_eq!(groups(&inventory), "{'all': ['c', 'a', 'b'], 'ungrouped': ['a', 'b'], 'new': ['c']}");
    assert_eq!(repr(&inventory.group_names(host)), "['new']");
    // The snapshot knows nothing of it.
    assert_eq!(groups(&before), "{'all': ['a', 'b'], 'ungrouped': ['a', 'b']}");
    assert!(!inventory.add_host(&added("c", &["new"], &[("x", 1)]), &settings, &mut warnings).unwrap().1);
    assert!(inventory.add_host(&added("c", &[], &[("x", 2)]), &settings, &mut warnings).unwrap().1);
    assert!(inventory.add_host(&added("d", &[], &[]), &settings, &mut warnings).unwrap().1);
    assert!(groups(&inventory).contains("'ungrouped': ['a', 'b', 'd']"));

    let a = inventory.find_host("a").unwrap();
    let by = GroupedHost { group: "os-x".into(), parents: vec!["os".into()] };
    assert!(inventory.group_host(a, &by, &settings, &mut warnings).unwrap());
    assert!(!inventory.group_host(a, &by, &settings, &mut warnings).unwrap());
    assert_eq!(repr(&inventory.group_names(a)), "['os', 'os-x']");
    assert!(groups(&inventory).contains("'ungrouped': ['b', 'd']"));
    assert!(warnings.iter().any(|w| w.message.starts_with("Invalid characters were found in group names but not")));
}

#[test]
fn the_controller_as_a_host() {
    let inventory = read("a,").inventory;
    let host = inventory.find_host("localhost").unwrap();
    assert!(inventory.host(host).implicit && inventory.find_explicit("localhost").is_none());
    assert_eq!(repr(inventory.host(host).vars.get("ansible_connection").unwrap()), "'local'");
    assert!(!groups(&inventory).contains("localhost"));
    // A written localhost is the controller under all its names.
    let inventory = read("localhost,").inventory;
    assert_eq!(inventory.find_host("127.0.0.1"), inventory.find_explicit("localhost"));
}

#[test]
fn targets_before_a_run() {
    let (settings, mut warnings) = (settings(), vec![]);
    let limit = |text: &str| Limit::parse(text, std::path::Path::new("/")).unwrap();
    let inventory = read("a,b,").inventory;
    assert_eq!(check_targets(&inventory, "all", Some(&limit("b")), &settings, &mut warnings).unwrap().len(), 1);
    let error = check_targets(&inventory, "all", Some(&limit("nope")), &settings, &mut warnings).unwrap_err();
    assert_eq!(error.message, "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.");
    assert_eq!(warnings.pop().unwrap().message, "Could not match supplied host pattern, ignoring: nope");
    let empty = Inventory::empty("/usr/bin/python3");
    assert!(check_targets(&empty, "all", None, &settings, &mut warnings).unwrap().is_empty());
    assert!(warnings.pop().unwrap().message.starts_with("provided hosts list is empty, only localhost is available."));
    assert_eq!(check_targets(&empty, "localhost", None, &settings, &mut warnings).unwrap().len(), 1);
    assert!(warnings.is_empty());
}

#[test]
fn nothing_parsed_ends_the_run() {
    let loaded = read("/nonexistent/hosts");
    let messages: Vec<&str> = loaded.warnings.iter().map(|w| w.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "Unable to parse /nonexistent/hosts as an inventory source",
            "No inventory was parsed, only implicit localhost is available"
        ]
    );
    assert!(loaded.error.is_some());
    let strict = InventorySettings { nothing_parsed_is_error: false, ..settings() };
    assert!(load(&["/nonexistent/hosts".into()], &strict, &loader()).error.is_none());
    let failing = InventorySettings { unparsed_is_failed: true, ..settings() };
    let error = load(&["/nonexistent/hosts".into()], &failing, &loader()).error.unwrap();
    assert_eq!(error.message, "No inventory was parsed, please check your configuration and options.");
    let failing = InventorySettings { any_unparsed_is_failed: true, ..settings() };
    let error = load(&["a,".into(), "/nonexistent/hosts".into()], &failing, &loader()).error.unwrap();
    assert_eq!(error.message, "Completely failed to parse inventory source /nonexistent/hosts");
    assert!(load(&[], &settings(), &loader()).error.is_none());
}

#[test]
fn layers_are_shared_and_ordered() {
    let case = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/precedence");
    let settings = InventorySettings { base_dir: case.clone(), ..InventorySettings::default() };
    let loader = Loader::new(&case, Arc::new(VaultSecrets::default()));
    let loaded = load(&["inv/hosts".into()], &settings, &loader);
    let variables = HostVariables::new(loader, &loaded.vars_directories, &[case], &settings);
    let layers =
        |name: &str| variables.layers_for(&loaded.inventory, loaded.inventory.find_host(name).unwrap()).unwrap();
    let levels: Vec<Level> = layers("h1").iter().map(|(level, _)| *level).collect();
    use Level::*;
    assert_eq!(
        levels,
        [
            AllInventory,
            GroupsInventory,
            GroupsInventory,
            AllInventoryFiles,
            AllPlaybookFiles,
            GroupsInventoryFiles,
            GroupsPlaybookFiles,
            GroupsPlaybookFiles,
            HostSource,
            HostInventory,
            HostInventoryFiles,
            HostPlaybookFiles
        ]
    );
    let (one, two): (Vec<Arc<Map>>, Vec<Arc<Map>>) =
        (layers("h1").into_iter().map(|l| l.1).collect(), layers("h2").into_iter().map(|l| l.1).collect());
    assert!(one.iter().zip(&two).take(9).all(|(a, b)| Arc::ptr_eq(a, b)));
    let implicit: Vec<Level> = layers("localhost").iter().map(|(level, _)| *level).collect();
    assert_eq!(implicit, [AllInventory, AllInventoryFiles, AllPlaybookFiles, HostInventory]);
}
