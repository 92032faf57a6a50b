//! The task debugger is not there yet: where it would start, a run must not go on as if it did not matter.

use ftl_core::source::Diagnostic;
use ftl_core::value::Value;
use ftl_playbook::graph::{PlaySpec, TaskSpec};

use crate::settings::EngineSettings;

/// Why the play cannot run: a task for which a debugger could start.
pub(crate) fn refusal(settings: &EngineSettings, play: &PlaySpec) -> Option<Diagnostic> {
    let strategy = play.strategy.as_ref().and_then(Value::as_str).unwrap_or(&settings.strategy);
    if is_debug(strategy) {
        return Some(unsupported("The strategy 'debug'").at(play.origin.clone()));
    }
    refusal_of(settings, play.graph.tasks.iter().map(AsRef::as_ref))
}

/// As [`refusal`], of tasks that are included later.
pub(crate) fn refusal_of<'a>(
    settings: &EngineSettings,
    tasks: impl Iterator<Item = &'a TaskSpec>,
) -> Option<Diagnostic> {
    tasks.filter(|task| !task.implicit).find_map(|task| match &task.keywords.debugger {
        // What a template gives is seen when the task runs.
        Some(written) if written.has_template() => None,
        Some(written) => refuse(written).err().map(|error| error.at(task.origin.clone())),
        None if settings.task_debugger => Some(unsupported("The setting ENABLE_TASK_DEBUGGER").at(task.origin.clone())),
        None => None,
    })
}

/// The value of `debugger:`, which may be `never` only.
pub(crate) fn refuse(value: &Value) -> Result<(), Diagnostic> {
    const VALUES: [&str; 4] = ["always", "on_failed", "on_skipped", "on_unreachable"];
    match value.as_str() {
        None | Some("" | "never") => Ok(()),
        Some(known) if VALUES.contains(&known) => Err(unsupported(&format!("`debugger: {known}`"))),
        Some(other) => Err(Diagnostic::error(format!(
            "'{other}' is not a valid value for debugger. Must be one of {}, never",
            VALUES.join(", ")
        ))),
    }
}

fn is_debug(strategy: &str) -> bool {
    matches!(strategy, "debug" | "ansible.builtin.debug")
}

pub(crate) fn unsupported(what: &str) -> Diagnostic {
    Diagnostic::error(format!("{what} is not supported yet: FTL has no task debugger."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_never_is_let_through() {
        let check = |value: Value, expected: &str| {
            let said = refuse(&value).err().map(|error| error.message).unwrap_or_default();
            assert_eq!(said, expected, "{value:?}");
        };
        check(Value::None, "");
        check(Value::str("never"), "");
        check(Value::str("on_failed"), "`debugger: on_failed` is not supported yet: FTL has no task debugger.");
        let unknown = "'no' is not a valid value for debugger. Must be one of always, on_failed, on_skipped, on_unreachable, never";
        check(Value::str("no"), unknown);
    }
}
