//! What an action's name stands for: work of the controller, a module, or a `meta` word.

use std::sync::Arc;

use ftl_core::call::ModuleSearch;
use ftl_core::source::Diagnostic;
use ftl_core::value::Value;
use ftl_core::yaml::Node;

use super::arguments::{WrittenAction, builtin_name, with_keyword_hint};
use crate::graph::build::{Builder, Frame};
use crate::graph::{Action, Meta, TaskKind};
use crate::keyword::nearest_of;
use crate::options::Problem;

/// ansible-core's own action for looking at what expressions give.
const INTERNAL_DEBUG: &str = "ansible._protomatter.debug";

/// Actions the controller does (some with the help of a module), by their short names.
pub const CONTROLLER_ACTIONS: &[&str] = &[
    "add_host",
    "assemble",
    "assert",
    "async_status",
    "command",
    "copy",
    "debug",
    "dnf",
    "fail",
    "fetch",
    "gather_facts",
    "group_by",
    "include_vars",
    "package",
    "pause",
    "raw",
    "reboot",
    "script",
    "service",
    "set_fact",
    "set_stats",
    "shell",
    "template",
    "unarchive",
    "uri",
    "validate_argument_spec",
    "wait_for_connection",
];

/// Names offered for misspelt ones.
const COMMON_NAMES: &[&str] = &[
    "apt",
    "apt_key",
    "apt_repository",
    "blockinfile",
    "cron",
    "file",
    "find",
    "get_url",
    "getent",
    "git",
    "group",
    "hostname",
    "import_playbook",
    "import_role",
    "import_tasks",
    "include_role",
    "include_tasks",
    "iptables",
    "known_hosts",
    "lineinfile",
    "meta",
    "mount_facts",
    "package_facts",
    "ping",
    "pip",
    "replace",
    "rpm_key",
    "service_facts",
    "setup",
    "slurp",
    "stat",
    "systemd",
    "systemd_service",
    "tempfile",
    "user",
    "wait_for",
    "yum_repository",
];

/// What the module runtime says of names that only Python on the controller could serve.
const UNSUPPORTED: &str = "not supported yet";

/// The `meta` words.
const META_WORDS: &[(&str, Meta)] = &[
    ("noop", Meta::Noop),
    ("flush_handlers", Meta::FlushHandlers),
    ("refresh_inventory", Meta::RefreshInventory),
    ("clear_facts", Meta::ClearFacts),
    ("clear_host_errors", Meta::ClearHostErrors),
    ("end_play", Meta::EndPlay),
    ("end_batch", Meta::EndBatch),
    ("end_host", Meta::EndHost),
    ("end_role", Meta::EndRole),
    ("reset_connection", Meta::ResetConnection),
];

/// What a name that no task wrote stands for; for templates in `action:` that the engine has rendered.
pub fn resolve_action(
    modules: &dyn ftl_core::port::ModuleRuntime,
    name: &str,
    search: &ModuleSearch,
) -> Result<TaskKind, String> {
    if name == INTERNAL_DEBUG {
        return Ok(TaskKind::Action(Action { name: Arc::from(name), module: None }));
    }
    let found = modules.find(name, search);
    let builtin = |name: &str| builtin_name(name).filter(|n| CONTROLLER_ACTIONS.contains(n)).map(str::to_string);
    let short = builtin(name).or_else(|| found.as_ref().ok().and_then(|m| builtin(&m.fqcn)));
    match (short, found) {
        (_, Err(message)) if message.contains(UNSUPPORTED) => Err(message),
        (Some(short), found) => {
            let name = Arc::from(format!("ansible.builtin.{short}"));
            Ok(TaskKind::Action(Action { name, module: found.ok() }))
        }
        (None, Ok(module)) => Ok(TaskKind::Module(module)),
        (None, Err(message)) => Err(message),
    }
}

impl Builder<'_> {
    /// The kind of a task that includes nothing.
    pub(crate) fn kind(&mut self, task: &Node, action: &WrittenAction, frame: &Frame) -> Result<TaskKind, Problem> {
        let name: &str = &action.name;
        if action.name.is_template() {
            return Ok(TaskKind::Unresolved);
        }
        match builtin_name(name) {
            Some("meta") => return meta(task, action, frame),
            Some("include") => return Err(removed_include(task)),
            _ => {}
        }
        let search = &frame.keywords.module_search;
        match resolve_action(&*self.options.modules, name, search) {
            Ok(kind) => Ok(kind),
            // Python action plugins do not run, but their tasks can be listed.
            Err(message) if self.options.listing && message.contains(UNSUPPORTED) => Ok(TaskKind::Unresolved),
            Err(_) if action.by_keyword => Ok(TaskKind::Unresolved),
            Err(message) => Err(unresolved(task, name, &message)),
        }
    }
}

fn unresolved(task: &Node, name: &str, message: &str) -> Problem {
    let at = Some(task.origin.clone());
    // A tombstone says more than that the name is unknown.
    if message.contains("removed") || message.contains(UNSUPPORTED) {
        return Problem::general(Diagnostic::error(message).at(at));
    }
    let diagnostic = Diagnostic::error(format!(
        "couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, or incorrect \
         module path."
    ))
    .at(at);
    let known = CONTROLLER_ACTIONS.iter().chain(COMMON_NAMES).copied();
    Problem::parse(match nearest_of(name, known) {
        Some(near) => diagnostic.hint(format!("Did you mean '{near}'?")),
        None => with_keyword_hint(diagnostic, &[name]),
    })
}

fn removed_include(task: &Node) -> Problem {
    Problem::general(
        Diagnostic::error(
            "The 'ansible.builtin.include' action plugin has been removed. Use include_tasks or import_tasks instead. This \
             feature was removed from ansible-core in a release after 2023-05-16.",
        )
        .at(Some(task.origin.clone())),
    )
}

fn meta(task: &Node, action: &WrittenAction, frame: &Frame) -> Result<TaskKind, Problem> {
    let at = Some(task.origin.clone());
    let word = action.args.get("_raw_params").map(ftl_core::value::to_text).unwrap_or_else(|| "None".into());
    let known = META_WORDS.iter().find(|(name, _)| *name == word).map(|(_, meta)| *meta);
    let Some(meta) = known else {
        let diagnostic = Diagnostic::error(format!("invalid meta action requested: {word}")).at(at);
        return Err(Problem::general(match nearest_of(&word, META_WORDS.iter().map(|(n, _)| *n)) {
            Some(near) => diagnostic.hint(format!("Did you mean '{near}'?")),
            None => diagnostic,
        }));
    };
    if meta == Meta::EndRole && frame.handlers {
        return Err(Problem::parse(Diagnostic::error("Cannot execute 'end_role' from a handler").at(at)));
    }
    if meta == Meta::EndRole && frame.role.is_none() {
        return Err(Problem::parse(Diagnostic::error("Cannot execute 'end_role' from outside of a role").at(at)));
    }
    Ok(TaskKind::Meta(meta))
}

/// The text of an argument.
pub(crate) fn text_argument(action: &WrittenAction, name: &str) -> Option<Value> {
    action.args.get(name).filter(|v| !v.is_none()).cloned()
}
