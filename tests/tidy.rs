//! The rules of the architecture that a machine can check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ftl_tests::program::repository;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Where text may be marked as a template, or as decrypted: loaders, and nobody else.
const MAY_TRUST: &[&str] = &[
    // What the operator typed.
    "ftl-cli/src/command/adhoc.rs",
    "ftl-cli/src/command/eval.rs",
    "ftl-cli/src/extra_vars.rs",
    // Settings files.
    "ftl-core/src/settings/kind.rs",
    // Vault values, when they are opened.
    "ftl-core/src/value/text.rs",
    // YAML, with its vault values.
    "ftl-core/src/yaml/construct.rs",
    "ftl-core/src/yaml/json.rs",
    // Template files.
    "ftl-engine/src/action/template.rs",
    // Vault values that a filter makes.
    "ftl-template/src/filter/vault.rs",
    "ftl-template/src/lookup/template.rs",
    // Inventory sources.
    "ftl-inventory/src/source/ini.rs",
    "ftl-inventory/src/source/script_json.rs",
];

/// `mod.rs` files that still hold code. A list to make shorter.
const MODULES_WITH_CODE: &[&str] = &[
    "ftl-playbook/src/role/mod.rs",
    "ftl-template/src/evaluate/mod.rs",
    "ftl-template/src/jmespath/mod.rs",
    "ftl-template/src/method/mod.rs",
];

/// What stands in the root of the repository.
const ROOT: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "COMPATIBILITY.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "docs",
    "ftl-cli",
    "ftl-connection",
    "ftl-core",
    "ftl-engine",
    "ftl-gate",
    "ftl-inventory",
    "ftl-module",
    "ftl-output",
    "ftl-playbook",
    "ftl-sdk",
    "ftl-template",
    "ftl-wasm",
    "justfile",
    "playbooks",
    "plugins",
    "rustfmt.toml",
    "tests",
    "vendor",
];

/// The arrows between crates are those of the ladder in ARCHITECTURE.md.
#[test]
fn crates_use_what_the_ladder_allows() {
    let architecture = fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut ladder: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let table = architecture.split("## The ladder").nth(1).expect("a ladder").split("\n\n").nth(2).expect("its table");
    for row in table.lines().skip(2) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (name, uses) = (crate_name(cells[1]), cells[3].replace(" and ", ", "));
        let uses = uses.split(", ").filter(|word| !word.is_empty()).map(crate_name).collect();
        ladder.insert(name, uses);
    }
    assert!(ladder.len() > 10, "the ladder was not read: {ladder:?}");
    let everything: BTreeSet<String> = ladder.keys().cloned().collect();
    for (name, uses) in direct_dependencies() {
        if name == "ftl-tests" {
            continue;
        }
        let allowed = ladder.get(&name).unwrap_or_else(|| panic!("{name} is not in the ladder of ARCHITECTURE.md"));
        let allowed = if allowed.contains("ftl-all") { &everything } else { allowed };
        let more: Vec<&String> = uses.iter().filter(|used| !allowed.contains(*used)).collect();
        assert!(more.is_empty(), "{name} uses {more:?}, which the ladder does not allow");
    }
}

/// The engine is tested without network, modules and gates; the core without anything that runs.
#[test]
fn inner_crates_stay_clean() {
    let metadata = metadata();
    for (name, forbidden) in [
        (
            "ftl-engine",
            &["russh", "ftl-connection", "ftl-gate", "ftl-module", "ftl-output", "ftl-sdk", "ftl-builtin", "clap"][..],
        ),
        ("ftl-playbook", &["tokio", "russh", "ftl-inventory"]),
        ("ftl-core", &["tokio", "russh", "minijinja"]),
        ("ftl-sdk", &["tokio", "ftl-core"]),
        ("ftl-output", &["ftl-engine", "tokio"]),
    ] {
        let reached = closure(&metadata, name);
        assert!(reached.len() > 1, "{name} was not found");
        for crate_name in forbidden {
            assert!(!reached.contains(*crate_name), "{name} reaches {crate_name}");
        }
    }
}

