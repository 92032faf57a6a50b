//! The module runtime: the port the engine uses.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use ftl_core::call::{
    ExecOutput, ExecRequest, FileRequest, Interpreter, ModuleAnswer, ModuleCall, ModuleRef, ModuleSearch, PluginCall,
    PluginTraits, Source, Target,
};
use ftl_core::port::{BoxFuture, Connector, ModuleRuntime};
use ftl_core::result::HostError;
use ftl_core::value::Value;
use tokio::sync::OnceCell;

use crate::ansible::core::AnsibleCore;
use crate::ansible::package::{CorePack, build_pack};
use crate::collection::Collections;
use crate::execute::{Execution, ModuleFiles};
use crate::locate::Locator;
use crate::native::{NativeCall, NativeModules};
use crate::plugin_host::PluginHost;
use crate::pool::{Pool, is_local};
use crate::settings::Settings;
use crate::{command, files};

/// Finds modules and runs them through gates, or in this process.
pub struct Runtime {
    settings: Settings,
    locator: Locator,
    pool: Pool,
    module_files: ModuleFiles,
    pack: OnceCell<Result<Arc<CorePack>, String>>,
    native: Option<Arc<dyn NativeModules>>,
    plugins: Option<Arc<PluginHost>>,
}

impl Runtime {
    pub fn new(settings: Settings, connector: Arc<dyn Connector>, native: Option<Arc<dyn NativeModules>>) -> Runtime {
        let core = AnsibleCore::find(&settings);
        let natives = native.as_ref().map(|native| native.names().to_vec()).unwrap_or_default();
        Runtime {
            locator: Locator::new(&settings, core, natives),
            pool: Pool::new(connector),
            module_files: ModuleFiles::default(),
            pack: OnceCell::new(),
            native,
            plugins: None,
            settings,
        }
    }

    /// The process that runs plugins in Python.
    #[must_use]
    pub fn with_plugins(mut self, plugins: Arc<PluginHost>) -> Runtime {
        self.plugins = Some(plugins);
        self
    }

    fn plugin_host(&self) -> Result<Arc<PluginHost>, String> {
        self.plugins.clone().ok_or_else(|| "Action plugins in Python need an installed ansible-core.".to_string())
    }

    /// The ansible-core whose modules are used.
    pub fn ansible_core(&self) -> Option<&AnsibleCore> {
        self.locator.core()
    }

    /// The collections below the collection paths.
    pub fn collections(&self) -> Arc<Collections> {
        self.locator.collections.clone()
    }

