//! One run of one module: what is sent to the gate, and what its end means.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ftl_core::call::{ExecRequest, Interpreter, ModuleAnswer, ModuleCall, Target};
use ftl_core::result::HostError;
use ftl_core::value::{Value, repr_str};
use ftl_gate::protocol::Spec;
use ftl_gate::work::Finished;
use ftl_gate::{Gate, GateError};

use crate::ansible::core::AnsibleCore;
use crate::ansible::package::{CorePack, Overlay};
use crate::ansible::style::{self, Style};
use crate::ansible::{answer, args, module_utils};
use crate::discovery;
use crate::pool::Pool;
use crate::settings::Settings;

/// What is known of a module's file.
pub(crate) struct ModuleFile {
    pub style: Style,
    pub text: Vec<u8>,
    pub shebang: Option<Vec<String>>,
    modified: Option<std::time::SystemTime>,
}

/// Module files and packs, kept for the run.
#[derive(Default)]
pub(crate) struct ModuleFiles {
    files: Mutex<HashMap<PathBuf, Arc<ModuleFile>>>,
    overlays: Mutex<HashMap<OverlayKey, Arc<Overlay>>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct OverlayKey {
    path: PathBuf,
    module_utils: Arc<Vec<PathBuf>>,
}

/// A request that is ready to be sent.
struct Prepared {
    spec: Spec,
    body: Vec<u8>,
    overlay: Option<Arc<Overlay>>,
    /// The Python that runs it, when the module's first line asks for another than the target's.
    interpreter: Option<Interpreter>,
}

pub(crate) struct Execution<'a> {
    pub settings: &'a Settings,
    pub pool: &'a Pool,
    pub files: &'a ModuleFiles,
    pub core: &'a AnsibleCore,
    pub pack: &'a CorePack,
    pub collections: &'a crate::collection::Collections,
}

impl ModuleFiles {
    fn read(&self, path: &PathBuf) -> Result<Arc<ModuleFile>, HostError> {
        let modified = std::fs::metadata(path).and_then(|m| m.modified()).ok();
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(path).filter(|file| file.modified == modified) {
            return Ok(file.clone());
        }
        let text = std::fs::read(path).map_err(|error| {
            HostError::failed(format!("The module file {} cannot be read: {error}", path.display()))
        })?;
        let file = ModuleFile { style: Style::of(&text), shebang: style::shebang(&text), text, modified };
        let file = Arc::new(file);
        files.insert(path.clone(), file.clone());
        Ok(file)
    }
}

