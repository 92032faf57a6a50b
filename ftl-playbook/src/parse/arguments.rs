//! Which key of a task is its action, and what arguments it gives.

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{Map, Str, Value};
use ftl_core::yaml::{Node, NodeKind};

use super::free_form::{parse_key_values, split_action};
use crate::keyword::{Place, is_task_keyword, nearest_keyword};
use crate::options::Problem;

/// The action of a task and its arguments, in one form for all the ways to write them.
#[derive(Clone, Debug)]
pub(crate) struct WrittenAction {
    pub name: Str,
    pub origin: Origin,
    pub args: Map,
    /// `args: "{{ dict }}"`.
    pub args_template: Option<Value>,
    /// Written as `action:` or `local_action:`: the name is looked up when the task runs.
    pub by_keyword: bool,
    /// `local_action:`.
    pub local: bool,
    pub notes: Vec<Diagnostic>,
}

/// Names that stand for a builtin: `x`, `ansible.builtin.x`, `ansible.legacy.x`.
pub(crate) fn builtin_name(name: &str) -> Option<&str> {
    let short = name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name);
    (!short.contains('.')).then_some(short)
}

/// Actions whose text is a command, with few options in it.
pub(crate) fn is_free_form(name: &str) -> bool {
    matches!(name, "ansible.windows.win_command" | "ansible.windows.win_shell")
        || matches!(builtin_name(name), Some("command" | "raw" | "script" | "shell" | "win_command" | "win_shell"))
}

/// Actions that take free text (`_raw_params`); for others it must be a template that gives a dict.
pub fn takes_raw_params(name: &str) -> bool {
    is_free_form(name)
        || matches!(
            builtin_name(name),
            Some(
                "include_vars"
                    | "include_tasks"
                    | "include_role"
                    | "import_tasks"
                    | "import_role"
                    | "add_host"
                    | "group_by"
                    | "set_fact"
                    | "meta"
            )
        )
}

/// Is the text one template from end to end?
pub(crate) fn is_all_template(text: &str) -> bool {
    let text = text.trim();
    [("{{", "}}"), ("{%", "%}"), ("{#", "#}")].iter().any(|(s, _)| text.starts_with(s))
        && [("{{", "}}"), ("{%", "%}"), ("{#", "#}")].iter().any(|(_, e)| text.ends_with(e))
}

/// Finds the action of a task. `task` is a mapping.
pub(crate) fn written_action(task: &Node) -> Result<WrittenAction, Problem> {
    let base = Base::of(task)?;
    let mut found: Option<WrittenAction> = None;
    for (key, local) in [("action", false), ("local_action", true)] {
        if let Some(thing) = task.get(key) {
            if found.is_some() {
                return Err(at(task, "action and local_action are mutually exclusive"));
            }
            found = Some(old_style(task, thing, &base, local)?);
        }
    }
    for (key, value) in candidates(task) {
        let name = key_text(key);
        if let Some(first) = &found {
            let message = format!("conflicting action statements: {}, {}", first.name.as_str(), name.as_str());
            return Err(Problem::parse(with_keyword_hint(
                Diagnostic::error(message).at(Some(task.origin.clone())),
                &[first.name.as_str(), name.as_str()],
            )));
        }
        found = Some(new_style(task, key, value, &base)?);
    }
    found.ok_or_else(|| at(task, "no module/action detected in task."))
}

/// The keys that are no keywords.
fn candidates(task: &Node) -> impl Iterator<Item = (&Node, &Node)> {
    task.as_map().unwrap_or_default().iter().map(|(k, v)| (k, v)).filter(|(k, _)| {
        let name = key_text(k);
        !is_task_keyword(&name) && !name.starts_with("with_")
    })
}

pub(crate) fn key_text(key: &Node) -> Str {
    match key.as_value() {
        Some(Value::Str(s)) => s.clone(),
        Some(other) => Str::with_origin(ftl_core::value::to_text(other), Some(key.origin.clone())),
        None => Str::with_origin("", Some(key.origin.clone())),
    }
}

fn at(task: &Node, message: &str) -> Problem {
    Problem::parse(Diagnostic::error(message).at(Some(task.origin.clone())))
}

/// A misspelt keyword looks like a second action.
pub(crate) fn with_keyword_hint(diagnostic: Diagnostic, names: &[&str]) -> Diagnostic {
    for name in names {
        if let Some(near) = nearest_keyword(name, Place::Task) {
            return diagnostic.hint(format!("Did you mean '{near}' where '{name}' is written?"));
        }
    }
    diagnostic
}

/// What `args:` gives.
struct Base {
    written: bool,
    args: Map,
    template: Option<Value>,
    notes: Vec<Diagnostic>,
}

impl Base {
    fn of(task: &Node) -> Result<Base, Problem> {
        let mut base = Base { written: false, args: Map::new(), template: None, notes: Vec::new() };
        let Some(args) = task.get("args") else { return Ok(base) };
        base.written = true;
        match (&args.kind, args.to_value()) {
            (NodeKind::Map(_), Value::Dict(dict)) => base.args = Map::clone(&dict.entries()),
            (_, Value::None) => base.notes.push(
                Diagnostic::deprecation("Ignoring empty task `args` keyword.")
                    .at(Some(task.origin.clone()))
                    .hint("A mapping or template which resolves to a mapping is required."),
            ),
            (_, Value::Str(text)) if is_all_template(text.as_str()) => base.template = Some(Value::Str(text)),
            _ => {
                return Err(Problem::parse(
                    Diagnostic::error("The value of the task `args` keyword is invalid.")
                        .at(Some(args.origin.clone()))
                        .hint("A mapping or template which resolves to a mapping is required."),
                ));
            }
        }
        Ok(base)
    }
}

