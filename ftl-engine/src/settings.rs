//! What a run is told from outside: command line, `ansible.cfg` and environment, already resolved to plain values.

use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::call::{ConnectionOptions, ModuleOptions, Secret};
use ftl_core::value::{Map, Value};

/// The settings of a run. Names are those of Ansible's options and settings.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    pub forks: usize,
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub limit: Option<String>,
    pub start_at_task: Option<String>,
    pub force_handlers: bool,
    pub any_errors_fatal: bool,
    pub task_debugger: bool,
    pub strategy: String,
    pub gathering: Gathering,
    pub hash_merge: bool,
    pub inject_facts: bool,
    pub error_on_missing_handler: bool,
    pub run_vars_prompts: bool,
    /// Values of connection options that no keyword and no variable gives.
    pub connection: ConnectionOptions,
    pub become_default: bool,
    pub become_method: String,
    pub become_user: Option<String>,
    pub become_exe: Option<String>,
    pub become_flags: Option<String>,
    pub become_password: Option<Secret>,
    pub module_options: Arc<ModuleOptions>,
    pub async_dir: String,
    pub poll_interval: u64,
    pub task_timeout: u64,
    pub no_log: bool,
    pub display_args: bool,
    pub max_diff_size: usize,
    pub diff_context: usize,
    /// `interpreter_python`: a path, `auto` or `auto_silent`.
    pub interpreter: String,
    pub controller_python: String,
    pub config_file: Option<String>,
    /// `-i` values, for `ansible_inventory_sources`.
    pub inventory_sources: Vec<String>,
    pub ansible_version: Value,
    pub retry_files: Option<PathBuf>,
    pub show_custom_stats: bool,
    /// Directory of the fact cache (`jsonfile`), if any, and seconds an entry stays good (0: for ever).
    pub fact_cache: Option<(PathBuf, u64)>,
    /// `facts_modules`: what `gather_facts` runs.
    pub facts_modules: Vec<String>,
    /// `CONNECTION_FACTS_MODULES`: which module gathers facts of which network system.
    pub network_facts: Map,
    pub strict_origin: bool,
    /// Events say what callback plugins in Python want to know.
    pub detailed_events: bool,
    /// Playbook-level `cli` variables that magic variables show (`ansible_limit`, …) are made from the fields above.
    pub extra_vars: Arc<Map>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gathering {
    Implicit,
    Explicit,
    Smart,
}

impl Default for EngineSettings {
    fn default() -> EngineSettings {
        EngineSettings {
            forks: 5,
            check: false,
            diff: false,
            verbosity: 0,
            tags: vec![],
            skip_tags: vec![],
            limit: None,
            start_at_task: None,
            force_handlers: false,
            any_errors_fatal: false,
            task_debugger: false,
            strategy: "linear".into(),
            gathering: Gathering::Implicit,
            hash_merge: false,
            inject_facts: true,
            error_on_missing_handler: true,
            run_vars_prompts: true,
            connection: ConnectionOptions {
                kind: "ssh".into(),
                timeout: 10,
                host_key_checking: true,
                ..ConnectionOptions::default()
            },
            become_default: false,
            become_method: "sudo".into(),
            become_user: None,
            become_exe: None,
            become_flags: None,
            become_password: None,
            module_options: Arc::new(ModuleOptions::default()),
            async_dir: "~/.ansible_async".into(),
            poll_interval: 15,
            task_timeout: 0,
            no_log: false,
            display_args: false,
            max_diff_size: 104_448,
            diff_context: 3,
            interpreter: "auto".into(),
            controller_python: "/usr/bin/python3".into(),
            config_file: None,
            inventory_sources: vec![],
            ansible_version: Value::None,
            retry_files: None,
            show_custom_stats: false,
            fact_cache: None,
            facts_modules: vec!["smart".into()],
            network_facts: Map::new(),
            strict_origin: false,
            detailed_events: false,
            extra_vars: Arc::new(Map::new()),
        }
    }
}
