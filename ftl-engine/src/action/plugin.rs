//! Action plugins in Python: they run on the controller, in the process that ansible-core itself provides.

use ftl_core::call::{PluginCall, Secret, Target};
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value};
use ftl_template::Scope;

use super::{ActionContext, ActionFuture};

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let step = context.step;
        let resolution = context.resolution()?;
        let call = PluginCall {
            name: step.task.written_action.to_string(),
            title: step.info.title.clone(),
            args: Value::dict(context.args.clone()),
            variables: variables(context),
            hosts: hosts(context),
            keywords: keywords(context)?,
            reach: reach(&resolution.target),
            connection: resolution.target.connection.kind.clone(),
            host: context.connection_host.to_string(),
            collections: step.task.keywords.collections.to_vec(),
        };
        match step.run.runtime.run_plugin(call).await {
            Ok(answer) => Ok(answer.result),
            Err(message) => Err(crate::task::TaskFailure::Error(Diagnostic::error(message))),
        }
    })
}

/// All variables that can be rendered, but `hostvars`.
fn variables(context: &ActionContext<'_>) -> Value {
    let scope = context.scope;
    let names = scope.names().into_iter().filter(|name| !matches!(&**name, "vars" | "hostvars" | "omit"));
    let rendered = names.map(|name| {
        let value = scope.get(&name).and_then(|raw| context.renderer.render(&raw).ok());
        (Value::str(name), value)
    });
    defined(rendered)
}

/// `hostvars` of the few hosts that plugins look at; all of them would be too much to send for every task.
fn hosts(context: &ActionContext<'_>) -> Value {
    let Some(Value::Object(hostvars)) = context.scope.get("hostvars") else { return Value::dict(Map::new()) };
    let mut map = Map::new();
    for name in [&*context.step.host_name, context.connection_host, "localhost"] {
        let Some(Value::Object(entry)) = hostvars.get_item(&Value::str(name)) else { continue };
        if !map.contains_key(name) {
            let names = entry.iterate().unwrap_or_default();
            map.insert(name, defined(names.into_iter().map(|name| (name.clone(), entry.get_item(&name)))));
        }
    }
    Value::dict(map)
}

/// The connection as it was worked out, in the words of Ansible's variables: options and settings count in it as well.
fn reach(target: &Target) -> Value {
    let connection = &target.connection;
    let mut map = Map::new();
    map.insert("ansible_connection", connection.kind.as_str());
    map.insert("ansible_host", connection.address.as_str());
    if let Some(port) = connection.port {
        map.insert("ansible_port", i64::from(port));
    }
    let other = target.become_as.as_ref();
    let words = [
        ("ansible_user", connection.user.as_deref()),
        ("ansible_password", connection.password.as_ref().map(Secret::reveal)),
        ("ansible_ssh_private_key_file", connection.private_key_file.as_deref()),
        ("ansible_ssh_args", connection.ssh_args.as_deref()),
        ("ansible_ssh_common_args", connection.ssh_common_args.as_deref()),
        ("ansible_ssh_extra_args", connection.ssh_extra_args.as_deref()),
        ("ansible_become_method", other.map(|other| &*other.method)),
        ("ansible_become_user", other.map(|other| &*other.user)),
        ("ansible_become_password", other.and_then(|other| other.password.as_ref()).map(Secret::reveal)),
        ("ansible_become_exe", other.and_then(|other| other.exe.as_deref())),
        ("ansible_become_flags", other.and_then(|other| other.flags.as_deref())),
    ];
    for (name, word) in words {
        if let Some(word) = word {
            map.insert(name, word);
        }
    }
    Value::dict(map)
}

fn defined(entries: impl Iterator<Item = (Value, Option<Value>)>) -> Value {
    let defined = entries.filter_map(|(name, value)| Some((name, value?)));
    Value::dict(defined.filter(|(_, value)| crate::task::first_undefined(value).is_none()).collect())
}

fn keywords(context: &ActionContext<'_>) -> Result<Value, crate::task::TaskFailure> {
    let words = context.keywords;
    let mut map = Map::new();
    map.insert("check_mode", words.check);
    map.insert("diff", words.diff);
    map.insert("no_log", words.no_log);
    map.insert("async_val", words.async_seconds as i64);
    map.insert("poll", words.poll as i64);
    let environment: Map =
        words.environment.iter().map(|(k, v)| (Value::str(k.as_str()), Value::str(v.as_str()))).collect();
    map.insert(
        "environment",
        Value::list(if environment.is_empty() { vec![] } else { vec![Value::dict(environment)] }),
    );
    map.insert(
        "delegate_to",
        context.step.task.keywords.delegate_to.as_ref().map_or(Value::None, |_| Value::str(context.connection_host)),
    );
    if let Some(other) = &context.target()?.become_as {
        map.insert("become", true);
        map.insert("become_method", other.method.as_str());
        map.insert("become_user", other.user.as_str());
    }
    Ok(Value::dict(map))
}
