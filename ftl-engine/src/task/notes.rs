//! What templates, plugins and actions warn of while a task runs: it belongs to the task's result.

use std::cell::RefCell;

use ftl_core::source::{Diagnostic, Removal, Severity};
use ftl_core::value::{Map, Value, to_text, type_name};

use crate::step::Outcome;

tokio::task_local! {
    static NOTES: RefCell<Vec<Diagnostic>>;
}

/// Runs `work`; what it warned of comes beside its answer.
pub(super) async fn gathering<T>(work: impl Future<Output = T>) -> (T, Vec<Diagnostic>) {
    let work = async {
        let answer = work.await;
        (answer, NOTES.with(RefCell::take))
    };
    NOTES.scope(RefCell::default(), work).await
}

/// Keeps a warning for the result of the task that runs here; gives it back when none does.
pub fn keep_note(note: Diagnostic) -> Option<Diagnostic> {
    let mut note = Some(note);
    // Where no task runs, the note is for the caller to show.
    let _ = NOTES.try_with(|notes| notes.borrow_mut().extend(note.take()));
    note
}

/// Puts the notes of a task and what its result itself says into `warnings` and `deprecations`, once each, and where
/// displays find them.
pub(super) fn settle(outcome: &mut Outcome, mut notes: Vec<Diagnostic>) {
    let said = [outcome.map.remove("warnings"), outcome.map.remove("deprecations")];
    let kinds: [(&str, fn(&Value) -> Diagnostic); 2] = [("warnings", warning), ("deprecations", deprecation)];
    for (said, (key, read)) in said.into_iter().zip(kinds) {
        let Some(said) = said.filter(Value::is_true) else { continue };
        match said.as_items() {
            Some(items) => notes.extend(items.iter().map(read)),
            None => notes.push(Diagnostic::warning(format!(
                "Task result `{key}` was <class '{}'> instead of <class 'list'>.",
                type_name(&said)
            ))),
        }
    }
    let mut once: Vec<Diagnostic> = vec![];
    for note in notes {
        if !once.contains(&note) {
            once.push(note);
        }
    }
    let of = |severity: Severity| once.iter().filter(move |note| note.severity == severity);
    let warnings: Vec<Value> = of(Severity::Warning).map(|note| Value::str(note.one_line())).collect();
    let deprecations: Vec<Value> = of(Severity::Deprecation).map(entry).collect();
    for (key, list) in [("warnings", warnings), ("deprecations", deprecations)] {
        if !list.is_empty() {
            outcome.map.insert(key, Value::list(list));
        }
    }
    outcome.messages = once;
}

fn warning(said: &Value) -> Diagnostic {
    Diagnostic::warning(to_text(said))
}

/// A deprecation as a module or an action says it.
fn deprecation(said: &Value) -> Diagnostic {
    let field = |of: &Value, key: &str| of.get(key).filter(|v| !v.is_none()).map(|v| to_text(&v));
    let deprecator = said.get("deprecator").unwrap_or_default();
    let removal = Removal {
        owner: field(&deprecator, "resolved_name").or_else(|| field(said, "collection_name")),
        kind: field(&deprecator, "type"),
        version: field(said, "version"),
        date: field(said, "date"),
    };
    let mut out = Diagnostic::deprecation(field(said, "msg").unwrap_or_else(|| to_text(said)));
    out.hint = field(said, "help_text");
    out.removed(removal)
}

/// A deprecation as playbooks see it.
fn entry(note: &Diagnostic) -> Value {
    let text = |text: Option<String>| text.map_or(Value::None, Value::str);
    let removal = note.removal.as_deref().cloned().unwrap_or_default();
    let mut map = Map::new();
    map.insert("msg", note.one_line());
    map.insert("collection_name", text(removal.collection()));
    match removal.date {
        Some(date) => map.insert("date", date),
        None => map.insert("version", text(removal.version)),
    };
    let mut deprecator = Map::new();
    deprecator.insert("resolved_name", text(removal.owner.clone()));
    deprecator.insert("type", text(removal.kind));
    map.insert("deprecator", if removal.owner.is_some() { Value::dict(deprecator) } else { Value::None });
    Value::dict(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftl_core::value::repr;

    #[test]
    fn notes_come_first_and_once() {
        let mut outcome = Outcome::default();
        outcome.map.insert("warnings", Value::list(vec![Value::str("w"), Value::str("v"), Value::str("w")]));
        let mut said = Map::new();
        said.insert("msg", "d");
        said.insert("collection_name", "a.b");
        said.insert("date", "2030-01-01");
        outcome.map.insert("deprecations", Value::list(vec![Value::dict(said)]));
        let old = Diagnostic::deprecation("old").removed(Removal::core("2.23"));
        settle(&mut outcome, vec![Diagnostic::warning("v"), old.clone(), old]);
        assert_eq!(
            repr(&Value::dict(outcome.map)),
            "{'warnings': ['v', 'w'], 'deprecations': [{'msg': 'old', 'collection_name': 'ansible.builtin', 'version': \
             '2.23', 'deprecator': {'resolved_name': 'ansible.builtin', 'type': None}}, {'msg': 'd', 'collection_name': \
             'a.b', 'date': '2030-01-01', 'deprecator': {'resolved_name': 'a.b', 'type': None}}]}"
        );
        assert_eq!(outcome.messages.len(), 4);
    }

    #[test]
    fn what_is_no_list_is_said() {
        let mut outcome = Outcome::default();
        outcome.map.insert("warnings", "w");
        settle(&mut outcome, vec![]);
        let expected = "{'warnings': [\"Task result `warnings` was <class 'str'> instead of <class 'list'>.\"]}";
        assert_eq!(repr(&Value::dict(outcome.map)), expected);
    }

    #[tokio::test]
    async fn notes_stay_with_their_task() {
        let ((), notes) = gathering(async {
            assert_eq!(keep_note(Diagnostic::warning("inside")), None);
        })
        .await;
        assert_eq!(notes, [Diagnostic::warning("inside")]);
        assert!(keep_note(Diagnostic::warning("outside")).is_some());
    }
}