#[test]
fn files_open_with_their_purpose() {
    let silent: Vec<String> =
        sources().iter().filter(|(_, text)| !text.starts_with("//!")).map(|(p, _)| p.clone()).collect();
    assert!(silent.is_empty(), "these do not open with `//!`: {silent:#?}");
}

#[test]
fn files_fit_a_head() {
    let long = sources().into_iter().filter(|(path, text)| !is_test(path) && text.lines().count() > 800);
    let long: Vec<String> = long.map(|(path, _)| path).collect();
    assert!(long.is_empty(), "longer than 800 lines: {long:#?}");
}

#[test]
fn mod_files_are_tables_of_contents() {
    let items =
        ["fn ", "struct ", "enum ", "impl", "const ", "static ", "trait ", "async fn ", "type ", "macro_rules!"];
    let mut with_code = vec![];
    for (path, text) in sources() {
        if !path.ends_with("/mod.rs") || is_test(&path) {
            continue;
        }
        let code = before_tests(&text).lines().any(|line| {
            let line = line.strip_prefix("pub").map_or(line, |rest| rest.trim_start_matches(|c| c != ' ').trim_start());
            items.iter().any(|item| line.starts_with(item))
        });
        if code {
            with_code.push(path);
        }
    }
    let known: Vec<String> = MODULES_WITH_CODE.iter().map(|path| path.to_string()).collect();
    let new: Vec<&String> = with_code.iter().filter(|path| !known.contains(path)).collect();
    assert!(new.is_empty(), "code in mod.rs: {new:#?}");
    let done: Vec<&String> = known.iter().filter(|path| !with_code.contains(path)).collect();
    assert!(done.is_empty(), "no code is left in {done:#?}: take them off the list");
}

#[test]
fn only_loaders_trust_text() {
    let calls = ["Str::trusted(", "Str::decrypted(", "Str::sealed("];
    let mut found = BTreeSet::new();
    for (path, text) in sources() {
        if !is_test(&path)
            && !path.contains("/examples/")
            && calls.iter().any(|call| before_tests(&text).contains(call))
        {
            found.insert(path);
        }
    }
    let allowed: BTreeSet<String> = MAY_TRUST.iter().map(|path| path.to_string()).collect();
    let new: Vec<&String> = found.difference(&allowed).collect();
    assert!(new.is_empty(), "these mark text as trusted, and are no loaders: {new:#?}");
    let gone: Vec<&String> = allowed.difference(&found).collect();
    assert!(gone.is_empty(), "these mark nothing any more: {gone:#?}");
}

/// The wire cannot change without its document being touched.
#[test]
fn the_gate_protocol_is_documented() {
    let mut files: Vec<PathBuf> = listed(&repository().join("ftl-gate/src/protocol"));
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(before_tests(&fs::read_to_string(&file).expect("a source")).as_bytes());
    }
    let digest: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let document = fs::read_to_string(repository().join("docs/gate-protocol.md")).expect("docs/gate-protocol.md");
    let line = format!("Hash of `ftl-gate/src/protocol/`: `{digest}`.");
    assert!(
        document.contains(&line),
        "the protocol was changed: bring docs/gate-protocol.md up to date (and `protocol` in HELLO, if the ends no \
         longer understand each other), then write there:\n{line}"
    );
}

#[test]
fn the_root_holds_nothing_stray() {
    let output = git(&["ls-files"]);
    let found: BTreeSet<&str> = output.lines().filter_map(|path| path.split('/').next()).collect();
    let stray: Vec<&&str> = found.iter().filter(|name| !ROOT.contains(name)).collect();
    assert!(stray.is_empty(), "stray in the root: {stray:?}");
}

