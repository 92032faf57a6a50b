//! Errors of the system in Python's words.

use std::io;
use std::path::Path;

use ftl_sdk::{Failure, repr_text, text_of};
use std::os::unix::ffi::OsStrExt;

/// `No such file or directory`.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// `[Errno 2] No such file or directory`.
pub(crate) fn bare(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("[Errno {number}] {}", reason(error)),
        None => reason(error),
    }
}

/// `[Errno 2] No such file or directory: '/a'`, the file named as text.
pub(crate) fn about(error: &io::Error, path: &str) -> String {
    format!("{}: {}", bare(error), repr_text(path))
}

/// The same, the file named as bytes.
pub(crate) fn about_bytes(error: &io::Error, path: &Path) -> String {
    format!("{}: b{}", bare(error), repr_text(&text_of(path.as_os_str().as_bytes())))
}

/// `[Errno 18] Invalid cross-device link: b'/a' -> b'/b'`.
pub(crate) fn about_both(error: &io::Error, from: &Path, to: &Path) -> String {
    format!("{} -> b{}", about_bytes(error, from), repr_text(&text_of(to.as_os_str().as_bytes())))
}

/// An error that Python's module would not catch.
pub(crate) fn crash(error: &io::Error, path: &Path) -> Failure {
    Failure::crash(about_bytes(error, path))
}
