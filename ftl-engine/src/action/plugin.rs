//! Action plugins in Python: they run on the controller, in the process that ansible-core itself provides.

use ftl_core::call::PluginCall;
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
            keywords: keywords(context)?,
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

/// All variables that can be rendered, `hostvars` of the host itself aside.
fn variables(context: &ActionContext<'_>) -> Value {
    let scope = context.scope;
    let mut map = Map::new();
    for name in scope.names() {
        if matches!(&*name, "vars" | "hostvars" | "omit") {
            continue;
        }
        let rendered = scope.get(&name).and_then(|raw| context.renderer.render(&raw).ok());
        if let Some(value) = rendered.filter(|v| crate::task::first_undefined(v).is_none()) {
            map.insert(&*name, value);
        }
    }
    Value::dict(map)
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
