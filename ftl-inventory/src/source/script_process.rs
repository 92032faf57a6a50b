//! Running an inventory script: with a deadline, a limit on what it prints, and nothing left behind.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use ftl_core::source::Diagnostic;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::settings::ScriptSettings;

/// What a script that succeeded printed.
pub(super) struct Output {
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Output {
    /// Ansible's way to show what a script complained of.
    pub(super) fn hint(&self, error: Diagnostic) -> Diagnostic {
        with_errors(error, &self.stderr)
    }
}

pub(super) fn run(
    program: &str,
    arguments: &[&str],
    directory: &Path,
    settings: &ScriptSettings,
) -> Result<Output, Diagnostic> {
    let path = directory.join(program);
    let mut command = Command::new(&path);
    command
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn().map_err(|error| {
        let words: Vec<String> = [program].iter().chain(arguments).map(|word| shell_quoted(word)).collect();
        let words = ftl_core::value::repr_str(&words.join(" "));
        let number = error.raw_os_error().map(|n| format!("[Errno {n}] ")).unwrap_or_default();
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        Diagnostic::error(format!(
            "Failed to execute inventory script command {words}: {number}{text}: {}",
            ftl_core::value::repr_str(program)
        ))
    })?;
    let group = Group(Pid::from_child(&child));
    let collected = collect(&mut child, settings);
    // Whatever the script started ends with it.
    drop(group);
    let status = child.wait().map_err(|error| Diagnostic::error(error.to_string()));
    let (stdout, stderr) = collected?;
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    let status = status?;
    if !status.success() {
        use std::os::unix::process::ExitStatusExt;
        let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(1));
        let error = Diagnostic::error(format!("Inventory script returned non-zero exit code {code}."));
        return Err(with_errors(error, &stderr));
    }
    match String::from_utf8(stdout) {
        Ok(stdout) => Ok(Output { stdout, stderr }),
        Err(_) => Err(with_errors(
            Diagnostic::error("Inventory script result contained characters that cannot be interpreted as UTF-8."),
            &stderr,
        )),
    }
}

/// Ends a process group when it goes out of scope.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        // The group may be gone already: nothing to do then.
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

enum Chunk {
    Out(Vec<u8>),
    Err(Vec<u8>),
}

/// Both streams until they end; an error when time or room runs out.
fn collect(child: &mut Child, settings: &ScriptSettings) -> Result<(Vec<u8>, Vec<u8>), Diagnostic> {
    let (sender, chunks) = sync_channel(16);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    for (stream, wrap) in [
        (out.map(|s| Box::new(s) as Box<dyn Read + Send>), Chunk::Out as fn(Vec<u8>) -> Chunk),
        (err.map(|s| Box::new(s) as Box<dyn Read + Send>), Chunk::Err),
    ] {
        let Some(mut stream) = stream else { continue };
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(n) = stream.read(&mut buffer) {
                if n == 0 || sender.send(wrap(buffer[..n].to_vec())).is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    receive(child, &chunks, settings)
}

fn receive(
    child: &mut Child,
    chunks: &Receiver<Chunk>,
    settings: &ScriptSettings,
) -> Result<(Vec<u8>, Vec<u8>), Diagnostic> {
    let deadline = Instant::now() + Duration::from_secs(settings.timeout_seconds);
    let (mut stdout, mut stderr) = (vec![], vec![]);
    let timed_out =
        || Diagnostic::error(format!("Inventory script did not end within {} seconds.", settings.timeout_seconds));
    loop {
        let left = deadline.checked_duration_since(Instant::now()).ok_or_else(timed_out)?;
        match chunks.recv_timeout(left) {
            Ok(Chunk::Out(bytes)) => stdout.extend(bytes),
            Ok(Chunk::Err(bytes)) => stderr.extend(bytes),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => return Err(timed_out()),
        }
        if stdout.len() + stderr.len() > settings.output_limit {
            return Err(Diagnostic::error(format!(
                "Inventory script printed more than {} bytes.",
                settings.output_limit
            )));
        }
    }
    // A script may close its output and run on.
    while child.try_wait().map_err(|error| Diagnostic::error(error.to_string()))?.is_none() {
        if Instant::now() >= deadline {
            return Err(timed_out());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok((stdout, stderr))
}

fn with_errors(error: Diagnostic, stderr: &str) -> Diagnostic {
    if stderr.trim().is_empty() {
        return error;
    }
    let end = if stderr.ends_with('\n') { "" } else { "\n" };
    error.hint(format!("Standard error from inventory script:\n{stderr}{end}"))
}

/// Python's `shlex.quote`.
fn shell_quoted(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    match !word.is_empty() && word.chars().all(safe) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', "'\"'\"'")),
    }
}
