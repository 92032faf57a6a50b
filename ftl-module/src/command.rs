//! Plain commands at a target: `raw`, `script`, and what else needs no Python.

use std::time::Duration;

use ftl_core::call::{ExecOutput, ExecRequest, Target};
use ftl_core::port::Connection;
use ftl_core::result::HostError;
use ftl_gate::converse::{self, Trouble};
use ftl_gate::launch::{nonce, quote};
use tokio::time::Instant;

use crate::pool::Pool;
use crate::privilege::Escalation;

/// How long sudo may take to ask and to start the command.
const BECOME: Duration = Duration::from_secs(30);
/// What a command may print.
const OUTPUT: usize = 64 << 20;

pub async fn exec(pool: &Pool, target: &Target, request: ExecRequest) -> Result<ExecOutput, HostError> {
    let connection = pool.connection(target).await?;
    let Some(wanted) = &target.become_as else { return connection.exec(&request).await };
    let escalation = Escalation::new(wanted)?;
    let marker = format!("BECOME-SUCCESS-{:032x}", nonce());
    let shell = request.executable.as_deref().filter(|shell| !shell.is_empty()).unwrap_or("/bin/sh");
    // The environment is set behind sudo, which would drop it.
    let variables: String =
        request.environment.iter().map(|(name, value)| format!("export {name}={}; ", quote(value))).collect();
    if escalation.prompt.is_none() {
        let script = format!("echo {marker} ; {variables}{}", request.command);
        let command = escalation.wrap(&format!("{shell} -c {}", quote(&script)));
        let plain = ExecRequest { command, executable: None, environment: Vec::new(), ..request };
        return without_marker(connection.exec(&plain).await?, &marker);
    }
    // An open stream carries no exit code, so the shell behind sudo prints it.
    let script =
        format!("echo {marker} ; ( {variables}{}\n); r=$?; printf '\\n%s %d\\n' {marker} $r; exit $r", request.command);
    let command = escalation.wrap(&format!("{shell} -c {}", quote(&script)));
    let run = converse_and_run(connection.as_ref(), &escalation, &command, &marker, &request.stdin);
    match request.timeout {
        None => run.await,
        Some(limit) => match tokio::time::timeout(limit, run).await {
            Ok(output) => output,
            Err(_) => Err(HostError::TimedOut { seconds: limit.as_secs() }),
        },
    }
}

async fn converse_and_run(
    connection: &dyn Connection,
    escalation: &Escalation,
    command: &str,
    marker: &str,
    stdin: &[u8],
) -> Result<ExecOutput, HostError> {
    let stream = connection.open(command).await?;
    let line = format!("{marker}\n");
    let look = |text: &[u8]| find(text, line.as_bytes()).map(|at| ((), at + line.len()));
    let deadline = Instant::now() + BECOME;
    let started = converse::wait_for(stream, escalation.prompt.as_ref(), deadline, look).await.map_err(explain)?;
    let mut stream = started.stream;
    if !stdin.is_empty() {
        stream.input.send(stdin.to_vec()).await?;
    }
    stream.input.close().await;
    let end = format!("\n{marker} ");
    let mut stdout = started.rest;
    loop {
        if let Some(at) = find(&stdout, end.as_bytes())
            && let Some(code) = stdout[at + end.len()..].strip_suffix(b"\n")
        {
            let rc = String::from_utf8_lossy(code).trim().parse().unwrap_or(1);
            stdout.truncate(at);
            let stderr = started.errors.rest(Duration::from_millis(250)).await;
            return Ok(ExecOutput { rc, stdout, stderr: after_prompt(stderr, escalation) });
        }
        if stdout.len() > OUTPUT {
            return Err(HostError::failed("The command printed more than 64 MiB and was ended."));
        }
        match stream.output.receive().await? {
            Some(bytes) => stdout.extend_from_slice(&bytes),
            None => return Err(HostError::Lost { message: "The connection was lost while the command ran.".into() }),
        }
    }
}

/// What the command itself wrote to stderr.
fn after_prompt(stderr: Vec<u8>, escalation: &Escalation) -> Vec<u8> {
    let prompt = escalation.prompt.as_ref().map(|prompt| prompt.text.as_bytes()).unwrap_or_default();
    match find(&stderr, prompt).filter(|_| !prompt.is_empty()) {
        Some(at) => stderr[at + prompt.len()..].trim_ascii_start().to_vec(),
        None => stderr,
    }
}

fn without_marker(mut output: ExecOutput, marker: &str) -> Result<ExecOutput, HostError> {
    match find(&output.stdout, marker.as_bytes()) {
        Some(at) => {
            let end = at + marker.len();
            let line = output.stdout[end..].iter().position(|b| *b == b'\n').map_or(end, |p| end + p + 1);
            output.stdout.drain(..line);
            Ok(output)
        }
        None if find(&output.stderr, b"a password is required").is_some() => {
            Err(HostError::failed("Missing sudo password"))
        }
        None => Ok(output),
    }
}

fn explain(trouble: Trouble) -> HostError {
    match trouble {
        Trouble::Host(error) => error,
        Trouble::Password(message) => HostError::failed(message),
        Trouble::TimedOut { .. } => HostError::failed("Timeout waiting for privilege escalation prompt"),
        Trouble::Ended { stderr, .. } => {
            let text = String::from_utf8_lossy(&stderr).trim().to_owned();
            HostError::failed(format!("Privilege escalation failed: {text}"))
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len().max(1)).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_taken_off() {
        let output = |stdout: &str, stderr: &str| ExecOutput { rc: 1, stdout: stdout.into(), stderr: stderr.into() };
        let check = |stdout: &str, expected: &str| {
            assert_eq!(without_marker(output(stdout, ""), "@M").unwrap().stdout, expected.as_bytes(), "{stdout:?}");
        };
        check("@M\nhello\n", "hello\n");
        check("noise\n@M\n", "");
        check("no marker", "no marker");
        let error = without_marker(output("", "sudo: a password is required\n"), "@M").unwrap_err();
        assert_eq!(error.message(), "Missing sudo password");
    }
}
