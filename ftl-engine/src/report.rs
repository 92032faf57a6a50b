//! Results as displays get them: censored, labelled, with their warnings apart.

use std::sync::Arc;

use ftl_core::event::HostResult;
use ftl_core::result::Status;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value, to_text};

use crate::step::{Outcome, Step};

/// What `no_log` puts in the place of a result.
const CENSORED: &str = "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

/// The final result of a host.
pub(crate) fn host_result(step: &Step, outcome: &Outcome) -> HostResult {
    result(step, outcome, None)
}

pub(crate) fn item_result(step: &Step, outcome: &Outcome) -> HostResult {
    let label = outcome.map.get("_ansible_item_label").map(to_text).unwrap_or_default();
    let label = if outcome.no_log { "(censored due to no_log)".into() } else { label };
    result(step, outcome, Some(label))
}

pub(crate) fn retry_result(step: &Step, outcome: &Outcome) -> HostResult {
    result(step, outcome, None)
}

fn result(step: &Step, outcome: &Outcome, item: Option<String>) -> HostResult {
    let status = status(outcome);
    let ignored = match status {
        Status::Unreachable => outcome.ignore_unreachable,
        _ => outcome.ignore_errors,
    };
    HostResult {
        task: step.info.clone(),
        host: step.host_name.clone(),
        delegated: outcome.delegated.clone().filter(|(name, _)| **name != *step.host_name),
        status,
        ignored,
        result: Arc::new(if outcome.no_log { censor(&outcome.map) } else { outcome.map.clone() }),
        item,
        looped: outcome.looped,
        error: match &outcome.error {
            Some(error) if outcome.no_log => Some(Box::new(censor_error(error))),
            error => error.clone().map(Box::new),
        },
        messages: outcome.messages.clone(),
        detail: outcome.detail.clone(),
    }
}

pub(crate) fn status(outcome: &Outcome) -> Status {
    if outcome.is_failed() {
        Status::Failed
    } else if outcome.is_unreachable() {
        Status::Unreachable
    } else if outcome.is_skipped() {
        Status::Skipped
    } else if outcome.is_changed() {
        Status::Changed
    } else {
        Status::Ok
    }
}

/// That the task failed and where, but nothing of what a module or a template says: it may hold what is to be hidden.
fn censor_error(error: &Diagnostic) -> Diagnostic {
    const HARMLESS: [&str; 3] = ["Module failed: non-zero return code", "Module failed.", "Action failed."];
    let mut out = Diagnostic::error("Task failed.").at(error.origin.clone());
    let cause = error.cause.as_ref().map(|c| c.message.as_str()).unwrap_or_default();
    let who = HARMLESS.iter().find(|known| **known == cause).copied();
    let who = who.or_else(|| cause.starts_with("Module failed").then_some("Module failed."));
    if let Some(who) = who {
        out = out.caused_by(Diagnostic::error(who));
    }
    out
}

fn censor(map: &Map) -> Map {
    let mut out = Map::new();
    for key in [
        "attempts",
        "changed",
        "retries",
        "_ansible_no_log",
        "failed",
        "skipped",
        "unreachable",
        "warnings",
        "deprecations",
    ] {
        if let Some(value) = map.get(key) {
            out.insert(key, value.clone());
        }
    }
    out.insert("censored", CENSORED);
    if let Some(items) = map.get("results").and_then(Value::as_items) {
        let censored = items.iter().map(|item| match item {
            Value::Dict(d) if d.get("_ansible_no_log").is_some_and(|v| v.is_true()) => {
                Value::dict(censor(&d.entries()))
            }
            other => other.clone(),
        });
        out.insert("results", censored.collect::<Value>());
    }
    out
}
