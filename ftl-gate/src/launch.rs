//! Starts a gate: the command line, the choice of the Python, and the greeting.

use std::time::Duration;

use ftl_core::Map;
use ftl_core::port::ByteStream;
use ftl_core::result::HostError;
use ftl_core::value::repr_str;
use tokio::time::Instant;

use crate::bundle;
use crate::client::Gate;
use crate::converse::{self, Prompt, Started, Trouble};
use crate::protocol::Config;
use crate::protocol::hello::{Banner, MINIMUM_PYTHON, PROTOCOL};

/// The Python of hosts where none of the candidates is found.
pub const FALLBACK: &str = "/usr/bin/python3";

/// Which Python runs the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// As `ansible_python_interpreter` says: one word, which the shell looks up.
    Python(String),
    /// The first of the candidates that exists, as Ansible chooses; else [`FALLBACK`].
    Discover(Vec<String>),
    /// The first that also starts: for hosts where `Discover` failed (stand-ins of version managers).
    DiscoverWorking(Vec<String>),
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

    /// The command for a POSIX shell, in words that any login shell leaves alone. `prefix` (sudo and its arguments) makes
    /// it that of another user; the Python is looked for before, as the user of the login.
    pub fn command(&self, prefix: &str) -> String {
        let start = format!("{prefix} /bin/sh -c {} /bin/sh", quote("p=$1; shift; exec \"$p\" -c \"$@\" \"$p\""));
        let (size, config_size) = (bundle::program().len(), self.config_json.len());
        let rest = format!("{} {} {size} {config_size}", quote(&bundle::bootstrap()), self.marker);
        let (candidates, test) = match &self.program {
            Program::Python(path) => return format!("{} {} {rest}", start.trim_start(), quote(path)),
            Program::Discover(candidates) => (candidates, ""),
            Program::DiscoverWorking(candidates) => (candidates, " && \"$x\" -c 0 >/dev/null 2>&1 </dev/null"),
        };
        let candidates: Vec<_> = candidates.iter().map(|name| quote(name)).collect();
        let script = format!(
            "s() {{ exec {start} \"$@\"; }}; for p in {}; do x=$(command -v \"$p\"){test} && case $x in /*) s \"$x\" \"$@\"; \
             esac; done; echo \"$2 none\"; s {FALLBACK} \"$@\"",
            candidates.join(" ")
        );
        format!("/bin/sh -c {} /bin/sh {rest}", quote(&script))
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
        let ready = Gate::greet(started.stream, started.errors, started.rest, started.found);
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
        if !banner.is_supported() {
            let (major, minor) = MINIMUM_PYTHON;
            let message = format!(
                "The Python at '{}' has version {}, but modules need {major}.{minor} or newer. Set \
                 ansible_python_interpreter to a newer one, or use the raw and script modules, which need no Python.",
                banner.interpreter, banner.version
            );
            return Err(said(message, "", "", 1));
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
                    _ => FALLBACK,
                };
                let stdout = String::from_utf8_lossy(&stdout).replace(&format!("{} none\n", self.marker), "");
                // Ansible's shell does not name the builtin.
                let stderr = String::from_utf8_lossy(&stderr).replace(": exec: ", ": ");
                if says_missing(&stdout, path) || says_missing(&stderr, path) {
                    return said(missing(path), &stdout, &stderr, 127);
                }
                // A stream carries no exit code.
                let rc = if stderr.contains(&format!("{path}: Permission denied")) { 126 } else { 1 };
                said(NO_JSON.into(), &stdout, &stderr, rc)
            }
        }
    }
}

/// What Ansible says of a Python that starts and prints something else than an answer.
const NO_JSON: &str = "Module result deserialization failed: No start of json char found";

/// Ansible's message when there is no such interpreter.
pub fn missing(path: &str) -> String {
    format!("The module interpreter {} was not found.", repr_str(path))
}

/// Does a shell say that there is no such program?
pub fn says_missing(text: &str, path: &str) -> bool {
    ["No such file or directory", "not found", "command not found"]
        .iter()
        .any(|reason| text.contains(&format!("{path}: {reason}")))
}

/// A failure with what was printed instead of an answer.
fn said(message: String, stdout: &str, stderr: &str, rc: i64) -> HostError {
    let head = |text: &str| text.chars().take(2048).collect::<String>();
    let mut details = Map::new();
    details.insert("module_stdout", head(stdout));
    details.insert("module_stderr", head(stderr));
    details.insert("rc", rc);
    HostError::Failed { message, details }
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
