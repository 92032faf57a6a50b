//! Tests on the controller's files.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use ftl_core::Value;

use super::collection::shown;
use crate::filter::argument::{defined, failure, path_text};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<bool, Failure>;

/// Where the path is.
fn place(evaluation: &Evaluation<'_>, value: &Value, function: &str) -> Result<PathBuf, Failure> {
    defined(value)?;
    evaluation.impure();
    let complaint = |_| {
        let kind = crate::filter::structure::python_name(value);
        Failure::type_error(format!("{function}: path should be string, bytes, os.PathLike or integer, not {kind}"))
    };
    let path = path_text(value).map_err(complaint)?;
    // The empty path is no file, not the working directory.
    Ok(if path.is_empty() { PathBuf::new() } else { evaluation.shared().working_dir.join(&*path) })
}

/// Python takes a number for an open file, of which a template has none.
fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Bool(_))
}

pub(super) fn directory(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("isdir")?;
    Ok(!is_number(&value) && place(evaluation, &value, "stat")?.is_dir())
}

pub(super) fn file(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("isfile")?;
    Ok(!is_number(&value) && place(evaluation, &value, "stat")?.is_file())
}

pub(super) fn link(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("islink")?;
    Ok(place(evaluation, &value, "lstat")?.is_symlink())
}

pub(super) fn exists(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("exists")?;
    Ok(!is_number(&value) && place(evaluation, &value, "stat")?.exists())
}

pub(super) fn link_exists(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("lexists")?;
    Ok(place(evaluation, &value, "lstat")?.symlink_metadata().is_ok())
}

pub(super) fn absolute(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("isabs")?;
    Ok(path_text(&value)?.starts_with('/'))
}

pub(super) fn same_file(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let other = args.require("samefile", "f2", 0)?;
    args.finish("samefile")?;
    let identity = |value: &Value| {
        let path = place(evaluation, value, "stat")?;
        let data = path
            .metadata()
            .map_err(|_| Failure::value_error(format!("[Errno 2] No such file or directory: {}", shown(value))))?;
        Ok::<_, Failure>((data.dev(), data.ino()))
    };
    Ok(identity(&value)? == identity(&other)?)
}

pub(super) fn mount(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("ismount")?;
    let path = place(evaluation, &value, "lstat")?;
    let Ok(own) = path.symlink_metadata() else { return Ok(false) };
    if own.is_symlink() {
        return Ok(false);
    }
    let Ok(above) = crate::filter::path::resolve(&path.join("..")).symlink_metadata() else { return Ok(false) };
    Ok(own.dev() != above.dev() || own.ino() == above.ino())
}

pub(super) fn vaulted_file(evaluation: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("vaulted_file")?;
    let path = place(evaluation, &value, "open")?;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut head = vec![];
        std::io::Read::read_to_end(&mut std::io::Read::take(std::fs::File::open(&path)?, 4096), &mut head)?;
        Ok(head)
    };
    match read() {
        Ok(head) => Ok(ftl_core::vault::is_encrypted(&head)),
        Err(error) => {
            let message = format!("Cannot test if the file {} is a vault.", shown(&value));
            let (number, text) = (error.raw_os_error().unwrap_or(0), error.to_string());
            let text = text.split(" (os error").next().unwrap_or(&text);
            let cause = format!("[Errno {number}] {text}: b{}", shown(&value));
            Err(failure(message).caused_by(ftl_core::source::Diagnostic::error(cause)))
        }
    }
}

/// Is the value text that came out of a vault?
pub(super) fn vault_encrypted(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("vault_encrypted")?;
    Ok(match &value {
        // Text that only looks encrypted is just text.
        Value::Str(text) => text.envelope().is_some(),
        Value::Undefined(marker) if marker.envelope.is_some() => true,
        other => {
            defined(other)?;
            false
        }
    })
}
