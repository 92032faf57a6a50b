//! What is asked of a host: fully rendered plain data, never a template.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::value::Value;

/// Text that must never be printed: its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(text: impl Into<Arc<str>>) -> Secret {
        Secret(text.into())
    }
    /// The plaintext: for the places that hand it to a host or a template, and for the masks.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The variables that hold passwords; later ones win.
pub const CONNECTION_PASSWORD: &[&str] = &["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"];
pub const BECOME_PASSWORD: &[&str] = &["ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"];
pub const KEY_PASSPHRASE: &[&str] = &["ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"];

/// Where something runs, as whom, and with which Python. Equal targets share a gate (local ones whatever their host).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    /// The inventory name, for messages.
    pub host: Arc<str>,
    pub connection: Arc<ConnectionOptions>,
    pub become_as: Option<Become>,
    pub interpreter: Interpreter,
}

impl Target {
    /// Where modules may keep files, `~` and variables not expanded.
    pub fn remote_tmp(&self) -> &str {
        self.connection.remote_tmp.as_deref().filter(|path| !path.is_empty()).unwrap_or("~/.ansible/tmp")
    }
}

/// How to reach a host: the values of Ansible's connection variables and options.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ConnectionOptions {
    /// `ssh` or `local`.
    pub kind: String,
    pub address: String,
    pub port: Option<u16>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub private_key_file: Option<String>,
    pub private_key_passphrase: Option<Secret>,
    pub ssh_executable: Option<String>,
    pub ssh_args: Option<String>,
    pub ssh_common_args: Option<String>,
    pub ssh_extra_args: Option<String>,
    /// Seconds for connecting, authentication and gate start together.
    pub timeout: u32,
    pub retries: u32,
    pub host_key_checking: bool,
    /// The shell that runs `raw` commands and starts the gate (`/bin/sh`).
    pub shell_executable: Option<String>,
    pub remote_tmp: Option<String>,
    /// The directory local programs start in (the playbook's).
    pub local_cwd: Option<PathBuf>,
}

/// Another user to become.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Become {
    /// `sudo`; others end in a clear error.
    pub method: String,
    pub user: String,
    pub password: Option<Secret>,
    pub exe: Option<String>,
    pub flags: Option<String>,
}

/// Which Python runs modules at the target.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Interpreter {
    /// A path, as `ansible_python_interpreter` says; one word, whatever characters it has.
    Path(String),
    /// Discover it.
    Discover(Arc<Discovery>),
}

/// How a Python is looked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Discovery {
    /// `auto`, `auto_silent`, their deprecated `auto_legacy` forms, or nothing, as written.
    pub mode: String,
    /// The names to try, in this order: [`PYTHONS`] unless `ansible_interpreter_python_fallback` says otherwise.
    pub candidates: Vec<String>,
}

/// The Pythons discovery looks for, in ansible-core 2.19's order.
pub const PYTHONS: [&str; 8] =
    ["python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", "/usr/bin/python3", "python3"];

impl Discovery {
    pub fn new(mode: &str) -> Discovery {
        Discovery { mode: mode.into(), candidates: PYTHONS.map(str::to_owned).to_vec() }
    }

    pub fn is_silent(&self) -> bool {
        self.mode.ends_with("_silent")
    }
}

/// Where a module name is looked up, besides the installed ansible-core and collections.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ModuleSearch {
    /// `library/` of the playbook and of roles, `-M`, in order of precedence.
    pub library: Vec<PathBuf>,
    /// `module_utils/` likewise.
    pub module_utils: Vec<PathBuf>,
    /// `action_plugins/` likewise (only to say clearly that Python action plugins do not run).
    pub action_plugins: Vec<PathBuf>,
    /// The `collections:` keyword.
    pub collections: Vec<String>,
}

/// A module that was found.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ModuleRef {
    /// Canonical name: `ansible.builtin.copy`, `ns.coll.name`, `ansible.legacy.name` (library/), after redirects.
    pub fqcn: Arc<str>,
    /// What it was asked for as: modules say this name in their messages.
    pub asked: Arc<str>,
    /// As Ansible packs it: `ansible.modules.copy`, `ansible_collections.ns.coll.plugins.modules.name`, …
    pub python_name: Arc<str>,
    /// The file; `None` when only a native FTL module exists.
    pub path: Option<Arc<PathBuf>>,
    /// A native FTL module of this name exists and no other file overrides it.
    pub native: bool,
    /// Extra module_utils directories that apply (roles, playbook).
    pub module_utils: Arc<Vec<PathBuf>>,
    /// The name of the program in its first line (`perl`), where that is not `python`: `ansible_perl_interpreter` replaces it.
    pub interpreter: Option<Arc<str>>,
    /// The action plugin in Python that does the controller's half of the work; the module alone would not do.
    pub action_plugin: Option<Arc<PathBuf>>,
    /// Deprecation or redirect notes to print once.
    pub notes: Arc<Vec<String>>,
}

