//! The passwords of connections and of becoming another user: asked for, or read from files.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use ftl_core::call::Secret;
use ftl_core::settings::Settings;
use ftl_core::source::Diagnostic;

use crate::args::Arguments;
use crate::exit::{Failure, os_error};
use crate::surroundings::Surroundings;
use crate::terminal::ask_secret;

/// `-k`, `-K` and the options that name files.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    pub connection: Option<Secret>,
    pub escalation: Option<Secret>,
}

impl Passwords {
    pub fn ask(arguments: &Arguments, settings: &Settings, surroundings: &Surroundings) -> Result<Passwords, Failure> {
        let file = |option: &str, setting: &str| {
            arguments.text(option).map(|path| surroundings.path(path)).or_else(|| settings.text(setting))
        };
        let method = match settings.flag("AGNOSTIC_BECOME_PROMPT") {
            true => "BECOME".to_string(),
            false => arguments
                .text("become_method")
                .map(String::from)
                .or_else(|| settings.text("DEFAULT_BECOME_METHOD"))
                .unwrap_or_default()
                .to_uppercase(),
        };
        let asks_connection = arguments.flag("ask_pass") || settings.flag("DEFAULT_ASK_PASS");
        let asks_escalation = arguments.flag("become_ask_pass") || settings.flag("DEFAULT_BECOME_ASK_PASS");
        let mut connection = None;
        let mut prompt = format!("{method} password: ");
        if asks_connection {
            connection = ask_secret("SSH password: ")?;
            prompt = format!("{method} password[defaults to SSH password]: ");
        } else if let Some(path) = file("connection_password_file", "CONNECTION_PASSWORD_FILE") {
            connection = Some(from_file(&path)?);
        }
        let mut escalation = None;
        if asks_escalation {
            escalation = ask_secret(&prompt)?;
            if asks_connection && escalation.as_deref() == Some("") {
                escalation = connection.clone();
            }
        } else if let Some(path) = file("become_password_file", "BECOME_PASSWORD_FILE") {
            escalation = Some(from_file(&path)?);
        }
        Ok(Passwords { connection: connection.map(Secret::new), escalation: escalation.map(Secret::new) })
    }
}

fn from_file(name: &str) -> Result<String, Failure> {
    let path = Path::new(name);
    let bytes = if name == "-" || name.ends_with("/-") && !path.exists() {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| Failure::general(error.to_string()))?;
        bytes
    } else if !path.exists() {
        return Err(Failure::general(format!("The password file {name} was not found")));
    } else if is_executable(path) {
        script_output(name)?
    } else {
        let bytes = std::fs::read(path).map_err(|error| {
            let cause = Diagnostic::error(error.to_string());
            Diagnostic::error(format!("Could not read password file '{name}'.")).caused_by(cause)
        })?;
        bytes.trim_ascii().to_vec()
    };
    let text = String::from_utf8_lossy(&bytes).trim_matches(['\r', '\n']).to_string();
    match text.is_empty() {
        true => Err(Failure::general(format!("Empty password was provided from file ({name})"))),
        false => Ok(text),
    }
}

fn script_output(name: &str) -> Result<Vec<u8>, Failure> {
    let output = Command::new(name).stdin(Stdio::inherit()).output().map_err(|error| {
        Failure::general(format!(
            "Problem occurred when trying to run the password script {name} ({}). If this is not a script, remove \
             the executable bit from the file.",
            os_error(&error, name)
        ))
    })?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(Failure::general(format!(
            "The password script {name} returned an error (rc={}): {}",
            output.status.code().unwrap_or(-1),
            String::from_utf8_lossy(&output.stderr)
        ))),
    }
}

/// May anybody execute this file?
pub(crate) fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 != 0)
}