impl Execution<'_> {
    pub(crate) async fn run(
        &self,
        target: &Target,
        call: &ModuleCall,
        path: &PathBuf,
    ) -> Result<ModuleAnswer, HostError> {
        let file = self.files.read(path)?;
        let mut prepared = match self.prepare(target, call, path, &file) {
            Ok(prepared) => prepared,
            Err(message) => {
                let result = answer::failed(format!("Task failed: {message}"));
                return Ok(ModuleAnswer { result, ..ModuleAnswer::default() });
            }
        };
        let other = prepared.interpreter.clone().map(|interpreter| Target { interpreter, ..target.clone() });
        let target = other.as_ref().unwrap_or(target);
        // Who a user is, is read once, at the start of a process: that of an idle gate must not outlive a change of it.
        let account = matches!(&*call.module.fqcn, "ansible.builtin.user" | "ansible.builtin.group");
        if account {
            self.pool.end_idle_users(target).await;
        }
        let finished = self.send(target, &mut prepared).await?;
        let mut answer = match finished {
            Ok(finished) => {
                if finished.exit.timed_out {
                    return Err(HostError::TimedOut { seconds: call.timeout.unwrap_or_default().as_secs() });
                }
                let raw = answer::Raw {
                    stdout: &finished.stdout,
                    stderr: &finished.stderr,
                    rc: finished.exit.rc,
                    interpreter: prepared.spec.command.first().map(String::as_str),
                };
                answer::read(&raw, self.settings.lenient_utf8)
            }
            Err(answer) => answer,
        };
        // A binary, or a script for something else, needs no Python in Ansible.
        let in_python = file.style != Style::Binary && call.module.interpreter.is_none();
        if let Interpreter::Discover(discovery) = &target.interpreter
            && in_python
        {
            let found = self.pool.host(target).discovered(discovery);
            discovery::note(&target.host, discovery, found, &mut answer);
        }
        if call.background.is_some() {
            answer.result.insert("changed", true);
        }
        if let Some(uid) = answer.result.get("uid").and_then(Value::as_int).filter(|_| account) {
            self.pool.forget_user(target, uid);
        }
        Ok(answer)
    }

    /// Sends until the gate has all it needs. Only what certainly did not begin is sent again.
    async fn send(
        &self,
        target: &Target,
        prepared: &mut Prepared,
    ) -> Result<Result<Finished, ModuleAnswer>, HostError> {
        let limit = self.settings.output_limit();
        let mut reconnects = 0;
        let mut sent_packs = false;
        loop {
            let gate = match self.pool.gate(target, Some(self.pack)).await {
                // What a Python printed that is none is an answer, as in Ansible: `failed_when` and `until` see it.
                Err(HostError::Failed { message, details }) if !details.is_empty() => {
                    return Ok(Err(answer::unanswered(message, details)));
                }
                gate => gate?,
            };
            // A script for Python runs with the Python of the gate.
            if let Some(first) = prepared.spec.command.first_mut() {
                *first = first.replace(PYTHON, gate.interpreter());
            }
            match gate.run(&prepared.spec, &prepared.body, limit).await {
                Ok(finished) => return Ok(Ok(finished)),
                Err(GateError::Refused(refusal)) if !refusal.missing.is_empty() && !sent_packs => {
                    sent_packs = true;
                    self.send_packs(&gate, &refusal.missing, prepared)?;
                }
                Err(GateError::Closed(_)) if reconnects < 2 => reconnects += 1,
                Err(GateError::TooLong { limit }) => {
                    let size = limit >> 20;
                    let message =
                        format!("The module printed more than {size} MiB and was ended; nothing of it was used.");
                    return Ok(Err(ModuleAnswer { result: answer::failed(message), ..ModuleAnswer::default() }));
                }
                Err(error) => return Err(explain(self.pool, target, error, &gate).await),
            }
        }
    }

    fn send_packs(&self, gate: &Gate, missing: &[String], prepared: &Prepared) -> Result<(), HostError> {
        let failed = |error: GateError| HostError::failed(format!("{error:?}"));
        for digest in missing {
            if **digest == *self.pack.digest {
                let bytes = std::fs::read(&self.pack.zip).map_err(|error| HostError::failed(error.to_string()))?;
                gate.send_pack(digest, None, &bytes).map_err(failed)?;
            } else if let Some(overlay) = prepared.overlay.as_ref().filter(|overlay| *overlay.digest == **digest) {
                gate.send_pack(digest, Some(&self.pack.digest), &overlay.bytes).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn prepare(
        &self,
        target: &Target,
        call: &ModuleCall,
        path: &PathBuf,
        file: &ModuleFile,
    ) -> Result<Prepared, String> {
        let name = call.module.fqcn.rsplit('.').next().unwrap_or_default();
        let complete = args::complete(target, call, &call.module.asked, &self.core.version);
        let mut env: BTreeMap<String, String> = call.environment.iter().cloned().collect();
        let mut spec = Spec { timeout: call.timeout.map(|t| t.as_secs_f64()), ..Spec::default() };
        let mut interpreter = None;
        let mut overlay = None;
        let body;
        if file.style == Style::Python {
            spec.kind = "python";
            spec.core = Some(self.pack.digest.to_string());
            spec.name = Some(call.module.python_name.to_string());
            spec.rlimit_nofile = Some(call.options.rlimit_nofile).filter(|limit| *limit > 0);
            interpreter = other_python(target, call, file);
            overlay = self.overlay(call, path, file)?;
            spec.pack = overlay.as_ref().map(|overlay| overlay.digest.to_string());
            spec.replaces = overlay.as_ref().is_some_and(|overlay| overlay.replaces);
            body = args::new_style(complete);
        } else {
            spec.kind = "program";
            spec.name = Some(path.file_name().and_then(|n| n.to_str()).unwrap_or(name).to_owned());
            spec.command = command(call, name, file)?;
            let (program, arguments) = match file.style {
                Style::JsonArgs => {
                    let options = &call.options;
                    let text = args::substitute(
                        &file.text,
                        complete,
                        &self.core.version,
                        &options.syslog_facility,
                        &options.selinux_special_fs,
                    );
                    (text, None)
                }
                Style::Old => (file.text.clone(), Some(args::pairs(&complete))),
                Style::PowerShell => return Err(format!("the PowerShell module {name} is not supported yet")),
                _ => (file.text.clone(), Some(args::json(complete))),
            };
            spec.program_size = Some(program.len());
            spec.arguments = arguments.is_some();
            body = [program, arguments.unwrap_or_default()].concat();
        }
        if let Some(background) = &call.background {
            spec.kind = "background";
            spec.job = Some(format!("j{}", ftl_gate::launch::nonce() % 999_999_999_999));
            spec.limit = Some(background.limit.as_secs());
            spec.async_dir = Some(background.directory.clone());
            env.insert("ANSIBLE_ASYNC_DIR".into(), background.directory.clone());
        }
        spec.env = env;
        Ok(Prepared { spec, body, overlay, interpreter })
    }

    /// The pack of what the core pack lacks for this module; none for ansible-core's own modules without overrides.
    fn overlay(&self, call: &ModuleCall, path: &PathBuf, file: &ModuleFile) -> Result<Option<Arc<Overlay>>, String> {
        let own = path.starts_with(self.core.modules());
        if own && call.module.module_utils.is_empty() {
            return Ok(None);
        }
        let key = OverlayKey { path: path.clone(), module_utils: call.module.module_utils.clone() };
        if let Some(overlay) = self.files.overlays.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(overlay.clone()));
        }
        let closure = module_utils::Closure::of(self.core, self.collections, &call.module, file, own)?;
        if closure.files.is_empty() {
            return Ok(None);
        }
        let overlay = crate::ansible::package::overlay(&closure.files, closure.replaces).map_err(|e| e.to_string())?;
        let overlay = Arc::new(overlay);
        self.files.overlays.lock().unwrap_or_else(PoisonError::into_inner).insert(key, overlay.clone());
        Ok(Some(overlay))
    }
}

