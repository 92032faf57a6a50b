//! What the command line and ansible.cfg say about inventories: plain values, filled in by the caller.

use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::Map;
use ftl_core::source::Diagnostic;
use ftl_template::Shared;

/// The settings of Ansible that matter here, by their names in `ansible-config`.
#[derive(Clone, Debug)]
pub struct InventorySettings {
    /// The working directory: relative sources start here.
    pub base_dir: PathBuf,
    /// `INVENTORY_ENABLED`, in order.
    pub enabled: Vec<String>,
    /// `INVENTORY_IGNORE_EXTS`: ends of file names a directory source skips.
    pub ignore_extensions: Vec<String>,
    /// `INVENTORY_IGNORE_PATTERNS`: regular expressions of file names a directory source skips.
    pub ignore_patterns: Vec<String>,
    /// `INVENTORY_UNPARSED_IS_FAILED`
    pub unparsed_is_failed: bool,
    /// `INVENTORY_ANY_UNPARSED_IS_FAILED`
    pub any_unparsed_is_failed: bool,
    /// `INVENTORY_UNPARSED_WARNING`
    pub unparsed_warning: bool,
    /// `LOCALHOST_WARNING`
    pub localhost_warning: bool,
    /// FTL's own rule: when sources were given and none could be parsed, that is an error (Ansible goes on, exit 0).
    pub nothing_parsed_is_error: bool,
    /// `TRANSFORM_INVALID_GROUP_CHARS`
    pub invalid_group_chars: InvalidGroupChars,
    /// `HOST_PATTERN_MISMATCH`
    pub pattern_mismatch: OnMismatch,
    /// `DEFAULT_HASH_BEHAVIOUR`
    pub hash_behaviour: HashBehaviour,
    /// `VARIABLE_PRECEDENCE`
    pub precedence: Vec<GroupLevel>,
    /// `VARIABLE_PLUGINS_ENABLED` names `host_group_vars`.
    pub vars_files: bool,
    /// `RUN_VARS_PLUGINS`
    pub vars_files_time: VarsFilesTime,
    /// Extensions of YAML inventories (`yaml_valid_extensions`), with their dot.
    pub yaml_extensions: Vec<String>,
    /// The Python of an implicit `localhost`.
    pub controller_python: String,
    pub script: ScriptSettings,
    pub templates: TemplateSettings,
}

/// What `constructed` and `generator` render with.
#[derive(Clone, Default)]
pub struct TemplateSettings {
    pub shared: Arc<Shared>,
    /// `-e`, for sources that say `use_extra_vars`.
    pub extra_vars: Arc<Map>,
    /// `ANSIBLE_INVENTORY_USE_EXTRA_VARS`
    pub use_extra_vars: bool,
}

impl std::fmt::Debug for TemplateSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TemplateSettings")
    }
}

/// Limits of inventory scripts.
#[derive(Clone, Debug)]
pub struct ScriptSettings {
    pub timeout_seconds: u64,
    /// What a script may print before it is stopped.
    pub output_limit: usize,
    /// Strings of scripts may be templates, as in Ansible; off: they are data.
    pub trusted: bool,
    /// `ANSIBLE_INVENTORY_PLUGIN_SCRIPT_STDERR`
    pub always_show_stderr: bool,
}

/// What to do with group names that are no variable names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidGroupChars {
    Always,
    Never,
    Ignore,
    Silently,
}

/// What a pattern that matches nothing is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnMismatch {
    Warning,
    Error,
    Ignore,
}

/// How a dict variable meets another of the same name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HashBehaviour {
    Replace,
    Merge,
}

/// When `group_vars` and `host_vars` beside an inventory are read: for each host that needs them, or with the source
/// (and then those of the playbook not at all).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VarsFilesTime {
    Demand,
    Start,
}

/// The entries of `VARIABLE_PRECEDENCE`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupLevel {
    AllInventory,
    GroupsInventory,
    AllPluginsInventory,
    AllPluginsPlay,
    GroupsPluginsInventory,
    GroupsPluginsPlay,
}

const GROUP_LEVELS: &[(&str, GroupLevel)] = &[
    ("all_inventory", GroupLevel::AllInventory),
    ("groups_inventory", GroupLevel::GroupsInventory),
    ("all_plugins_inventory", GroupLevel::AllPluginsInventory),
    ("all_plugins_play", GroupLevel::AllPluginsPlay),
    ("groups_plugins_inventory", GroupLevel::GroupsPluginsInventory),
    ("groups_plugins_play", GroupLevel::GroupsPluginsPlay),
];

impl GroupLevel {
    /// `VARIABLE_PRECEDENCE` as written; unknown entries are left out with Ansible's warning.
    pub fn parse_list<'a>(names: impl IntoIterator<Item = &'a str>) -> (Vec<GroupLevel>, Vec<Diagnostic>) {
        let (mut levels, mut warnings) = (vec![], vec![]);
        for name in names {
            match GROUP_LEVELS.iter().find(|(known, _)| *known == name) {
                Some((_, level)) => levels.push(*level),
                None => {
                    warnings.push(Diagnostic::warning(format!("Ignoring unknown variable precedence entry: {name}")));
                }
            }
        }
        (levels, warnings)
    }
}

impl InvalidGroupChars {
    pub fn parse(name: &str) -> Option<InvalidGroupChars> {
        match name {
            "always" => Some(InvalidGroupChars::Always),
            "never" => Some(InvalidGroupChars::Never),
            "ignore" => Some(InvalidGroupChars::Ignore),
            "silently" => Some(InvalidGroupChars::Silently),
            _ => None,
        }
    }
}

impl OnMismatch {
    pub fn parse(name: &str) -> Option<OnMismatch> {
        match name {
            "warning" => Some(OnMismatch::Warning),
            "error" => Some(OnMismatch::Error),
            "ignore" => Some(OnMismatch::Ignore),
            _ => None,
        }
    }
}

impl HashBehaviour {
    pub fn parse(name: &str) -> Option<HashBehaviour> {
        match name {
            "replace" => Some(HashBehaviour::Replace),
            "merge" => Some(HashBehaviour::Merge),
            _ => None,
        }
    }
}

impl Default for ScriptSettings {
    fn default() -> ScriptSettings {
        ScriptSettings { timeout_seconds: 60, output_limit: 64 << 20, trusted: true, always_show_stderr: true }
    }
}

impl Default for InventorySettings {
    fn default() -> InventorySettings {
        let words = |list: &[&str]| list.iter().map(|s| s.to_string()).collect();
        InventorySettings {
            base_dir: PathBuf::from("/"),
            enabled: words(&["host_list", "script", "auto", "yaml", "ini", "toml"]),
            ignore_extensions: words(&[
                ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry",
            ]),
            ignore_patterns: vec![],
            unparsed_is_failed: false,
            any_unparsed_is_failed: false,
            unparsed_warning: true,
            localhost_warning: true,
            nothing_parsed_is_error: true,
            invalid_group_chars: InvalidGroupChars::Never,
            pattern_mismatch: OnMismatch::Warning,
            hash_behaviour: HashBehaviour::Replace,
            precedence: GROUP_LEVELS.iter().map(|(_, level)| *level).collect(),
            vars_files: true,
            vars_files_time: VarsFilesTime::Demand,
            yaml_extensions: words(&[".yaml", ".yml", ".json"]),
            controller_python: "/usr/bin/python3".into(),
            script: ScriptSettings::default(),
            templates: TemplateSettings::default(),
        }
    }
}
