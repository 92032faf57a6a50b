//! What an action gets to work with.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ftl_core::call::{Background, ModuleAnswer, ModuleCall, ModuleRef, Target};
use ftl_core::port::BoxFuture;
use ftl_core::value::{Map, Value, to_text};
use ftl_template::Renderer;

use crate::argument_spec;
use crate::step::Step;
use crate::task::{Resolution, Resolved, TaskFailure, other_interpreter, resolve_target, rlimit_nofile};
use crate::vars::TaskScope;

pub(crate) type ActionFuture<'a> = BoxFuture<'a, Result<Map, TaskFailure>>;
/// An action answers with the task's result dict (`failed` in it is an ordinary failure), or with why there is none.
pub(crate) type ActionFunction = for<'a> fn(&'a ActionContext<'a>) -> ActionFuture<'a>;

/// One run of one action for one host and item. `args` is rendered; `scope` and `renderer` serve the few actions that
/// render more (`template`, `debug: var`, `assert`).
pub(crate) struct ActionContext<'a> {
    pub step: &'a Step,
    pub args: Map,
    pub keywords: &'a Resolved,
    pub scope: &'a Arc<TaskScope>,
    pub renderer: &'a Renderer,
    /// The variables of the host the task runs on (the delegated one, if any).
    pub connection_scope: &'a Arc<TaskScope>,
    /// The inventory name of that host.
    pub connection_host: &'a str,
    pub module: Option<&'a ModuleRef>,
    /// Canonical name of the action or module: `ansible.builtin.copy`.
    pub name: &'a str,
    pub(crate) resolution: OnceLock<Resolution>,
    /// Filled by module answers, taken by the task.
    pub(crate) discovered: OnceLock<String>,
    pub(crate) described: Mutex<Option<Described>>,
}

/// The error behind a failed answer, with its causes.
pub(crate) struct Described {
    pub error: Map,
    /// It is not the module that speaks: it did not run, or was not understood.
    pub unanswered: bool,
}

/// What arguments an action takes; written as JSON, for messages and types are those of role specifications.
pub(crate) struct Specification {
    options: Map,
    relations: Map,
}

impl Specification {
    pub(super) fn new(options: &str, relations: &str) -> Specification {
        let map = |text: &str| {
            let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
            ftl_core::value::from_json(&json).as_map().map(|m| (*m).clone()).unwrap_or_default()
        };
        Specification { options: map(options), relations: map(relations) }
    }
}

