//! Files through a gate, in pieces and with credit: memory stays bounded whatever their size.

use std::path::Path;

use ftl_core::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::client::{Gate, GateError, Reply};
use crate::protocol::Spec;
use crate::work::{Finished, read_answer};

const PIECE: usize = 256 * 1024;

impl Gate {
    /// Writes `size` bytes to a file at the host (temporary name, then rename); answers their SHA-1. The inner error is
    /// that of the host's system, or of the source.
    pub async fn put(
        &self,
        source: &mut (dyn AsyncRead + Send + Unpin),
        size: u64,
        path: &str,
        mode: u32,
    ) -> Result<Result<String, String>, GateError> {
        let spec = Spec {
            kind: "put",
            streaming: true,
            path: Some(path.to_owned()),
            mode: Some(mode),
            size: Some(size),
            ..Spec::default()
        };
        let mut stream = self.start(&spec, &[]).await?;
        let input = stream.input();
        let mut buffer = vec![0; PIECE.min(size as usize + 1)];
        loop {
            let read = match source.read(&mut buffer).await {
                Ok(read) => read,
                // Dropping the stream cancels: the host removes what it has.
                Err(error) => return Ok(Err(error.to_string())),
            };
            if read == 0 || !input.send(&buffer[..read]).await {
                break;
            }
        }
        input.end();
        let mut finished = Finished::default();
        loop {
            match stream.next().await? {
                Reply::Stdout(bytes) => finished.stdout.extend_from_slice(&bytes),
                Reply::Stderr(bytes) => finished.stderr.extend_from_slice(&bytes),
                Reply::Exit(exit) => {
                    finished.exit = exit;
                    break;
                }
                Reply::Refused(_) => break,
            }
        }
        Ok(read_answer(&finished.stdout, &finished).map(checksum))
    }

    /// Copies a file of the host to `to` (temporary name, then rename); answers its SHA-1.
    pub async fn get(&self, path: &str, to: &Path) -> Result<Result<String, String>, GateError> {
        let spec = Spec { kind: "get", streaming: true, path: Some(path.to_owned()), ..Spec::default() };
        let mut stream = self.start(&spec, &[]).await?;
        stream.input().end();
        let directory = to.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temporary = directory.join(format!(".ftl-{:016x}", rand::random::<u64>()));
        let outcome = receive(&mut stream, &temporary).await;
        let moved = match outcome {
            Ok(Ok(checksum)) => match tokio::fs::rename(&temporary, to).await {
                Ok(()) => return Ok(Ok(checksum)),
                Err(error) => Ok(Err(error.to_string())),
            },
            other => other,
        };
        let _ = tokio::fs::remove_file(&temporary).await;
        moved
    }
}

async fn receive(stream: &mut crate::client::Stream, temporary: &Path) -> Result<Result<String, String>, GateError> {
    let mut file = match tokio::fs::File::create_new(temporary).await {
        Ok(file) => file,
        Err(error) => return Ok(Err(format!("{}: {error}", temporary.display()))),
    };
    let mut finished = Finished::default();
    loop {
        match stream.next().await? {
            Reply::Stdout(bytes) => {
                if let Err(error) = file.write_all(&bytes).await {
                    return Ok(Err(error.to_string()));
                }
            }
            Reply::Stderr(bytes) => finished.stderr.extend_from_slice(&bytes),
            Reply::Exit(exit) => {
                finished.exit = exit;
                break;
            }
            Reply::Refused(refusal) => return Err(GateError::Refused(refusal)),
        }
    }
    if let Err(error) = file.flush().await {
        return Ok(Err(error.to_string()));
    }
    Ok(read_answer(&finished.stderr.clone(), &finished).map(checksum))
}

fn checksum(value: Value) -> String {
    value.get("checksum").and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
