//! `ftl` and `ansible`: one module on a set of hosts, run as a play of one task.

use std::path::PathBuf;
use std::sync::Arc;

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{Map, Str, Value};
use ftl_core::yaml::{self, LoadOptions, Node, NodeKind};
use ftl_inventory::pattern::check_targets;

use super::run::Prepared;
use crate::args::Arguments;
use crate::exit::{self, Failure};
use crate::passwords::Passwords;
use crate::program::{Context, Kind};

/// Modules that do nothing without arguments.
const NEED_ARGUMENTS: [&str; 6] = ["command", "raw", "script", "shell", "win_command", "win_shell"];

/// What the options of `ftl` mean in those of `ansible`; the error is a usage error.
pub fn complete(kind: Kind, arguments: &mut Arguments) -> Result<(), String> {
    if kind != Kind::Ftl {
        return Ok(());
    }
    if let Some(text) = arguments.text("ftl_module").map(String::from) {
        // `-f` is `--forks` for Ansible and `--ftl-module` for FTL: a number names no module.
        match text.parse::<i64>() {
            Ok(_) => arguments.set("forks", text),
            Err(_) => {
                arguments.set("module_name", text);
                arguments.set("native", "on");
            }
        }
    }
    if arguments.positionals.is_empty() {
        if !arguments.flag("inventory") {
            return Err("the following arguments are required: pattern".into());
        }
        arguments.positionals.push("all".into());
    }
    Ok(())
}

pub fn run(context: &Context<'_>) -> Result<u8, Failure> {
    let arguments = context.arguments;
    let pattern = arguments.positionals.first().map(String::as_str).unwrap_or_default();
    let base_dir = arguments.text("basedir").map(|path| PathBuf::from(context.surroundings.path(path)));
    let base_dir = base_dir
        .or_else(|| context.settings.path("PLAYBOOK_DIR"))
        .unwrap_or_else(|| context.surroundings.working_dir.clone());
    let passwords = Passwords::ask(arguments, context.settings, context.surroundings)?;
    let prepared = Prepared::new(context, std::slice::from_ref(&base_dir), false)?;
    let limit = prepared.limit(context)?;
    let mut warnings = vec![];
    let checked =
        check_targets(&prepared.inventory, pattern, limit.as_ref(), &prepared.inventory_settings, &mut warnings);
    warnings.iter().for_each(|warning| context.display.message(warning));
    let hosts = match checked {
        Ok(hosts) => hosts,
        Err(error) if limit.is_some() => return Err(error.into()),
        Err(_) => {
            context.display.message(&Diagnostic::warning("No hosts matched, nothing to do"));
            vec![]
        }
    };
    if arguments.flag("listhosts") {
        let mut text = format!("  hosts ({}):\n", hosts.len());
        hosts.iter().for_each(|host| text.push_str(&format!("    {}\n", prepared.inventory.host_name(*host))));
        context.print(&text)?;
        return Ok(exit::OK);
    }
    let module = arguments
        .text("module_name")
        .map(String::from)
        .or_else(|| context.settings.text("DEFAULT_MODULE_NAME"))
        .unwrap_or_else(|| "command".into());
    let text = module_arguments(context)?;
    check_module(&module, text.as_deref(), pattern)?;
    let play = play(context, &prepared, &module, text.as_deref().unwrap_or_default(), pattern)?;
    let loaded = ftl_playbook::load_play(ftl_engine::ADHOC, &play, &base_dir, &prepared.loader, &prepared.parse)?;
    loaded.warnings.iter().for_each(|warning| context.display.message(warning));
    // A template in the pattern is for the play to find out.
    if hosts.is_empty() && !pattern.contains("{{") {
        return Ok(exit::OK);
    }
    prepared.run(context, &[base_dir], vec![loaded.playbook], &passwords, limit)
}

