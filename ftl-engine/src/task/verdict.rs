//! From answers and failures to the task's result: what counts as failed, changed, unreachable.

use ftl_core::result::HostError;
use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{Map, Value, to_text};

use super::TaskFailure;
use crate::action::Described;
use crate::step::Outcome;

/// What registered results say where Ansible would keep a traceback.
const NO_TRACEBACK: &str = "(traceback unavailable)";

/// Turns a failure into the result users see, with the `[ERROR]` block.
pub(crate) fn failed(failure: TaskFailure, origin: Option<Origin>, outcome: &mut Outcome) {
    let task_failed = |cause: Diagnostic| Diagnostic::error("Task failed.").at(origin.clone()).caused_by(cause);
    match failure {
        TaskFailure::Error(cause) => {
            let error = task_failed(cause);
            outcome.map.insert("msg", error.one_line());
            set_failed(&mut outcome.map);
            outcome.error = Some(error);
        }
        TaskFailure::Contributed { error, result } => {
            let error = task_failed(error);
            outcome.map.extend(result);
            if !outcome.map.contains_key("msg") {
                outcome.map.insert("msg", error.one_line());
            }
            set_failed(&mut outcome.map);
            outcome.error = Some(error);
        }
        TaskFailure::Skipped(map) => {
            outcome.map.extend(map);
            outcome.map.insert("skipped", true);
            default(&mut outcome.map, "changed", false);
        }
        TaskFailure::Host(HostError::TimedOut { seconds }) => {
            failed(TaskFailure::timed_out(seconds), origin.clone(), outcome)
        }
        TaskFailure::Host(error) => host_error(error, task_failed, outcome),
    }
}

fn host_error(error: HostError, task_failed: impl Fn(Diagnostic) -> Diagnostic, outcome: &mut Outcome) {
    match error {
        HostError::Unreachable { message } | HostError::Lost { message } => {
            let error = task_failed(Diagnostic::error(message.clone()));
            outcome.map.insert("msg", error.one_line());
            outcome.map.insert("unreachable", true);
            outcome.map.insert("exception", NO_TRACEBACK);
            default(&mut outcome.map, "changed", false);
            outcome.error = Some(error);
        }
        HostError::Failed { message, details } => {
            let error = task_failed(Diagnostic::error("Action failed.").caused_by(Diagnostic::error(message.clone())));
            outcome.map.extend(details);
            outcome.map.insert("msg", message);
            set_failed(&mut outcome.map);
            outcome.error = Some(error);
        }
        HostError::TimedOut { .. } | HostError::Cancelled => {
            outcome.map.insert("msg", "Interrupted.");
            set_failed(&mut outcome.map);
        }
    }
}

fn set_failed(map: &mut Map) {
    map.insert("failed", true);
    map.insert("exception", NO_TRACEBACK);
    default(map, "changed", false);
}

pub(super) fn default(map: &mut Map, key: &str, value: impl Into<Value>) {
    if !map.contains_key(key) {
        map.insert(key, value);
    }
}

/// `failed` and `changed` as the action or module meant them, before `failed_when` and `changed_when`.
pub(super) fn normalize(map: &mut Map) {
    if !map.contains_key("failed") {
        let rc_says_so = match map.get("rc") {
            None => false,
            Some(Value::Str(s)) => s.as_str() != "0",
            Some(rc) => *rc != Value::Int(0),
        };
        map.insert("failed", rc_says_so);
    }
    default(map, "changed", false);
}

/// The `[ERROR]` block of a result that says it failed.
pub(super) fn error_of_result(
    map: &mut Map,
    from_module: bool,
    described: Option<&Described>,
    origin: Option<Origin>,
) -> Option<Diagnostic> {
    if !map.get("failed").is_some_and(Value::is_true) {
        return None;
    }
    let msg = map.get("msg").map_or_else(|| "Unknown error.".to_string(), to_text);
    let unanswered = described.filter(|d| d.unanswered && d.error.get("msg").is_some_and(|m| to_text(m) == msg));
    let who = if from_module && unanswered.is_none() { "Module failed" } else { "Action failed" };
    if !map.contains_key("msg") {
        map.insert("msg", format!("Task failed: {who}: {msg}"));
    }
    map.insert("exception", NO_TRACEBACK);
    if let Some(described) = unanswered.or(described.filter(|d| from_module && !d.unanswered)) {
        let cause = Diagnostic::error(format!("{who}.")).caused_by(chain(&described.error, 0));
        return Some(Diagnostic::error("Task failed.").at(origin).caused_by(cause));
    }
    let cause = match msg.as_str() {
        "" => Diagnostic::error(format!("{who}.")),
        text => Diagnostic::error(format!("{who}: {text}")),
    };
    Some(Diagnostic::error("Task failed.").at(origin).caused_by(cause))
}

/// An error as a module describes it: a message, perhaps help, perhaps a cause.
fn chain(described: &Map, depth: usize) -> Diagnostic {
    let text = |key: &str| described.get(key).filter(|v| !v.is_none()).map(to_text);
    let mut error = Diagnostic::error(text("msg").unwrap_or_else(|| "Unknown error.".into()));
    error.hint = text("help_text").filter(|h| !h.is_empty());
    let cause = described.get("chain").and_then(|c| c.get("event").or(Some(c.clone()))).and_then(|c| c.as_map());
    if let Some(cause) = cause.filter(|c| c.contains_key("msg") && depth < 16) {
        error = error.caused_by(chain(&cause, depth + 1));
    }
    error
}
