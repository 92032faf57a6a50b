//! What loaders and inventories are told.

use std::sync::Arc;

use ftl_core::source::{Diagnostic, Loader};
use ftl_core::vault::VaultSecrets;
use ftl_core::yaml::DuplicateKeys;
use ftl_inventory::{GroupLevel, InvalidGroupChars, InventorySettings, OnMismatch, VarsFilesTime};

use crate::parts::Parts;

impl Parts<'_> {
    pub fn loader(&self, secrets: VaultSecrets) -> Loader {
        let mut loader = Loader::new(&self.surroundings.working_dir, Arc::new(secrets));
        loader.duplicate_keys = match self.settings.text("DUPLICATE_YAML_DICT_KEY").as_deref() {
            Some("error") => DuplicateKeys::Error,
            Some("ignore") => DuplicateKeys::Ignore,
            _ => DuplicateKeys::Warn,
        };
        loader.extensions = self.settings.list("YAML_FILENAME_EXTENSIONS");
        loader
    }

    pub fn inventory_settings(&self, controller_python: &str, notes: &mut Vec<Diagnostic>) -> InventorySettings {
        let settings = self.settings;
        let word = |name: &str| settings.text(name).unwrap_or_default();
        let names = settings.list("VARIABLE_PRECEDENCE");
        let (precedence, mut warnings) = GroupLevel::parse_list(names.iter().map(String::as_str));
        notes.append(&mut warnings);
        let mut inventory = InventorySettings {
            base_dir: self.surroundings.working_dir.clone(),
            enabled: settings.list("INVENTORY_ENABLED"),
            ignore_extensions: settings.list("INVENTORY_IGNORE_EXTS"),
            ignore_patterns: settings.list("INVENTORY_IGNORE_PATTERNS"),
            unparsed_is_failed: settings.flag("INVENTORY_UNPARSED_IS_FAILED"),
            any_unparsed_is_failed: settings.flag("INVENTORY_ANY_UNPARSED_IS_FAILED"),
            unparsed_warning: settings.flag("INVENTORY_UNPARSED_WARNING"),
            localhost_warning: settings.flag("LOCALHOST_WARNING"),
            nothing_parsed_is_error: !self.arguments.texts("inventory").is_empty() && !self.is_strict(),
            invalid_group_chars: InvalidGroupChars::parse(&word("TRANSFORM_INVALID_GROUP_CHARS"))
                .unwrap_or(InvalidGroupChars::Never),
            pattern_mismatch: OnMismatch::parse(&word("HOST_PATTERN_MISMATCH")).unwrap_or(OnMismatch::Warning),
            hash_behaviour: self.hash_behaviour(),
            precedence,
            vars_files: settings
                .list("VARIABLE_PLUGINS_ENABLED")
                .iter()
                .any(|name| name.trim_start_matches("ansible.builtin.") == "host_group_vars"),
            vars_files_time: match word("RUN_VARS_PLUGINS").as_str() {
                "start" => VarsFilesTime::Start,
                _ => VarsFilesTime::Demand,
            },
            yaml_extensions: settings.list("yaml.yaml_extensions"),
            controller_python: controller_python.to_string(),
            ..InventorySettings::default()
        };
        inventory.script.always_show_stderr = settings.flag("script.always_show_stderr");
        inventory
    }
}
