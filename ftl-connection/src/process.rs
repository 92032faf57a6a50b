//! Programs on this machine, each in a session of its own that ends as a whole.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ftl_core::port::{BoxFuture, ByteSink, ByteSource, ByteStream};
use ftl_core::result::HostError;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};

use crate::queue::{Drain, Overflow, queue};
use crate::settings::ConnectorSettings;

/// How long a program may go on after its pipes are closed: gates clean up in this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it may go on after it was asked to end.
const GRACE: Duration = Duration::from_secs(2);
/// After a program ended, others may still hold its pipes: their silence this long is taken for the end.
const QUIET: Duration = Duration::from_millis(250);
const CHUNK: usize = 64 * 1024;
const ERRORS_KEPT: usize = 1 << 20;

/// What to start.
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) environment: Vec<(String, String)>,
}

/// A running program and its pipes.
pub(crate) struct Running {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
    pub(crate) control: Arc<Control>,
}

/// Ends the program, and all of its session, when the last reference goes.
pub(crate) struct Control {
    /// A message means: end it now. The sender going away means: let it end by itself, but not for long.
    stop: mpsc::Sender<()>,
    exit: watch::Receiver<Option<i32>>,
}

impl Control {
    /// Ends the whole process group: asked first, killed two seconds later.
    pub(crate) fn stop(&self) {
        let _ = self.stop.try_send(());
    }

    /// The exit code, once the program ended; minus the signal that ended it.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        *self.exit.borrow()
    }

    pub(crate) async fn wait(&self) -> i32 {
        let mut exit = self.exit.clone();
        let code = exit.wait_for(Option::is_some).await.map(|code| *code);
        code.ok().flatten().unwrap_or(-9)
    }
}

