//! Vault secrets: `--vault-id`, `--vault-password-file`, `-J` and the settings behind them.

use std::path::Path;
use std::process::{Command, Stdio};

use ftl_core::settings::Settings;
use ftl_core::source::Diagnostic;
use ftl_core::vault::{VaultSecrets, is_encrypted};

use crate::args::Arguments;
use crate::exit::{Failure, os_error};
use crate::passwords::is_executable;
use crate::surroundings::Surroundings;
use crate::terminal::ask_secret;

/// A vault id and where its secret comes from.
struct Identity {
    label: Option<String>,
    source: Source,
}

enum Source {
    /// The prompt shows the vault id (`--vault-id label@prompt`), or not (`-J`).
    Prompt {
        shows_label: bool,
    },
    File(String),
}

/// Reads all secrets, best first. What cannot be read is a warning as long as something can.
pub fn secrets(
    arguments: &Arguments,
    settings: &Settings,
    surroundings: &Surroundings,
    warn: &dyn Fn(Diagnostic),
) -> Result<VaultSecrets, Failure> {
    let default_label = settings.text("DEFAULT_VAULT_IDENTITY").unwrap_or_else(|| "default".into());
    let mut secrets: Vec<(String, Vec<u8>)> = Vec::new();
    let mut lost: Option<Diagnostic> = None;
    for identity in identities(arguments, settings, surroundings) {
        let label = identity.label.clone().unwrap_or_else(|| default_label.clone());
        let read = match &identity.source {
            Source::Prompt { shows_label } => {
                let prompt =
                    if *shows_label { format!("Vault password ({label}): ") } else { "Vault password: ".into() };
                Some(prompted(ask_secret(&prompt)?, &label).map_err(|error| {
                    let shown = identity.label.as_deref().unwrap_or("None");
                    warn(Diagnostic::warning(format!("Error in vault password prompt ({shown}): {error}")));
                    error
                })?)
            }
            Source::File(path) => match from_file(path, identity.label.as_deref(), surroundings, &secrets) {
                Ok(secret) => Some(secret),
                Err(FileError { during, error }) => {
                    let shown = identity.label.as_deref().unwrap_or("None");
                    warn(Diagnostic::warning(format!("{during} ({shown}): {error}")));
                    lost = Some(error);
                    None
                }
            },
        };
        secrets.extend(read.map(|secret| (label, secret)));
    }
    match lost {
        Some(error) if secrets.is_empty() => Err(error.into()),
        _ => Ok(VaultSecrets::new(secrets, settings.flag("DEFAULT_VAULT_ID_MATCH"))),
    }
}

/// Settings first, then ids, then password files, then the question.
fn identities(arguments: &Arguments, settings: &Settings, surroundings: &Surroundings) -> Vec<Identity> {
    let mut written: Vec<String> = settings.list("DEFAULT_VAULT_IDENTITY_LIST");
    written.retain(|text| !text.is_empty());
    written.extend(arguments.texts("vault_ids").iter().cloned());
    let mut found: Vec<Identity> = written.iter().map(|text| identity(text)).collect();
    let default = || settings.text("DEFAULT_VAULT_IDENTITY");
    let mut files: Vec<String> =
        arguments.texts("vault_password_files").iter().map(|path| surroundings.path(path)).collect();
    files.extend(settings.text("DEFAULT_VAULT_PASSWORD_FILE").filter(|path| !path.is_empty()));
    found.extend(files.into_iter().map(|path| Identity { label: default(), source: Source::File(path) }));
    if arguments.flag("ask_vault_pass") || settings.flag("DEFAULT_ASK_VAULT_PASS") {
        found.push(Identity { label: default(), source: Source::Prompt { shows_label: false } });
    }
    found
}

