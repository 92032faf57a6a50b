//! Inventory scripts that misbehave: they end, and what they started ends with them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ftl_core::source::Loader;
use ftl_core::vault::VaultSecrets;
use ftl_inventory::{InventorySettings, Loaded, load};

fn run(folder: &Path, body: &str, change: impl FnOnce(&mut InventorySettings)) -> Loaded {
    // A script that is still open for writing in a forked neighbour cannot be run.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let path = folder.join("inv.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings = InventorySettings {
        base_dir: folder.to_path_buf(),
        enabled: vec!["script".into()],
        ..InventorySettings::default()
    };
    change(&mut settings);
    load(&["inv.sh".into()], &settings, &Loader::new(folder, Arc::new(VaultSecrets::default())))
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("ftl-inventory-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_script_that_hangs_is_ended_with_its_children() {
    let folder = folder("hang");
    let started = Instant::now();
    let loaded = run(&folder, "sleep 300 & echo $! > child; wait", |s| s.script.timeout_seconds = 1);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(loaded.warnings[0].one_line().contains("did not end within 1 seconds"), "{:?}", loaded.warnings);
    assert_eq!(loaded.error.unwrap().message, "No inventory source could be parsed.");
    let child = std::fs::read_to_string(folder.join("child")).unwrap();
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
    let gone = || stat().is_empty() || stat().contains(") Z ");
    (0..100).take_while(|_| !gone()).for_each(|_| std::thread::sleep(Duration::from_millis(20)));
    assert!(gone());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_script_that_prints_without_end_is_ended() {
    let folder = folder("flood");
    let loaded = run(&folder, "yes", |s| s.script.output_limit = 1 << 20);
    assert!(loaded.warnings[0].one_line().contains("printed more than 1048576 bytes"), "{:?}", loaded.warnings);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn untrusted_scripts_give_data() {
    let folder = folder("data");
    let body = "echo '{\"g\": {\"hosts\": [\"a\"]}, \"_meta\": {\"hostvars\": {\"a\": {\"x\": \"{{ 1 }}\"}}}}'";
    for trusted in [true, false] {
        let loaded = run(&folder, body, |s| s.script.trusted = trusted);
        let host = loaded.inventory.find_host("a").unwrap();
        assert_eq!(loaded.inventory.host(host).vars.get("x").unwrap().has_template(), trusted);
    }
    std::fs::remove_dir_all(folder).unwrap();
}
