//! `include_vars`: variables from files of the operator, for the host that asks.

use std::path::{Path, PathBuf};

use ftl_core::value::{Map, Value, to_text};
use ftl_template::python_regex::{Flags, Regex};

use super::{ActionContext, ActionFuture};
use crate::argument_spec::class_name;
use crate::task::TaskFailure;

const FILE_ARGUMENTS: [&str; 2] = ["file", "_raw_params"];
const DIR_ARGUMENTS: [&str; 6] =
    ["dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions"];
const ALL_ARGUMENTS: [&str; 2] = ["name", "hash_behaviour"];

const NO_FILE: &str = "Could not find file on the Ansible Controller.\nIf you are using a module and expect the file to \
                       exist on the remote, see the remote_src option";

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move { include_vars(context) })
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    vars: Map,
    files: Vec<PathBuf>,
    secret: bool,
}

fn include_vars(context: &ActionContext<'_>) -> Result<Map, TaskFailure> {
    check_arguments(context)?;
    let mut reading = Reading::default();
    let outcome = match context.arg("dir").filter(|dir| dir.is_true()) {
        Some(_) => read_directory(context, context.only_text("dir", "split")?.unwrap_or_default(), &mut reading)?,
        None => {
            let given = |name: &str| context.arg(name).is_some_and(Value::is_true);
            let name = match given("file") {
                true => context.only_text("file", "startswith")?,
                false if given("_raw_params") => context.only_text("_raw_params", "rstrip")?,
                false => None,
            };
            match name.map(|name| context.find_file("vars", name.trim_end_matches('\n'))) {
                None => {
                    context.step.warn("Invalid request to find a file that matches a \"null\" value");
                    Err(NO_FILE.into())
                }
                Some(Ok(path)) => read_file(context, &path, &mut reading),
                Some(Err(failure)) => Err(message_of(failure)),
            }
        }
    };
    let mut vars = reading.vars;
    if let Some(name) = context.arg("name").filter(|name| name.is_true()) {
        if matches!(name, Value::List(_) | Value::Dict(_)) {
            return Err(TaskFailure::message(format!("unhashable type: '{}'", class_name(name))));
        }
        let name = to_text(name);
        vars = [(name.as_str(), Value::Dict(ftl_core::Dict::loaded(vars)))].into_iter().collect();
    }
    let mut result = Map::new();
    if let Err(message) = outcome {
        result.insert("failed", true);
        result.insert("message", message);
    } else if context.text("hash_behaviour").is_some_and(|b| (b == "merge") != context.step.run.settings.hash_merge) {
        merge(context, &mut vars);
    }
    let files: Vec<Value> = reading.files.iter().map(|p| Value::str(p.to_string_lossy())).collect();
    result.insert("ansible_included_var_files", files);
    result.insert("ansible_facts", Value::Dict(ftl_core::Dict::loaded(vars)));
    result.insert("_ansible_no_log", reading.secret);
    Ok(result)
}

fn message_of(failure: TaskFailure) -> String {
    match failure {
        TaskFailure::Error(error) => error.one_line(),
        _ => "cannot be read".into(),
    }
}

fn check_arguments(context: &ActionContext<'_>) -> Result<(), TaskFailure> {
    let (mut dirs, mut files) = (0, 0);
    for (key, _) in context.args.text_iter() {
        if DIR_ARGUMENTS.contains(&key) {
            dirs += 1;
        } else if FILE_ARGUMENTS.contains(&key) {
            files += 1;
        } else if !ALL_ARGUMENTS.contains(&key) {
            return Err(TaskFailure::message(format!("{key} is not a valid option in include_vars")));
        }
    }
    if dirs > 0 && files > 0 {
        return Err(TaskFailure::message("You are mixing file only and dir only arguments, these are incompatible"));
    }
    Ok(())
}

/// `hash_behaviour` of the task: what is known already below what was read.
fn merge(context: &ActionContext<'_>, vars: &mut Map) {
    let known: Vec<(Value, Value)> = vars.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, value) in known {
        if let Some(old) = context.scope_value(&to_text(&key)) {
            vars.insert(key, crate::vars::combine(&old, &value));
        }
    }
}

fn read_file(context: &ActionContext<'_>, path: &Path, reading: &mut Reading) -> Result<(), String> {
    let run = &context.step.run;
    let content = run.loader.open(path).map_err(|e| e.one_line())?;
    reading.secret |= content.was_encrypted;
    match run.loader.load_value(path).map_err(|e| e.one_line())? {
        Value::None => {}
        Value::Dict(d) => reading.vars.extend(d.entries().iter().map(|(k, v)| (k.clone(), v.clone()))),
        _ => return Err(format!("{} must be stored as a dictionary/hash", path.display())),
    }
    reading.files.push(path.to_path_buf());
    Ok(())
}

