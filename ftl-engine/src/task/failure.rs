//! Why a task ended without an ordinary result.

use ftl_core::result::HostError;
use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value};

/// Carried up to where it becomes the task's result; a failed task is a value there.
#[derive(Clone, Debug)]
pub(crate) enum TaskFailure {
    /// An error of ours or of the user's text; the result says `msg` and `failed`.
    Error(Diagnostic),
    /// As `Error`, but the result gets these keys.
    Contributed { error: Diagnostic, result: Map },
    /// The host could not be worked with.
    Host(HostError),
    /// The action decided to skip.
    Skipped(Map),
}

impl From<Diagnostic> for TaskFailure {
    fn from(error: Diagnostic) -> TaskFailure {
        TaskFailure::Error(error)
    }
}

impl From<HostError> for TaskFailure {
    fn from(error: HostError) -> TaskFailure {
        TaskFailure::Host(error)
    }
}

impl TaskFailure {
    pub(crate) fn message(text: impl Into<String>) -> TaskFailure {
        TaskFailure::Error(Diagnostic::error(text))
    }

    /// A failure whose `msg` is exactly this text.
    pub(crate) fn plain(text: impl Into<String>) -> TaskFailure {
        let text = text.into();
        let mut result = Map::new();
        result.insert("msg", text.as_str());
        TaskFailure::Contributed { error: Diagnostic::error(text), result }
    }

    /// The task's `timeout:` passed.
    pub(crate) fn timed_out(seconds: u64) -> TaskFailure {
        let mut timedout = Map::new();
        timedout.insert("frame", "Configure `DISPLAY_TRACEBACK` to see a traceback on timeout errors.");
        timedout.insert("period", seconds as i64);
        let mut result = Map::new();
        result.insert("timedout", Value::dict(timedout));
        TaskFailure::Contributed { error: Diagnostic::error(format!("Timed out after {seconds} second(s).")), result }
    }
}
