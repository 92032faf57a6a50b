//! Callback plugins written in Python: one process for a run, apart from that of the other plugins, because it writes to the
//! real stdout and must not wait for a slow lookup. Every event waits until all plugins have seen it, so that what they
//! write stands in order with what FTL writes; with a deadline.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use ftl_core::event::Event;
use ftl_core::value::{Map, Value, to_json};
use rustc_hash::FxHashSet;
use serde_json::Value as Json;

use crate::callback_event::{Told, message};
use crate::plugin_host::PluginHostSettings;

/// The program, read by Python from its `-c` argument.
const PROGRAM: &str = include_str!("../python/callback_host.py");

/// How long the process may take to end when its work is done: a little more than it gives its plugins.
const LAST_WORDS: Duration = Duration::from_secs(6);

/// What the process is told before the first event.
#[derive(Clone, Debug, Default)]
pub struct CallbackRequest {
    /// `stdout_callback`, and whether FTL shows that itself.
    pub stdout: String,
    pub native_stdout: bool,
    /// Entries of `callbacks_enabled` that FTL shows itself.
    pub native: Vec<String>,
    /// Other plugins than that for stdout are wanted.
    pub additional: bool,
    /// `ansible --tree`.
    pub tree: Option<String>,
    /// Directories of playbooks and roles, whose `callback_plugins` count; the playbooks' alone.
    pub directories: Vec<PathBuf>,
    pub near: Vec<PathBuf>,
    /// The command line, and what to take it for when it has options that Ansible does not know.
    pub adhoc: bool,
    pub arguments: Vec<String>,
    pub options: Map,
    pub extra_vars: Map,
}

/// Why there are no callback plugins.
#[derive(Debug)]
pub enum CallbackError {
    /// To be said.
    Problem(String),
    /// The process has said why; the run ends with this exit code.
    Ended(u8),
}

/// The process, as long as it is well.
pub struct CallbackHost {
    state: Mutex<State>,
    /// The methods that plugins have; nothing else is sent.
    wanted: FxHashSet<String>,
    wants_implicit: bool,
    plugins: usize,
    deadline: Duration,
    /// Hides secrets.
    masked: Box<dyn Fn(String) -> String + Send + Sync>,
}

struct State {
    process: Option<Process>,
    told: Told,
    /// A plugin ended the run with this exit code.
    ended: Option<u8>,
}

