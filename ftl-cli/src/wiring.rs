//! Puts the parts together: the only file that knows every adapter.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::{ConnectionOptions, ModuleOptions, ModuleSearch};
use ftl_core::port::ModuleRuntime;
use ftl_core::settings::Settings;
use ftl_core::source::{Diagnostic, Loader};
use ftl_core::value::{Map, Value};
use ftl_core::vault::VaultSecrets;
use ftl_core::yaml::DuplicateKeys;
use ftl_engine::{EngineSettings, Gathering, version_value};
use ftl_inventory::{
    GroupLevel, HashBehaviour, InvalidGroupChars, InventorySettings, OnMismatch, VarsFilesTime,
};
use ftl_module::ansible::core::AnsibleCore;
use ftl_module::{PluginHost, PluginHostSettings};
use ftl_output::{ColourNames, Colouring, Display, LogSettings, OutputSettings, ResultFormat};
use ftl_playbook::ParseOptions;
use ftl_template::{Files, HostsMatching, PythonPlugins, Shared};

use crate::args::Arguments;
use crate::exit::Failure;
use crate::passwords::Passwords;
use crate::surroundings::Surroundings;

/// The version of ansible-core whose behaviour this is.
pub const COMPATIBLE_VERSION: &str = "2.19.14";

/// The module runtime and what belongs to it.
pub struct Modules {
    pub runtime: Arc<dyn ModuleRuntime>,
    /// The ansible-core it uses.
    pub core: Option<AnsibleCore>,
    /// The process for plugins in Python.
    pub plugins: Option<Arc<PluginHost>>,
}

/// Plugins in Python, as templates see them.
struct Foreign(Arc<PluginHost>);

impl PythonPlugins for Foreign {
    fn has(&self, kind: &str, name: &str) -> bool {
        self.0.has(kind, name)
    }

    fn call(
        &self,
        kind: &str,
        name: &str,
        value: Option<&Value>,
        positional: &Value,
        named: &Value,
        variables: &Value,
    ) -> Result<Value, String> {
        self.0.call(kind, name, value, positional, named, variables).map_err(|error| error.message)
    }
}

/// What every command is made from.
pub struct Parts<'a> {
    pub surroundings: &'a Surroundings,
    pub arguments: &'a Arguments,
    pub settings: &'a Settings,
}

