//! Lookups that find and read files of the controller.

use ftl_core::Value;
use ftl_core::source::{Diagnostic, Removal};
use ftl_core::value::{repr_str, type_name};

use super::options::{bool_option, file_term, term_text};
use super::search::{absolute_path, find_file, find_file_or_warn, read_text, search_path};
use crate::filter::argument::{defined, failure, iterate, mapping};
use crate::filter::path::{join, parent};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Vec<Value>, Failure>;

pub(super) fn file(evaluation: &Evaluation<'_>, terms: Vec<Value>, mut args: Arguments) -> Answer {
    let lstrip = bool_option(&mut args, "lstrip", false)?;
    let rstrip = bool_option(&mut args, "rstrip", true)?;
    let mut out = vec![];
    for term in &terms {
        let name = file_term(term)?;
        let failed =
            |cause: Diagnostic| failure(format!("Unable to access the file {}.", repr_str(&name))).caused_by(cause);
        let Some(path) = find_file(evaluation, Some("files"), &name)? else {
            return Err(failed(Diagnostic::error("File not found. Use -vvvvv to see paths searched.")));
        };
        let text = read_text(evaluation, &path).map_err(|f| failed(f.diagnostic()))?;
        let text = if lstrip { text.trim_start() } else { &text };
        out.push(Value::str(if rstrip { text.trim_end() } else { text }));
    }
    Ok(out)
}

pub(super) fn unvault(evaluation: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    let mut out = vec![];
    for term in &terms {
        let name = file_term(term)?;
        let Some(path) = find_file_or_warn(evaluation, "files", &name)? else {
            return Err(failure(format!("Unable to find file matching \"{name}\" ")));
        };
        out.push(Value::str(read_text(evaluation, &path)?));
    }
    Ok(out)
}

pub(super) fn fileglob(evaluation: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    evaluation.impure();
    let mut out = vec![];
    for term in &terms {
        let term = crate::filter::argument::path_text(term)?;
        let pattern = term.rsplit('/').next().unwrap_or("");
        let directories = if pattern != &*term {
            find_file_or_warn(evaluation, "files", parent(&term))?.into_iter().collect()
        } else {
            let mut all = vec![];
            for path in search_path(evaluation)? {
                all.push(join(&[path.as_str(), "files"]));
                all.push(path);
            }
            all
        };
        for directory in directories {
            let base = &evaluation.shared().working_dir;
            let mut found = crate::glob::glob(&join(&[directory.as_str(), pattern]), base);
            found.retain(|path| base.join(path).is_file());
            if !found.is_empty() {
                out.extend(found.into_iter().map(Value::str));
                break;
            }
        }
    }
    Ok(out)
}

/// The options of `first_found`, which a term can set for itself and those after it.
#[derive(Default)]
struct FirstFound {
    files: Vec<String>,
    paths: Vec<String>,
    skip: bool,
}

impl FirstFound {
    fn set(&mut self, name: &str, value: &Value) -> Result<(), Failure> {
        match name {
            "files" => self.files = texts(value)?,
            "paths" => self.paths = texts(value)?,
            "skip" => self.skip = super::options::to_bool(value)?,
            _ => {}
        }
        Ok(())
    }
}

/// An option of type `list`.
fn texts(value: &Value) -> Result<Vec<String>, Failure> {
    match value {
        Value::None => Ok(vec![]),
        Value::Str(text) => Ok(text.split(',').map(|part| part.trim().to_string()).collect()),
        other => match other.as_items() {
            Some(items) => items.iter().map(term_text).collect(),
            None => Ok(vec![term_text(other)?]),
        },
    }
}

