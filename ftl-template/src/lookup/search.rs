//! Where lookups find files: the task's search path, its sub-directories, the play's directory.

use ftl_core::Value;
use ftl_core::source::Diagnostic;

use crate::filter::argument::iterate;
use crate::filter::path::{expand_user, expand_variables, join, normalize, parent};
use crate::{Evaluation, Failure};

/// The directories to search, best first: `ansible_search_path`, or the role's or play's directory.
pub(super) fn search_path(evaluation: &Evaluation<'_>) -> Result<Vec<String>, Failure> {
    match evaluation.get("ansible_search_path")? {
        Some(paths) if !paths.is_undefined() => {
            iterate(&paths)?.iter().map(crate::filter::argument::text_of).collect::<Result<_, _>>()
        }
        _ => Ok(vec![base_directory(evaluation)?]),
    }
}

fn base_directory(evaluation: &Evaluation<'_>) -> Result<String, Failure> {
    match evaluation.get("role_path")? {
        Some(Value::Str(path)) => Ok(path.as_str().into()),
        _ => Ok(play_directory(evaluation)),
    }
}

pub(super) fn play_directory(evaluation: &Evaluation<'_>) -> String {
    evaluation.shared().base_dir.to_string_lossy().into_owned()
}

/// Ansible's `unfrackpath(path, follow=False)`: variables and `~` expanded, absolute, normal.
pub(crate) fn absolute_path(evaluation: &Evaluation<'_>, path: &str) -> String {
    let expanded = expand_variables(evaluation, &expand_user(evaluation, path));
    normalize(&join(&[&evaluation.shared().working_dir.to_string_lossy(), expanded.as_str()]))
}

/// Ansible's `path_dwim`: relative paths belong to the play's directory.
pub(super) fn play_path(evaluation: &Evaluation<'_>, path: &str) -> String {
    if path.starts_with('~') || path.starts_with('/') {
        return absolute_path(evaluation, path);
    }
    absolute_path(evaluation, &join(&[play_directory(evaluation).as_str(), path]))
}

/// The first place where `name` exists; `directory` is `files`, `templates`, `vars` or nothing.
pub(super) fn find_file(
    evaluation: &Evaluation<'_>,
    directory: Option<&str>,
    name: &str,
) -> Result<Option<String>, Failure> {
    evaluation.impure();
    let exists = |path: &str| std::path::Path::new(path).exists();
    if name.starts_with('~') || name.starts_with('/') {
        let path = absolute_path(evaluation, name);
        return Ok(exists(&path).then_some(path));
    }
    let in_role = evaluation.raw("role_path").is_some();
    let mut candidates = vec![];
    let below = |base: &str, candidates: &mut Vec<String>| {
        if let Some(directory) = directory
            && name.split('/').next() != Some(directory)
        {
            candidates.push(join(&[base, directory, name]));
        }
        candidates.push(join(&[base, name]));
    };
    for path in search_path(evaluation)? {
        let base = absolute_path(evaluation, &path);
        let above = parent(&base);
        if above.ends_with("/tasks") && (in_role || is_role(&base)) {
            if let Some(directory) = directory {
                candidates.push(join(&[parent(above), directory, name]));
            }
            candidates.push(join(&[above, name]));
        }
        below(&base, &mut candidates);
    }
    below(&play_directory(evaluation), &mut candidates);
    Ok(candidates.into_iter().find(|path| exists(path)))
}

/// As [`find_file`], with Ansible's warning when there is nothing.
pub(super) fn find_file_or_warn(
    evaluation: &Evaluation<'_>,
    directory: &str,
    name: &str,
) -> Result<Option<String>, Failure> {
    let found = find_file(evaluation, Some(directory), name)?;
    if found.is_none() {
        evaluation
            .warn(Diagnostic::warning(format!("Unable to find '{name}' in expected paths (use -vvvvv to see paths)")));
    }
    Ok(found)
}

fn is_role(path: &str) -> bool {
    let any = |directory: &str| {
        ["main.yml", "main.yaml", "main"]
            .iter()
            .any(|name| std::path::Path::new(path).join(directory).join(name).exists())
    };
    if path.trim_end_matches('/').ends_with("/tasks") && any("") { true } else { any("tasks") || any("meta") }
}

/// The text of a file of the controller, decrypted when it is a vault.
pub(super) fn read_text(evaluation: &Evaluation<'_>, path: &str) -> Result<String, Failure> {
    read_encoded_text(evaluation, path, &Value::str("utf-8"))
}

/// As [`read_text`], in another encoding.
pub(super) fn read_encoded_text(evaluation: &Evaluation<'_>, path: &str, encoding: &Value) -> Result<String, Failure> {
    let bytes = evaluation.shared().files.read(std::path::Path::new(path))?;
    evaluation.check_text(bytes.len())?;
    crate::filter::encode::decode_text(&bytes, encoding)
}
