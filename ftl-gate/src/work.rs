//! Requests with one answer: modules, and small work on files.

use ftl_core::Value;
use serde::Deserialize;

use crate::client::{Gate, GateError, Reply};
use crate::protocol::{Exit, Refusal, Spec};

const LARGE: usize = 4 << 20;

/// What a child printed and how it ended.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    pub stdout: Vec<u8>,
    /// The last 64 KiB.
    pub stderr: Vec<u8>,
    pub exit: Exit,
}

/// The answer of file work.
#[derive(Clone, Debug, Deserialize)]
struct FileAnswer {
    value: Option<serde_json::Value>,
    error: Option<String>,
}

impl Gate {
    /// Runs a request to its end. More output than `limit` ends the child and is an error.
    pub async fn run(&self, spec: &Spec, body: &[u8], limit: usize) -> Result<Finished, GateError> {
        let mut stream = self.start(spec, body).await?;
        let mut finished = Finished::default();
        loop {
            match stream.next().await? {
                Reply::Stdout(bytes) if finished.stdout.len() + bytes.len() > limit => {
                    return Err(GateError::TooLong { limit });
                }
                Reply::Stdout(bytes) if finished.stdout.is_empty() => finished.stdout = bytes,
                Reply::Stdout(bytes) => {
                    // A large output gets all its room at once: what is not used costs nothing, and growing would copy.
                    if finished.stdout.len() > LARGE && finished.stdout.capacity() < limit {
                        finished.stdout.reserve_exact(limit - finished.stdout.len());
                    }
                    finished.stdout.extend_from_slice(&bytes);
                }
                Reply::Stderr(bytes) => finished.stderr.extend_from_slice(&bytes),
                Reply::Exit(exit) => {
                    finished.exit = exit;
                    return Ok(finished);
                }
                Reply::Refused(refusal) => return Err(GateError::Refused(refusal)),
            }
        }
    }

    /// File work: the inner error is that of the host's system.
    pub async fn file(&self, spec: &Spec) -> Result<Result<Value, String>, GateError> {
        let finished = self.run(spec, &[], 64 << 20).await?;
        Ok(read_answer(&finished.stdout, &finished))
    }
}

pub(crate) fn read_answer(answer: &[u8], finished: &Finished) -> Result<Value, String> {
    match serde_json::from_slice::<FileAnswer>(answer) {
        Ok(FileAnswer { error: Some(error), .. }) => Err(error),
        Ok(FileAnswer { value, .. }) => Ok(value.as_ref().map_or(Value::None, ftl_core::value::from_json)),
        Err(_) => Err(format!(
            "the gate's child ended with {}: {}",
            finished.exit.rc,
            String::from_utf8_lossy(&finished.stderr).trim()
        )),
    }
}

impl GateError {
    pub fn refused(message: impl Into<String>) -> GateError {
        GateError::Refused(Refusal { message: message.into(), ..Refusal::default() })
    }
}