    /// Packs are built when first needed: runs without Python modules do not wait for them.
    async fn pack(&self) -> Option<Result<Arc<CorePack>, String>> {
        let core = self.locator.core()?.clone();
        let build = || async {
            let cache_dir = self.settings.cache_dir.clone();
            let built = tokio::task::spawn_blocking(move || build_pack(&core, &cache_dir)).await;
            match built {
                Ok(Ok(pack)) => Ok(Arc::new(pack)),
                Ok(Err(error)) => Err(error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        };
        Some(self.pack.get_or_init(build).await.clone())
    }

    async fn optional_pack(&self) -> Option<Arc<CorePack>> {
        self.pack().await.and_then(Result::ok)
    }

    /// Does this call go to a native module? `auto`: where it does all that is asked, for this machine and user.
    fn native_for(&self, target: &Target, call: &ModuleCall) -> Option<&Arc<dyn NativeModules>> {
        let native = self.native.as_ref().filter(|_| call.module.native)?;
        let covers = native.supports(short_name(call), &call.args);
        // A limit for files would be that of this process.
        let plain = call.background.is_none() && call.options.rlimit_nofile == 0;
        let here = is_local(target) && target.become_as.is_none() && plain;
        let wanted = match call.options.native.as_str() {
            "off" => false,
            "on" => here && covers,
            _ => here && covers && self.would_python_run(target),
        };
        wanted.then_some(native)
    }

    /// Beside an installed ansible-core, its ways with interpreters hold: one that is not there is an error, one that is
    /// not named is discovered and becomes a fact.
    fn would_python_run(&self, target: &Target) -> bool {
        match &target.interpreter {
            _ if self.ansible_core().is_none() => true,
            Interpreter::Path(path) => path.starts_with('/') && is_program(Path::new(path)),
            Interpreter::Discover(_) => false,
        }
    }

    async fn run_call(&self, target: &Target, call: ModuleCall) -> Result<ModuleAnswer, HostError> {
        if let Some(native) = self.native_for(target, &call) {
            let run = native.run(NativeCall { name: short_name(&call), call: &call, target });
            return match call.timeout {
                Some(limit) => match tokio::time::timeout(limit, run).await {
                    Ok(answer) => answer,
                    Err(_) => Err(HostError::TimedOut { seconds: limit.as_secs() }),
                },
                None => run.await,
            };
        }
        let fqcn = &call.module.fqcn;
        let (Some(core), Some(path)) = (self.locator.core(), &call.module.path) else {
            return Err(HostError::failed(format!(
                "The module {fqcn} needs an installed ansible-core, and none was found: FTL's own module of that name does not \
                 do this here (arguments, another user, or a remote host)."
            )));
        };
        let pack = match self.pack().await {
            Some(Ok(pack)) => pack,
            Some(Err(error)) => return Err(HostError::failed(error)),
            None => return Err(HostError::failed("No ansible-core was found.")),
        };
        let execution = Execution {
            settings: &self.settings,
            pool: &self.pool,
            files: &self.module_files,
            core,
            pack: &pack,
            collections: &self.locator.collections,
        };
        execution.run(target, &call, path).await
    }
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn short_name(call: &ModuleCall) -> &str {
    call.module.fqcn.rsplit('.').next().unwrap_or_default()
}

impl ModuleRuntime for Runtime {
    fn plugin_traits(&self, name: &str, collections: &[String]) -> Result<PluginTraits, String> {
        let message = serde_json::json!({"verb": "describe", "name": name, "collections": collections});
        let described = self.plugin_host()?.describe(message).map_err(|e| e.message)?;
        let flag = |key: &str| described.get(key).is_some_and(|v| v.is_true());
        match described.is_none() {
            true => Err(format!("The action plugin '{name}' could not be loaded.")),
            false => Ok(PluginTraits { raw_params: flag("raw_params"), once: flag("once") }),
        }
    }

    fn add_plugin_directory(&self, directory: &Path) {
        if let Some(plugins) = &self.plugins {
            plugins.add_directory(directory);
        }
    }

    fn run_plugin<'a>(&'a self, call: PluginCall) -> BoxFuture<'a, Result<ModuleAnswer, String>> {
        Box::pin(async move {
            let host = self.plugin_host()?;
            let json = |value: &Value| -> serde_json::Value {
                serde_json::from_str(&ftl_core::value::to_json(value)).unwrap_or_default()
            };
            let message = serde_json::json!({
                "verb": "action",
                "name": call.name,
                "title": call.title,
                "args": json(&call.args),
                "variables": json(&call.variables),
                "keywords": json(&call.keywords),
                "connection": call.connection,
                "host": call.host,
                "hosts": json(&call.hosts),
                "reach": json(&call.reach),
                "collections": call.collections,
            });
            match host.action(message).await {
                Ok(Value::Dict(result)) => {
                    Ok(ModuleAnswer { result: (*result.entries()).clone(), ..ModuleAnswer::default() })
                }
                Ok(_) => Err("The action plugin did not answer with a dict.".into()),
                Err(error) => match error.result {
                    Some(Value::Dict(result)) => {
                        let mut result = (*result.entries()).clone();
                        if !result.contains_key("msg") {
                            result.insert("msg", error.message);
                        }
                        Ok(ModuleAnswer { result, ..ModuleAnswer::default() })
                    }
                    _ => Err(error.message),
                },
            }
        })
    }

    fn find(&self, name: &str, search: &ModuleSearch) -> Result<ModuleRef, String> {
        self.locator.find(name, search)
    }

    fn group_members(&self, group: &str) -> Option<Vec<String>> {
        self.locator.group_members(group)
    }

    fn run<'a>(&'a self, target: &'a Target, call: ModuleCall) -> BoxFuture<'a, Result<ModuleAnswer, HostError>> {
        Box::pin(self.run_call(target, call))
    }

    fn exec<'a>(&'a self, target: &'a Target, request: ExecRequest) -> BoxFuture<'a, Result<ExecOutput, HostError>> {
        Box::pin(async move { command::exec(&self.pool, target, request).await })
    }

    fn file<'a>(&'a self, target: &'a Target, request: FileRequest) -> BoxFuture<'a, Result<Value, HostError>> {
        Box::pin(async move { files::file(&self.pool, self.optional_pack().await.as_deref(), target, request).await })
    }

    fn put<'a>(
        &'a self,
        target: &'a Target,
        source: Source,
        path: &'a str,
        mode: u32,
    ) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(async move {
            files::put(&self.pool, self.optional_pack().await.as_deref(), target, source, path, mode).await
        })
    }

    fn get<'a>(&'a self, target: &'a Target, path: &'a str, to: &'a Path) -> BoxFuture<'a, Result<String, HostError>> {
        Box::pin(async move { files::get(&self.pool, self.optional_pack().await.as_deref(), target, path, to).await })
    }

    fn reset<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(async move {
            self.pool.reset(target).await;
            Ok(())
        })
    }

    fn close<'a>(&'a self) -> BoxFuture<'a, ()> {
        Box::pin(self.pool.close())
    }
}