/// `with_first_found` passes the action's name as `_task_action`: undefined terms are dropped then, and the action says
/// which sub-directory to search.
pub(super) fn first_found(evaluation: &Evaluation<'_>, terms: Vec<Value>, mut args: Arguments) -> Answer {
    let action = args.take_named("_task_action").map(|v| ftl_core::value::to_text(&v));
    let terms = usable_terms(&terms, action.is_some())?;
    let directory = action.map(|action| match action {
        a if a.contains("template") => "templates",
        a if a.contains("var") => "vars",
        _ => "files",
    });
    let mut options = FirstFound::default();
    for name in ["files", "paths", "skip"] {
        if let Some(value) = args.take_named(name) {
            defined(&value)?;
            options.set(name, &value)?;
        }
    }
    let mut candidates = vec![];
    if terms.is_empty() {
        let files = options.files.clone();
        add_candidates(evaluation, &mut candidates, &files, "files", &options);
    } else {
        gather(evaluation, &terms, &mut options, &mut candidates)?;
    }
    for name in candidates {
        if let Some(path) = find_file(evaluation, directory, &name)? {
            return Ok(vec![Value::str(absolute_path(evaluation, &path))]);
        }
    }
    if options.skip { Ok(vec![]) } else { Err(failure("No file was found when using first_found.")) }
}

/// The terms without markers, which are errors unless they may be dropped.
fn usable_terms(terms: &[Value], drop_undefined: bool) -> Result<Vec<Value>, Failure> {
    let mut out = vec![];
    for term in terms {
        match term {
            Value::Undefined(marker) if drop_undefined && marker.error.is_none() => {}
            Value::List(list) => out.push(Value::list(usable_terms(&list.items(), drop_undefined)?)),
            Value::Tuple(items) => out.push(Value::list(usable_terms(items, drop_undefined)?)),
            Value::Dict(dict) => {
                let mut map = ftl_core::Map::new();
                for (key, value) in dict.entries().iter() {
                    if let Some(value) = usable_terms(std::slice::from_ref(value), drop_undefined)?.pop() {
                        map.insert(key.clone(), value);
                    }
                }
                out.push(Value::dict(map));
            }
            other => {
                defined(other)?;
                out.push(other.clone());
            }
        }
    }
    Ok(out)
}

fn gather(
    evaluation: &Evaluation<'_>,
    terms: &[Value],
    options: &mut FirstFound,
    out: &mut Vec<String>,
) -> Result<(), Failure> {
    for term in terms {
        if let Some(map) = mapping(term) {
            *options = FirstFound::default();
            for (name, value) in map.text_iter() {
                options.set(name, value)?;
            }
            let files = options.files.clone();
            add_candidates(evaluation, out, &files, "the 'files' option", options);
        } else if let Value::Str(text) = term {
            add_candidates(evaluation, out, &[text.to_string()], "files", options);
        } else if crate::filter::argument::is_sequence(term) {
            gather(evaluation, &iterate(term)?, options, out)?;
        } else {
            let kind = repr_str(type_name(term));
            return Err(failure(format!("Invalid term supplied. A string, dict or list is required, not {kind}).")));
        }
    }
    Ok(())
}

fn add_candidates(
    evaluation: &Evaluation<'_>,
    out: &mut Vec<String>,
    files: &[String],
    what: &str,
    options: &FirstFound,
) {
    let files = split_each(evaluation, what, files, ",;");
    let paths = split_each(evaluation, "the \"paths\" option", &options.paths, ",:;");
    if paths.is_empty() {
        out.extend(files);
        return;
    }
    for path in &paths {
        out.extend(files.iter().map(|file| join(&[path, file])));
    }
}

fn split_each(evaluation: &Evaluation<'_>, what: &str, texts: &[String], separators: &str) -> Vec<String> {
    let mut out = vec![];
    for text in texts {
        let parts: Vec<&str> = text.split(|c| separators.contains(c)).collect();
        if parts.len() > 1 {
            let separators = repr_str(separators);
            let removal = Removal {
                owner: Some("ansible.builtin.first_found".into()),
                kind: Some("lookup".into()),
                ..Removal::core("2.23")
            };
            evaluation.warn(
                Diagnostic::deprecation(format!("Automatic splitting of {what} on {separators} is deprecated."))
                    .hint(format!("Provide a list of paths for {what} instead."))
                    .removed(removal),
            );
        }
        out.extend(parts.into_iter().map(String::from));
    }
    out
}
