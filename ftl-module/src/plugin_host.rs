//! Plugins written in Python: one long-lived process with the user's own ansible-core runs them, started when the first
//! is needed.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use ftl_core::value::{Value, from_json, to_json};
use serde_json::{Value as Json, json};

use crate::collection::Collections;

/// The program, read by Python from its `-c` argument.
const PROGRAM: &str = include_str!("../python/plugin_host.py");

/// Directories beside playbooks and roles that hold plugins.
const KINDS: [(&str, &str); 3] = [("filter", "filter_plugins"), ("test", "test_plugins"), ("lookup", "lookup_plugins")];

/// What the process is started with.
#[derive(Clone, Debug, Default)]
pub struct PluginHostSettings {
    pub python: PathBuf,
    /// The directory that holds `ansible/`, put on Python's path.
    pub ansible_core: Option<PathBuf>,
    /// The environment, in which `ANSIBLE_*` settings speak to ansible-core itself.
    pub environment: BTreeMap<String, String>,
    pub base_dir: PathBuf,
    pub verbosity: u8,
    /// Plugin directories of the settings, by kind (`filter`, `test`, `lookup`).
    pub configured: Vec<(String, PathBuf)>,
    pub collections_paths: Vec<PathBuf>,
}

impl PluginHostSettings {
    /// Python with the user's ansible-core, about to run a program of ours.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg("-c").arg(program).env_clear().envs(&self.environment);
        if let Some(core) = &self.ansible_core {
            let rest = self.environment.get("PYTHONPATH").map(|p| format!(":{p}")).unwrap_or_default();
            command.env("PYTHONPATH", format!("{}{rest}", core.display()));
        }
        let paths: Vec<_> = self.collections_paths.iter().map(|p| p.to_string_lossy().into_owned()).collect();
        if !paths.is_empty() {
            command.env("ANSIBLE_COLLECTIONS_PATH", paths.join(":"));
        }
        command
    }
}

/// The running process and what is known of its plugins.
pub struct PluginHost {
    settings: PluginHostSettings,
    collections: Arc<Collections>,
    /// Is any directory for plugins there? Most runs have none and ask nothing else.
    has_local: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    link: Option<Arc<Link>>,
    directories: Vec<PathBuf>,
    /// Directories the process was told of.
    told: usize,
    known: HashMap<(String, String), bool>,
    /// Which of FTL's own plugins a local one takes the place of.
    overrides: HashMap<(String, String), bool>,
    /// What the files of local filters and tests hold: a name that is not in them needs no question to Python.
    texts: Option<String>,
}

/// The process, and who waits for an answer of it. Actions run beside each other there; all else in turn.
struct Link {
    child: Mutex<Child>,
    input: Mutex<Option<ChildStdin>>,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    ended: bool,
    senders: HashMap<u64, SyncSender<Json>>,
}

/// How long the process has to end what its plugins started.
const GRACE: Duration = Duration::from_secs(3);

