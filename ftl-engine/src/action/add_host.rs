//! `add_host`: a host for the rest of the run.

use ftl_core::event::Event;
use ftl_core::value::{Map, Value, to_text};
use ftl_inventory::address::parse_address;

use super::{ActionContext, ActionFuture};
use crate::argument_spec::class_name;
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { add_host(context) })
}

fn add_host(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    let args = &context.args;
    let first = |keys: [&str; 3]| keys.into_iter().find_map(|key| args.get(key)).filter(|v| !v.is_none());
    let Some(name) = first(["name", "hostname", "host"]) else {
        return Err(TaskFailure::plain("name, host or hostname needs to be provided"));
    };
    let text = format!("creating host via 'add_host': hostname={}", to_text(name));
    context.step.emit(Event::Verbose { level: 2, host: None, text });
    // What is no network name can still be the name of a host.
    let (name, port) = match name.as_str().map(|name| parse_address(name, false)) {
        Some(Ok((host, port))) => (Value::str(host), port.filter(|port| *port != 0)),
        _ => (name.clone(), None),
    };
    let groups: Vec<Value> = match first(["groupname", "groups", "group"]) {
        None => vec![],
        Some(value) if !value.is_true() => vec![],
        Some(Value::List(l)) => (*l.items()).clone(),
        Some(Value::Str(s)) => s.split(',').map(Value::str).collect(),
        Some(_) => return Err(TaskFailure::plain("Groups must be specified as a list.")),
    };
    let mut unique: Vec<Value> = vec![];
    for group in groups {
        let Value::Str(group) = &group else {
            return Err(TaskFailure::message(format!("'{}' object has no attribute 'strip'", class_name(&group))));
        };
        let group = Value::str(group.trim());
        if !unique.contains(&group) {
            unique.push(group);
        }
    }
    let mut vars: Map = args
        .iter()
        .filter(|(k, _)| !matches!(k.as_str(), Some("name" | "hostname" | "groupname" | "groups")))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    if let Some(port) = port {
        vars.insert("ansible_ssh_port", port);
    }
    let mut info = Map::new();
    info.insert("host_name", name);
    info.insert("groups", unique);
    info.insert("host_vars", Value::dict(vars));
    let mut result = Map::new();
    result.insert("changed", false);
    result.insert("add_host", Value::dict(info));
    Ok(result)
}
