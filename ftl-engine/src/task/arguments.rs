//! The arguments of a task: defaults of the module, then what `args:` gives, then what is written, all rendered.

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, to_text, type_name};
use ftl_playbook::graph::{TaskKind, TaskSpec};
use ftl_template::Renderer;

use super::TaskFailure;
use super::keywords::defined;
use crate::run::Run;

/// Actions whose `_raw_params` is text for them, not a template that gives a dict.
const TAKES_RAW_PARAMS: [&str; 11] = [
    "ansible.builtin.command",
    "ansible.builtin.import_tasks",
    "ansible.builtin.include_role",
    "ansible.builtin.include_tasks",
    "ansible.builtin.include_vars",
    "ansible.builtin.meta",
    "ansible.builtin.raw",
    "ansible.builtin.script",
    "ansible.builtin.set_fact",
    "ansible.builtin.shell",
    "ansible.windows.win_shell",
];

/// The name messages and `module_defaults` use: `ansible.builtin.debug`.
pub(super) fn resolved_name(task: &TaskSpec) -> String {
    match &task.kind {
        TaskKind::Action(action) => action.name.to_string(),
        TaskKind::Module(module) => module.fqcn.to_string(),
        TaskKind::Include(_) | TaskKind::Meta(_) | TaskKind::Unresolved => {
            let short = task.written_action.rsplit('.').next().unwrap_or_default();
            format!("ansible.builtin.{short}")
        }
    }
}

/// Arguments that the action renders itself keep their templates.
fn renders_itself(action: &str, key: &str) -> bool {
    matches!((action, key), ("ansible.builtin.assert", "that") | ("ansible._protomatter.debug", "expression"))
}

pub(super) fn render_arguments(run: &Run, task: &TaskSpec, renderer: &Renderer) -> Result<Map, TaskFailure> {
    let action = resolved_name(task);
    let origin = task.args_origin.clone().or_else(|| task.origin.clone());
    let takes_raw = takes_raw_params(run, task, &action).map_err(TaskFailure::Error)?;
    if let Some(text) = task.args.get("_raw_params").filter(|_| !takes_raw) {
        let written = text.as_str().map(str::trim).unwrap_or_default();
        if !text.has_template() || !written.starts_with("{{") || !written.ends_with("}}") {
            let error = Diagnostic::error(format!("Action '{action}' does not support raw params.")).at(origin);
            return Err(TaskFailure::Error(error));
        }
    }
    render_for(run, task, renderer, &action, takes_raw).map_err(|cause| {
        let error = Diagnostic::error(format!("Finalization of task args for '{action}' failed.")).at(origin);
        TaskFailure::Error(error.caused_by(cause))
    })
}

fn render_for(
    run: &Run,
    task: &TaskSpec,
    renderer: &Renderer,
    action: &str,
    takes_raw: bool,
) -> Result<Map, Diagnostic> {
    let mut raw = module_defaults(run, task, renderer, action)?;
    if let Some(template) = &task.args_template {
        raw.extend(splat(renderer, template)?);
    }
    let mut written = (*task.args).clone();
    if !takes_raw && let Some(text) = written.remove("_raw_params") {
        raw.extend(splat(renderer, &text)?);
    }
    for (key, value) in written {
        raw.insert(key, value);
    }
    let mut out = Map::with_capacity(raw.len());
    for (key, value) in &raw {
        let name = to_text(key);
        if renders_itself(action, &name) {
            out.insert(key.clone(), value.clone());
            continue;
        }
        let rendered = renderer.render(value).and_then(defined).map_err(|e| argument_error(&name, value, e))?;
        if let Some(found) = first_undefined(&rendered) {
            return Err(argument_error(&name, value, found));
        }
        if let Some(value) = without_omit(rendered) {
            out.insert(key.clone(), value);
        }
    }
    Ok(out)
}

fn argument_error(name: &str, value: &Value, cause: Diagnostic) -> Diagnostic {
    let origin = match value {
        Value::Str(s) => s.origin().cloned(),
        _ => None,
    };
    Diagnostic::error(format!("Error while resolving value for '{name}'.")).at(origin).caused_by(cause)
}

