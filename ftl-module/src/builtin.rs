//! The modules of `ftl-builtin`, run in this process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ftl_core::call::{Interpreter, ModuleAnswer, ModuleCall, Target};
use ftl_core::port::BoxFuture;
use ftl_core::result::HostError;
use ftl_core::value::{Value, from_json, to_text};
use ftl_sdk::{Host, Object, Settings};
use serde_json::Value as Json;

use crate::ansible::{answer, summary};
use crate::native::{NativeCall, NativeModules};

/// Native modules for this machine and user.
pub struct BuiltinModules {
    names: Vec<&'static str>,
    environment: Arc<BTreeMap<OsString, OsString>>,
    cwd: PathBuf,
    umask: u32,
    selinux: bool,
}

impl BuiltinModules {
    /// `cwd` is where tasks start that say nothing else; absolute.
    pub fn new(environment: BTreeMap<OsString, OsString>, cwd: PathBuf, umask: u32) -> BuiltinModules {
        BuiltinModules {
            names: ftl_builtin::MODULES.iter().map(|module| module.name).collect(),
            environment: Arc::new(environment),
            cwd,
            umask,
            selinux: Path::new("/sys/fs/selinux/enforce").exists(),
        }
    }

    fn settings(&self, target: &Target, call: &ModuleCall, cancelled: Arc<AtomicBool>) -> Settings {
        let environment = match call.environment.is_empty() {
            true => self.environment.clone(),
            false => {
                let mut all = (*self.environment).clone();
                all.extend(call.environment.iter().map(|(name, value)| (name.into(), value.into())));
                Arc::new(all)
            }
        };
        let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
        Settings {
            check: call.check,
            diff: call.diff,
            environment,
            cwd: target.connection.local_cwd.as_ref().unwrap_or(&self.cwd).clone(),
            umask: self.umask,
            shell: or(&call.options.shell_executable, "/bin/sh"),
            temporary: target.remote_tmp().to_owned(),
            cancelled,
            python: None,
        }
    }
}

impl NativeModules for BuiltinModules {
    fn names(&self) -> &[&'static str] {
        &self.names
    }

    fn supports(&self, name: &str, args: &Value) -> bool {
        let Some(module) = ftl_builtin::find(name) else { return false };
        object(args).is_some_and(|given| module.supports(&given, self.selinux))
    }

    fn run<'a>(&'a self, call: NativeCall<'a>) -> BoxFuture<'a, Result<ModuleAnswer, HostError>> {
        Box::pin(async move {
            let (Some(module), Some(given)) = (ftl_builtin::find(call.name), object(&call.call.args)) else {
                return Err(HostError::failed(format!(
                    "The native module {} does not take these arguments.",
                    call.name
                )));
            };
            let cancelled = CancelOnDrop(Arc::default());
            let mut settings = self.settings(call.target, call.call, cancelled.0.clone());
            // For modules that tell of it.
            if let Interpreter::Path(path) = &call.target.interpreter {
                settings.python = Some(path.clone());
            }
            let name = call.call.module.asked.clone();
            // Modules work on files and wait for programs: not on the threads that drive everything else.
            let run = tokio::task::spawn_blocking(move || module.call(given, &Host::new(&name, settings)));
            match run.await {
                Ok(result) => read(&Json::Object(result)),
                Err(error) => Err(HostError::failed(format!("The native module {} crashed: {error}", call.name))),
            }
        })
    }
}

/// Nobody waits any more: what the module started is ended.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn read(result: &Json) -> Result<ModuleAnswer, HostError> {
    let decoded = summary::decode(from_json(result)).map_err(HostError::failed)?;
    if let Some(refused) = answer::refused_bytes(&decoded) {
        return Ok(refused);
    }
    let map = decoded.as_map().unwrap_or_default();
    Ok(answer::plain((*map).clone(), None))
}

/// The arguments as JSON; `None` when something in them has no place there.
fn object(args: &Value) -> Option<Object> {
    match json(args)? {
        Json::Object(object) => Some(object),
        _ => None,
    }
}

fn json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::None => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => Json::from(*number),
        Value::Float(number) => Json::Number(serde_json::Number::from_f64(*number)?),
        Value::Str(text) => Json::String(text.as_str().to_owned()),
        Value::List(_) | Value::Tuple(_) => {
            Json::Array(value.as_items()?.iter().map(json).collect::<Option<Vec<_>>>()?)
        }
        Value::Dict(dict) => {
            let entry = |(key, value): (&Value, &Value)| Some((to_text(key), json(value)?));
            Json::Object(dict.entries().iter().map(entry).collect::<Option<Object>>()?)
        }
        Value::Date(_) | Value::DateTime(_) => Json::String(to_text(value)),
        _ => return None,
    })
}
