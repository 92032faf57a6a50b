//! `gather_facts`: what every play does first; runs `setup` (or the modules the variables name).

use ftl_core::value::{Map, Value, to_text};

use super::{ActionContext, ActionFuture};

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let mut modules = match context.scope_value("ansible_facts_modules") {
            Some(raw) => match context.renderer.render(&raw)? {
                Value::List(l) => l.items().iter().map(to_text).collect(),
                other => to_text(&other).split(',').map(|m| m.trim().to_string()).collect::<Vec<_>>(),
            },
            None => vec!["smart".to_string()],
        };
        if let Some(smart) = modules.iter().position(|m| m == "smart") {
            modules.remove(smart);
            if !modules.iter().any(|m| is_setup(m)) {
                modules.push("ansible.legacy.setup".into());
            }
        }
        let mut facts = Map::new();
        let mut result = Map::new();
        let mut failed = Map::new();
        let mut skipped = Map::new();
        for module in &modules {
            let answer = run_one(context, module).await?;
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

async fn run_one(context: &ActionContext<'_>, module: &str) -> Result<Map, crate::task::TaskFailure> {
    let mut args = context.args.clone();
    args.remove("parallel");
    args.retain(|_, v| !v.is_none());
    if !is_setup(module) {
        for key in ["gather_subset", "gather_timeout", "filter"] {
            args.remove(key);
        }
    }
    let module = context.find_module(module)?;
    let args = context.with_defaults(&module.fqcn, args)?;
    context.run_foreground(module, args).await
}
