//! A task's keywords, rendered for one host (and item).

use std::time::Duration;

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, to_text, type_name};
use ftl_playbook::graph::{Keywords, TaskSpec};
use ftl_template::Renderer;

use super::TaskFailure;
use crate::run::Run;

/// Plain values: nothing here is a template any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolved {
    pub check: bool,
    pub diff: bool,
    pub no_log: bool,
    pub ignore_errors: bool,
    pub ignore_unreachable: bool,
    pub run_once: bool,
    pub delegate_facts: bool,
    pub environment: Vec<(String, String)>,
    pub async_seconds: u64,
    pub poll: u64,
    /// Further attempts after the first; `None` when not written.
    pub retries: Option<i64>,
    pub delay: f64,
    pub timeout: Option<Duration>,
    pub notify: Vec<String>,
    pub register: Option<String>,
}

impl Resolved {
    pub(crate) fn render(run: &Run, task: &TaskSpec, renderer: &Renderer) -> Result<Resolved, TaskFailure> {
        let words = &task.keywords;
        let settings = &run.settings;
        let boolean = |name: &str, value: &Option<Value>, default: bool| render_bool(renderer, name, value, default);
        let timeout = number(renderer, "timeout", &words.timeout)?.unwrap_or(settings.task_timeout as f64);
        let mut out = Resolved {
            check: boolean("check_mode", &words.check_mode, settings.check)?,
            diff: boolean("diff", &words.diff, settings.diff)?,
            no_log: boolean("no_log", &words.no_log, settings.no_log)?,
            ignore_errors: boolean("ignore_errors", &words.ignore_errors, false)?,
            ignore_unreachable: boolean("ignore_unreachable", &words.ignore_unreachable, false)?,
            run_once: boolean("run_once", &words.run_once, false)?,
            delegate_facts: boolean("delegate_facts", &words.delegate_facts, false)?,
            environment: environment(task, renderer)?,
            async_seconds: number(renderer, "async", &task.async_seconds)?.unwrap_or(0.0).max(0.0) as u64,
            poll: number(renderer, "poll", &task.poll)?.map_or(settings.poll_interval, |p| p.max(0.0) as u64),
            retries: number(renderer, "retries", &task.retries)?.map(|n| n as i64),
            delay: number(renderer, "delay", &task.delay)?.unwrap_or(5.0),
            timeout: (timeout > 0.0).then(|| Duration::from_secs_f64(timeout)),
            notify: texts(renderer, "notify", &task.notify)?,
            register: None,
        };
        check_others(words, renderer)?;
        if out.delay < 0.0 {
            out.delay = 1.0;
        }
        if let Some(written) = words.debugger.as_ref().filter(|written| written.has_template()) {
            let value = render(renderer, "debugger", written)?;
            crate::debugger::refuse(&value).map_err(|error| keyword_error("debugger", written, error))?;
        }
        out.register = register_name(task, renderer)?;
        Ok(out)
    }
}