impl Parts<'_> {
    pub fn verbosity(&self) -> u8 {
        let configured = self.settings.number("DEFAULT_VERBOSITY").unwrap_or(0).max(0) as usize;
        let debug = if self.arguments.flag("debug") { 3 } else { 0 };
        (configured + debug + self.arguments.count("verbosity")).min(255) as u8
    }

    pub fn flag(&self, option: &str, setting: &str) -> bool {
        self.arguments.flag(option) || self.settings.flag(setting)
    }

    pub fn text(&self, option: &str, setting: &str) -> Option<String> {
        self.arguments.text(option).map(String::from).or_else(|| self.settings.text(setting))
    }

    pub fn number(&self, option: &str, setting: &str) -> i64 {
        self.arguments.number(option).or_else(|| self.settings.number(setting)).unwrap_or(0)
    }

    /// What templates and callers see as the display's settings.
    pub fn output(&self, display: &str) -> Result<OutputSettings, Failure> {
        let settings = self.settings;
        let surroundings = self.surroundings;
        let mut colours = ColourNames::default();
        for spec in ftl_core::settings::SETTINGS.iter().filter(|spec| spec.name.starts_with("COLOR_")) {
            if let Some(colour) = settings.text(spec.name) {
                colours.set(spec.name, &colour);
            }
        }
        let colouring = match (settings.flag("ANSIBLE_FORCE_COLOR"), settings.flag("ANSIBLE_NOCOLOR")) {
            (true, _) => Colouring::Always,
            (false, true) => Colouring::Never,
            (false, false) => Colouring::Auto,
        };
        let enabled: Vec<String> =
            settings.list("CALLBACKS_ENABLED").into_iter().filter(|name| !name.is_empty()).collect();
        let log = settings.path("DEFAULT_LOG_PATH").map(|path| LogSettings {
            path,
            verbosity: settings.number("LOG_VERBOSITY").map(|level| level.clamp(0, 255) as u8),
            user: surroundings.user.clone(),
        });
        let needs_times = log.is_some() || !enabled.is_empty();
        let extra = surroundings
            .env
            .iter()
            .filter(|(name, _)| name.starts_with("JUNIT_") || name.starts_with("PROFILE_TASKS_"))
            .map(|(name, value)| (name.clone(), value.clone()));
        Ok(OutputSettings {
            display: display.to_string(),
            enabled,
            verbosity: self.verbosity(),
            colouring,
            colours,
            columns: surroundings.columns,
            stdout_tty: surroundings.stdout_tty,
            stderr_tty: surroundings.stderr_tty,
            term: surroundings.env.get("TERM").cloned(),
            progress: surroundings.variable("FTL_PROGRESS").is_some_and(|value| value != "0"),
            check: self.arguments.flag("check"),
            positional_arguments: self.arguments.positionals.clone(),
            option_arguments: shown_options(self.arguments),
            display_skipped_hosts: settings.flag("default.display_skipped_hosts"),
            display_ok_hosts: settings.flag("default.display_ok_hosts"),
            display_failed_stderr: settings.flag("default.display_failed_stderr"),
            show_per_host_start: settings.flag("default.show_per_host_start"),
            show_custom_stats: settings.flag("default.show_custom_stats"),
            check_mode_markers: settings.flag("default.check_mode_markers"),
            show_task_path_on_failure: settings.flag("default.show_task_path_on_failure"),
            display_args_to_stdout: settings.flag("DISPLAY_ARGS_TO_STDOUT"),
            result_format: settings
                .text("default.result_format")
                .unwrap_or_default()
                .parse::<ResultFormat>()
                .map_err(Failure::general)?,
            pretty_results: settings.is_given("default.pretty_results").then(|| settings.flag("default.pretty_results")),
            diff_context: settings.number("DIFF_CONTEXT").unwrap_or(3).max(0) as usize,
            deprecation_warnings: settings.flag("DEPRECATION_WARNINGS"),
            verbose_to_stderr: settings.flag("VERBOSE_TO_STDERR"),
            log,
            time_zone: if needs_times { jiff::tz::TimeZone::system() } else { jiff::tz::TimeZone::UTC },
            extra: extra.collect(),
            read_file: Arc::new(|path| std::fs::read_to_string(path).ok()),
            notes: vec![],
            writers: None,
        })
    }

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

    /// `-i`, else the setting; paths absolute, host lists as they are.
    pub fn inventory_sources(&self) -> Vec<String> {
        match self.arguments.texts("inventory") {
            [] => self.settings.list("DEFAULT_HOST_LIST"),
            given => given
                .iter()
                .map(|source| if source.contains(',') { source.clone() } else { self.surroundings.path(source) })
                .collect(),
        }
    }

    pub fn hash_behaviour(&self) -> HashBehaviour {
        let name = self.settings.text("DEFAULT_HASH_BEHAVIOUR").unwrap_or_default();
        HashBehaviour::parse(&name).unwrap_or(HashBehaviour::Replace)
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

    /// `FTL_COMPAT=strict`: what stock Ansible does, also where FTL would rather not.
    pub fn is_strict(&self) -> bool {
        self.surroundings.variable("FTL_COMPAT") == Some("strict")
    }

    /// Settings of the module runtime; `near` are directories of playbooks, whose collections come first.
    pub fn module_settings(&self, near: &[PathBuf]) -> ftl_module::Settings {
        let search = self.surroundings.variable("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin");
        ftl_module::Settings {
            ansible_core: self.surroundings.variable("FTL_ANSIBLE_CORE").map(PathBuf::from),
            search_path: search.split(':').map(PathBuf::from).collect(),
            home: Some(self.surroundings.home.clone()),
            cache_dir: self.cache_dir(),
            collections_paths: self.collections_paths(near),
            library: self.settings.paths("DEFAULT_MODULE_PATH"),
            module_utils: self.settings.paths("DEFAULT_MODULE_UTILS_PATH"),
            lenient_utf8: !self.settings.flag("MODULE_STRICT_UTF8_RESPONSE"),
            output_limit: 0,
        }
    }

    pub fn cache_dir(&self) -> PathBuf {
        let base = self.surroundings.variable("XDG_CACHE_HOME").map(PathBuf::from);
        base.filter(|path| path.is_absolute()).unwrap_or_else(|| self.surroundings.home.join(".cache")).join("ftl")
    }

    fn collections_paths(&self, near: &[PathBuf]) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = near.iter().map(|directory| directory.join("collections")).collect();
        paths.extend(self.settings.paths("COLLECTIONS_PATHS"));
        paths
    }

    /// `-M`, the later ones first.
    pub fn module_path(&self) -> Vec<PathBuf> {
        let given = self.arguments.texts("module_path").iter().rev();
        given.flat_map(|paths| paths.split(':')).map(|path| PathBuf::from(self.surroundings.path(path))).collect()
    }

    pub fn connector(&self) -> Arc<dyn ftl_core::port::Connector> {
        ftl_connection::connector(ftl_connection::ConnectorSettings::new(
            &self.surroundings.home,
            &self.surroundings.user,
            self.surroundings.env.clone(),
        ))
    }

    /// The runtime, and the ansible-core it uses.
    pub fn modules(&self, near: &[PathBuf]) -> Modules {
        let runtime = ftl_module::Runtime::new(self.module_settings(near), self.connector(), natives());
        let core = runtime.ansible_core().cloned();
        let plugins = core.as_ref().map(|core| Arc::new(PluginHost::new(self.plugin_host_settings(core, near))));
        let runtime = match &plugins {
            Some(plugins) => runtime.with_plugins(plugins.clone()),
            None => runtime,
        };
        Modules { runtime: Arc::new(runtime), core, plugins }
    }

    fn plugin_host_settings(&self, core: &AnsibleCore, near: &[PathBuf]) -> PluginHostSettings {
        let configured = [
            ("filter", "DEFAULT_FILTER_PLUGIN_PATH"),
            ("test", "DEFAULT_TEST_PLUGIN_PATH"),
            ("lookup", "DEFAULT_LOOKUP_PLUGIN_PATH"),
        ];
        let directories = |(kind, setting): (&str, &str)| {
            self.settings.paths(setting).into_iter().map(|d| (kind.to_string(), d)).collect::<Vec<_>>()
        };
        PluginHostSettings {
            python: PathBuf::from(self.controller_python(Some(core))),
            ansible_core: Some(core.site_packages.clone()),
            environment: self.surroundings.env.clone(),
            base_dir: near.first().cloned().unwrap_or_else(|| self.surroundings.working_dir.clone()),
            verbosity: self.verbosity(),
            configured: configured.into_iter().flat_map(directories).collect(),
            collections_paths: self.collections_paths(near),
        }
    }

    pub fn shared(
        &self,
        modules: &Modules,
        loader: &Loader,
        base_dir: &Path,
        display: &Arc<Display>,
        hosts_matching: Option<HostsMatching>,
    ) -> Arc<Shared> {
        let sink = display.clone();
        Arc::new(Shared {
            files: Arc::new(LoaderFiles(loader.clone())),
            plugins: modules.plugins.clone().map(|host| Arc::new(Foreign(host)) as Arc<dyn PythonPlugins>),
            environment: self.surroundings.env.clone(),
            working_dir: self.surroundings.working_dir.clone(),
            base_dir: base_dir.to_path_buf(),
            jinja_extensions: self.settings.list("DEFAULT_JINJA2_EXTENSIONS"),
            allow_broken_conditionals: self.settings.flag("ALLOW_BROKEN_CONDITIONALS"),
            allow_embedded_templates: self.settings.flag("ALLOW_EMBEDDED_TEMPLATES"),
            config: self.settings.all(),
            hosts_matching,
            warn: Box::new(move |diagnostic| sink.message(&diagnostic)),
            ..Shared::default()
        })
    }

    pub fn parse_options(
        &self,
        modules: &Arc<dyn ModuleRuntime>,
        shared: &Arc<Shared>,
        extra_vars: &Arc<Map>,
        near: &[PathBuf],
        listing: bool,
    ) -> ParseOptions {
        let private = "DEFAULT_PRIVATE_ROLE_VARS";
        ParseOptions {
            modules: modules.clone(),
            lookup_exists: {
                let shared = shared.clone();
                Arc::new(move |name| {
                    let foreign = || shared.plugins.as_ref().is_some_and(|p| p.has("lookup", name));
                    ftl_template::lookup::find(name).is_some() || foreign()
                })
            },
            templates: shared.clone(),
            extra_vars: extra_vars.clone(),
            roles_path: self.settings.paths("DEFAULT_ROLES_PATH"),
            collections_paths: self.collections_paths(near),
            module_path: self.module_path(),
            configured: ModuleSearch {
                action_plugins: self.settings.paths("DEFAULT_ACTION_PLUGIN_PATH"),
                ..ModuleSearch::default()
            },
            working_dir: self.surroundings.working_dir.clone(),
            private_role_vars: self.settings.is_given(private).then(|| self.settings.flag(private)),
            unknown_keywords_fail: self.settings.flag("INVALID_TASK_ATTRIBUTE_FAILED"),
            listing,
        }
    }

    /// Everything the engine is told.
    pub fn engine(
        &self,
        core: Option<&AnsibleCore>,
        extra_vars: Arc<Map>,
        passwords: &Passwords,
    ) -> Result<EngineSettings, Failure> {
        let settings = self.settings;
        let unsigned = |name: &str| settings.number(name).unwrap_or(0).max(0);
        Ok(EngineSettings {
            forks: self.forks()?,
            check: self.arguments.flag("check"),
            diff: self.flag("diff", "DIFF_ALWAYS"),
            verbosity: self.verbosity(),
            tags: self.tags("tags", "TAGS_RUN"),
            skip_tags: self.tags("skip_tags", "TAGS_SKIP"),
            limit: self.arguments.text("subset").map(String::from),
            start_at_task: self.arguments.text("start_at_task").map(String::from),
            force_handlers: self.flag("force_handlers", "DEFAULT_FORCE_HANDLERS"),
            any_errors_fatal: settings.flag("ANY_ERRORS_FATAL"),
            strategy: settings.text("DEFAULT_STRATEGY").unwrap_or_else(|| "linear".into()),
            gathering: match settings.text("DEFAULT_GATHERING").as_deref() {
                Some("explicit") => Gathering::Explicit,
                Some("smart") => Gathering::Smart,
                _ => Gathering::Implicit,
            },
            hash_merge: self.hash_behaviour() == HashBehaviour::Merge,
            inject_facts: settings.flag("INJECT_FACTS_AS_VARS"),
            error_on_missing_handler: settings.flag("ERROR_ON_MISSING_HANDLER"),
            run_vars_prompts: true,
            connection: self.connection(passwords),
            become_default: self.flag("become", "DEFAULT_BECOME"),
            become_method: self.text("become_method", "DEFAULT_BECOME_METHOD").unwrap_or_else(|| "sudo".into()),
            become_user: self.text("become_user", "sudo.become_user"),
            become_exe: settings.is_given("sudo.become_exe").then(|| settings.text("sudo.become_exe")).flatten(),
            become_flags: settings.is_given("sudo.become_flags").then(|| settings.text("sudo.become_flags")).flatten(),
            become_password: passwords
                .escalation
                .clone()
                .or_else(|| settings.text("sudo.become_pass").map(ftl_core::call::Secret::new)),
            module_options: Arc::new(self.module_options()),
            async_dir: settings.text("sh.async_dir").unwrap_or_default(),
            poll_interval: unsigned("DEFAULT_POLL_INTERVAL") as u64,
            task_timeout: self.number("task_timeout", "TASK_TIMEOUT").max(0) as u64,
            no_log: settings.flag("DEFAULT_NO_LOG"),
            display_args: settings.flag("DISPLAY_ARGS_TO_STDOUT"),
            max_diff_size: unsigned("MAX_FILE_SIZE_FOR_DIFF") as usize,
            diff_context: unsigned("DIFF_CONTEXT") as usize,
            interpreter: settings.text("INTERPRETER_PYTHON").unwrap_or_else(|| "auto".into()),
            controller_python: self.controller_python(core),
            config_file: settings.config_file.as_ref().map(|path| path.to_string_lossy().into_owned()),
            inventory_sources: self.inventory_sources(),
            ansible_version: version_value(core.map_or(COMPATIBLE_VERSION, |core| core.version.as_str())),
            retry_files: None,
            show_custom_stats: settings.flag("default.show_custom_stats"),
            fact_cache: self.fact_cache()?,
            ansible_managed: settings.text("DEFAULT_MANAGED_STR").unwrap_or_default(),
            extra_vars,
            ..EngineSettings::default()
        })
    }

    fn forks(&self) -> Result<usize, Failure> {
        let forks = self.number("forks", "DEFAULT_FORKS");
        usize::try_from(forks).ok().filter(|forks| *forks > 0).ok_or_else(|| {
            // A usage error: checked with the other arguments, before this can be asked for.
            Failure::option("The number of processes (--forks) must be >= 1")
        })
    }

    /// Comma-separated, from settings and options; each once.
    pub fn tags(&self, option: &str, setting: &str) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let configured = self.settings.list(setting);
        let given = configured.iter().chain(self.arguments.texts(option));
        for tag in given.flat_map(|text| text.split(',')).map(str::trim).filter(|tag| !tag.is_empty()) {
            if !tags.iter().any(|known| known == tag) {
                tags.push(tag.to_string());
            }
        }
        tags
    }

    fn connection(&self, passwords: &Passwords) -> ConnectionOptions {
        let settings = self.settings;
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let key = self.arguments.text("private_key_file").map(|path| self.surroundings.path(path));
        ConnectionOptions {
            kind: self.text("connection", "DEFAULT_TRANSPORT").unwrap_or_else(|| "ssh".into()),
            address: String::new(),
            port: settings.number("ssh.port").and_then(|port| u16::try_from(port).ok()),
            user: filled(self.text("remote_user", "ssh.remote_user")),
            password: passwords.connection.clone(),
            private_key_file: key.or_else(|| filled(settings.text("DEFAULT_PRIVATE_KEY_FILE"))),
            private_key_passphrase: settings.text("ssh.private_key_passphrase").map(ftl_core::call::Secret::new),
            ssh_executable: settings.is_given("ssh.ssh_executable").then(|| settings.text("ssh.ssh_executable")).flatten(),
            ssh_args: settings.is_given("ssh.ssh_args").then(|| settings.text("ssh.ssh_args")).flatten(),
            ssh_common_args: filled(self.text("ssh_common_args", "ssh.ssh_common_args")),
            ssh_extra_args: filled(self.text("ssh_extra_args", "ssh.ssh_extra_args")),
            timeout: self.number("timeout", "ssh.timeout").clamp(0, u32::MAX.into()) as u32,
            retries: settings.number("ssh.reconnection_retries").unwrap_or(0).clamp(0, u32::MAX.into()) as u32,
            host_key_checking: settings.flag("ssh.host_key_checking"),
            shell_executable: settings
                .is_given("DEFAULT_EXECUTABLE")
                .then(|| settings.text("DEFAULT_EXECUTABLE"))
                .flatten(),
            remote_tmp: settings.text("sh.remote_tmp"),
            local_cwd: None,
        }
    }

    fn module_options(&self) -> ModuleOptions {
        let settings = self.settings;
        ModuleOptions {
            debug: settings.flag("DEFAULT_DEBUG"),
            syslog_facility: settings.text("DEFAULT_SYSLOG_FACILITY").unwrap_or_default(),
            selinux_special_fs: settings.list("DEFAULT_SELINUX_SPECIAL_FS"),
            shell_executable: settings.text("DEFAULT_EXECUTABLE").unwrap_or_else(|| "/bin/sh".into()),
            keep_remote_files: settings.flag("DEFAULT_KEEP_REMOTE_FILES"),
            remote_tmp: settings.text("sh.remote_tmp").unwrap_or_default(),
            target_log_info: settings.text("TARGET_LOG_INFO"),
            rlimit_nofile: settings.number("PYTHON_MODULE_RLIMIT_NOFILE").and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            tracebacks_for: tracebacks(&settings.list("DISPLAY_TRACEBACK")),
            native: self.arguments.text("native").or(self.surroundings.variable("FTL_NATIVE")).unwrap_or("auto").to_string(),
        }
    }

    fn fact_cache(&self) -> Result<Option<(PathBuf, u64)>, Failure> {
        let name = self.settings.text("CACHE_PLUGIN").unwrap_or_default();
        match name.trim_start_matches("ansible.builtin.") {
            "memory" | "" => Ok(None),
            "jsonfile" => {
                let Some(directory) = self.settings.text("CACHE_PLUGIN_CONNECTION").filter(|path| !path.is_empty())
                else {
                    return Err(Failure::general(
                        "error, 'jsonfile' cache plugin requires the 'fact_caching_connection' config option to be set (to \
                         a writeable directory path)",
                    ));
                };
                let base = self.settings.config_file.as_deref().and_then(Path::parent);
                let path = self.surroundings.with_paths(|rules| rules.resolve(&directory, base));
                let seconds = self.settings.number("CACHE_PLUGIN_TIMEOUT").unwrap_or(0).max(0) as u64;
                Ok(Some((path, seconds)))
            }
            other => Err(Failure::not_supported(&format!("The fact cache plugin '{other}'"))),
        }
    }

    /// `ansible_playbook_python`: the Python ansible-core is installed for.
    pub fn controller_python(&self, core: Option<&AnsibleCore>) -> String {
        let prefix = core.and_then(|core| core.site_packages.ancestors().nth(3).map(Path::to_path_buf));
        let own = prefix.map(|prefix| prefix.join("bin/python3")).filter(|python| python.exists());
        let search = self.surroundings.variable("PATH").unwrap_or("/usr/bin");
        let found = || search.split(':').map(|dir| Path::new(dir).join("python3")).find(|python| python.exists());
        own.or_else(found).unwrap_or_else(|| "/usr/bin/python3".into()).to_string_lossy().into_owned()
    }
}

/// FTL's own modules, once there are some.
fn natives() -> Option<Arc<dyn ftl_module::NativeModules>> {
    None
}

/// The options as given, for `-vvvv`.
fn shown_options(arguments: &Arguments) -> Vec<(String, String)> {
    let text = |texts: &[String]| match texts {
        [one] if one.is_empty() => "True".to_string(),
        [one] => one.clone(),
        several => several.join(","),
    };
    arguments.given().map(|(name, texts)| (name.to_string(), text(texts))).collect()
}

/// Files for templates: vaults open with the run's secrets.
struct LoaderFiles(Loader);

impl Files for LoaderFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Diagnostic> {
        self.0.read(path)
    }

    fn decrypt(&self, envelope: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        self.0.secrets.decrypt(envelope)
    }
}

/// The events `DISPLAY_TRACEBACK` stands for.
fn tracebacks(given: &[String]) -> Vec<String> {
    const EVENTS: [&str; 4] = ["error", "warning", "deprecated", "deprecated_value"];
    let named = |event: &&str| given.iter().any(|name| name == "always" || name == event);
    EVENTS.iter().filter(|event| named(event)).map(|event| event.to_string()).collect()
}