/// Starts a program with the connector's environment in a new session.
pub(crate) fn start(settings: &ConnectorSettings, launch: Launch) -> std::io::Result<Running> {
    // `setsid` keeps sudo and ssh from asking on the terminal of whoever started us; the group alone does not.
    let mut command = match settings.find_program("setsid") {
        Some(setsid) => {
            let mut command = Command::new(setsid);
            command.arg(&launch.program);
            command
        }
        None => {
            let mut command = Command::new(&launch.program);
            command.process_group(0);
            command
        }
    };
    command.args(&launch.arguments).env_clear().envs(&settings.environment).envs(launch.environment);
    if let Some(directory) = launch.directory {
        command.current_dir(directory);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let closed = || std::io::Error::other("a pipe is missing");
    let stdin = child.stdin.take().ok_or_else(closed)?;
    let stdout = child.stdout.take().ok_or_else(closed)?;
    let stderr = child.stderr.take().ok_or_else(closed)?;
    let (stop, stops) = mpsc::channel(1);
    let (exited, exit) = watch::channel(None);
    tokio::spawn(reap(child, stops, exited));
    Ok(Running { stdin, stdout, stderr, control: Arc::new(Control { stop, exit }) })
}

/// Kills the group when it goes while the program still runs: the runtime is shutting down.
struct Group {
    leader: Option<Pid>,
}

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // Right after the start the group may not exist yet: then the leader is all there is.
            if kill_process_group(leader, signal).is_err() {
                let _ = kill_process(leader, signal);
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

async fn reap(mut child: Child, mut stops: mpsc::Receiver<()>, exited: watch::Sender<Option<i32>>) {
    let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut group = Group { leader };
    let ended = tokio::select! {
        status = child.wait() => Some(status),
        asked = stops.recv() => {
            let patient = asked.is_none();
            end(&mut child, &group, patient).await
        }
    };
    // Nobody may signal the number of a process that is gone. What it left running on purpose lives on.
    group.leader = None;
    let code = match ended {
        Some(Ok(status)) => {
            use std::os::unix::process::ExitStatusExt;
            status.code().unwrap_or_else(|| -status.signal().unwrap_or(9))
        }
        _ => -9,
    };
    exited.send_replace(Some(code));
}

async fn end(child: &mut Child, group: &Group, patient: bool) -> Option<std::io::Result<std::process::ExitStatus>> {
    if patient && let Ok(status) = tokio::time::timeout(PATIENCE, child.wait()).await {
        return Some(status);
    }
    group.signal(Signal::TERM);
    // The leader may end at once while others of its group ignore the signal, so it is not reaped before the last blow.
    let pause = tokio::time::sleep(GRACE);
    tokio::pin!(pause);
    loop {
        let others = group.leader.is_some_and(group_is_alive);
        if !others {
            break;
        }
        tokio::select! {
            () = &mut pause => break,
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
    group.signal(Signal::KILL);
    tokio::time::timeout(GRACE, child.wait()).await.ok()
}

/// Does the group have a member besides a leader that only waits to be reaped?
fn group_is_alive(leader: Pid) -> bool {
    if rustix::process::test_kill_process_group(leader).is_err() {
        return false;
    }
    let number = leader.as_raw_nonzero().get();
    let state = std::fs::read_to_string(format!("/proc/{number}/stat")).ok();
    let zombie = state.and_then(|line| line.rsplit_once(") ").map(|(_, rest)| rest.starts_with('Z')));
    // A dead leader: cut the wait short only when nobody else can be in the group, which cannot be known cheaply.
    zombie != Some(true) || has_other_members(number)
}

fn has_other_members(group: i32) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    processes.flatten().any(|entry| {
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { return false };
        if number == group {
            return false;
        }
        let line = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let fields = line.rsplit_once(") ").map_or("", |(_, rest)| rest);
        fields.split(' ').nth(2).and_then(|field| field.parse::<i32>().ok()) == Some(group)
    })
}

/// What a program left behind.
pub(crate) struct Collected {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Feeds a program its stdin and gathers its output until it ends; an output above `cap` bytes ends it with an error.
pub(crate) async fn collect(running: Running, stdin: &[u8], cap: usize) -> Result<Collected, HostError> {
    let Running { stdin: input, stdout: mut output, stderr: mut errors, control } = running;
    let mut input = Some(input);
    let mut collected = Collected { code: 0, stdout: Vec::new(), stderr: Vec::new() };
    let mut rest = stdin;
    let (mut out_open, mut err_open) = (true, true);
    let mut code = None;
    let mut out_buffer = vec![0; CHUNK];
    let mut err_buffer = vec![0; CHUNK];
    while out_open || err_open || code.is_none() {
        if collected.stdout.len() + collected.stderr.len() > cap {
            control.stop();
            return Err(HostError::failed(too_much(cap)));
        }
        if rest.is_empty() {
            input = None;
        }
        tokio::select! {
            read = output.read(&mut out_buffer), if out_open => match read {
                Ok(count) if count > 0 => collected.stdout.extend_from_slice(out_buffer.get(..count).unwrap_or_default()),
                _ => out_open = false,
            },
            read = errors.read(&mut err_buffer), if err_open => match read {
                Ok(count) if count > 0 => collected.stderr.extend_from_slice(err_buffer.get(..count).unwrap_or_default()),
                _ => err_open = false,
            },
            written = feed(&mut input, rest), if input.is_some() => match written {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(_) => rest = &[],
            },
            ended = control.wait(), if code.is_none() => code = Some(ended),
            () = tokio::time::sleep(QUIET), if code.is_some() => break,
        }
    }
    collected.code = code.unwrap_or(-9);
    Ok(collected)
}

async fn feed(input: &mut Option<ChildStdin>, rest: &[u8]) -> std::io::Result<usize> {
    match input {
        Some(pipe) => pipe.write(rest).await,
        None => std::future::pending().await,
    }
}

pub(crate) fn too_much(cap: usize) -> String {
    format!("The output is larger than {} MiB, so the command was ended.", cap >> 20)
}

/// The pipes as a stream whose last end, when dropped, ends the program.
pub(crate) fn into_stream(running: Running) -> ByteStream {
    let errors = drain_errors(running.stderr, running.control.clone());
    ByteStream {
        input: Box::new(PipeSink { pipe: Some(running.stdin), control: running.control.clone() }),
        output: Box::new(PipeSource { pipe: running.stdout, _control: running.control.clone() }),
        errors: Box::new(Held { drain: errors, _control: running.control }),
    }
}

/// Always reads a program's messages, so that it never blocks on them; the latest are kept.
fn drain_errors(mut pipe: ChildStderr, control: Arc<Control>) -> Drain {
    let (feeder, drain) = queue(ERRORS_KEPT, Overflow::DropOldest);
    let exit = control.exit.clone();
    drop(control);
    tokio::spawn(async move {
        let mut exit = exit;
        let mut ended = false;
        loop {
            let mut chunk = vec![0; 8 * 1024];
            tokio::select! {
                read = pipe.read(&mut chunk) => match read {
                    Ok(count) if count > 0 => {
                        chunk.truncate(count);
                        feeder.push(chunk);
                    }
                    _ => break,
                },
                _ = exit.wait_for(Option::is_some), if !ended => ended = true,
                () = tokio::time::sleep(QUIET), if ended => break,
            }
        }
        feeder.finish(Ok(()));
    });
    drain
}

struct Held {
    drain: Drain,
    _control: Arc<Control>,
}

impl ByteSource for Held {
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Vec<u8>>, HostError>> {
        self.drain.receive()
    }
}

struct PipeSource {
    pipe: ChildStdout,
    _control: Arc<Control>,
}

impl ByteSource for PipeSource {
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Vec<u8>>, HostError>> {
        Box::pin(async move {
            let mut chunk = Vec::with_capacity(CHUNK);
            match self.pipe.read_buf(&mut chunk).await {
                Ok(0) => Ok(None),
                Ok(_) => Ok(Some(chunk)),
                Err(error) => Err(HostError::Lost { message: error.to_string() }),
            }
        })
    }
}

struct PipeSink {
    pipe: Option<ChildStdin>,
    control: Arc<Control>,
}

impl ByteSink for PipeSink {
    fn send<'a>(&'a mut self, bytes: Vec<u8>) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(async move {
            let lost = |message: String| HostError::Lost { message };
            let Some(pipe) = &mut self.pipe else { return Err(lost("the input is closed".into())) };
            let written = async {
                pipe.write_all(&bytes).await?;
                pipe.flush().await
            };
            written.await.map_err(|error| {
                let code = self.control.exit_code().map(|code| format!(" (it ended with code {code})"));
                lost(format!("the program does not read its input: {error}{}", code.unwrap_or_default()))
            })
        })
    }

    fn close<'a>(&'a mut self) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.pipe = None;
        })
    }
}
