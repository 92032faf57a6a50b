//! Filters over paths, with the meaning of Python's `os.path`.

use std::path::{Path, PathBuf};

use ftl_core::Value;

use super::argument::{defined_items, is_sequence, path_text};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

pub(super) fn basename(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("basename")?;
    let path = path_text(&value)?;
    Ok(Value::str(path.rsplit('/').next().unwrap_or("")))
}

pub(super) fn dirname(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("dirname")?;
    Ok(Value::str(parent(&path_text(&value)?)))
}

/// `os.path.dirname`
pub(crate) fn parent(path: &str) -> &str {
    let head = &path[..path.rfind('/').map_or(0, |at| at + 1)];
    let trimmed = head.trim_end_matches('/');
    if trimmed.is_empty() { head } else { trimmed }
}

/// `os.path.join`
pub(crate) fn join(parts: &[impl AsRef<str>]) -> String {
    let mut out = String::new();
    for (i, part) in parts.iter().enumerate() {
        let part = part.as_ref();
        if i == 0 || part.starts_with('/') {
            out = part.into();
        } else {
            if !out.is_empty() && !out.ends_with('/') {
                out.push('/');
            }
            out.push_str(part);
        }
    }
    out
}

pub(super) fn path_join(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("path_join")?;
    match &value {
        Value::Str(text) => Ok(Value::str(text.as_str())),
        other if is_sequence(other) => {
            let mut parts = vec![];
            for item in defined_items(other)? {
                parts.push(path_text(&item).map_err(|f| {
                    // Python names another complaint when text comes first.
                    if parts.is_empty() {
                        f
                    } else {
                        let kind = ftl_core::value::type_name(&item);
                        Failure::type_error(format!(
                            "join() argument must be str, bytes, or os.PathLike object, not '{kind}'"
                        ))
                    }
                })?);
            }
            if parts.is_empty() {
                return Err(Failure::type_error("join() missing 1 required positional argument: 'a'"));
            }
            Ok(Value::str(join(&parts)))
        }
        other => {
            super::argument::defined(other)?;
            let kind = super::structure::python_class(other);
            Err(Failure::type_error(format!("|path_join expects string or sequence, got {kind} instead.")))
        }
    }
}

/// `os.path.normpath`
pub(crate) fn normalize(path: &str) -> String {
    if path.is_empty() {
        return ".".into();
    }
    // Two leading slashes may mean something to POSIX, three are one.
    let slashes = match path.bytes().take_while(|b| *b == b'/').count() {
        2 => 2,
        0 => 0,
        _ => 1,
    };
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if slashes > 0 => {}
            part => parts.push(part),
        }
    }
    let out = format!("{}{}", "/".repeat(slashes), parts.join("/"));
    if out.is_empty() { ".".into() } else { out }
}

pub(super) fn normpath(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("normpath")?;
    Ok(Value::str(normalize(&path_text(&value)?)))
}

/// `os.path.abspath`
fn absolute(evaluation: &Evaluation<'_>, path: &str) -> String {
    normalize(&join(&[&evaluation.shared().working_dir.to_string_lossy(), path]))
}

pub(super) fn relpath(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let start = args.take_given("start", 0);
    args.finish("relpath")?;
    let path = path_text(&value)?;
    if path.is_empty() {
        return Err(Failure::value_error("no path specified"));
    }
    let start = match &start {
        None => ".".into(),
        Some(start) => path_text(start)?,
    };
    let (from, to) = (absolute(evaluation, &start), absolute(evaluation, &path));
    let split = |p: &str| p.split('/').filter(|s| !s.is_empty()).map(String::from).collect::<Vec<_>>();
    let (from, to) = (split(&from), split(&to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut parts: Vec<String> = vec!["..".into(); from.len() - common];
    parts.extend_from_slice(&to[common..]);
    Ok(Value::str(if parts.is_empty() { ".".into() } else { parts.join("/") }))
}

pub(super) fn realpath(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("realpath")?;
    evaluation.impure();
    let path = absolute(evaluation, &path_text(&value)?);
    Ok(Value::str(resolve(Path::new(&path)).to_string_lossy().into_owned()))
}

/// `os.path.realpath`: links resolved as far as the path exists.
pub(crate) fn resolve(path: &Path) -> PathBuf {
    let mut missing = vec![];
    let mut current = path;
    loop {
        if let Ok(real) = std::fs::canonicalize(current) {
            return missing.iter().rev().fold(real, |path, name| path.join(name));
        }
        match (current.parent(), current.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name.to_os_string());
                current = parent;
            }
            _ => return path.to_path_buf(),
        }
    }
}

pub(super) fn splitext(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("splitext")?;
    let path = path_text(&value)?;
    let name_start = path.rfind('/').map_or(0, |at| at + 1);
    let leading_dots = path[name_start..].bytes().take_while(|b| *b == b'.').count();
    let at = match path[name_start + leading_dots..].rfind('.') {
        Some(dot) => name_start + leading_dots + dot,
        None => path.len(),
    };
    Ok(Value::Tuple([Value::str(&path[..at]), Value::str(&path[at..])].into()))
}

