//! Events as the process of callback plugins reads them: what ansible-core's own objects are made from there.

use std::collections::BTreeMap;
use std::sync::Arc;

use ftl_core::event::{Detail, Event, HostResult, TaskInfo};
use ftl_core::id::TaskId;
use ftl_core::result::{HostStats, Status};
use ftl_core::source::{Diagnostic, Origin, Severity};
use ftl_core::value::{Map, Value};
use rustc_hash::FxHashSet;

/// What the process knows already: the tasks of the play it was told of in full.
#[derive(Default)]
pub(crate) struct Told(FxHashSet<TaskId>);

/// The message of an event; none when no plugin wants it.
pub(crate) fn message(event: &Event, wanted: &FxHashSet<String>, wants_implicit: bool, told: &mut Told) -> Option<Map> {
    // Every play must be known, for the tasks that follow.
    let always = matches!(event, Event::PlaybookStarted { .. } | Event::PlayStarted { .. });
    if !always {
        let method = method(event)?;
        let diff = matches!(event, Event::HostFinished(r) | Event::ItemFinished(r) if r.result.contains_key("diff"));
        let is_wanted = |method: &str| wanted.contains(method);
        if !is_wanted("v2_on_any") && !is_wanted(method) && !(diff && is_wanted("v2_on_file_diff")) {
            return None;
        }
    }
    let mut map = Map::new();
    match event {
        Event::PlaybookStarted { file } => {
            map.insert("event", "playbook");
            map.insert("file", file.as_str());
        }
        Event::PlayStarted { name, hosts, check, detail, .. } => {
            told.0.clear();
            map.insert("event", "play");
            map.insert("name", name.as_str());
            map.insert("hosts", *hosts as i64);
            map.insert("check", *check);
            map.insert("detail", self::detail(detail));
        }
        Event::NoHostsMatched => {
            map.insert("event", "no_hosts_matched");
        }
        Event::NoHostsRemaining => {
            map.insert("event", "no_hosts_remaining");
        }
        Event::TaskStarted(info) if info.implicit && !wants_implicit => return None,
        Event::TaskStarted(info) => {
            map.insert("event", "task");
            map.insert("task", task(info, told));
        }
        Event::HostStarted { task: info, host } => {
            map.insert("event", "host_started");
            map.insert("task", task(info, told));
            map.insert("host", &**host);
        }
        Event::ItemFinished(done) => put_result(&mut map, "item", done, told),
        Event::HostFinished(done) => put_result(&mut map, "host", done, told),
        Event::Retrying { result, .. } => put_result(&mut map, "retry", result, told),
        Event::AsyncPoll { result, .. } => put_result(&mut map, "async_poll", result, told),
        Event::AsyncOk { result, .. } => put_result(&mut map, "async_ok", result, told),
        Event::AsyncFailed { result, .. } => put_result(&mut map, "async_failed", result, told),
        Event::Included { file, hosts, task: info, detail, .. } => {
            map.insert("event", "included");
            map.insert("file", file.as_str());
            map.insert("hosts", hosts.iter().map(|host| Value::str(&**host)).collect::<Value>());
            map.insert("task", task(info, told));
            map.insert("detail", self::detail(detail));
        }
        Event::Notified { host, task: info, .. } => {
            map.insert("event", "notified");
            map.insert("host", &**host);
            map.insert("task", task(info.as_ref()?, told));
        }
        Event::VarsPrompt { detail } => {
            map.insert("event", "prompt");
            map.insert("detail", self::detail(detail));
        }
        Event::RunFinished { stats, custom } => {
            map.insert("event", "finished");
            map.insert("stats", self::stats(stats));
            let custom = custom.iter().flatten().map(|(host, stats)| (host.as_str(), Value::dict(stats.clone())));
            map.insert("custom", Value::dict(custom.collect()).untrusted());
        }
        Event::Meta { .. } | Event::Message(_) | Event::Verbose { .. } => return None,
    }
    Some(map)
}