#[test]
fn tables_are_sorted() {
    let (mut tables, mut entries) = (0, 0);
    for (path, text) in sources() {
        if !path.ends_with("/table.rs") || is_test(&path) {
            continue;
        }
        let (mut previous, mut opened) = (String::new(), false);
        for line in before_tests(&text).lines() {
            if line.contains("= [") || line.contains("= &[") {
                (previous, opened) = (String::new(), false);
                tables += 1;
            }
            let entry = entry_name(line, opened);
            opened = line == "    (";
            if let Some(name) = entry {
                entries += 1;
                assert!(previous.as_str() < name, "{path}: {name:?} comes after {previous:?}");
                previous = name.to_string();
            }
        }
    }
    assert!(tables > 5 && entries > 250, "the tables were not found: {tables} with {entries} entries");
}

/// The first string of an entry: `    ("name", …`, `    action("name", …`, or alone below an opening line.
fn entry_name(line: &str, opened: bool) -> Option<&str> {
    let indent = if opened { "        \"" } else { "    " };
    let rest = line.strip_prefix(indent)?;
    let rest = if opened {
        rest
    } else {
        let (before, rest) = rest.split_once('"')?;
        let call = before.strip_suffix('(')?;
        if !call.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        rest
    };
    rest.split('"').next()
}

fn crate_name(word: &str) -> String {
    let word = word.trim_matches('`');
    let short = word.strip_prefix("ftl-").unwrap_or(word).strip_prefix("plugins/").unwrap_or(word);
    format!("ftl-{}", short.strip_prefix("ftl-").unwrap_or(short))
}

/// Every source of ours, by its path in the repository.
fn sources() -> Vec<(String, String)> {
    let paths = git(&["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]);
    let ours = paths.lines().filter(|path| !path.starts_with("vendor/"));
    let found: Vec<(String, String)> =
        ours.filter_map(|path| Some((path.to_string(), fs::read_to_string(repository().join(path)).ok()?))).collect();
    assert!(found.len() > 100, "the sources were not found");
    found
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn listed(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).expect("a directory").flatten().map(|entry| entry.path()).collect()
}

fn git(arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    // A clone may belong to someone else than the one who tests.
    command.args(["-c", "safe.directory=*"]).args(arguments).current_dir(repository());
    let output = command.output().expect("git starts");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // A fresh machine has the crates of its own platform only.
    let versions = Command::new(&cargo).arg("-vV").output().expect("cargo starts");
    let versions = String::from_utf8_lossy(&versions.stdout).into_owned();
    let host = versions.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo's platform");
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--offline", "--all-features", "--filter-platform", host]);
    command.current_dir(repository());
    let output = command.output().expect("cargo starts");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON of cargo")
}

/// For each crate of ours, those of ours it names (not for its tests).
fn direct_dependencies() -> Vec<(String, Vec<String>)> {
    let metadata = metadata();
    let members: Vec<&Value> = list(&metadata["workspace_members"]).collect();
    let packages = list(&metadata["packages"]).filter(|package| members.contains(&&package["id"]));
    let uses = |package: &Value| {
        let dependencies = list(&package["dependencies"]).filter(|d| d["kind"].is_null());
        dependencies.map(|d| text(&d["name"])).filter(|name| name.starts_with("ftl-")).collect()
    };
    packages.map(|package| (text(&package["name"]), uses(package))).collect()
}

/// All crates that one reaches through its normal dependencies.
fn closure(metadata: &Value, name: &str) -> BTreeSet<String> {
    let names: BTreeMap<String, String> =
        list(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let mut arrows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let normal = |d: &&Value| list(&d["dep_kinds"]).any(|kind| kind["kind"].is_null());
        arrows.insert(text(&node["id"]), list(&node["deps"]).filter(normal).map(|d| text(&d["pkg"])).collect());
    }
    let mut queue: Vec<String> = names.iter().filter(|(_, n)| *n == name).map(|(id, _)| id.clone()).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = queue.pop() {
        if reached.insert(names[&id].clone()) {
            queue.extend(arrows.get(&id).into_iter().flatten().cloned());
        }
    }
    reached
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}