fn takes_raw_params(run: &Run, task: &TaskSpec, action: &str) -> Result<bool, Diagnostic> {
    match &task.kind {
        TaskKind::Module(module) if module.action_plugin.is_some() => {
            let collections = &task.keywords.collections;
            let traits = run.runtime.plugin_traits(&task.written_action, collections).map_err(Diagnostic::error)?;
            Ok(traits.raw_params)
        }
        _ => Ok(TAKES_RAW_PARAMS.contains(&action)),
    }
}

/// A template that gives all arguments at once.
fn splat(renderer: &Renderer, template: &Value) -> Result<Map, Diagnostic> {
    match renderer.render(template).and_then(defined)? {
        Value::Dict(dict) => Ok((*dict.entries()).clone()),
        Value::Omit | Value::None => Ok(Map::new()),
        Value::Object(o) if o.is_mapping() => match o.to_data() {
            Some(Value::Dict(d)) => Ok((*d.entries()).clone()),
            _ => Err(Diagnostic::error("Task args must resolve to a 'dict'.")),
        },
        other => Err(Diagnostic::error(format!("Task args must resolve to a 'dict' not '{}'.", type_name(&other)))),
    }
}

/// `module_defaults` that apply to `action`, unrendered, groups first.
pub(crate) fn module_defaults(
    run: &Run,
    task: &TaskSpec,
    renderer: &Renderer,
    action: &str,
) -> Result<Map, Diagnostic> {
    let mut merged = Map::new();
    for defaults in &task.keywords.module_defaults {
        if let Value::Dict(d) = defaults {
            merged.extend(d.entries().iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }
    let mut out = Map::new();
    for (key, value) in merged.text_iter() {
        if let Some(group) = key.strip_prefix("group/")
            && run.runtime.group_members(group).is_some_and(|members| members.iter().any(|m| m == action))
        {
            out.extend(container(renderer, value)?);
        }
    }
    let short = action.strip_prefix("ansible.builtin.").or_else(|| action.strip_prefix("ansible.legacy."));
    let written = [Some(action.to_string()), short.map(|s| format!("ansible.legacy.{s}")), short.map(str::to_string)];
    for name in written.iter().flatten() {
        if let Some(value) = merged.get(name) {
            out.extend(container(renderer, value)?);
            return Ok(out);
        }
    }
    // A name that leads to the module by a redirect stands for it too.
    let search = &task.keywords.module_search;
    for (key, value) in merged.text_iter().filter(|(key, _)| !key.starts_with("group/")) {
        if run.runtime.find(key, search).is_ok_and(|module| *module.fqcn == *action) {
            out.extend(container(renderer, value)?);
        }
    }
    Ok(out)
}

/// A dict as it is, or a template that gives one; what is inside stays unrendered when it was written out.
fn container(renderer: &Renderer, value: &Value) -> Result<Map, Diagnostic> {
    match value {
        Value::Dict(d) => Ok((*d.entries()).clone()),
        Value::None => Ok(Map::new()),
        other => splat(renderer, other),
    }
}

/// The value without `omit` placeholders; `None` when it is one itself.
pub(crate) fn without_omit(value: Value) -> Option<Value> {
    match value {
        Value::Omit => None,
        Value::List(l) if l.items().iter().any(holds_omit) => {
            Some(l.items().iter().cloned().filter_map(without_omit).collect())
        }
        Value::Dict(d) if d.entries().values().any(holds_omit) => {
            let kept =
                d.entries().iter().filter_map(|(k, v)| without_omit(v.clone()).map(|v| (k.clone(), v))).collect();
            Some(Value::dict(kept))
        }
        other => Some(other),
    }
}

fn holds_omit(value: &Value) -> bool {
    match value {
        Value::Omit => true,
        Value::List(l) => l.items().iter().any(holds_omit),
        Value::Dict(d) => d.entries().values().any(holds_omit),
        _ => false,
    }
}

/// The first element inside that has no value: final arguments must be whole.
pub(crate) fn first_undefined(value: &Value) -> Option<Diagnostic> {
    match value {
        Value::Undefined(_) => defined(value.clone()).err(),
        Value::List(l) => l.items().iter().find_map(first_undefined),
        Value::Tuple(t) => t.iter().find_map(first_undefined),
        Value::Dict(d) => d.entries().values().find_map(first_undefined),
        _ => None,
    }
}
