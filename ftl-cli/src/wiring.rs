//! Puts the parts together: the only file that knows every adapter.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::port::ModuleRuntime;
use ftl_core::source::{Diagnostic, Loader};
use ftl_core::value::{Map, Value};
use ftl_module::ansible::core::AnsibleCore;
use ftl_module::{PluginHost, PluginHostSettings};
use ftl_output::Display;
use ftl_playbook::ParseOptions;
use ftl_template::{COLLECTIONS, Files, HostsMatching, PythonPlugins, Shared, UntrustedTemplates};

use crate::parts::Parts;

/// The version of ansible-core whose behaviour this is.
pub const COMPATIBLE_VERSION: &str = "2.19.14";

/// The module runtime and what belongs to it.
pub struct Modules {
    pub runtime: Arc<dyn ModuleRuntime>,
    /// The ansible-core it uses.
    pub core: Option<AnsibleCore>,
    /// The process for plugins in Python.
    pub plugins: Option<Arc<PluginHost>>,
    /// The installed ones of those whose plugins FTL has itself.
    pub collections: Vec<&'static str>,
}

/// Plugins in Python, as templates see them.
struct Foreign(Arc<PluginHost>);

impl PythonPlugins for Foreign {
    fn has(&self, kind: &str, name: &str) -> bool {
        self.0.has(kind, name)
    }

    fn overrides(&self, kind: &str, name: &str) -> bool {
        self.0.overrides(kind, name)
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

impl Parts<'_> {
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

    pub fn collections_paths(&self, near: &[PathBuf]) -> Vec<PathBuf> {
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
        let runtime = ftl_module::Runtime::new(self.module_settings(near), self.connector(), Some(self.natives()));
        let core = runtime.ansible_core().cloned();
        let plugins = core
            .as_ref()
            .map(|core| Arc::new(PluginHost::new(self.plugin_host_settings(core, near), runtime.collections())));
        let installed = COLLECTIONS.into_iter().filter(|name| runtime.collections().get(name).is_some()).collect();
        let runtime = match &plugins {
            Some(plugins) => runtime.with_plugins(plugins.clone()),
            None => runtime,
        };
        Modules { runtime: Arc::new(runtime), core, plugins, collections: installed }
    }

    /// FTL's own modules.
    fn natives(&self) -> Arc<dyn ftl_module::NativeModules> {
        let environment = self.surroundings.env.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let builtin = ftl_module::BuiltinModules::new(environment, self.surroundings.working_dir.clone(), umask());
        Arc::new(builtin)
    }

    pub fn plugin_host_settings(&self, core: &AnsibleCore, near: &[PathBuf]) -> PluginHostSettings {
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
            collections: modules.collections.clone(),
            environment: self.surroundings.env.clone(),
            working_dir: self.surroundings.working_dir.clone(),
            base_dir: base_dir.to_path_buf(),
            jinja_extensions: self.settings.list("DEFAULT_JINJA2_EXTENSIONS"),
            allow_broken_conditionals: self.settings.flag("ALLOW_BROKEN_CONDITIONALS"),
            allow_embedded_templates: self.settings.flag("ALLOW_EMBEDDED_TEMPLATES"),
            untrusted_templates: match self.settings.text("_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR").as_deref() {
                Some("warning") => UntrustedTemplates::Warn,
                Some("error") => UntrustedTemplates::Fail,
                _ => UntrustedTemplates::Ignore,
            },
            config: self.settings.all(),
            hosts_matching,
            warn: Box::new(move |warning| {
                if let Some(warning) = ftl_engine::keep_note(warning) {
                    sink.message(&warning);
                }
            }),
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
                Arc::new(move |name| shared.has("lookup", name))
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

    /// `ansible_playbook_python`: the Python ansible-core is installed for.
    pub fn controller_python(&self, core: Option<&AnsibleCore>) -> String {
        let prefix = core.and_then(|core| core.site_packages.ancestors().nth(3).map(Path::to_path_buf));
        let own = prefix.map(|prefix| prefix.join("bin/python3")).filter(|python| python.exists());
        let search = self.surroundings.variable("PATH").unwrap_or("/usr/bin");
        let found = || search.split(':').map(|dir| Path::new(dir).join("python3")).find(|python| python.exists());
        own.or_else(found).unwrap_or_else(|| "/usr/bin/python3".into()).to_string_lossy().into_owned()
    }
}

/// The process's umask, which can only be asked for by setting it; no other thread makes files yet.
fn umask() -> u32 {
    let mask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    rustix::process::umask(mask);
    mask.as_raw_mode()
}

/// Files for templates: vaults open with the run's secrets.
struct LoaderFiles(Loader);

impl Files for LoaderFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Diagnostic> {
        self.0.read(path)
    }
}