impl ActionContext<'_> {
    pub(crate) fn arg(&self, name: &str) -> Option<&Value> {
        self.args.get(name).filter(|v| !v.is_none())
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.arg(name).map(to_text)
    }

    /// A boolean argument, by Ansible's loose rule; what is no boolean (`null` too) is false.
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.args.get(name).map_or(default, |v| v.to_bool_loose().unwrap_or(false))
    }

    /// An argument that must be text; for anything else the words of Python, which misses `method` on it.
    pub(super) fn only_text(&self, name: &str, method: &str) -> Result<Option<&str>, TaskFailure> {
        match self.args.get(name) {
            None => Ok(None),
            Some(Value::Str(text)) => Ok(Some(text.as_str())),
            Some(other) => Err(TaskFailure::message(format!(
                "'{}' object has no attribute '{method}'",
                argument_spec::class_name(other)
            ))),
        }
    }

    /// Fails for arguments the action does not know.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), TaskFailure> {
        let unknown: Vec<String> =
            self.args.text_iter().map(|(k, _)| k).filter(|k| !known.contains(k)).map(Into::into).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let written = &self.step.task.written_action;
        Err(TaskFailure::plain(format!("Invalid options for {written}: {}", unknown.join(","))))
    }

    /// The arguments with their types as `specification` wants them.
    pub(crate) fn checked(&self, specification: &Specification) -> Result<Map, TaskFailure> {
        let checked = argument_spec::validate(&specification.options, &specification.relations, &self.args);
        let Some(error) = checked.errors.into_iter().next() else { return Ok(checked.args) };
        let only_unknown = checked.has_unknown && error.contains("Supported parameters include");
        let short = self.name.strip_prefix("ansible.builtin.").unwrap_or(self.name);
        Err(TaskFailure::plain(match only_unknown {
            true => format!("Unsupported parameters for ({short}) module: {error}"),
            // Ansible's errors end with their last word.
            false => error.trim_end().to_string(),
        }))
    }

    /// A variable by its exact name, unrendered.
    pub(crate) fn scope_value(&self, name: &str) -> Option<Value> {
        ftl_template::Scope::get(&**self.scope, name)
    }

    /// Where the task runs; resolved when first asked for.
    pub(crate) fn resolution(&self) -> Result<&Resolution, TaskFailure> {
        if let Some(known) = self.resolution.get() {
            return Ok(known);
        }
        let resolution = resolve_target(self.step, self.connection_scope, self.connection_host)?;
        Ok(self.resolution.get_or_init(|| resolution))
    }

    pub(crate) fn target(&self) -> Result<&Target, TaskFailure> {
        Ok(&self.resolution()?.target)
    }

    /// Finds a module by name, as this task would.
    pub(crate) fn find_module(&self, name: &str) -> Result<ModuleRef, TaskFailure> {
        let search = &self.step.task.keywords.module_search;
        self.step.run.runtime.find(name, search).map_err(TaskFailure::message)
    }

    /// Runs the module the action stands for (`copy` for copy), or the task's own.
    pub(crate) async fn run_own_module(&self, args: Map) -> Result<Map, TaskFailure> {
        match self.module {
            Some(module) => self.run_module(module.clone(), args).await,
            None => self.run_module(self.find_module(self.name)?, args).await,
        }
    }

    pub(crate) async fn run_named(&self, name: &str, args: Map) -> Result<Map, TaskFailure> {
        let module = self.find_module(name)?;
        self.run_module(module, args).await
    }

    /// Runs a module in the foreground, whatever `async:` says.
    pub(crate) async fn run_foreground(&self, module: ModuleRef, args: Map) -> Result<Map, TaskFailure> {
        self.call(module, args, None, self.keywords.timeout).await
    }

    /// As [`ActionContext::run_foreground`], ended after some time.
    pub(super) async fn run_within(&self, limit: Duration, module: ModuleRef, args: Map) -> Result<Map, TaskFailure> {
        let limit = self.keywords.timeout.map_or(limit, |timeout| timeout.min(limit));
        self.call(module, args, None, Some(limit)).await
    }

    /// Runs a module where the task runs, in the background when the task is `async`.
    pub(crate) async fn run_module(&self, module: ModuleRef, args: Map) -> Result<Map, TaskFailure> {
        let background = match self.keywords.async_seconds {
            0 => None,
            seconds => Some(Background {
                limit: Duration::from_secs(seconds),
                directory: self.resolution()?.async_dir.clone(),
            }),
        };
        self.call(module, args, background, self.keywords.timeout).await
    }

    async fn call(
        &self,
        module: ModuleRef,
        args: Map,
        background: Option<Background>,
        timeout: Option<Duration>,
    ) -> Result<Map, TaskFailure> {
        let resolution = self.resolution()?;
        let run = &self.step.run;
        for note in module.notes.iter() {
            self.step.warn(note.clone());
        }
        let mut options = run.settings.module_options.clone();
        let limit = rlimit_nofile(self.step, self.connection_scope)?;
        if limit != options.rlimit_nofile {
            Arc::make_mut(&mut options).rlimit_nofile = limit;
        }
        let call = ModuleCall {
            interpreter: other_interpreter(self.step, self.connection_scope, &module)?,
            module,
            args: Value::dict(args),
            check: self.keywords.check,
            diff: self.keywords.diff,
            no_log: self.keywords.no_log,
            verbosity: run.settings.verbosity,
            environment: self.keywords.environment.clone(),
            timeout,
            background,
            options,
        };
        let answer = run.runtime.run(&resolution.target, call).await?;
        Ok(self.take(answer))
    }

    /// The answer's dict, with its warnings in the places results keep them.
    fn take(&self, answer: ModuleAnswer) -> Map {
        let mut map = answer.result;
        if let Some(path) = answer.discovered_interpreter {
            let mut facts = map.get("ansible_facts").and_then(Value::as_map).map(|m| (*m).clone()).unwrap_or_default();
            facts.insert("discovered_interpreter_python", path.as_str());
            map.insert("ansible_facts", Value::dict(facts));
            // Only the first call of a host discovers; later ones find the value set.
            let _ = self.discovered.set(path);
        }
        let unanswered = answer.unanswered;
        *self.described.lock().unwrap_or_else(|e| e.into_inner()) =
            answer.exception.map(|error| Described { error, unanswered });
        if !answer.warnings.is_empty() {
            let texts = answer.warnings.into_iter().map(Value::str).collect();
            append(&mut map, "warnings", texts);
        }
        if !answer.deprecations.is_empty() {
            append(&mut map, "deprecations", answer.deprecations.into_iter().map(Value::dict).collect());
        }
        map
    }
}

/// Where a text was written.
pub(super) fn origin_of(value: &Value) -> Option<ftl_core::source::Origin> {
    match value {
        Value::Str(text) => text.origin().cloned(),
        _ => None,
    }
}

/// Adds to a list inside a result.
pub(crate) fn append(map: &mut Map, key: &str, mut more: Vec<Value>) {
    if let Some(old) = map.get(key).and_then(Value::as_items) {
        more.splice(0..0, old.iter().cloned());
    }
    map.insert(key, Value::list(more));
}
