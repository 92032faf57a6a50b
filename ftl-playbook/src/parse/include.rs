//! `include_tasks`, `import_tasks`, `include_role`, `import_role`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value};
use ftl_core::yaml::Node;

use super::action::text_argument;
use super::arguments::{WrittenAction, builtin_name, key_text, value_class};
use crate::graph::build::{Builder, Frame, Malformed, NewBlock};
use crate::graph::inherit::layer;
use crate::graph::{Entry, Include, IncludeKind, IncludedFrom, TaskKind};
use crate::include_file::{IncludeSearch, search_include_file};
use crate::options::Problem;
use crate::role::{FromFiles, RoleUse};

/// Keys an `include_tasks` or `include_role` may have.
const INCLUDE_KEYWORDS: &[&str] = &[
    "action",
    "args",
    "collections",
    "debugger",
    "ignore_errors",
    "loop",
    "loop_control",
    "loop_with",
    "name",
    "no_log",
    "register",
    "run_once",
    "tags",
    "timeout",
    "vars",
    "when",
];

const ROLE_ARGUMENTS: &[&str] = &[
    "name",
    "role",
    "tasks_from",
    "vars_from",
    "defaults_from",
    "handlers_from",
    "apply",
    "public",
    "allow_duplicates",
    "rolespec_validate",
];

fn at(node: &Node, message: String) -> Problem {
    Problem::parse(Diagnostic::error(message).at(Some(node.origin.clone())))
}