/// The method of plugins that an event is for.
fn method(event: &Event) -> Option<&'static str> {
    Some(match event {
        Event::PlaybookStarted { .. } => "v2_playbook_on_start",
        Event::PlayStarted { .. } => "v2_playbook_on_play_start",
        Event::NoHostsMatched => "v2_playbook_on_no_hosts_matched",
        Event::NoHostsRemaining => "v2_playbook_on_no_hosts_remaining",
        Event::TaskStarted(info) if info.handler => "v2_playbook_on_handler_task_start",
        Event::TaskStarted(_) => "v2_playbook_on_task_start",
        Event::HostStarted { .. } => "v2_runner_on_start",
        Event::ItemFinished(done) => match done.status {
            Status::Ok | Status::Changed => "v2_runner_item_on_ok",
            Status::Failed | Status::Unreachable => "v2_runner_item_on_failed",
            Status::Skipped => "v2_runner_item_on_skipped",
        },
        Event::HostFinished(done) => match done.status {
            Status::Ok | Status::Changed => "v2_runner_on_ok",
            Status::Failed => "v2_runner_on_failed",
            Status::Skipped => "v2_runner_on_skipped",
            Status::Unreachable => "v2_runner_on_unreachable",
        },
        Event::Retrying { .. } => "v2_runner_retry",
        Event::AsyncPoll { .. } => "v2_runner_on_async_poll",
        Event::AsyncOk { .. } => "v2_runner_on_async_ok",
        Event::AsyncFailed { .. } => "v2_runner_on_async_failed",
        Event::Included { .. } => "v2_playbook_on_include",
        Event::Notified { .. } => "v2_playbook_on_notify",
        Event::VarsPrompt { .. } => "v2_playbook_on_vars_prompt",
        Event::RunFinished { .. } => "v2_playbook_on_stats",
        Event::Meta { .. } | Event::Message(_) | Event::Verbose { .. } => return None,
    })
}

fn detail(detail: &Detail) -> Value {
    detail.as_ref().map_or(Value::None, |map| Value::dict((**map).clone()))
}

fn task(info: &Arc<TaskInfo>, told: &mut Told) -> Value {
    let mut map = Map::new();
    map.insert("id", i64::from(info.id.0));
    map.insert("name", info.name.as_str());
    map.insert("action", &*info.action);
    map.insert("handler", info.handler);
    map.insert("implicit", info.implicit);
    map.insert("check", info.check);
    map.insert("diff", info.diff);
    map.insert("origin", info.origin.as_ref().map_or(Value::None, origin));
    if told.0.insert(info.id) {
        map.insert("detail", detail(&info.detail));
    }
    Value::dict(map)
}

fn put_result(map: &mut Map, event: &str, done: &HostResult, told: &mut Told) {
    let status = match done.status {
        Status::Ok | Status::Changed => "ok",
        Status::Unreachable if event == "item" => "failed",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Unreachable => "unreachable",
    };
    map.insert("event", event);
    map.insert("status", status);
    map.insert("task", task(&done.task, told));
    map.insert("host", &*done.host);
    map.insert("ignored", done.ignored);
    map.insert("result", Value::dict((*done.result).clone()).untrusted());
    map.insert("detail", detail(&done.detail));
    if let Some((name, address)) = &done.delegated {
        let address = address.as_deref().map_or(Value::None, Value::str);
        map.insert("delegated", Value::list(vec![Value::str(name.as_str()), address]));
    }
    if let Some(error) = &done.error {
        map.insert("error", diagnostic(error));
    }
    let warnings = done.messages.iter().filter(|m| m.severity == Severity::Warning).map(diagnostic);
    map.insert("warnings", warnings.collect::<Value>());
}

fn diagnostic(said: &Diagnostic) -> Value {
    let mut map = Map::new();
    map.insert("message", said.message.as_str());
    map.insert("hint", said.hint.as_deref().map_or(Value::None, Value::str));
    map.insert("origin", said.origin.as_ref().map_or(Value::None, origin));
    map.insert("cause", said.cause.as_deref().map_or(Value::None, diagnostic));
    Value::dict(map)
}

fn origin(place: &Origin) -> Value {
    let mut map = Map::new();
    map.insert("file", &*place.file);
    map.insert("line", i64::from(place.line));
    map.insert("column", i64::from(place.column));
    Value::dict(map)
}

fn stats(stats: &BTreeMap<Arc<str>, HostStats>) -> Value {
    let counts = |stats: &HostStats| {
        let counts = [
            ("ok", stats.ok),
            ("changed", stats.changed),
            ("dark", stats.unreachable),
            ("failures", stats.failed),
            ("skipped", stats.skipped),
            ("rescued", stats.rescued),
            ("ignored", stats.ignored),
        ];
        Value::dict(counts.into_iter().map(|(name, count)| (name, Value::Int(i64::from(count)))).collect())
    };
    Value::dict(stats.iter().map(|(host, stats)| (&**host, counts(stats))).collect())
}