/// One run of one module.
#[derive(Clone, Debug)]
pub struct ModuleCall {
    pub module: ModuleRef,
    /// The arguments, without `_ansible_*`; a dict.
    pub args: Value,
    pub check: bool,
    pub diff: bool,
    pub no_log: bool,
    pub verbosity: u8,
    pub environment: Vec<(String, String)>,
    /// The task's `timeout:`.
    pub timeout: Option<Duration>,
    /// `async:` seconds; the answer then is that of the async wrapper (`ansible_job_id`, `started`, `results_file`).
    pub background: Option<Background>,
    /// `ansible_<name>_interpreter`, for a module whose [`ModuleRef::interpreter`] has that name.
    pub interpreter: Option<String>,
    /// Values for the remaining `_ansible_*` arguments.
    pub options: Arc<ModuleOptions>,
}

#[derive(Clone, Debug)]
pub struct Background {
    pub limit: Duration,
    /// `ansible_async_dir` (default `~/.ansible_async`).
    pub directory: String,
}

/// Settings every module gets; the same for all calls of a host in a play.
#[derive(Clone, Debug, Default)]
pub struct ModuleOptions {
    pub debug: bool,
    pub syslog_facility: String,
    pub selinux_special_fs: Vec<String>,
    pub shell_executable: String,
    pub keep_remote_files: bool,
    pub target_log_info: Option<String>,
    /// `PYTHON_MODULE_RLIMIT_NOFILE`; 0 leaves the limit alone.
    pub rlimit_nofile: u64,
    /// The events `DISPLAY_TRACEBACK` names: `error`, `warning`, `deprecated`, `deprecated_value`.
    pub tracebacks_for: Vec<String>,
    /// `FTL_NATIVE`: `on`, `off` or `auto`.
    pub native: String,
}

/// What a module answered, already parsed.
#[derive(Clone, Debug, Default)]
pub struct ModuleAnswer {
    /// The result dict as the module sent it, or one that says `failed` with `module_stdout`, `module_stderr`, `rc`.
    pub result: crate::value::Map,
    pub warnings: Vec<String>,
    pub deprecations: Vec<crate::value::Map>,
    /// Set by the first call to a host whose interpreter was discovered: the path, to be stored as a fact.
    pub discovered_interpreter: Option<String>,
    /// The error behind a failure as the module described it (`msg`, `help_text`, `chain`), to show its causes.
    pub exception: Option<crate::value::Map>,
    /// No answer of the module is known: it did not run, or what it printed is not understood.
    pub unanswered: bool,
}

/// One run of an action plugin in Python.
#[derive(Clone, Debug)]
pub struct PluginCall {
    /// As written in the task.
    pub name: String,
    pub title: String,
    pub args: Value,
    /// All variables of the task, rendered.
    pub variables: Value,
    /// The variables of the hosts that plugins ask for: the task's own, the one it is delegated to, localhost.
    pub hosts: Value,
    /// Keywords by name: `check_mode`, `diff`, `no_log`, `environment`, `become`, …
    pub keywords: Value,
    /// How the host is reached, as `ansible_*` variables.
    pub reach: Value,
    /// `ssh` or `local`.
    pub connection: String,
    pub host: String,
    pub collections: Vec<String>,
}

/// What an action plugin's class says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct PluginTraits {
    /// Takes `_raw_params`.
    pub raw_params: bool,
    /// Runs once for all hosts.
    pub once: bool,
}

/// A command for the target's shell: `raw`, `script`, and what needs no Python.
#[derive(Clone, Debug, Default)]
pub struct ExecRequest {
    /// Given to the login shell (`raw`) or to `executable -c`.
    pub command: String,
    pub executable: Option<String>,
    pub stdin: Vec<u8>,
    pub environment: Vec<(String, String)>,
    pub timeout: Option<Duration>,
}

#[derive(Clone, Debug, Default)]
pub struct ExecOutput {
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Small file work at the target, done by the gate as the target user.
#[derive(Clone, Debug)]
pub enum FileRequest {
    /// What is at `path`: the keys of Ansible's `stat` module (`exists`, `isdir`, `mode`, `checksum`, …).
    Stat { path: String, follow: bool, checksum: bool },
    /// A fresh private directory below the target's temporary directory; answers its path.
    TempDir,
    /// Removes a file or tree; answers none.
    Remove { path: String },
    /// `~` and `~user` expanded.
    ExpandUser { path: String },
    /// Environment variables and `~` expanded, made absolute.
    Chmod { path: String, mode: u32 },
    /// The paths (relative) and kinds of all files below a directory.
    Walk { path: String },
}

/// Where the bytes of a [`put`](crate::port::ModuleRuntime::put) come from.
#[derive(Clone, Debug)]
pub enum Source {
    Bytes(Arc<[u8]>),
    File(PathBuf),
}
