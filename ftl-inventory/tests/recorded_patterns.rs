//! Patterns and limits over one inventory, against what ansible-core 2.19.14 answered (`tests/record_patterns.py`).

use std::path::Path;
use std::sync::Arc;

use ftl_core::source::Loader;
use ftl_core::vault::VaultSecrets;
use ftl_inventory::{InventorySettings, Limit, Selection, load};
use serde_json::{Value as Json, json};

#[test]
fn patterns_select_what_ansible_selects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/patterns");
    let settings = InventorySettings { base_dir: folder.clone(), ..InventorySettings::default() };
    let loader = Loader::new(&folder, Arc::new(VaultSecrets::default()));
    let inventory = load(&["hosts".into()], &settings, &loader).inventory;
    let cases: Vec<Json> = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    assert!(cases.len() > 90);
    let mut wrong = vec![];
    for case in &cases {
        let mut selection = Selection::new(&inventory, &settings);
        let limit = case["limit"].as_str().map(|text| Limit::parse(text, &folder)).transpose();
        let answer = limit.and_then(|limit| selection.hosts(&[case["pattern"].as_str().unwrap()], limit.as_ref()));
        let answer = match answer {
            Ok(hosts) => hosts.iter().map(|id| inventory.host_name(*id).to_string()).collect(),
            Err(error) => Json::from(error.message),
        };
        let warnings: Vec<&str> = selection.warnings.iter().map(|warning| warning.message.as_str()).collect();
        if answer != case["answer"] || json!(warnings) != case["warnings"] {
            wrong.push(format!("{case}\n   found {answer} {warnings:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