struct Process {
    child: Child,
    channel: BufReader<UnixStream>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended is not killed: its number may be another's.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

impl CallbackHost {
    /// Starts the process and loads the plugins.
    pub fn start(
        settings: &PluginHostSettings,
        working_dir: &Path,
        config_file: Option<&Path>,
        request: &CallbackRequest,
        deadline: Duration,
        masked: Box<dyn Fn(String) -> String + Send + Sync>,
    ) -> Result<CallbackHost, CallbackError> {
        let failed = |error: std::io::Error| {
            CallbackError::Problem(format!("Callback plugins need {}: {error}", settings.python.display()))
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let limit = |channel: &UnixStream, time| {
            channel.set_read_timeout(Some(time)).and_then(|()| channel.set_write_timeout(Some(time)))
        };
        // On a busy machine, Python itself takes its time.
        let patience = deadline.max(Duration::from_secs(60));
        limit(&ours, patience).map_err(failed)?;
        let mut command = settings.command(PROGRAM);
        if let Some(path) = config_file {
            command.env("ANSIBLE_CONFIG", path);
        }
        let child = command.current_dir(working_dir).stdin(Stdio::from(OwnedFd::from(theirs))).spawn();
        // Our copy of their end must close, or the process would never be missed.
        drop(command);
        let mut process = Process { child: child.map_err(failed)?, channel: BufReader::new(ours) };
        let answer = process.ask(&start_message(settings, request), patience).map_err(CallbackError::Problem)?;
        if let Some(code) = ending(&answer) {
            return Err(CallbackError::Ended(code));
        }
        limit(process.channel.get_ref(), deadline).map_err(failed)?;
        let loaded = &answer["ok"];
        let methods = loaded["methods"].as_array().into_iter().flatten();
        Ok(CallbackHost {
            state: Mutex::new(State { process: Some(process), told: Told::default(), ended: None }),
            wanted: methods.filter_map(Json::as_str).map(String::from).collect(),
            wants_implicit: loaded["implicit"].as_bool().unwrap_or_default(),
            plugins: loaded["plugins"].as_u64().unwrap_or_default() as usize,
            deadline,
            masked,
        })
    }

    /// How many plugins are active.
    pub fn plugins(&self) -> usize {
        self.plugins
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The exit code with which a plugin ended the run.
    pub fn ended(&self) -> Option<u8> {
        self.state().ended
    }

    /// Tells the plugins of an event (with its secrets, or without) and waits until they have seen it. The error says why there will be no more.
    pub fn tell(&self, event: &Event, reveal: bool) -> Result<(), String> {
        let mut state = self.state();
        let State { process, told, ended } = &mut *state;
        let Some(running) = process else { return Ok(()) };
        let Some(message) = message(event, &self.wanted, self.wants_implicit, told) else { return Ok(()) };
        let line = to_json(&Value::dict(message));
        let line = if reveal { line } else { (self.masked)(line) };
        match running.ask(&line, self.deadline) {
            Ok(answer) => {
                if let Some(code) = ending(&answer) {
                    *ended = Some(code);
                    *process = None;
                }
                Ok(())
            }
            Err(problem) => {
                *process = None;
                Err(problem)
            }
        }
    }

    /// The run is over: plugins may finish what they do at the end of a process.
    pub fn close(&self) {
        let Some(Process { child, channel }) = &mut self.state().process.take() else { return };
        let _ = channel.get_ref().shutdown(std::net::Shutdown::Both);
        let since = Instant::now();
        while matches!(child.try_wait(), Ok(None)) && since.elapsed() < LAST_WORDS {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Process {
    /// One line out, one line in.
    fn ask(&mut self, line: &str, deadline: Duration) -> Result<Json, String> {
        let mut answer = String::new();
        let channel = self.channel.get_mut();
        let sent = channel.write_all(line.as_bytes()).and_then(|()| channel.write_all(b"\n"));
        let problem = match sent.and_then(|()| self.channel.read_line(&mut answer)) {
            Ok(0) => self.how_it_ended(),
            Ok(_) => match serde_json::from_str(&answer) {
                Ok(answer) => return Ok(answer),
                Err(_) => "it gave an answer that is none".into(),
            },
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                format!("it did not answer for {} seconds", deadline.as_secs())
            }
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                self.how_it_ended()
            }
            Err(error) => error.to_string(),
        };
        Err(format!("The process that runs callback plugins is lost: {problem}."))
    }

    fn how_it_ended(&mut self) -> String {
        let since = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    return match status.signal() {
                        Some(signal) => format!("it was ended by signal {signal}"),
                        None => format!("it ended with exit code {}", status.code().unwrap_or_default()),
                    };
                }
                Ok(None) if since.elapsed() < Duration::from_secs(1) => std::thread::sleep(Duration::from_millis(5)),
                _ => return "it closed its channel".into(),
            }
        }
    }
}

fn ending(answer: &Json) -> Option<u8> {
    answer.get("end").map(|code| code.as_i64().map_or(1, |code| code.rem_euclid(256) as u8))
}

fn start_message(settings: &PluginHostSettings, request: &CallbackRequest) -> String {
    let texts = |texts: &[String]| texts.iter().map(|text| Value::str(text.as_str())).collect::<Value>();
    let paths = |paths: &[PathBuf]| paths.iter().map(|path| Value::str(path.to_string_lossy())).collect::<Value>();
    let mut map = Map::new();
    map.insert("event", "start");
    map.insert("verbosity", i64::from(settings.verbosity));
    map.insert("stdout", request.stdout.as_str());
    map.insert("native_stdout", request.native_stdout);
    map.insert("native", texts(&request.native));
    map.insert("additional", request.additional);
    map.insert("tree", request.tree.as_deref().map_or(Value::None, Value::str));
    map.insert("directories", paths(&request.directories));
    map.insert("near", paths(&request.near));
    map.insert("adhoc", request.adhoc);
    map.insert("arguments", texts(&request.arguments));
    map.insert("options", Value::dict(request.options.clone()));
    map.insert("extra_vars", Value::dict(request.extra_vars.clone()).untrusted());
    to_json(&Value::dict(map))
}