/// `-a`, or the setting; `@file` is read for `ftl` alone, because `ansible` takes it as it is.
fn module_arguments(context: &Context<'_>) -> Result<Option<String>, Failure> {
    let given = context.arguments.text("module_args").map(String::from);
    let Some(text) = given.or_else(|| context.settings.text("DEFAULT_MODULE_ARGS")) else { return Ok(None) };
    match text.strip_prefix('@').filter(|_| context.kind == Kind::Ftl) {
        Some(file) => {
            let path = context.surroundings.path(file);
            let read = std::fs::read_to_string(&path);
            let text = read.map_err(|error| Failure::option(format!("The file {path} cannot be read: {error}")))?;
            Ok(Some(text.trim_end().to_string()))
        }
        None => Ok(Some(text)),
    }
}

fn short_name(module: &str) -> &str {
    module.strip_prefix("ansible.builtin.").or_else(|| module.strip_prefix("ansible.legacy.")).unwrap_or(module)
}

fn needs_arguments(module: &str) -> bool {
    let windows = module.strip_prefix("ansible.windows.").filter(|name| name.starts_with("win_"));
    NEED_ARGUMENTS.contains(&windows.unwrap_or(short_name(module)))
}

fn check_module(module: &str, text: Option<&str>, pattern: &str) -> Result<(), Failure> {
    if needs_arguments(module) && text.is_none_or(str::is_empty) {
        let hint = if pattern.ends_with(".yml") { " (did you mean to run ansible-playbook?)" } else { "" };
        return Err(Failure::option(format!("No argument passed to {module} module{hint}")));
    }
    match short_name(module) {
        "import_playbook" => Err(Failure::option(format!("'{module}' is not a valid action for ad-hoc commands"))),
        _ => Ok(()),
    }
}

/// The play, as if it had been read from a file.
fn play(context: &Context<'_>, prepared: &Prepared, module: &str, text: &str, pattern: &str) -> Result<Node, Failure> {
    let origin = Origin::file(format!("<adhoc '{module}' task>"));
    let node = |value: Value| to_node(&value, &origin);
    let written = |text: &str| node(Value::Str(Str::trusted(text, Some(origin.clone()))));
    let arguments = match is_json(text) {
        true => from_json(text, prepared)?,
        false => {
            let text = Str::trusted(text, Some(origin.clone()));
            let given = ftl_playbook::parse_key_values(&text, needs_arguments(module));
            node(Value::dict(given.map_err(|error| Failure::unreadable(Diagnostic { origin: None, ..error }))?))
        }
    };
    let parts = context.parts();
    let mut task = vec![(written("action"), written(module)), (written("args"), arguments)];
    let mut set = |name: &str, number: i64| task.push((written(name), node(Value::Int(number))));
    match parts.number("task_timeout", "TASK_TIMEOUT") {
        0 => {}
        seconds => set("timeout", seconds),
    }
    if let Some(seconds) = context.arguments.number("seconds").filter(|seconds| *seconds != 0) {
        set("async", seconds);
        set("poll", parts.number("poll_interval", "DEFAULT_POLL_INTERVAL"));
    }
    let map = |entries| Node { kind: NodeKind::Map(Arc::new(entries)), origin: origin.clone() };
    let tasks = Node { kind: NodeKind::Seq(Arc::new(vec![map(task)])), origin: origin.clone() };
    Ok(map(vec![
        (written("name"), written("Ansible Ad-Hoc")),
        (written("hosts"), written(pattern)),
        (written("gather_facts"), node(Value::Bool(false))),
        (written("tasks"), tasks),
    ]))
}

/// `{…}`, but not `{{ … }}`.
fn is_json(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') && !text.starts_with("{{")
}

fn from_json(text: &str, prepared: &Prepared) -> Result<Node, Failure> {
    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
        return Err(Failure::option(format!("The arguments of the module are no valid JSON: {error}")));
    }
    let options = LoadOptions::new("<CLI option '-a'>", &prepared.loader.secrets);
    Ok(yaml::load(text, &options)?.root)
}

fn to_node(value: &Value, origin: &Origin) -> Node {
    let kind = match value {
        Value::Dict(dict) => {
            let entries: &Map = &dict.entries();
            let pairs = entries.iter().map(|(key, value)| (to_node(key, origin), to_node(value, origin)));
            NodeKind::Map(Arc::new(pairs.collect()))
        }
        other => NodeKind::Scalar(other.clone()),
    };
    Node { kind, origin: origin.clone() }
}
