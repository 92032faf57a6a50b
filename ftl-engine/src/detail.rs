//! What callback plugins in Python want to know of plays, tasks and results, under the names ansible-core gives it. Nothing
//! is gathered in runs without such plugins.

use std::sync::Arc;

use ftl_core::event::Detail;
use ftl_core::id::{HostId, RoleId};
use ftl_core::value::{Map, Value};
use ftl_inventory::Inventory;
use ftl_playbook::graph::{IncludeKind, PlaySpec, TaskGraph, TaskKind, TaskSpec, VarsPrompt};
use ftl_template::Renderer;

use crate::run::Run;
use crate::step::Step;
use crate::task::Resolved;

/// A play and its hosts.
pub(crate) fn play(
    run: &Run,
    spec: &PlaySpec,
    words: [(&str, Value); 2],
    inventory: &Inventory,
    batch: &[HostId],
) -> Detail {
    if !run.settings.detailed_events {
        return None;
    }
    let mut map: Map = words.into_iter().collect();
    map.insert("vars", Value::dict((*spec.vars).clone()).untrusted());
    map.insert("roles", spec.roles.iter().map(|id| role(&spec.graph, *id)).collect::<Value>());
    map.insert("tags", Value::list(spec.keywords.tags.clone()).untrusted());
    optional(&mut map, "gather_facts", &spec.gather_facts);
    optional(&mut map, "serial", &spec.serial);
    optional(&mut map, "remote_user", &spec.keywords.remote_user);
    optional(&mut map, "become", &spec.keywords.r#become);
    optional(&mut map, "become_user", &spec.keywords.become_user);
    optional(&mut map, "connection", &spec.keywords.connection);
    map.insert("path", spec.origin.as_ref().map_or(Value::None, |o| Value::str(o.to_string())));
    let hosts = batch.iter().map(|id| {
        let known = inventory.host(*id);
        let mut vars = known.source.as_ref().map(|source| (*source.vars).clone()).unwrap_or_default();
        vars.extend(known.vars.iter().map(|(k, v)| (k.clone(), v.clone())));
        let mut host = Map::new();
        host.insert("vars", Value::dict(vars).untrusted());
        host.insert("groups", inventory.group_names(*id));
        host.insert("implicit", known.implicit);
        (&**inventory.host_name(*id), Value::dict(host))
    });
    map.insert("members", Value::dict(hosts.collect()));
    Some(Arc::new(map))
}

/// A task as written, with what it inherits.
pub(crate) fn written(run: &Run, graph: &TaskGraph, task: &TaskSpec) -> Detail {
    if !run.settings.detailed_events {
        return None;
    }
    let words = &task.keywords;
    let mut map = Map::new();
    map.insert("args", Value::dict((*task.args).clone()).untrusted());
    let resolved = match &task.kind {
        TaskKind::Action(action) => Value::str(&*action.name),
        TaskKind::Module(module) => Value::str(&*module.fqcn),
        TaskKind::Meta(_) => Value::str("ansible.builtin.meta"),
        TaskKind::Include(include) => Value::str(match include.kind {
            IncludeKind::Role => "ansible.builtin.include_role",
            IncludeKind::Tasks => "ansible.builtin.include_tasks",
            IncludeKind::ImportedTasks => "ansible.builtin.import_tasks",
        }),
        TaskKind::Unresolved => Value::None,
    };
    map.insert("resolved_action", resolved);
    if let Some(looping) = &task.looping {
        map.insert("loop", looping.items.untrusted());
        map.insert("loop_with", looping.lookup.as_deref().map_or(Value::None, Value::str));
    }
    for (name, list) in [
        ("when", &words.when),
        ("tags", &words.tags),
        ("until", &task.until),
        ("changed_when", &task.changed_when),
        ("failed_when", &task.failed_when),
        ("notify", &task.notify),
        ("listen", &task.listen),
        ("environment", &words.environment),
    ] {
        if !list.is_empty() {
            map.insert(name, Value::list(list.clone()).untrusted());
        }
    }
    for (name, value) in [
        ("register", &task.register),
        ("retries", &task.retries),
        ("delay", &task.delay),
        ("async_val", &task.async_seconds),
        ("poll", &task.poll),
        ("connection", &words.connection),
        ("remote_user", &words.remote_user),
        ("become", &words.r#become),
        ("become_user", &words.become_user),
        ("become_method", &words.become_method),
        ("no_log", &words.no_log),
        ("run_once", &words.run_once),
        ("ignore_errors", &words.ignore_errors),
        ("ignore_unreachable", &words.ignore_unreachable),
        ("any_errors_fatal", &words.any_errors_fatal),
        ("delegate_to", &words.delegate_to),
        ("throttle", &words.throttle),
        ("timeout", &words.timeout),
    ] {
        optional(&mut map, name, value);
    }
    let mut vars = Map::new();
    words.vars.iter().for_each(|layer| vars.extend(layer.iter().map(|(k, v)| (k.clone(), v.clone()))));
    map.insert("vars", Value::dict(vars).untrusted());
    map.insert("collections", words.collections.iter().map(|c| Value::str(c.as_str())).collect::<Value>());
    map.insert("role", task.role.map_or(Value::None, |id| role(graph, id)));
    let block = graph.block(task.block);
    if !block.implicit {
        map.insert("block", block.name.as_ref().map_or(Value::str(""), Value::untrusted));
    }
    Some(Arc::new(map))
}

/// A task as rendered for a host. What `no_log` is to hide is not rendered for anybody.
pub(crate) fn rendered(step: &Step, keywords: &Resolved, args: &Map, host: &str, renderer: &Renderer) -> Detail {
    if !step.run.settings.detailed_events || keywords.no_log {
        return None;
    }
    let words = &step.task.keywords;
    let text = |text: &str| Value::str(text);
    let environment: Map = keywords.environment.iter().map(|(k, v)| (text(k), text(v))).collect();
    let mut map = Map::new();
    map.insert("args", Value::dict(args.clone()).untrusted());
    map.insert("check_mode", keywords.check);
    map.insert("diff", keywords.diff);
    for (name, written, value) in [
        ("ignore_errors", &words.ignore_errors, keywords.ignore_errors),
        ("ignore_unreachable", &words.ignore_unreachable, keywords.ignore_unreachable),
        ("run_once", &words.run_once, keywords.run_once),
    ] {
        if written.is_some() {
            map.insert(name, value);
        }
    }
    map.insert("async_val", keywords.async_seconds as i64);
    map.insert("poll", keywords.poll as i64);
    map.insert("delay", keywords.delay);
    if !keywords.notify.is_empty() {
        map.insert("notify", keywords.notify.iter().map(|n| text(n)).collect::<Value>());
    }
    map.insert("environment", Value::list(vec![Value::dict(environment)]));
    map.insert("register", keywords.register.as_deref().map_or(Value::None, text));
    if words.delegate_to.is_some() {
        map.insert("delegate_to", host);
    }
    for (name, written) in [("connection", &words.connection), ("become_user", &words.become_user)] {
        if let Some(value) = written.as_ref().and_then(|written| renderer.render(written).ok()) {
            map.insert(name, value.untrusted());
        }
    }
    Some(Arc::new(map))
}

/// `vars_prompt`, as the operator is asked.
pub(crate) fn prompt(run: &Run, var: &VarsPrompt, prompt: &str, default: Option<&Value>) -> Detail {
    if !run.settings.detailed_events {
        return None;
    }
    let mut map = Map::new();
    map.insert("varname", var.name.as_str());
    map.insert("private", var.private);
    map.insert("prompt", prompt);
    map.insert("encrypt", var.encrypt.as_deref().map_or(Value::None, Value::str));
    map.insert("confirm", var.confirm);
    map.insert("salt_size", var.salt_size.map_or(Value::None, Value::Int));
    map.insert("salt", var.salt.as_deref().map_or(Value::None, Value::str));
    map.insert("default", default.map_or(Value::None, Value::untrusted));
    map.insert("unsafe", var.unsafe_text);
    Some(Arc::new(map))
}

fn role(graph: &TaskGraph, id: RoleId) -> Value {
    let spec = graph.role(id);
    let mut map = Map::new();
    let short = match &spec.collection {
        Some(collection) => spec.name.strip_prefix(&format!("{collection}.")).unwrap_or(&spec.name),
        None => &spec.name,
    };
    map.insert("name", short);
    map.insert("collection", spec.collection.as_deref().map_or(Value::None, Value::str));
    map.insert("path", spec.path.to_string_lossy().into_owned());
    Value::dict(map)
}

fn optional(map: &mut Map, name: &str, value: &Option<Value>) {
    if let Some(value) = value {
        map.insert(name, value.untrusted());
    }
}
