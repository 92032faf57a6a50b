//! A clean place to run a program in: its own home and working directory, and no settings of the person who tests.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use crate::program;

/// A temporary directory with `home/` and `work/` (the current directory of what runs).
///
/// Its path has always the same length, as warnings are wrapped at 79 columns.
pub struct Sandbox {
    directory: TempDir,
}

/// What a program did.
#[derive(Debug)]
#[must_use]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    /// As a shell would say it: negative for a signal.
    pub code: i32,
    pub seconds: f64,
    /// The most memory the program itself held.
    pub peak_kib: u64,
}

/// A program on its way, in a process group of its own.
pub struct Running {
    child: Child,
    started: Instant,
    deadline: Duration,
    outputs: PathBuf,
    peak_kib: u64,
}

impl Sandbox {
    pub fn new() -> Self {
        let directory =
            tempfile::Builder::new().prefix("ftlcase").rand_bytes(8).tempdir_in("/tmp").expect("a place in /tmp");
        for name in ["home", "work"] {
            fs::create_dir(directory.path().join(name)).expect("a fresh directory");
        }
        Sandbox { directory }
    }

    /// The directory above `home` and `work`.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    pub fn work(&self) -> PathBuf {
        self.root().join("work")
    }

    /// Writes a file below `work/`; a text that opens with `#!` becomes a program.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().expect("a name")).expect("directories");
        fs::write(&path, text).expect("a written file");
        if text.starts_with("#!") {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.work().join(name)).unwrap_or_default()
    }

    pub fn has(&self, name: &str) -> bool {
        self.work().join(name).exists()
    }

    /// A command that sees nothing of the world of the person who tests.
    pub fn command(&self, program: &Path) -> Command {
        let venv = program::ansible();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", format!("{}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", venv.display()))
            .env("HOME", self.root().join("home"))
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("USER", "root")
            .env("VIRTUAL_ENV", venv)
            .current_dir(self.work());
        command
    }

    /// Runs `ftl-play` with these arguments to its end.
    pub fn play(&self, arguments: &[&str]) -> Outcome {
        self.start(arguments).finish()
    }

    /// Starts `ftl-play` with these arguments.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(program::ftl_play());
        command.args(arguments);
        self.spawn(command)
    }

    /// Starts a command; it may take two minutes.
    pub fn spawn(&self, mut command: Command) -> Running {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let outputs = self.root().join(format!("output{number}"));
        fs::create_dir(&outputs).expect("a fresh directory");
        let file = |name: &str| File::create(outputs.join(name)).expect("an output file");
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr")).process_group(0);
        let child =
            command.spawn().unwrap_or_else(|error| panic!("{:?} does not start: {error}", command.get_program()));
        Running { child, started: Instant::now(), deadline: Duration::from_secs(120), outputs, peak_kib: 0 }
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Running {
    pub fn within(mut self, seconds: u64) -> Self {
        self.deadline = Duration::from_secs(seconds);
        self
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.outputs.join("stdout")).unwrap_or_default()).into_owned()
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits for the end; a program that is late is killed and fails the test.
    pub fn finish(mut self) -> Outcome {
        let status = loop {
            self.peak_kib = self.peak_kib.max(peak_of(self.child.id()));
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                break status;
            }
            if self.started.elapsed() > self.deadline {
                if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
                    let _ = kill_process_group(pid, Signal::KILL);
                }
                let _ = self.child.wait();
                panic!("still running after {:?}:\n{}\n{}", self.deadline, self.stdout(), self.stderr());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Outcome {
            stdout: self.stdout(),
            stderr: self.stderr(),
            code: status.code().unwrap_or_else(|| -status.signal().unwrap_or(0)),
            seconds: self.started.elapsed().as_secs_f64(),
            peak_kib: self.peak_kib,
        }
    }

    fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.outputs.join("stderr")).unwrap_or_default()).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Outcome {
    /// Fails the test, with all output, unless the program ended with this code.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "exit code, of\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test, with all output, unless stdout or stderr holds this text.
    #[track_caller]
    pub fn expect_text(&self, text: &str) -> &Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "no {text:?} in\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Fails the test, with all output, if stdout or stderr holds this text.
    #[track_caller]
    pub fn expect_no_text(&self, text: &str) -> &Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "{text:?} in\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Fails the test unless the program ended in time.
    #[track_caller]
    pub fn expect_within(&self, seconds: f64) -> &Self {
        assert!(
            self.seconds <= seconds,
            "took {:.1} s, more than {seconds} s:\n{}\n--- stderr\n{}",
            self.seconds,
            self.stdout,
            self.stderr
        );
        self
    }
}

fn peak_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}