impl Builder<'_> {
    pub(crate) fn include_tasks(
        &mut self,
        task: &Node,
        mut action: WrittenAction,
        frame: &Frame,
    ) -> Result<Vec<Entry>, Problem> {
        let import = builtin_name(&action.name) == Some("import_tasks");
        let name = action.name.as_str().to_string();
        if !import {
            self.check_include_keywords(
                task,
                &action,
                frame,
                if frame.handlers { "HandlerTaskInclude" } else { "TaskInclude" },
            );
        }
        if let Some(bad) = unknown_arguments(&action.args, &["file", "_raw_params", "apply"]) {
            return Err(at(task, format!("Invalid options for {name}: {bad}")));
        }
        let file = text_argument(&action, "_raw_params").filter(Value::is_true).or_else(|| action.args.remove("file"));
        let Some(file) = file.filter(Value::is_true) else {
            return Err(at(task, format!("No file specified for {name}")));
        };
        action.args.insert("_raw_params", file.clone());
        let apply = self.apply(task, &action, import)?;
        if import {
            return self.import_tasks(task, action, &file, frame);
        }
        let frame = self.with_search(frame);
        let mut keys = self.task_keys(task, &action, &frame);
        keys.own.include_params = layer(&keys.vars);
        let kind = TaskKind::Include(Include { kind: IncludeKind::Tasks, apply });
        Ok(vec![Entry::Task(self.finish_task(task, action, keys, kind, &frame))])
    }

    fn check_include_keywords(&mut self, task: &Node, action: &WrittenAction, frame: &Frame, title: &str) {
        for (key, _) in task.as_map().unwrap_or_default() {
            let key = key_text(key);
            let fine = *key == *action.name
                || INCLUDE_KEYWORDS.contains(&&*key)
                || key.starts_with("with_")
                || matches!(&*key, "local_action" | "shell")
                || (&*key == "listen" && frame.handlers && title != "IncludeRole");
            // Keys no task has at all are reported with the other keywords.
            if !fine && crate::keyword::is_task_keyword(&key) {
                self.report(at(task, format!("'{}' is not a valid attribute for a {title}", &*key)));
            }
        }
    }

    /// `apply:`, only for includes.
    fn apply(&mut self, task: &Node, action: &WrittenAction, import: bool) -> Result<Option<Value>, Problem> {
        match action.args.get("apply") {
            Some(apply) if apply.is_true() && import => {
                Err(at(task, format!("Invalid options for {}: apply", action.name.as_str())))
            }
            Some(Value::Dict(apply)) => Ok(Some(Value::Dict(apply.clone())).filter(Value::is_true)),
            None => Ok(None),
            Some(other) => Err(at(task, format!("Expected a dict for apply but got {} instead", value_class(other)))),
        }
    }

    fn import_tasks(
        &mut self,
        task: &Node,
        action: WrittenAction,
        file: &Value,
        frame: &Frame,
    ) -> Result<Vec<Entry>, Problem> {
        let keys = self.task_keys(task, &action, frame);
        if keys.looping.is_some() {
            return Err(at(
                task,
                "You cannot use loops on 'import_tasks' statements. You should use 'include_tasks' instead.".into(),
            ));
        }
        let target = self.static_text(file, frame, &keys.own.vars).map_err(|cause| {
            let shown = ftl_core::value::repr(file);
            Problem::parse(
                Diagnostic::error(format!("Error when evaluating variable in import path {shown}."))
                    .at(Some(task.origin.clone()))
                    .hint(
                        "When using static imports, ensure that any variables used in their names are defined in \
                         vars/vars_files\nor extra-vars passed in from the command line. Static imports cannot use \
                         variables from facts or inventory\nsources like group or host vars.",
                    )
                    .caused_by(cause),
            )
        })?;
        let role_path = self.role(frame).map(|r| r.path.clone());
        let path = search_include_file(
            &target,
            &IncludeSearch {
                role_path: role_path.as_deref(),
                handler: frame.handlers,
                import: true,
                from: frame.from.as_ref(),
                base_dir: &self.play.base_dir,
                working_dir: &self.options.working_dir,
            },
        );
        self.import_file(task, &path, &target, keys.own, frame)
    }

    fn import_file(
        &mut self,
        task: &Node,
        path: &Path,
        target: &str,
        own: crate::graph::Keywords,
        frame: &Frame,
    ) -> Result<Vec<Entry>, Problem> {
        if self.open_files.iter().any(|open| open == path) {
            return Err(Problem::general(
                Diagnostic::error(format!("the file '{}' imports itself", path.display()))
                    .at(Some(task.origin.clone())),
            ));
        }
        let list = self.read(path)?;
        if list.is_none() || list.as_seq().is_some_and(<[Node]>::is_empty) {
            self.warn(format!("file {} is empty and had no tasks to include", path.display()), None);
            return Ok(Vec::new());
        }
        if list.as_seq().is_none() {
            return Err(at(&list, "included task files must contain a list of tasks".into()));
        }
        self.open_files.push(path.to_path_buf());
        let inner = Frame {
            from: Some(Arc::new(IncludedFrom { dir: directory_of(target), outer: frame.from.clone() })),
            file_dir: Arc::from(path.parent().unwrap_or(path)),
            in_block: false,
            ..frame.clone()
        };
        let what = Malformed {
            message: "A malformed block was encountered while loading a block.",
            origin: &task.origin,
            must_be_list: false,
        };
        let mut new = NewBlock { own, ..NewBlock::implicit(Some(frame.block)) };
        new.origin = Some(task.origin.clone());
        let block = self.add_block(new, &inner);
        let entries = self.entries(&list, &block, what);
        self.open_files.pop();
        if frame.handlers {
            return Ok(entries);
        }
        self.fill(block.block, |b| b.body = entries);
        Ok(vec![Entry::Block(block.block)])
    }

    pub(crate) fn include_role(
        &mut self,
        task: &Node,
        action: WrittenAction,
        frame: &Frame,
    ) -> Result<Vec<Entry>, Problem> {
        let name = action.name.as_str().to_string();
        let import = builtin_name(&name) == Some("import_role");
        if frame.handlers {
            return Err(at(task, format!("Using '{name}' as a handler is not supported.")));
        }
        if !import {
            self.check_include_keywords(task, &action, frame, "IncludeRole");
        }
        let frame = &self.task_frame(task, frame);
        let mut keys = self.task_keys(task, &action, frame);
        let role = text_argument(&action, "name").or_else(|| text_argument(&action, "role"));
        let Some(role) = role.filter(|_| action.args_template.is_none() || !import) else {
            if action.args_template.is_some() && !import {
                // All arguments come from a template: what they are is known when the task runs.
                keys.own.include_params = layer(&keys.vars);
                let kind = TaskKind::Include(Include { kind: IncludeKind::Role, apply: None });
                return Ok(vec![Entry::Task(self.finish_task(task, action, keys, kind, frame))]);
            }
            return Err(at(task, format!("'name' is a required field for {name}.")));
        };
        if let Some(bad) = unknown_arguments(&action.args, ROLE_ARGUMENTS) {
            return Err(at(task, format!("Invalid options for {name}: {bad}")));
        }
        for (key, _) in FromFiles::default().slots() {
            if let Some(value) = text_argument(&action, key).filter(|v| v.as_str().is_none()) {
                let class = value_class(&value);
                return Err(at(task, format!("Expected a string for {key} but got {class} instead")));
            }
        }
        let apply = self.apply(task, &action, import)?;
        if !import {
            keys.own.include_params = layer(&keys.vars);
            let kind = TaskKind::Include(Include { kind: IncludeKind::Role, apply });
            return Ok(vec![Entry::Task(self.finish_task(task, action, keys, kind, frame))]);
        }
        if keys.looping.is_some() {
            return Err(at(
                task,
                "You cannot use loops on 'import_role' statements. You should use 'include_role' instead.".into(),
            ));
        }
        self.import_role(task, &action, &role, keys, frame)
    }

    fn import_role(
        &mut self,
        task: &Node,
        action: &WrittenAction,
        role: &Value,
        keys: super::task::TaskKeys,
        frame: &Frame,
    ) -> Result<Vec<Entry>, Problem> {
        let general = |d: Diagnostic| Problem::general(d);
        let role = self.static_text(role, frame, &keys.own.vars).map_err(general)?;
        let mut from = FromFiles::default();
        for (key, slot) in from.slots() {
            if let Some(value) = text_argument(action, key) {
                *slot = Some(self.static_text(&value, frame, &keys.own.vars).map_err(general)?);
            }
        }
        let public = self.static_bool(action, "public", frame)?;
        let validate = self.static_bool(action, "rolespec_validate", frame)?.unwrap_or(true);
        let allow_duplicates = self.static_bool(action, "allow_duplicates", frame)?.unwrap_or(true);
        let vars = keys.vars.clone();
        let new =
            NewBlock { own: keys.own, origin: Some(task.origin.clone()), ..NewBlock::implicit(Some(frame.block)) };
        let outer = Frame { from_import: true, ..self.add_block(new, frame) };
        let use_of_role = RoleUse {
            name: role,
            origin: Some(task.origin.clone()),
            from,
            from_include: true,
            public,
            validate,
            allow_duplicates: Some(allow_duplicates),
            entry_vars: vars,
            collections: outer.keywords.collections.to_vec(),
            ..RoleUse::default()
        };
        let applied = self.apply_role(use_of_role, &outer)?;
        let entries = applied.blocks.iter().map(|b| Entry::Block(*b)).collect();
        self.fill(outer.block, |b| b.body = entries);
        self.imported_handlers.extend(applied.handlers);
        Ok(vec![Entry::Block(outer.block)])
    }

    fn static_bool(&mut self, action: &WrittenAction, name: &str, frame: &Frame) -> Result<Option<bool>, Problem> {
        let Some(value) = text_argument(action, name) else { return Ok(None) };
        let origin = match &value {
            Value::Str(text) => text.origin().cloned(),
            _ => Some(action.origin.clone()),
        };
        let failed = |cause: Diagnostic| {
            let message = format!("Error processing keyword '{name}'.");
            Problem::parse(Diagnostic::error(message).at(origin.clone()).caused_by(cause))
        };
        let value = self.static_value(&value, frame, &[]).map_err(failed)?;
        match value.to_bool_loose() {
            Some(b) => Ok(Some(b)),
            None => Err(failed(Diagnostic::error(format!(
                "The value {} could not be converted to 'bool'.",
                ftl_core::value::repr(&value)
            )))),
        }
    }
}

/// The directory part of a file name as written.
pub(crate) fn directory_of(target: &str) -> PathBuf {
    match target.rsplit_once('/') {
        Some(("", _)) => PathBuf::from("/"),
        Some((dir, _)) => PathBuf::from(dir),
        None => PathBuf::new(),
    }
}

fn unknown_arguments(args: &Map, known: &[&str]) -> Option<String> {
    let bad: Vec<&str> = args.text_iter().map(|(k, _)| k).filter(|k| !known.contains(k)).collect();
    (!bad.is_empty()).then(|| bad.join(","))
}
