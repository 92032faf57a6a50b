//! The few things `script` needs on hosts without Python, done by the shell.

use ftl_core::call::{ExecRequest, Source, Target};
use ftl_core::result::HostError;
use ftl_core::value::Value;
use ftl_gate::launch::quote;
use ftl_gate::protocol::Spec;

use crate::command::exec;
use crate::pool::Pool;

/// Did a gate not start because the host has no Python that can run it?
pub fn is_without_python(error: &HostError) -> bool {
    match error {
        HostError::Failed { message, details } => {
            details.get("rc") == Some(&Value::Int(127)) || message.contains("but modules need")
        }
        _ => false,
    }
}

/// Temporary directories, removal and modes; all else needs the gate, and fails with the reason it is missing.
pub async fn file(pool: &Pool, target: &Target, spec: &Spec, reason: HostError) -> Result<Value, HostError> {
    let path = quote_path(spec.path.as_deref().unwrap_or_default());
    let command = match spec.kind {
        "tempdir" => "umask 077; mktemp -d \"${TMPDIR:-/tmp}/ansible-tmp-ftl-XXXXXXXX\"".to_owned(),
        "remove" => format!("rm -rf -- {path}"),
        "expanduser" => format!("printf %s {path}"),
        "chmod" => format!("chmod {:o} -- {path}", spec.mode.unwrap_or(0o600)),
        _ => return Err(reason),
    };
    let output = run(pool, target, command, Vec::new()).await?;
    Ok(match spec.kind {
        "tempdir" | "expanduser" => Value::str(String::from_utf8_lossy(&output).trim_end().to_owned()),
        _ => Value::None,
    })
}

/// Writes a file through `cat`: temporary name, then rename.
pub async fn put(pool: &Pool, target: &Target, source: &Source, path: &str, mode: u32) -> Result<(), HostError> {
    let bytes = match source {
        Source::Bytes(bytes) => bytes.to_vec(),
        Source::File(from) => {
            tokio::fs::read(from).await.map_err(|error| HostError::failed(format!("{}: {error}", from.display())))?
        }
    };
    let (to, temporary) =
        (quote_path(path), quote_path(&format!("{path}.ftl-{:016x}", ftl_gate::launch::nonce() as u64)));
    let size = bytes.len();
    let command = format!(
        "umask 077; cat >{temporary} && [ $(wc -c <{temporary}) -eq {size} ] && chmod {mode:o} {temporary} && mv -f {temporary} \
         {to} || {{ rm -f {temporary}; exit 1; }}"
    );
    run(pool, target, command, bytes).await.map(drop)
}

async fn run(pool: &Pool, target: &Target, command: String, stdin: Vec<u8>) -> Result<Vec<u8>, HostError> {
    let request = ExecRequest { command: format!("/bin/sh -c {}", quote(&command)), stdin, ..ExecRequest::default() };
    let output = exec(pool, target, request).await?;
    match output.rc {
        0 => Ok(output.stdout),
        rc => Err(HostError::failed(format!("{} (exit code {rc})", String::from_utf8_lossy(&output.stderr).trim()))),
    }
}

/// Quotes a path, but leaves `~` and `~user` at its start to the shell.
fn quote_path(path: &str) -> String {
    let (head, tail) = path.split_at(path.find('/').unwrap_or(path.len()));
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    match head.strip_prefix('~') {
        Some(user) if plain(user) => format!("{head}{}", if tail.is_empty() { String::new() } else { quote(tail) }),
        _ => quote(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_directories_are_left_to_the_shell() {
        let check = |path: &str, expected: &str| assert_eq!(quote_path(path), expected);
        check("~/a b", "~'/a b'");
        check("~root", "~root");
        check("~$(id)/x", "'~$(id)/x'");
        check("/a b", "'/a b'");
    }
}