/// Stands for the Python of the gate in a command.
const PYTHON: &str = "\0python";

/// A new-style module whose first line names another interpreter than `python` runs with that one, as in Ansible.
fn other_python(target: &Target, call: &ModuleCall, file: &ModuleFile) -> Option<Interpreter> {
    let program = program(call, file.shebang.as_ref()?);
    let path = match &target.interpreter {
        Interpreter::Path(path) => program.replace(PYTHON, path),
        // Then nobody knows yet what the arguments of a first line belong to.
        Interpreter::Discover(_) if program.contains(PYTHON) => return None,
        Interpreter::Discover(_) => program,
    };
    Some(Interpreter::Path(path)).filter(|other| *other != target.interpreter)
}

/// The interpreter of a module's first line. With arguments it is no program that exists: ansible-core 2.19 quotes all of
/// it as one word.
fn program(call: &ModuleCall, shebang: &[String]) -> String {
    let first = match (base_name(&shebang[0]), &call.interpreter) {
        ("python", _) => PYTHON,
        (_, Some(given)) => given,
        _ => &shebang[0],
    };
    let words: Vec<&str> = std::iter::once(first).chain(shebang[1..].iter().map(String::as_str)).collect();
    words.join(" ")
}

/// The interpreter for a module that is a program of its own.
fn command(call: &ModuleCall, name: &str, file: &ModuleFile) -> Result<Vec<String>, String> {
    if file.style == Style::Binary {
        return Ok(Vec::new());
    }
    let Some(shebang) = &file.shebang else { return Err(format!("module ({name}) is missing interpreter line")) };
    Ok(vec![program(call, shebang)])
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a failure of the gate means for whoever waits.
pub(crate) async fn explain(pool: &Pool, target: &Target, error: GateError, gate: &Gate) -> HostError {
    match error {
        GateError::Refused(refusal) => HostError::failed(refusal.message),
        GateError::TooLong { limit } => HostError::failed(format!("The host sent more than {limit} bytes.")),
        GateError::Closed(reason) => HostError::unreachable(format!("The gate ended: {reason}")),
        GateError::Lost(reason) => {
            // The end of the gate and of its connection arrive together, in any order.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let last_words = gate.last_words();
            let last = last_words.lines().last().map(|line| format!(" ({line})")).unwrap_or_default();
            let silent = gate.is_silent();
            if silent {
                kill(pool, target, gate.hello().pid).await;
            }
            if pool.is_connected(target).await && !silent {
                return HostError::failed(format!(
                    "The gate ended while the task ran: {reason}{last}. Whether the task did its work is not known."
                ));
            }
            let host = repr_str(&target.host);
            HostError::Lost {
                message: format!(
                    "The connection to {host} was lost while the task ran; its outcome is not known: {reason}{last}"
                ),
            }
        }
    }
}

/// Ends a gate that hangs, on the chance that the connection still works; its guard then ends the tasks.
async fn kill(pool: &Pool, target: &Target, pid: u32) {
    let request = ExecRequest { command: format!("kill -KILL {pid}"), timeout: Some(KILL), ..ExecRequest::default() };
    let _ = tokio::time::timeout(KILL, crate::command::exec(pool, target, request)).await;
}

const KILL: std::time::Duration = std::time::Duration::from_secs(5);