pub(super) fn commonpath(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("commonpath")?;
    super::argument::defined(&value)?;
    if !is_sequence(&value) {
        let kind = super::structure::python_class(&value);
        return Err(Failure::type_error(format!("|commonpath expects sequence, got {kind} instead.")));
    }
    let paths = defined_items(&value)?.iter().map(path_text).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = paths.first() else { return Err(Failure::value_error("commonpath() arg is an empty sequence")) };
    if paths.iter().any(|p| p.starts_with('/') != first.starts_with('/')) {
        return Err(Failure::value_error("Can't mix absolute and relative paths"));
    }
    let split: Vec<Vec<&str>> =
        paths.iter().map(|p| p.split('/').filter(|s| !s.is_empty() && *s != ".").collect()).collect();
    let mut common = split[0].clone();
    for parts in &split[1..] {
        let shared = common.iter().zip(parts).take_while(|(a, b)| a == b).count();
        common.truncate(shared);
    }
    let root = if first.starts_with('/') { "/" } else { "" };
    Ok(Value::str(format!("{root}{}", common.join("/"))))
}

pub(super) fn expanduser(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("expanduser")?;
    Ok(Value::str(expand_user(evaluation, &path_text(&value)?)))
}

/// `os.path.expanduser` with the controller's home directories.
pub(crate) fn expand_user(evaluation: &Evaluation<'_>, path: &str) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.into() };
    let (user, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let own = evaluation.shared().environment.get("HOME").cloned();
    let home = match user {
        "" => own.or_else(|| home_of("root")),
        user => home_of(user),
    };
    match home {
        None => path.into(),
        Some(home) => {
            let out = format!("{}{tail}", home.trim_end_matches('/'));
            if out.is_empty() { "/".into() } else { out }
        }
    }
}

fn home_of(user: &str) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = accounts.lines().find(|line| line.split(':').next() == Some(user))?;
    line.split(':').nth(5).map(String::from)
}

pub(super) fn expandvars(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("expandvars")?;
    Ok(Value::str(expand_variables(evaluation, &path_text(&value)?)))
}

/// `os.path.expandvars`: unknown variables stay as they are written.
pub(crate) fn expand_variables(evaluation: &Evaluation<'_>, text: &str) -> String {
    let environment = &evaluation.shared().environment;
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (name, length) = match rest.strip_prefix('{').and_then(|r| r.find('}')) {
            Some(end) => (&rest[1..=end], end + 2),
            None => (&rest[..name_end], name_end),
        };
        match environment.get(name) {
            Some(value) if !name.is_empty() => out.push_str(value),
            _ => {
                out.push('$');
                out.push_str(&rest[..length]);
            }
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

pub(super) fn fileglob(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("fileglob")?;
    evaluation.impure();
    let pattern = path_text(&value)?;
    let found = crate::glob::glob(&pattern, &evaluation.shared().working_dir);
    let directory = &evaluation.shared().working_dir;
    Ok(found.into_iter().filter(|p| directory.join(p).is_file()).map(Value::str).collect())
}

/// `ntpath.splitdrive` of Python 3.11.
fn split_drive(path: &str) -> (&str, &str) {
    let uniform = path.replace('/', "\\");
    if uniform.starts_with("\\\\") {
        // \\server\share, \\.\device, \\?\UNC\server\share
        let long = uniform.get(..8).is_some_and(|p| p.to_uppercase() == "\\\\?\\UNC\\");
        let start = if long { 8 } else { 2 };
        let find = |from: usize| uniform.get(from..).and_then(|rest| rest.find('\\')).map(|at| at + from);
        return match find(start).and_then(|server_end| find(server_end + 1)) {
            Some(share_end) => path.split_at(share_end),
            None => (path, ""),
        };
    }
    match path.char_indices().nth(1) {
        Some((at, ':')) => path.split_at(at + 1),
        _ => ("", path),
    }
}

fn windows_split(path: &str) -> (String, &str) {
    let (drive, rest) = split_drive(path);
    let at = rest.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let (head, tail) = rest.split_at(at);
    let trimmed = head.trim_end_matches(['/', '\\']);
    (format!("{drive}{}", if trimmed.is_empty() { head } else { trimmed }), tail)
}

pub(super) fn win_basename(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("basename")?;
    Ok(Value::str(windows_split(&path_text(&value)?).1))
}

pub(super) fn win_dirname(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("dirname")?;
    Ok(Value::str(windows_split(&path_text(&value)?).0))
}

pub(super) fn win_splitdrive(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("splitdrive")?;
    let path = path_text(&value)?;
    let (drive, rest) = split_drive(&path);
    Ok(Value::Tuple([Value::str(drive), Value::str(rest)].into()))
}