/// Where a directory is looked up: in the role's `vars`, else beside the file of the task.
fn directory(context: &ActionContext<'_>, dir: &str) -> PathBuf {
    match context.step.role() {
        Some(role) if dir.split('/').next() == Some("vars") => {
            let inside = role.path.join(dir);
            if inside.exists() { inside } else { PathBuf::from(dir) }
        }
        Some(role) => role.path.join("vars").join(dir),
        None => match &context.step.task.origin {
            Some(origin) => Path::new(&*origin.file).parent().map(|p| p.join(dir)).unwrap_or_else(|| dir.into()),
            None => PathBuf::from(dir),
        },
    }
}

fn read_directory(
    context: &ActionContext<'_>,
    dir: &str,
    reading: &mut Reading,
) -> Result<Result<(), String>, TaskFailure> {
    let root = directory(context, dir);
    if !root.exists() {
        return Ok(Err(format!("{} directory does not exist", root.display())));
    }
    if !root.is_dir() {
        return Ok(Err(format!("{} is not a directory", root.display())));
    }
    let depth = depth(context)?;
    let extensions: Vec<String> = match context.args.get("extensions") {
        None => ["yaml", "yml", "json"].map(String::from).to_vec(),
        // A text is a list of letters, in Ansible too.
        Some(Value::Str(text)) => text.chars().map(String::from).collect(),
        Some(Value::List(l)) => l.items().iter().map(to_text).collect(),
        Some(_) => {
            return Err(TaskFailure::message("Invalid type for \"extensions\" option, it must be a list"));
        }
    };
    let ignored: Vec<String> = match context.arg("ignore_files").filter(|given| given.is_true()) {
        None => vec![],
        Some(Value::Str(text)) => text.split_whitespace().map(String::from).collect(),
        Some(Value::List(l)) => l.items().iter().map(to_text).collect(),
        Some(Value::Dict(d)) => d.entries().keys().map(to_text).collect(),
        Some(other) => {
            return Err(TaskFailure::message(format!("'{}' object is not iterable", class_name(other))));
        }
    };
    let matching = match context.text("files_matching") {
        Some(pattern) => Some(Regex::new(&pattern, Flags::default()).map_err(|e| TaskFailure::message(e.to_string()))?),
        None => None,
    };
    let skip_unknown = context.flag("ignore_unknown_extensions", false);
    // What a directory gives counts only if all of it could be read.
    let mut kept = Map::new();
    let mut inside = PathBuf::new();
    for (level, path) in files_below(&root).map_err(TaskFailure::message)? {
        let parent = path.parent().unwrap_or(&root);
        if parent != inside {
            inside = parent.to_path_buf();
            kept = reading.vars.clone();
        }
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let wanted = match &matching {
            Some(regex) => regex.search(&name).ok().flatten().is_some(),
            None => true,
        };
        let is_main = context.step.role().is_some_and(|r| path == r.path.join("vars").join("main.yml"));
        if depth.is_some_and(|depth| level as f64 > depth) || !wanted || is_main || is_ignored(&name, &ignored)? {
            continue;
        }
        let extension = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
        let known = extensions.contains(&extension);
        if !known {
            if skip_unknown {
                continue;
            }
            let text = format!("{} does not have a valid extension: {}", path.display(), extensions.join(", "));
            reading.vars = kept;
            return Ok(Err(text));
        }
        if let Err(message) = read_file(context, &path, reading) {
            reading.vars = kept;
            return Ok(Err(message));
        }
    }
    Ok(Ok(()))
}

/// How deep to look; `None` is without limit.
fn depth(context: &ActionContext<'_>) -> Result<Option<f64>, TaskFailure> {
    match context.arg("depth").filter(|depth| depth.is_true()) {
        None => Ok(None),
        Some(Value::Int(depth)) => Ok(Some(*depth as f64)),
        Some(Value::Float(depth)) => Ok(Some(*depth)),
        Some(Value::Bool(_)) => Ok(Some(1.0)),
        Some(other) => Err(TaskFailure::message(format!(
            "'>' not supported between instances of 'int' and '{}'",
            class_name(other)
        ))),
    }
}

/// Files with their depth, directory by directory, sorted.
fn files_below(root: &Path) -> Result<Vec<(usize, PathBuf)>, String> {
    let mut entries = vec![];
    for entry in walkdir::WalkDir::new(root).follow_links(true) {
        match entry {
            Ok(e) if e.file_type().is_file() => {
                entries.push((e.path().parent().unwrap_or(root).to_path_buf(), e.depth(), e.path().to_path_buf()));
            }
            Ok(_) => {}
            // A link to nowhere is no file.
            Err(e) if e.io_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) => {}
            Err(e) => return Err(format!("cannot read {}: {e}", root.display())),
        }
    }
    entries.sort();
    Ok(entries.into_iter().map(|(_, depth, path)| (depth, path)).collect())
}

fn is_ignored(name: &str, patterns: &[String]) -> Result<bool, TaskFailure> {
    for pattern in patterns {
        let regex = Regex::new(&format!("{pattern}$"), Flags::default())
            .map_err(|_| TaskFailure::message(format!("Invalid regular expression: {pattern}")))?;
        if regex.search(name).ok().flatten().is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