/// Keywords that not every action uses must be right all the same.
fn check_others(words: &Keywords, renderer: &Renderer) -> Result<(), TaskFailure> {
    let check = |name: &str, value: &Option<Value>| match value {
        Some(written) if written.has_template() => render(renderer, name, written).map(|_| ()),
        _ => Ok(()),
    };
    check("connection", &words.connection)?;
    check("remote_user", &words.remote_user)?;
    render_bool(renderer, "any_errors_fatal", &words.any_errors_fatal, false)?;
    render_bool(renderer, "become", &words.r#become, false)?;
    check("become_method", &words.become_method)?;
    check("become_user", &words.become_user)?;
    check("become_exe", &words.become_exe)?;
    check("become_flags", &words.become_flags)?;
    number(renderer, "port", &words.port)?;
    number(renderer, "throttle", &words.throttle)?;
    Ok(())
}

/// The variable a task registers.
pub(super) fn register_name(task: &TaskSpec, renderer: &Renderer) -> Result<Option<String>, TaskFailure> {
    match &task.register {
        Some(value) => {
            let name = render(renderer, "register", value)?;
            Ok((!name.is_none() && !name.is_omit()).then(|| to_text(&name)))
        }
        None => Ok(None),
    }
}

fn render(renderer: &Renderer, name: &str, value: &Value) -> Result<Value, TaskFailure> {
    renderer.render(value).and_then(defined).map_err(|e| keyword_error(name, value, e))
}

/// An undefined value as the whole value of a keyword is the error it carries.
pub(crate) fn defined(value: Value) -> Result<Value, Diagnostic> {
    match value {
        Value::Undefined(u) => Err(u.diagnostic()),
        other => Ok(other),
    }
}

fn keyword_error(name: &str, value: &Value, cause: Diagnostic) -> TaskFailure {
    let origin = match value {
        Value::Str(s) => s.origin().cloned(),
        _ => None,
    };
    TaskFailure::Error(Diagnostic::error(format!("Error processing keyword '{name}'.")).at(origin).caused_by(cause))
}

/// A boolean keyword, by Ansible's strict rule.
pub(crate) fn render_bool(
    renderer: &Renderer,
    name: &str,
    value: &Option<Value>,
    default: bool,
) -> Result<bool, TaskFailure> {
    let Some(written) = value else { return Ok(default) };
    let value = match written {
        Value::Bool(b) => return Ok(*b),
        Value::None => return Ok(default),
        other => render(renderer, name, other)?,
    };
    if value.is_omit() || value.is_none() {
        return Ok(default);
    }
    value.to_bool_loose().ok_or_else(|| {
        let cause = not_convertible(&value, "bool");
        keyword_error(name, written, cause)
    })
}

fn number(renderer: &Renderer, name: &str, value: &Option<Value>) -> Result<Option<f64>, TaskFailure> {
    let Some(written) = value else { return Ok(None) };
    let value = render(renderer, name, written)?;
    let parsed = match &value {
        Value::Omit | Value::None => return Ok(None),
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        Value::Bool(b) => Some(*b as i64 as f64),
        Value::Str(s) => s.trim().parse().ok(),
        _ => None,
    };
    parsed.map(Some).ok_or_else(|| {
        let cause = not_convertible(&value, "int");
        keyword_error(name, written, cause)
    })
}

fn not_convertible(value: &Value, kind: &str) -> Diagnostic {
    let origin = match value {
        Value::Str(s) => s.origin().cloned(),
        _ => None,
    };
    Diagnostic::error(format!("The value {} could not be converted to '{kind}'.", ftl_core::value::repr(value)))
        .at(origin)
}

/// A keyword that is a list of strings; templates may give strings or lists.
pub(crate) fn texts(renderer: &Renderer, name: &str, values: &[Value]) -> Result<Vec<String>, TaskFailure> {
    let mut out = vec![];
    for value in values {
        flatten(&render(renderer, name, value)?, &mut out);
    }
    Ok(out)
}

fn flatten(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::None | Value::Omit => {}
        Value::List(items) => items.items().iter().for_each(|v| flatten(v, out)),
        other => out.push(to_text(other)),
    }
}

fn environment(task: &TaskSpec, renderer: &Renderer) -> Result<Vec<(String, String)>, TaskFailure> {
    let mut env = Map::new();
    for entry in &task.keywords.environment {
        match entry {
            Value::Dict(dict) => {
                for (key, value) in dict.entries().iter() {
                    match renderer.render(value).and_then(defined) {
                        Ok(Value::Omit) => {}
                        Ok(value) => {
                            env.insert(key.clone(), value);
                        }
                        // Gathering facts is what makes `ansible_env` known: it must not need it.
                        Err(e) if gathers(task) && needs_env(&e.one_line()) => {}
                        Err(e) => return Err(keyword_error("environment", entry, e)),
                    }
                }
            }
            Value::None => {}
            other => match render(renderer, "environment", other) {
                Ok(Value::Dict(dict)) => env.extend(dict.entries().iter().map(|(k, v)| (k.clone(), v.clone()))),
                Ok(Value::Omit | Value::None) => {}
                Ok(value) => {
                    return Err(keyword_error(
                        "environment",
                        other,
                        Diagnostic::error(format!("environment must be a dict, not '{}'", type_name(&value))),
                    ));
                }
                Err(e) => return Err(e),
            },
        }
    }
    let text = |v: &Value| if v.is_none() { String::from("None") } else { to_text(v) };
    Ok(env.iter().map(|(k, v)| (to_text(k), text(v))).collect())
}

fn gathers(task: &TaskSpec) -> bool {
    let action = task.written_action.rsplit('.').next().unwrap_or_default();
    matches!(action, "gather_facts" | "setup")
}

fn needs_env(error: &str) -> bool {
    error.contains("ansible_env") || error.contains("ansible_facts.env")
}
