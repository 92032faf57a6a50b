//! The texts a user sees when a connection fails: those of OpenSSH below Ansible's heading.

use std::sync::{Mutex, PoisonError};

use ftl_core::result::HostError;

const HEADING: &str = "Failed to connect to the host via ssh:";

/// Why an attempt failed, and whether another one makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The host dropped us before any authentication: it is busy.
    Dropped(String),
    /// The host refused the port: perhaps it is just starting.
    Refused(String),
    /// This process or machine is out of something for the moment.
    Short(String),
    /// Nothing to be had by trying again at once.
    Final(String),
    /// A wrong password: never to be tried again.
    Password(String),
    /// Only the `ssh` program can do this.
    NeedsProgram(String),
}

impl Failure {
    pub(crate) fn text(&self) -> &str {
        match self {
            Failure::Dropped(text)
            | Failure::Refused(text)
            | Failure::Short(text)
            | Failure::Final(text)
            | Failure::Password(text)
            | Failure::NeedsProgram(text) => text,
        }
    }
}

/// The error for a host that could not be reached, from what `ssh` would have printed.
pub(crate) fn unreachable(details: &str) -> HostError {
    HostError::unreachable(format!("{HEADING} {}", details.trim_end()))
}

/// The error for a connection that went away.
pub(crate) fn lost(details: &str) -> HostError {
    HostError::Lost { message: format!("{HEADING} {}", details.trim_end()) }
}

/// What `ssh` would print on stderr besides the failure itself: bounded, in order.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<String>>);

const MOST_NOTES: usize = 50;
const LONGEST_NOTE: usize = 8 * 1024;

impl Notes {
    pub(crate) fn add(&self, note: impl Into<String>) {
        let mut note = note.into();
        let mut end = LONGEST_NOTE.min(note.len());
        while !note.is_char_boundary(end) {
            end -= 1;
        }
        note.truncate(end);
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < MOST_NOTES && !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// All notes followed by a last line.
    pub(crate) fn with(&self, last: &str) -> String {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines: Vec<&str> = notes.iter().map(String::as_str).collect();
        if !last.is_empty() {
            lines.push(last);
        }
        lines.join("\r\n")
    }
}

/// An I/O error in the words of the C library.
pub(crate) fn io_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text.get(..end).unwrap_or_default().to_string(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_errors_as_the_c_library() {
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(io_text(&refused), "Connection refused");
        assert_eq!(io_text(&std::io::Error::other("odd")), "odd");
        assert_eq!(unreachable("x\r\n").message(), "Failed to connect to the host via ssh: x");
    }
}
