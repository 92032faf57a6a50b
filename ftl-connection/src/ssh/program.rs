//! The `ssh` program as the way to a host, with one master per connection; for what the library cannot do.

use std::ffi::OsString;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ftl_core::call::{ConnectionOptions, ExecOutput, ExecRequest, Secret};
use ftl_core::port::{BoxFuture, ByteSource, ByteStream, Connection};
use ftl_core::result::HostError;
use rand::RngExt as _;
use rustix::fs::{CWD, FileType, Mode};
use tokio::io::AsyncReadExt as _;

use super::command::shell_command;
use super::drops::{Address, Addresses, Tries};
use super::message::{Failure, io_text, lost, unreachable};
use super::native::report;
use crate::connector::OUTPUT_CAP;
use crate::process::{self, Control, Launch, Running};
use crate::settings::ConnectorSettings;

const POLL: Duration = Duration::from_millis(20);
const KEPT: usize = 64 * 1024;

/// A connection held open by a master process of its own.
pub(crate) struct ProgramConnection {
    settings: Arc<ConnectorSettings>,
    caller: Caller,
    reason: String,
    master: Arc<Control>,
    messages: Arc<Mutex<Vec<u8>>>,
}

/// How `ssh` is called.
struct Caller {
    program: PathBuf,
    host: String,
    line: Vec<String>,
    secrets: bool,
    directory: PrivateDirectory,
}

impl Caller {
    fn socket(&self) -> PathBuf {
        self.directory.0.join("m")
    }

    fn launch(&self, first: &[&str], last: &[&str]) -> Launch {
        let mut words: Vec<OsString> = vec!["-o".into(), format!("ControlPath={}", self.socket().display()).into()];
        let mut environment = Vec::new();
        if self.secrets {
            let helper = self.directory.0.join("ask").display().to_string();
            words.extend(["-o".into(), "NumberOfPasswordPrompts=1".into()]);
            environment = vec![
                ("SSH_ASKPASS".to_string(), helper),
                ("SSH_ASKPASS_REQUIRE".to_string(), "force".to_string()),
                ("DISPLAY".to_string(), "ftl:0".to_string()),
            ];
        } else {
            words.extend(["-o".into(), "BatchMode=yes".into()]);
        }
        words.extend(first.iter().map(Into::into));
        words.extend(self.line.iter().map(Into::into));
        words.extend(["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3", "-T"].map(Into::into));
        words.push(self.host.clone().into());
        words.extend(last.iter().map(Into::into));
        Launch { program: self.program.clone(), arguments: words, directory: None, environment }
    }
}

impl ProgramConnection {
    pub(crate) async fn connect(
        settings: &Arc<ConnectorSettings>,
        host: &str,
        options: &ConnectionOptions,
        line: &[String],
        reason: String,
    ) -> Result<ProgramConnection, HostError> {
        let name = options.ssh_executable.as_deref().unwrap_or("ssh");
        let program = settings.find_program(name).ok_or_else(|| {
            unreachable(&format!("the program {name} was not found, but it is needed because {reason}"))
        })?;
        if host.starts_with('-') {
            return Err(unreachable(&format!("ssh: Could not resolve hostname {host}: Name or service not known")));
        }
        let address = Addresses::new(1).get(host);
        let mut tries = Tries::new(options.retries);
        loop {
            let attempt = attempt(settings, &program, host, options, line).await;
            match attempt {
                Ok((caller, master, messages)) => {
                    let settings = settings.clone();
                    return Ok(ProgramConnection { settings, caller, reason, master, messages });
                }
                Err(failure) => pause(&mut tries, failure, &address, options).await?,
            }
        }
    }

    fn start(&self, command: &str) -> Result<Running, HostError> {
        let launch = self.caller.launch(&["-o", "ControlMaster=no"], &["--", command]);
        process::start(&self.settings, launch).map_err(|error| unreachable(&io_text(&error)))
    }

    fn lost(&self, own: &[u8]) -> HostError {
        let master = self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = [&master, own].map(|bytes| String::from_utf8_lossy(bytes).trim().to_string());
        let text = text.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\r\n");
        lost(if text.is_empty() { "the ssh program ended" } else { &text })
    }
}

async fn pause(
    tries: &mut Tries,
    failure: Failure,
    address: &Address,
    options: &ConnectionOptions,
) -> Result<(), HostError> {
    match tries.pause(&failure, address) {
        Some(pause) => {
            tokio::time::sleep(pause).await;
            Ok(())
        }
        None => Err(report(&failure, options)),
    }
}

type Master = (Caller, Arc<Control>, Arc<Mutex<Vec<u8>>>);

