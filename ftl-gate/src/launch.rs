//! Starts a gate: the command line, the choice of the Python, and the greeting.

use std::time::Duration;

use ftl_core::Map;
use ftl_core::port::ByteStream;
use ftl_core::result::HostError;
use tokio::time::Instant;

use crate::bundle;
use crate::client::Gate;
use crate::converse::{self, Prompt, Started, Trouble};
use crate::protocol::Config;
use crate::protocol::hello::{Banner, MINIMUM_PYTHON, PROTOCOL};

/// The Pythons `auto` looks for, in ansible-core 2.19's order.
pub const CANDIDATES: [&str; 8] =
    ["python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", "/usr/bin/python3", "python3"];

/// Which Python runs the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// As `ansible_python_interpreter` says: text for the shell, as in Ansible.
    Python(String),
    /// The first of [`CANDIDATES`] that exists, as Ansible chooses.
    Discover,
    /// The first that also starts: for hosts where `Discover` failed (stand-ins of version managers).
    DiscoverWorking,
}

/// Everything that is known before a gate starts.
pub struct Launch {
    pub program: Program,
    pub config: Config,
    marker: String,
    config_json: Vec<u8>,
}

impl Launch {
    pub fn new(program: Program, config: Config) -> Launch {
        let config_json = serde_json::to_vec(&config).unwrap_or_else(|_| b"{}".to_vec());
        Launch { program, config, marker: format!("FTL{:032x}", rand::random::<u128>()), config_json }
    }

    /// The command for a POSIX shell, in words that any login shell leaves alone.
    pub fn command(&self) -> String {
        let test = match self.program {
            Program::DiscoverWorking => "\"$x\" -c 0 >/dev/null 2>&1 </dev/null && ",
            _ => "",
        };
        let script = match &self.program {
            Program::Python(path) => format!("p={}; exec {path} -c \"$1\" \"$2\" \"$3\" \"$4\" \"$p\"", quote(path)),
            Program::Discover | Program::DiscoverWorking => format!(
                "for p in {}; do x=$(command -v \"$p\") && {test}exec \"$x\" -c \"$1\" \"$2\" \"$3\" \"$4\" \"$x\"; done; \
                 echo \"$2 none\"",
                CANDIDATES.join(" ")
            ),
        };
        let (size, config_size) = (bundle::program().len(), self.config_json.len());
        format!(
            "/bin/sh -c {} ftl {} {} {size} {config_size}",
            quote(&script),
            quote(&bundle::bootstrap()),
            self.marker
        )
    }

    /// Brings the gate up on the pipes of [`Launch::command`].
    pub async fn start(
        &self,
        mut stream: ByteStream,
        prompt: Option<&Prompt>,
        within: Duration,
    ) -> Result<Gate, HostError> {
        let deadline = Instant::now() + within;
        let mut source = bundle::program().to_vec();
        source.extend_from_slice(&self.config_json);
        if prompt.is_none() {
            // No need to wait for the banner: one trip less. Whoever does not read it says why in its last words.
            let _ = stream.input.send(source.clone()).await;
        }
        let look = |text: &[u8]| Banner::find(text, &self.marker);
        let started = converse::wait_for(stream, prompt, deadline, look).await;
        let mut started = started.map_err(|trouble| self.explain(trouble, within))?;
        self.check(&started)?;
        if prompt.is_some() {
            started.stream.input.send(source).await?;
        }
        let interpreter = started.found.interpreter.clone();
        let ready = Gate::greet(started.stream, started.errors, started.rest, interpreter);
        let gate = match tokio::time::timeout_at(deadline, ready).await {
            Ok(gate) => gate?,
            Err(_) => return Err(self.explain(Trouble::TimedOut { stderr: Vec::new() }, within)),
        };
        if gate.hello().protocol != PROTOCOL {
            return Err(HostError::failed(format!("The gate speaks protocol {}.", gate.hello().protocol)));
        }
        Ok(gate)
    }

    fn check(&self, started: &Started<Banner>) -> Result<(), HostError> {
        let banner = &started.found;
        if banner.version == "none" {
            return Err(not_found("/usr/bin/python3", b"", b""));
        }
        if !banner.is_supported() {
            let (major, minor) = MINIMUM_PYTHON;
            return Err(HostError::failed(format!(
                "The Python at '{}' has version {}, but modules need {major}.{minor} or newer. Set \
                 ansible_python_interpreter to a newer one, or use the raw and script modules, which need no Python.",
                banner.interpreter, banner.version
            )));
        }
        Ok(())
    }

    fn explain(&self, trouble: Trouble, within: Duration) -> HostError {
        match trouble {
            Trouble::Host(error) => error,
            Trouble::Password(message) => HostError::failed(message),
            Trouble::TimedOut { stderr } => {
                let mut message = format!("The gate did not start within {} seconds.", within.as_secs());
                if let Some(last) = last_line(&stderr) {
                    message.push_str(&format!(" Last words: {last}"));
                }
                HostError::failed(message)
            }
            Trouble::Ended { stdout, stderr } => {
                let path = match &self.program {
                    Program::Python(path) => path.as_str(),
                    _ => "/usr/bin/python3",
                };
                let texts = [String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)];
                let missing = ["No such file or directory", "not found", "command not found"];
                let says = |text: &str| missing.iter().any(|reason| text.contains(&format!("{path}: {reason}")));
                if texts.iter().any(|text| says(text)) {
                    return not_found(path, &stdout, &stderr);
                }
                let mut details = Map::new();
                let head = |text: &str| text.chars().take(2048).collect::<String>();
                details.insert("module_stdout", head(&texts[0]));
                details.insert("module_stderr", head(&texts[1]));
                details.insert("rc", 1i64);
                let reason = last_line(&stderr).or(last_line(&stdout)).unwrap_or_else(|| "no output".into());
                let message = format!("The Python interpreter {path:?} could not be started: {reason}");
                HostError::Failed { message, details }
            }
        }
    }
}

/// Ansible's answer when there is no such interpreter.
fn not_found(path: &str, stdout: &[u8], stderr: &[u8]) -> HostError {
    let mut details = Map::new();
    details.insert("module_stdout", String::from_utf8_lossy(stdout).into_owned());
    details.insert("module_stderr", String::from_utf8_lossy(stderr).into_owned());
    details.insert("rc", 127i64);
    HostError::Failed { message: format!("The module interpreter '{path}' was not found."), details }
}

fn last_line(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(|line| line.chars().take(500).collect())
}

/// A random number, for names nobody can guess.
pub fn nonce() -> u128 {
    rand::random()
}

/// Quotes for a POSIX shell.
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}
