//! What the engine is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::{ConnectionOptions, ModuleOptions, Secret};
use ftl_core::value::Map;
use ftl_engine::{EngineSettings, Gathering, version_value};
use ftl_inventory::HashBehaviour;
use ftl_module::ansible::core::AnsibleCore;

use crate::exit::Failure;
use crate::parts::Parts;
use crate::passwords::Passwords;
use crate::wiring::COMPATIBLE_VERSION;

impl Parts<'_> {
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
            tags: self.tags(),
            skip_tags: self.skip_tags(),
            limit: self.arguments.text("subset").map(String::from),
            start_at_task: self.arguments.text("start_at_task").map(String::from),
            force_handlers: self.flag("force_handlers", "DEFAULT_FORCE_HANDLERS"),
            any_errors_fatal: settings.flag("ANY_ERRORS_FATAL"),
            task_debugger: settings.flag("ENABLE_TASK_DEBUGGER"),
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
                .or_else(|| settings.text("sudo.become_pass").map(Secret::new)),
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
            facts_modules: settings.list("FACTS_MODULES"),
            network_facts: settings
                .value("CONNECTION_FACTS_MODULES")
                .as_map()
                .map(|map| (*map).clone())
                .unwrap_or_default(),
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
            private_key_passphrase: settings.text("ssh.private_key_passphrase").map(Secret::new),
            ssh_executable: settings
                .is_given("ssh.ssh_executable")
                .then(|| settings.text("ssh.ssh_executable"))
                .flatten(),
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
            target_log_info: settings.text("TARGET_LOG_INFO"),
            rlimit_nofile: settings
                .number("PYTHON_MODULE_RLIMIT_NOFILE")
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(0),
            tracebacks_for: tracebacks(&settings.list("DISPLAY_TRACEBACK")),
            native: self
                .arguments
                .text("native")
                .or(self.surroundings.variable("FTL_NATIVE"))
                .unwrap_or("auto")
                .to_string(),
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
}

/// The events `DISPLAY_TRACEBACK` stands for.
fn tracebacks(given: &[String]) -> Vec<String> {
    const EVENTS: [&str; 4] = ["error", "warning", "deprecated", "deprecated_value"];
    let named = |event: &&str| given.iter().any(|name| name == "always" || name == event);
    EVENTS.iter().filter(|event| named(event)).map(|event| event.to_string()).collect()
}