fn identity(text: &str) -> Identity {
    let (label, source) = match text.split_once('@') {
        Some((label, source)) => (Some(label.to_string()), source),
        None => (None, text),
    };
    let source = match source {
        "prompt" => Source::Prompt { shows_label: true },
        "prompt_ask_vault_pass" => Source::Prompt { shows_label: false },
        path => Source::File(path.to_string()),
    };
    Identity { label, source }
}

fn prompted(answer: Option<String>, label: &str) -> Result<Vec<u8>, Diagnostic> {
    let answer = answer.ok_or_else(|| Diagnostic::error(format!("EOFError (ctrl-d) on prompt for ({label})")))?;
    match answer.trim() {
        "" => Err(Diagnostic::error("Invalid vault password was provided")),
        secret => Ok(secret.as_bytes().to_vec()),
    }
}

struct FileError {
    during: &'static str,
    error: Diagnostic,
}

fn from_file(
    written: &str,
    label: Option<&str>,
    surroundings: &Surroundings,
    known: &[(String, Vec<u8>)],
) -> Result<Vec<u8>, FileError> {
    let full = surroundings.path(written);
    let path = Path::new(&full);
    let getting =
        |text: String| FileError { during: "Error getting vault password file", error: Diagnostic::error(text) };
    let loading = |error: Diagnostic| FileError { during: "Error in vault password file loading", error };
    if !path.exists() {
        return Err(getting(format!("The vault password file {full} was not found")));
    }
    if path.is_dir() {
        return Err(getting(format!("The vault password file provided '{full}' can not be a directory")));
    }
    let (bytes, kind) = if is_executable(path) {
        let is_client = Path::new(written).file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-client"));
        let bytes = match is_client {
            true => client_output(&full, label),
            false => script_output(&full),
        };
        (bytes.map_err(|text| loading(Diagnostic::error(text)))?, "script")
    } else {
        let bytes = std::fs::read(path).map_err(|error| {
            let cause = Diagnostic::error(error.to_string());
            loading(Diagnostic::error(format!("Could not read vault password file '{full}'.")).caused_by(cause))
        })?;
        let bytes = bytes.trim_ascii().to_vec();
        let bytes = match is_encrypted(&bytes) {
            true => VaultSecrets::new(known.to_vec(), false).decrypt(&bytes).map_err(loading)?,
            false => bytes,
        };
        (bytes, "file")
    };
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(start, |last| last + 1);
    match &bytes[start..end] {
        [] => Err(loading(Diagnostic::error(format!("Invalid vault password was provided from {kind} ({full})")))),
        secret => Ok(secret.to_vec()),
    }
}

fn script_output(path: &str) -> Result<Vec<u8>, String> {
    // stderr stays open, so that the script can ask something.
    let output = Command::new(path).stdin(Stdio::inherit()).stderr(Stdio::inherit()).output().map_err(|error| {
        format!(
            "Problem running vault password script {path} ({}). If this is not a script, remove the executable bit \
             from the file.",
            os_error(&error, path)
        )
    })?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("Vault password script {path} returned non-zero ({}): None", code(&output.status))),
    }
}

fn client_output(path: &str, label: Option<&str>) -> Result<Vec<u8>, String> {
    let mut command = Command::new(path);
    if let Some(label) = label {
        command.args(["--vault-id", label]);
    }
    let output = command.stdin(Stdio::inherit()).output().map_err(|error| {
        format!(
            "Problem running vault password client script {path} ({}). If this is not a script, remove the \
             executable bit from the file.",
            os_error(&error, path)
        )
    })?;
    let label = label.unwrap_or("None");
    let stderr = ftl_core::value::repr(&ftl_core::Value::Bytes(output.stderr.as_slice().into()));
    match output.status.code() {
        Some(0) => Ok(output.stdout),
        Some(2) => {
            Err(format!("Vault password client script {path} did not find a secret for vault-id={label}: {stderr}"))
        }
        _ => Err(format!(
            "Vault password client script {path} returned non-zero ({}) when getting secret for vault-id={label}: {stderr}",
            code(&output.status)
        )),
    }
}

fn code(status: &std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))
}