impl Drop for Link {
    fn drop(&mut self) {
        // It ends by itself when its input closes, and what plugins started with it; one that hangs must not outlive the run.
        lock(&self.input).take();
        let mut child = lock(&self.child);
        let until = Instant::now() + GRACE;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// An action under way; dropped before its answer came, it ends the work at the other side.
struct UnderWay {
    link: Arc<Link>,
    id: u64,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if lock(&self.link.waiting).senders.contains_key(&self.id) {
            let _ = self.link.write(&json!({"verb": "cancel", "of": self.id}));
        }
    }
}

impl Link {
    fn write(&self, message: &Json) -> std::io::Result<()> {
        match &mut *lock(&self.input) {
            Some(input) => writeln!(input, "{message}").and_then(|()| input.flush()),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Sends a message; what comes back belongs to its number.
    fn put(&self, mut message: Json) -> Result<(u64, Receiver<Json>), PluginError> {
        let (sender, answer) = sync_channel(1);
        let id = {
            let mut waiting = lock(&self.waiting);
            if waiting.ended {
                return Err(ended());
            }
            waiting.next += 1;
            let id = waiting.next;
            waiting.senders.insert(id, sender);
            id
        };
        message["id"] = id.into();
        if self.write(&message).is_err() {
            lock(&self.waiting).senders.remove(&id);
            return Err(ended());
        }
        Ok((id, answer))
    }

    fn ask(&self, message: Json) -> Result<Json, PluginError> {
        taken(&self.put(message)?.1)
    }
}

fn taken(answer: &Receiver<Json>) -> Result<Json, PluginError> {
    let answer = answer.recv().map_err(|_| ended())?;
    match (answer.get("ok"), answer.get("error")) {
        (Some(ok), None) => Ok(ok.clone()),
        (_, error) => Err(PluginError {
            message: error.and_then(Json::as_str).unwrap_or("unknown error").to_string(),
            result: answer.get("result").map(from_json),
        }),
    }
}

fn ended() -> PluginError {
    PluginError { message: "the process that runs Python plugins ended".into(), result: None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// Hands out answers until there are no more.
fn read_answers(output: ChildStdout, waiting: &Mutex<Waiting>) {
    let mut output = BufReader::new(output);
    let mut line = String::new();
    while matches!(output.read_line(&mut line), Ok(n) if n > 0) {
        let Ok(answer) = serde_json::from_str::<Json>(&line) else { break };
        let sender = answer.get("id").and_then(Json::as_u64).and_then(|id| lock(waiting).senders.remove(&id));
        if let Some(sender) = sender {
            let _ = sender.send(answer);
        }
        line.clear();
    }
    let mut waiting = lock(waiting);
    waiting.ended = true;
    waiting.senders.clear();
}

/// An exception of a plugin: its words, and the result it contributes.
#[derive(Debug, Default)]
pub struct PluginError {
    pub message: String,
    pub result: Option<Value>,
}

impl PluginHost {
    pub fn new(settings: PluginHostSettings, collections: Arc<Collections>) -> PluginHost {
        let state = State { directories: vec![settings.base_dir.clone()], ..State::default() };
        let host = PluginHost { settings, collections, has_local: AtomicBool::new(false), state: Mutex::new(state) };
        host.look_for_directories(&host.state());
        host
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A playbook's or role's directory, whose `*_plugins` directories count from now on.
    pub fn add_directory(&self, directory: &Path) {
        let mut state = self.state();
        if !state.directories.iter().any(|d| d == directory) {
            state.directories.push(directory.to_path_buf());
            state.known.retain(|_, known| *known);
            state.overrides.clear();
            state.texts = None;
            self.look_for_directories(&state);
        }
    }

    fn look_for_directories(&self, state: &State) {
        let found = KINDS.iter().any(|(kind, _)| self.local_directories(state, kind).next().is_some());
        self.has_local.store(found, Ordering::Relaxed);
    }

    /// The directories for plugins of a kind that are not ansible-core's own.
    fn local_directories<'a>(&'a self, state: &'a State, kind: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        let subdir = KINDS.iter().find(|(k, _)| *k == kind).map_or("", |(_, subdir)| subdir);
        let beside = state.directories.iter().map(move |d| d.join(subdir));
        let configured = self.settings.configured.iter().filter(move |(k, _)| k == kind).map(|(_, d)| d.clone());
        beside.chain(configured).filter(|directory| directory.is_dir())
    }

    /// Does a local plugin take the place of the one FTL has by this name? Ansible prefers it, too.
    pub fn overrides(&self, kind: &str, name: &str) -> bool {
        let short = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        if !self.has_local.load(Ordering::Relaxed) || short.contains('.') {
            return false;
        }
        let mut state = self.state();
        let key = (kind.to_string(), short.to_string());
        if let Some(known) = state.overrides.get(&key) {
            return *known;
        }
        let possible = match kind {
            "lookup" => self.local_directories(&state, kind).any(|d| d.join(format!("{short}.py")).is_file()),
            _ => {
                if state.texts.is_none() {
                    let directories = ["filter", "test"].map(|kind| self.local_directories(&state, kind));
                    let texts =
                        directories.into_iter().flatten().map(|directory| python_texts(&directory, 2)).collect();
                    state.texts = Some(texts);
                }
                state.texts.as_ref().is_some_and(|texts| texts.contains(short))
            }
        };
        let question = json!({"verb": "overrides", "kind": kind, "name": short});
        let known = possible && matches!(self.ask(&mut state, question), Ok(Json::Bool(true)));
        state.overrides.insert(key, known);
        known
    }

    /// Is there a plugin of this kind and name? Python is asked only where a plugin can be.
    pub fn has(&self, kind: &str, name: &str) -> bool {
        let mut state = self.state();
        let key = (kind.to_string(), name.to_string());
        if let Some(known) = state.known.get(&key) {
            return *known;
        }
        let known = self.possible(&state, kind, name)
            && matches!(self.ask(&mut state, json!({"verb": "has", "kind": kind, "name": name})), Ok(Json::Bool(true)));
        state.known.insert(key, known);
        known
    }

    fn possible(&self, state: &State, kind: &str, name: &str) -> bool {
        let short =
            name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name);
        let builtin = self.collections.get("ansible.builtin");
        let redirect = builtin.as_ref().and_then(|builtin| builtin.routing(kind, short)?.get("redirect")?.as_str());
        let mut parts = redirect.unwrap_or(short).split('.');
        if let (Some(namespace), Some(collection), Some(_)) = (parts.next(), parts.next(), parts.next())
            && self.collections.get(&format!("{namespace}.{collection}")).is_some()
        {
            return true;
        }
        self.local_directories(state, kind).next().is_some()
    }

    /// Calls a filter, test or lookup. `variables` are what lookups may read.
    pub fn call(
        &self,
        kind: &str,
        name: &str,
        value: Option<&Value>,
        positional: &Value,
        named: &Value,
        variables: &Value,
    ) -> Result<Value, PluginError> {
        let message = json!({
            "verb": "call",
            "kind": kind,
            "name": name,
            "value": value.map_or(Json::Null, json_of),
            "positional": json_of(positional),
            "named": json_of(named),
            "variables": json_of(variables),
        });
        let mut state = self.state();
        self.ask(&mut state, message).map(|answer| with_markers(from_json(&answer)))
    }

    /// What the class of an action plugin says of itself.
    pub fn describe(&self, message: Json) -> Result<Value, PluginError> {
        let mut state = self.state();
        self.ask(&mut state, message).map(|answer| from_json(&answer))
    }

    /// Runs an action plugin, beside others. Ended when the future is dropped.
    pub async fn action(&self, message: Json) -> Result<Value, PluginError> {
        let link = self.link(&mut self.state())?;
        let (id, answer) = link.put(message)?;
        let under_way = UnderWay { link, id };
        let answered = tokio::task::spawn_blocking(move || taken(&answer)).await;
        drop(under_way);
        answered.unwrap_or_else(|_| Err(ended())).map(|answer| from_json(&answer))
    }

    fn ask(&self, state: &mut State, message: Json) -> Result<Json, PluginError> {
        self.link(state)?.ask(message)
    }

    /// The process, started if need be, knowing all directories.
    fn link(&self, state: &mut State) -> Result<Arc<Link>, PluginError> {
        let shown = |paths: &[PathBuf]| paths.iter().map(|d| d.to_string_lossy().into_owned()).collect::<Vec<_>>();
        let link = match &state.link {
            Some(link) if !lock(&link.waiting).ended => link.clone(),
            _ => {
                let link = Arc::new(self.start()?);
                state.told = 0;
                let start = json!({
                    "verb": "start",
                    "base_dir": self.settings.base_dir.to_string_lossy(),
                    "verbosity": self.settings.verbosity,
                    "directories": shown(&state.directories),
                });
                link.ask(start)?;
                state.told = state.directories.len();
                state.link = Some(link.clone());
                link
            }
        };
        if state.told < state.directories.len() {
            let more = json!({"verb": "directories", "directories": shown(&state.directories[state.told..])});
            link.ask(more)?;
            state.told = state.directories.len();
        }
        Ok(link)
    }

    fn start(&self) -> Result<Link, PluginError> {
        let mut command = self.settings.command(PROGRAM);
        command.current_dir(&self.settings.base_dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        let failed = |error: std::io::Error| PluginError {
            message: format!("Python plugins need {}: {error}", self.settings.python.display()),
            result: None,
        };
        let mut child = command.spawn().map_err(failed)?;
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(PluginError { message: "Python plugins: no pipes".into(), result: None });
        };
        let theirs = waiting.clone();
        let reader = std::thread::Builder::new().name("plugins".into());
        reader.spawn(move || read_answers(output, &theirs)).map_err(failed)?;
        Ok(Link { child: Mutex::new(child), input: Mutex::new(Some(input)), waiting })
    }
}

/// All Python files of a directory, to look for names in.
fn python_texts(directory: &Path, depth: usize) -> String {
    let mut texts = String::new();
    for path in std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if depth > 0 && path.is_dir() {
            texts += &python_texts(&path, depth - 1);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            // A file that cannot be read is Python's to complain about.
            texts +=
                &std::fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        }
    }
    texts
}

/// How a marker of an undefined value crosses the pipe.
const MARKER: &str = "__ftl_marker__";

fn json_of(value: &Value) -> Json {
    match value {
        Value::Undefined(u) => json!({ MARKER: u.message }),
        Value::List(l) => Json::Array(l.items().iter().map(json_of).collect()),
        Value::Dict(d) => {
            Json::Object(d.entries().iter().map(|(k, v)| (ftl_core::value::to_text(k), json_of(v))).collect())
        }
        other => serde_json::from_str(&to_json(other)).unwrap_or(Json::Null),
    }
}

fn with_markers(value: Value) -> Value {
    match &value {
        Value::Dict(d) => {
            let map = d.entries();
            match (map.len(), map.get(MARKER)) {
                (1, Some(message)) => Value::undefined(ftl_core::value::to_text(message)),
                _ => Value::dict(map.iter().map(|(k, v)| (k.clone(), with_markers(v.clone()))).collect()),
            }
        }
        Value::List(l) => l.items().iter().cloned().map(with_markers).collect(),
        _ => value,
    }
}
