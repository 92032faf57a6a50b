//! `gather_facts`: what every play does first; runs `setup` or the modules that settings and variables name.

use std::time::Duration;

use ftl_core::result::HostError;
use ftl_core::value::{Map, Value, to_text};

use super::{ActionContext, ActionFuture};
use crate::argument_spec::convert;
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let modules = modules(context)?;
        let parallel = parallel(context, modules.len() > 1)?;
        let answers = match parallel {
            true => futures::future::join_all(modules.iter().map(|m| run_one(context, m, true))).await,
            false => {
                let mut answers = vec![];
                for module in &modules {
                    answers.push(run_one(context, module, false).await);
                }
                answers
            }
        };
        let mut facts = Map::new();
        let mut result = Map::new();
        let mut failed = Map::new();
        let mut skipped = Map::new();
        for (module, answer) in modules.iter().zip(answers) {
            let answer = answer?;
            if flag(&answer, "failed") {
                failed.insert(module.as_str(), Value::dict(answer));
            } else if flag(&answer, "skipped") {
                skipped.insert(module.as_str(), Value::dict(answer));
            } else {
                if let Some(Value::Dict(found)) = answer.get("ansible_facts") {
                    let merged = merge(&Value::dict(facts), &Value::Dict(found.clone()));
                    facts = merged.as_map().map(|m| (*m).clone()).unwrap_or_default();
                }
                for key in ["warnings", "deprecations"] {
                    if let Some(more) = answer.get(key).and_then(Value::as_items) {
                        super::append(&mut result, key, (*more).clone());
                    }
                }
            }
        }
        let names = |map: &Map| map.text_iter().map(|(k, _)| k.to_string()).collect::<Vec<_>>().join(", ");
        if !skipped.is_empty() {
            result.insert("msg", format!("The following modules were skipped: {}.", names(&skipped)));
            result.insert("skipped", skipped.len() == modules.len());
            result.insert("skipped_modules", Value::dict(skipped));
        }
        if !failed.is_empty() {
            result.insert("failed", true);
            result.insert("msg", format!("The following modules failed to execute: {}.", names(&failed)));
            result.insert("failed_modules", Value::dict(failed));
        }
        facts.insert("_ansible_facts_gathered", true);
        result.insert("ansible_facts", Value::dict(facts));
        result.insert("_ansible_verbose_override", true);
        Ok(result)
    })
}

/// Facts of several modules: dicts are merged, lists keep what is new in them at the end.
fn merge(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Dict(a), Value::Dict(b)) => {
            let mut map = (*a.entries()).clone();
            for (key, value) in b.entries().iter() {
                let value = map.get_value(key).map_or_else(|| value.clone(), |old| merge(old, value));
                map.insert(key.clone(), value);
            }
            Value::dict(map)
        }
        (Value::List(a), Value::List(b)) => {
            let new = b.items();
            a.items().iter().filter(|v| !new.contains(v)).chain(new.iter()).cloned().collect()
        }
        _ => new.clone(),
    }
}

fn is_setup(module: &str) -> bool {
    matches!(module, "setup" | "ansible.builtin.setup" | "ansible.legacy.setup")
}

fn flag(map: &Map, key: &str) -> bool {
    map.get(key).is_some_and(Value::is_true)
}

/// A variable of the host, rendered.
fn variable(context: &ActionContext<'_>, name: &str) -> Result<Option<Value>, TaskFailure> {
    match context.scope_value(name) {
        Some(raw) => Ok(Some(context.renderer.render(&raw).and_then(crate::task::defined)?)),
        None => Ok(None),
    }
}

/// What to run: as the variable or the setting says, with `smart` replaced by what fits the host.
fn modules(context: &ActionContext<'_>) -> Result<Vec<String>, TaskFailure> {
    let settings = &context.step.run.settings;
    let mut modules = match variable(context, "ansible_facts_modules")? {
        Some(Value::List(l)) => l.items().iter().map(to_text).collect(),
        Some(other) => to_text(&other).split(',').map(|m| m.trim().to_string()).collect(),
        None => settings.facts_modules.clone(),
    };
    let Some(smart) = modules.iter().position(|m| m == "smart") else { return Ok(modules) };
    modules.remove(smart);
    let system = match context.args.get("network_os") {
        Some(given) => Some(given.clone()),
        None => match variable(context, "ansible_network_os")? {
            Some(given) => Some(given),
            None => context.known_fact("network_os").map(Value::str),
        },
    };
    match system.filter(Value::is_true) {
        Some(system) => {
            let name = to_text(&system);
            if let Some(module) = settings.network_facts.get(name.as_str()) {
                modules.push(to_text(module));
            } else if modules.is_empty() {
                return Err(TaskFailure::plain(format!(
                    "No fact modules available and we could not find a fact module for your network OS ({name}), try \
                     setting one via the `FACTS_MODULES` configuration."
                )));
            }
            if modules.iter().any(|m| is_setup(m)) {
                context.step.warn(
                    "Detected 'setup' module and a network OS is set, the output when running it will reflect \
                     'localhost' and not the target when a networking connection plugin is used.",
                );
            }
        }
        None if !modules.iter().any(|m| is_setup(m)) => modules.push("ansible.legacy.setup".into()),
        None => {}
    }
    Ok(modules)
}

fn parallel(context: &ActionContext<'_>, usual: bool) -> Result<bool, TaskFailure> {
    let given = match variable(context, "ansible_facts_parallel")? {
        Some(given) => given,
        None => context.args.get("parallel").cloned().unwrap_or_default(),
    };
    match given {
        Value::None => Ok(usual),
        given => Ok(convert("strict_bool", &given).map_err(TaskFailure::message)?.is_true()),
    }
}

async fn run_one(context: &ActionContext<'_>, module: &str, limited: bool) -> Result<Map, TaskFailure> {
    let mut args = context.args.clone();
    args.remove("parallel");
    let mut limit = None;
    if !is_setup(module) {
        // Ansible gives what `setup` alone understands to no other module.
        let mut take = |key: &str| args.remove(key).filter(|v| !v.is_none());
        if let Some(subset) = take("gather_subset").filter(|s| to_text(s) != "all" && to_text(s) != "['all']") {
            context.step.warn(format!("Not passing subset({}) to {module}", to_text(&subset)));
        }
        if let Some(timeout) = take("gather_timeout") {
            context.step.warn(format!("Not passing timeout({}) to {module}", to_text(&timeout)));
            if limited && timeout.is_true() {
                limit = convert("whole", &timeout).map_err(TaskFailure::message)?.as_int();
            }
        }
        if let Some(filter) = take("filter") {
            context.step.warn(format!("Not passing filter({}) to {module}", to_text(&filter)));
        }
    }
    args.retain(|_, v| !v.is_none());
    let module = context.find_module(module)?;
    let args = context.with_defaults(&module.fqcn, args)?;
    let Some(limit) = limit.and_then(|limit| u64::try_from(limit).ok()) else {
        return context.run_foreground(module, args).await;
    };
    match context.run_within(Duration::from_secs(limit), module, args).await {
        Err(TaskFailure::Host(HostError::TimedOut { .. })) => {
            let mut late = Map::new();
            late.insert("failed", true);
            late.insert("msg", "Timeout exceeded");
            Ok(late)
        }
        other => other,
    }
}
