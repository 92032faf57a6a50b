//! `add_host`: a host for the rest of the run.

use ftl_core::event::Event;
use ftl_core::value::{Map, Value, to_text};

use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { add_host(context) })
}

fn add_host(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    let args = &context.args;
    let name = ["name", "hostname", "host"].iter().find_map(|key| args.get(key)).map(to_text);
    let Some(written) = name else {
        return Err(TaskFailure::plain("name, host or hostname needs to be provided"));
    };
    let (name, port) = split_port(&written);
    let text = format!("creating host via 'add_host': hostname={name}");
    context.step.emit(Event::Verbose { level: 2, host: None, text });
    let groups = match ["groupname", "groups", "group"].iter().find_map(|key| args.get(key)) {
        None => vec![],
        Some(Value::List(l)) => l.items().iter().map(to_text).collect(),
        Some(Value::Str(s)) if s.is_empty() => vec![],
        Some(Value::Str(s)) => s.split(',').map(str::to_string).collect(),
        Some(_) => return Err(TaskFailure::plain("Groups must be specified as a list.")),
    };
    let mut unique: Vec<Value> = vec![];
    for group in groups {
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

/// `name:port`, `[v6]:port`; anything else is a name as it is.
fn split_port(text: &str) -> (String, Option<i64>) {
    if let Some((name, port)) = text.rsplit_once(':')
        && let Ok(port) = port.parse::<u16>()
        && (!name.contains(':') || name.starts_with('['))
    {
        return (name.trim_start_matches('[').trim_end_matches(']').to_string(), Some(port as i64));
    }
    (text.to_string(), None)
}
