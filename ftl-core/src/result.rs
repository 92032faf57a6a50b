//! How a task ended on a host: a failed or lost task is a value, never an `Err`.

use crate::value::Map;

/// The final word on one host and task, or on one item of its loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Ok,
    Changed,
    Failed,
    Skipped,
    /// Also for "unknown": the connection went while the task ran.
    Unreachable,
}

/// Why no answer came from a host.
#[derive(Clone, Debug)]
pub enum HostError {
    /// No connection (or it was lost); shown as UNREACHABLE.
    Unreachable { message: String },
    /// The connection went while a task ran: nobody knows whether it did its work. Shown as UNREACHABLE, never retried.
    Lost { message: String },
    /// The host answered, but the work could not be started (no interpreter, no space); shown as FAILED.
    Failed { message: String, details: Map },
    /// The task's `timeout:` passed; everything it started was ended.
    TimedOut { seconds: u64 },
    /// Ctrl-C.
    Cancelled,
}

impl HostError {
    pub fn unreachable(message: impl Into<String>) -> HostError {
        HostError::Unreachable { message: message.into() }
    }

    pub fn failed(message: impl Into<String>) -> HostError {
        HostError::Failed { message: message.into(), details: Map::new() }
    }

    pub fn message(&self) -> String {
        match self {
            HostError::Unreachable { message } | HostError::Lost { message } | HostError::Failed { message, .. } => {
                message.clone()
            }
            HostError::TimedOut { seconds } => format!("Timed out after {seconds} second(s)."),
            HostError::Cancelled => "Interrupted.".into(),
        }
    }
}

/// The counters of the recap, for one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostStats {
    pub ok: u32,
    pub changed: u32,
    pub unreachable: u32,
    pub failed: u32,
    pub skipped: u32,
    pub rescued: u32,
    pub ignored: u32,
}
