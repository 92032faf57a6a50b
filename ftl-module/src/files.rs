//! Work on files at a target, through its gate.

use std::path::Path;

use ftl_core::call::{FileRequest, Source, Target};
use ftl_core::result::HostError;
use ftl_core::value::Value;
use ftl_gate::GateError;
use ftl_gate::protocol::Spec;

use crate::ansible::package::CorePack;
use crate::execute::explain;
use crate::plain;
use crate::pool::Pool;

pub async fn file(
    pool: &Pool,
    pack: Option<&CorePack>,
    target: &Target,
    request: FileRequest,
) -> Result<Value, HostError> {
    let named = |kind, path: String| Spec { kind, path: Some(path), ..Spec::default() };
    let (spec, read_only) = match request {
        FileRequest::Stat { path, follow, checksum } => (Spec { follow, checksum, ..named("stat", path) }, true),
        FileRequest::TempDir => (Spec { kind: "tempdir", ..Spec::default() }, true),
        FileRequest::Remove { path } => (named("remove", path), false),
        FileRequest::ExpandUser { path } => (named("expanduser", path), true),
        FileRequest::Chmod { path, mode } => (Spec { mode: Some(mode), ..named("chmod", path) }, false),
        FileRequest::Walk { path } => (named("walk", path), true),
    };
    let mut attempts = 0;
    loop {
        let gate = match pool.gate(target, pack).await {
            Ok(gate) => gate,
            Err(error) if plain::is_without_python(&error) => return plain::file(pool, target, &spec, error).await,
            Err(error) => return Err(error),
        };
        attempts += 1;
        match gate.file(&spec).await {
            Ok(answer) => return answer.map_err(HostError::failed),
            Err(GateError::Closed(_)) if attempts < 3 => {}
            Err(GateError::Lost(_)) if read_only && attempts < 2 => {}
            Err(error) => return Err(explain(pool, target, error, &gate).await),
        }
    }
}

pub async fn put(
    pool: &Pool,
    pack: Option<&CorePack>,
    target: &Target,
    source: Source,
    path: &str,
    mode: u32,
) -> Result<(), HostError> {
    let mut attempts = 0;
    loop {
        let gate = match pool.gate(target, pack).await {
            Ok(gate) => gate,
            Err(error) if plain::is_without_python(&error) => {
                return plain::put(pool, target, &source, path, mode).await;
            }
            Err(error) => return Err(error),
        };
        attempts += 1;
        let outcome = match &source {
            Source::Bytes(bytes) => gate.put(&mut &bytes[..], bytes.len() as u64, path, mode).await,
            Source::File(from) => {
                let unreadable = |error: std::io::Error| HostError::failed(format!("{}: {error}", from.display()));
                let mut file = tokio::fs::File::open(from).await.map_err(unreadable)?;
                let size = file.metadata().await.map_err(unreadable)?.len();
                gate.put(&mut file, size, path, mode).await
            }
        };
        match outcome {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(message)) => return Err(HostError::failed(message)),
            Err(GateError::Closed(_)) if attempts < 3 => {}
            Err(error) => return Err(explain(pool, target, error, &gate).await),
        }
    }
}

pub async fn get(
    pool: &Pool,
    pack: Option<&CorePack>,
    target: &Target,
    path: &str,
    to: &Path,
) -> Result<String, HostError> {
    let mut attempts = 0;
    loop {
        let gate = pool.gate(target, pack).await?;
        attempts += 1;
        match gate.get(path, to).await {
            Ok(Ok(checksum)) => return Ok(checksum),
            Ok(Err(message)) => return Err(HostError::failed(message)),
            Err(GateError::Closed(_)) if attempts < 3 => {}
            Err(error) => return Err(explain(pool, target, error, &gate).await),
        }
    }
}