async fn attempt(
    settings: &ConnectorSettings,
    program: &Path,
    host: &str,
    options: &ConnectionOptions,
    line: &[String],
) -> Result<Master, Failure> {
    let own =
        |error: std::io::Error| Failure::Final(format!("a private directory could not be made: {}", io_text(&error)));
    let directory = PrivateDirectory::new(&settings.temporary).map_err(own)?;
    let secrets = [("password", &options.password), ("passphrase", &options.private_key_passphrase)];
    let secrets: Vec<_> = secrets.into_iter().filter_map(|(name, secret)| Some((name, secret.clone()?))).collect();
    let answering = match secrets.is_empty() {
        true => None,
        false => Some(answer_questions(&directory.0, &secrets).map_err(own)?),
    };
    let (program, host, line) = (program.to_path_buf(), host.to_string(), line.to_vec());
    let caller = Caller { program, host, line, secrets: !secrets.is_empty(), directory };
    let launch = caller.launch(&["-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-N"], &[]);
    let running = process::start(settings, launch).map_err(|error| Failure::Final(io_text(&error)))?;
    let messages = keep_messages(running.stderr);
    let control = running.control;
    let limit = Duration::from_secs(u64::from(options.timeout.max(10)) + 2);
    let ready = async {
        loop {
            if caller.socket().exists() {
                return true;
            }
            if control.exit_code().is_some() {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let ready = tokio::time::timeout(limit, ready).await;
    drop(answering);
    match ready {
        Ok(true) => Ok((caller, control, messages)),
        Ok(false) => {
            // Its last words may still be in the pipe.
            tokio::time::sleep(POLL).await;
            let bytes = messages.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Err(classify(String::from_utf8_lossy(&bytes).trim_end().to_string()))
        }
        Err(_) => {
            control.stop();
            Err(Failure::Final(format!("the ssh program did not connect within {} seconds", limit.as_secs())))
        }
    }
}

fn classify(text: String) -> Failure {
    if text.contains("kex_exchange_identification") || text.contains("Connection reset by") {
        return Failure::Dropped(text);
    }
    if text.contains("Connection refused") {
        return Failure::Refused(text);
    }
    Failure::Final(text)
}

fn keep_messages(mut pipe: tokio::process::ChildStderr) -> Arc<Mutex<Vec<u8>>> {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let kept = messages.clone();
    tokio::spawn(async move {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < KEPT {
                kept.extend_from_slice(chunk.get(..count).unwrap_or_default());
            }
        }
    });
    messages
}

/// A directory nobody else can look into, removed in the end.
struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    fn new(parent: &Path) -> std::io::Result<PrivateDirectory> {
        let name = format!("ftl-{:016x}", rand::rng().random::<u64>());
        let path = parent.join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(PrivateDirectory(path))
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Stops handing out secrets when it goes.
struct Answering(Vec<tokio::task::JoinHandle<()>>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// The helper `ssh` asks: it reads each secret from a pipe, so that none is in a file, argument or environment.
fn answer_questions(directory: &Path, secrets: &[(&str, Secret)]) -> std::io::Result<Answering> {
    use std::io::Write as _;
    let mut cases = String::from("  *yes/no*|*fingerprint*) exit 1 ;;\n");
    let mut tasks = Vec::new();
    for (pattern, name) in [("*assphrase*", "passphrase"), ("*", "password")] {
        let secret = secrets.iter().find(|(known, _)| *known == name).map(|(_, secret)| secret.clone());
        let Some(secret) = secret else {
            cases.push_str(&format!("  {pattern}) exit 1 ;;\n"));
            continue;
        };
        let pipe = directory.join(name);
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        cases.push_str(&format!("  {pattern}) exec cat '{}' ;;\n", pipe.display()));
        tasks.push(tokio::spawn(hand_out(pipe, secret)));
    }
    let script = format!("#!/bin/sh\ncase \"$1\" in\n{cases}esac\n");
    let path = directory.join("ask");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(path)?;
    file.write_all(script.as_bytes())?;
    Ok(Answering(tasks))
}

/// Writes the secret once somebody reads. A password is given once only: a second question means it was wrong.
async fn hand_out(pipe: PathBuf, secret: Secret) {
    use std::io::Write as _;
    loop {
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        let opened = std::fs::OpenOptions::new().write(true).custom_flags(flags).open(&pipe);
        match opened {
            Ok(mut file) => {
                let _ = file.write_all(format!("{}\n", secret.reveal()).as_bytes());
                let _ = std::fs::remove_file(&pipe);
                return;
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

impl Connection for ProgramConnection {
    fn exec<'a>(&'a self, request: &'a ExecRequest) -> BoxFuture<'a, Result<ExecOutput, HostError>> {
        Box::pin(async move {
            let running = self.start(&shell_command(request))?;
            let control = running.control.clone();
            let collect = process::collect(running, &request.stdin, OUTPUT_CAP);
            let collected = match request.timeout {
                None => collect.await?,
                Some(limit) => match tokio::time::timeout(limit, collect).await {
                    Ok(collected) => collected?,
                    Err(_) => {
                        control.stop();
                        return Err(HostError::TimedOut { seconds: limit.as_secs() });
                    }
                },
            };
            if collected.code < 0 || (collected.code == 255 && self.master.exit_code().is_some()) {
                return Err(self.lost(&collected.stderr));
            }
            Ok(ExecOutput { rc: collected.code, stdout: collected.stdout, stderr: collected.stderr })
        })
    }

    fn open<'a>(&'a self, command: &'a str) -> BoxFuture<'a, Result<ByteStream, HostError>> {
        Box::pin(async move {
            let running = self.start(command)?;
            let control = running.control.clone();
            let stream = process::into_stream(running);
            let output = Box::new(Output { inner: stream.output, control, messages: self.messages.clone() });
            Ok(ByteStream { output, ..stream })
        })
    }

    fn is_open(&self) -> bool {
        self.master.exit_code().is_none()
    }

    fn describe(&self) -> String {
        format!("ssh program: {} (because {})", self.caller.host, self.reason)
    }
}

/// Output whose end is checked: `ssh` ends with 255 when the connection went.
struct Output {
    inner: Box<dyn ByteSource>,
    control: Arc<Control>,
    messages: Arc<Mutex<Vec<u8>>>,
}

impl ByteSource for Output {
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Vec<u8>>, HostError>> {
        Box::pin(async move {
            match self.inner.receive().await? {
                Some(chunk) => Ok(Some(chunk)),
                None => match tokio::time::timeout(Duration::from_secs(1), self.control.wait()).await {
                    Ok(255 | i32::MIN..=-1) => {
                        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone();
                        let text = String::from_utf8_lossy(&messages).trim().to_string();
                        Err(lost(if text.is_empty() { "the ssh program ended" } else { &text }))
                    }
                    _ => Ok(None),
                },
            }
        })
    }
}
