//! Every folder of `tests/cases` against what ansible-inventory 2.19.14 answered (`tests/record.sh`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::source::{Diagnostic, Loader, Severity, render};
use ftl_core::vault::VaultSecrets;
use ftl_core::{Map, Str, Value};
use ftl_inventory::listing::Listing;
use ftl_inventory::{
    GroupLevel, HashBehaviour, HostVariables, InvalidGroupChars, InventorySettings, Limit, VarsFilesTime, load,
};

struct Case {
    folder: PathBuf,
    settings: InventorySettings,
    playbook_dir: Option<PathBuf>,
    limit: Option<Limit>,
    extra_vars: Map,
}

impl Case {
    fn open(folder: &Path) -> Case {
        let mut case = Case {
            folder: folder.to_path_buf(),
            settings: InventorySettings {
                base_dir: folder.to_path_buf(),
                nothing_parsed_is_error: false,
                ..InventorySettings::default()
            },
            playbook_dir: None,
            limit: None,
            extra_vars: Map::new(),
        };
        for line in case.text("env").unwrap_or_default().lines() {
            let (name, value) = line.split_once('=').unwrap();
            set(&mut case.settings, name, value);
        }
        let options = case.text("options").unwrap_or_default();
        let words: Vec<&str> = options.split_whitespace().collect();
        for pair in words.chunks(2) {
            match pair[0] {
                "--playbook-dir" => case.playbook_dir = Some(folder.join(pair[1])),
                "--limit" => case.limit = Some(Limit::parse(pair[1], folder).unwrap()),
                "-e" => {
                    let (name, value) = pair[1].split_once('=').unwrap();
                    case.extra_vars.insert(name, Value::Str(Str::trusted(value, None)));
                }
                other => panic!("unknown option {other}"),
            }
        }
        case.settings.templates.extra_vars = Arc::new(case.extra_vars.clone());
        case
    }

    fn text(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join(name)).ok()
    }

    fn check(&self) -> Vec<String> {
        let loader = Loader::new(&self.folder, Arc::new(VaultSecrets::default()));
        let sources: Vec<String> = self.text("sources").unwrap().lines().map(String::from).collect();
        let loaded = load(&sources, &self.settings, &loader);
        let playbook_dir = self.playbook_dir.clone().unwrap_or_else(|| self.folder.clone());
        let variables =
            HostVariables::new(loader, &loaded.vars_directories, &[playbook_dir], &self.settings).for_listing();
        let listing = |export| Listing {
            inventory: &loaded.inventory,
            variables: &variables,
            settings: &self.settings,
            limit: self.limit.as_ref(),
            export,
            playbook_dir_given: self.playbook_dir.is_some(),
            extra_vars: &self.extra_vars,
        };
        let mut wrong = vec![];
        let mut compare = |name: &str, found: String| {
            let expected = without_engine_warnings(&self.text(name).unwrap());
            if expected.trim_end() != found.trim_end() {
                wrong.push(format!("== {} {name}\n-- expected\n{expected}\n-- found\n{found}", self.folder.display()));
            }
        };
        compare("list.json", listing(false).list_json().unwrap());
        compare("export.json", listing(true).list_json().unwrap());
        compare("list.yaml", listing(false).list_yaml().unwrap());
        compare("graph.txt", listing(false).graph("all", true).unwrap());
        if let Some(host) = self.text("host") {
            compare("host.json", listing(false).host_json(host.trim()).unwrap());
        }
        if self.text("stderr.skip").is_none() {
            compare("stderr.txt", self.messages(&loaded.warnings));
        }
        wrong
    }

    /// The messages as the command line prints them.
    fn messages(&self, diagnostics: &[Diagnostic]) -> String {
        let mut out = String::new();
        let mut deprecated = false;
        for diagnostic in diagnostics {
            let label = match diagnostic.severity {
                Severity::Error => "ERROR",
                Severity::Warning => "WARNING",
                Severity::Deprecation => "DEPRECATION WARNING",
            };
            if diagnostic.severity == Severity::Deprecation && !std::mem::replace(&mut deprecated, true) {
                out.push_str(
                    "[WARNING]: Deprecation warnings can be disabled by setting `deprecation_warnings=False` in \
                     ansible.cfg.\n",
                );
            }
            let text = render(diagnostic, &|file| std::fs::read_to_string(file).ok());
            out.push_str(&format!("[{label}]: {text}\n"));
        }
        out.replace(&*self.folder.to_string_lossy(), "{case}")
    }
}

/// Reserved names are warned of where variables come together, which is not here.
fn without_engine_warnings(text: &str) -> String {
    let mut skipping = false;
    let keep = |line: &&str| {
        if line.starts_with('[') {
            skipping = line.starts_with("[WARNING]: Found variable using reserved name");
        }
        !skipping
    };
    text.lines().filter(keep).collect::<Vec<_>>().join("\n")
}

fn set(settings: &mut InventorySettings, name: &str, value: &str) {
    let list = || value.split(',').map(String::from).collect();
    match name {
        "ANSIBLE_INVENTORY_ENABLED" => settings.enabled = list(),
        "ANSIBLE_INVENTORY_IGNORE" => settings.ignore_extensions = list(),
        "ANSIBLE_INVENTORY_IGNORE_REGEX" => settings.ignore_patterns = list(),
        "ANSIBLE_HASH_BEHAVIOUR" => settings.hash_behaviour = HashBehaviour::parse(value).unwrap(),
        "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS" => {
            settings.invalid_group_chars = InvalidGroupChars::parse(value).unwrap();
        }
        "ANSIBLE_PRECEDENCE" => settings.precedence = GroupLevel::parse_list(value.split(',')).0,
        "ANSIBLE_RUN_VARS_PLUGINS" => {
            settings.vars_files_time = if value == "start" { VarsFilesTime::Start } else { VarsFilesTime::Demand };
        }
        other => panic!("unknown setting {other}"),
    }
}

#[test]
fn listings_equal_those_of_ansible() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() > 40, "cases are missing");
    let wrong: Vec<String> = folders.iter().flat_map(|folder| Case::open(folder).check()).collect();
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}