/// `copy: …`.
fn new_style(task: &Node, key: &Node, thing: &Node, base: &Base) -> Result<WrittenAction, Problem> {
    let name = key_text(key);
    let mut notes = base.notes.clone();
    let args = match thing.to_value() {
        Value::Dict(dict) => Map::clone(&dict.entries()),
        Value::Str(text) if text.envelope().is_some() => [("_raw_params", Value::Str(text))].into_iter().collect(),
        Value::Str(text) => {
            let args = parse_key_values(&text, is_free_form(&name)).map_err(|e| wrap(task, e))?;
            note_merge(&mut notes, base, &args, &thing.origin);
            args
        }
        Value::None => Map::new(),
        _ => return Err(unexpected_type(task, thing)),
    };
    finish(name, key.origin.clone(), args, base, notes)
}

/// `action: copy …` and `local_action: …`.
fn old_style(task: &Node, thing: &Node, base: &Base, local: bool) -> Result<WrittenAction, Problem> {
    let mut notes = base.notes.clone();
    let (name, mut args) = match thing.to_value() {
        Value::Str(text) => {
            let (name, rest) = split_action(&text).map_err(|e| wrap(task, e))?;
            let args = parse_key_values(&rest, is_free_form(&name)).map_err(|e| wrap(task, e))?;
            (name, args)
        }
        Value::Dict(dict) => {
            notes.push(
                Diagnostic::deprecation("Using a mapping for `action` is deprecated.")
                    .at(Some(thing.origin.clone()))
                    .hint("Use a string value for `action`."),
            );
            let mut args = Map::clone(&dict.entries());
            match args.remove("module") {
                Some(Value::Str(module)) => {
                    let (name, rest) = split_action(&module).map_err(|e| wrap(task, e))?;
                    args.extend(parse_key_values(&rest, is_free_form(&name)).map_err(|e| wrap(task, e))?);
                    (name, args)
                }
                _ => return Err(at(task, "no module/action detected in task.")),
            }
        }
        _ => return Err(unexpected_type(task, thing)),
    };
    match args.remove("args") {
        Some(Value::Str(text)) => args.extend(parse_key_values(&text, false).map_err(|e| wrap(task, e))?),
        Some(Value::Dict(dict)) => args.extend(Map::clone(&dict.entries())),
        Some(other) => drop(args.insert("args", other)),
        None => {}
    }
    let mut action = finish(name, thing.origin.clone(), args, base, notes)?;
    action.by_keyword = true;
    action.local = local;
    Ok(action)
}

fn finish(name: Str, origin: Origin, args: Map, base: &Base, notes: Vec<Diagnostic>) -> Result<WrittenAction, Problem> {
    if !is_free_form(&name) {
        if let Some((arg, _)) = args.text_iter().find(|(arg, _)| arg.starts_with("_ansible_")) {
            return Err(Problem::general(
                Diagnostic::error(format!(
                    "Invalid parameter specified beginning with keyword '_ansible_' for action '{}': '{arg}'. The prefix \
                     '_ansible_' is reserved for internal use only.",
                    name.as_str()
                ))
                .at(Some(origin)),
            ));
        }
    }
    let mut all = base.args.clone();
    all.extend(args);
    let action = WrittenAction {
        name,
        origin,
        args: all,
        args_template: base.template.clone(),
        by_keyword: false,
        local: false,
        notes,
    };
    Ok(action)
}

/// `k=v` beside `args:` is on its way out.
fn note_merge(notes: &mut Vec<Diagnostic>, base: &Base, args: &Map, origin: &Origin) {
    let mut names: Vec<&str> = args.text_iter().map(|(k, _)| k).filter(|k| *k != "_raw_params").collect();
    if !base.written || names.is_empty() {
        return;
    }
    names.sort_unstable();
    let quoted: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
    notes.push(
        Diagnostic::deprecation(format!(
            "Merging legacy k=v args ({}) into task args. This feature will be removed from ansible-core version 2.23.",
            quoted.join(", ")
        ))
        .at(Some(origin.clone()))
        .hint("Include all task args in the task `args` mapping."),
    );
}

fn wrap(task: &Node, mut cause: Diagnostic) -> Problem {
    cause.origin = None;
    Problem::parse(Diagnostic::error("Error loading tasks.").at(Some(task.origin.clone())).caused_by(cause))
}

fn unexpected_type(task: &Node, thing: &Node) -> Problem {
    at(task, &format!("unexpected parameter type in action: {}", python_class(thing)))
}

/// The class Ansible's messages show for a loaded value.
pub(crate) fn python_class(node: &Node) -> &'static str {
    value_class(&node.to_value())
}

pub(crate) fn value_class(value: &Value) -> &'static str {
    match value {
        Value::Dict(_) => "<class 'ansible.module_utils._internal._datatag._AnsibleTaggedDict'>",
        Value::List(_) => "<class 'ansible.module_utils._internal._datatag._AnsibleTaggedList'>",
        Value::None => "<class 'NoneType'>",
        Value::Bool(_) => "<class 'bool'>",
        Value::Int(_) | Value::BigInt(_) => "<class 'ansible.module_utils._internal._datatag._AnsibleTaggedInt'>",
        Value::Float(_) => "<class 'ansible.module_utils._internal._datatag._AnsibleTaggedFloat'>",
        Value::Date(_) => "<class 'ansible.module_utils._internal._datatag._AnsibleTaggedDate'>",
        Value::DateTime(_) => "<class 'ansible.module_utils._internal._datatag._AnsibleTaggedDateTime'>",
        _ => "<class 'ansible.module_utils._internal._datatag._AnsibleTaggedStr'>",
    }
}
