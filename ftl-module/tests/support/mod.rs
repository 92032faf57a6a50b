//! A runtime over local pipes: real Python gates, real modules, no network.
#![allow(unreachable_pub)]
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ftl_core::call::{
    ConnectionOptions, ExecOutput, ExecRequest, Interpreter, ModuleAnswer, ModuleCall, ModuleOptions, ModuleSearch,
    Target,
};
use ftl_core::port::{BoxFuture, ByteSink, ByteSource, ByteStream, Connection, Connector, ModuleRuntime};
use ftl_core::result::HostError;
use ftl_core::value::{Map, Value};
use ftl_module::{NativeModules, Runtime, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};

/// Runs everything below `/bin/sh` on this machine.
#[derive(Default)]
pub struct Pipes {
    /// How many gates were started.
    pub opened: Arc<AtomicUsize>,
    /// Only one program at a time may be started, as with sshd's `MaxSessions 1`.
    pub single: Arc<AtomicBool>,
    /// Nothing more is sent: a controller that was stopped, or a link that lost its packets.
    pub mute: Arc<AtomicBool>,
}

impl Connector for Pipes {
    fn connect<'a>(
        &'a self,
        _host: &'a str,
        _options: &'a ConnectionOptions,
    ) -> BoxFuture<'a, Result<Arc<dyn Connection>, HostError>> {
        let connection: Arc<dyn Connection> =
            Arc::new(Shell { opened: self.opened.clone(), mute: self.mute.clone(), single: self.single.clone() });
        Box::pin(async move { Ok(connection) })
    }
}

struct Shell {
    opened: Arc<AtomicUsize>,
    mute: Arc<AtomicBool>,
    single: Arc<AtomicBool>,
}

fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    shell
}

impl Connection for Shell {
    fn exec<'a>(&'a self, request: &'a ExecRequest) -> BoxFuture<'a, Result<ExecOutput, HostError>> {
        Box::pin(async move {
            let mut child = shell(&request.command).envs(request.environment.clone()).spawn().unwrap();
            let mut input = child.stdin.take().unwrap();
            let _ = input.write_all(&request.stdin).await;
            drop(input);
            let output = child.wait_with_output().await.unwrap();
            Ok(ExecOutput { rc: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr: output.stderr })
        })
    }

    fn open<'a>(&'a self, command: &'a str) -> BoxFuture<'a, Result<ByteStream, HostError>> {
        Box::pin(async move {
            if self.opened.fetch_add(1, Ordering::Relaxed) > 0 && self.single.load(Ordering::Relaxed) {
                return Err(HostError::failed("channel refused"));
            }
            let mut child = shell(command).spawn().unwrap();
            let (input, output, errors) =
                (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
            tokio::spawn(reap(child));
            let input = Box::new(Sink(Some(input), self.mute.clone()));
            Ok(ByteStream { input, output: Box::new(Pipe(output)), errors: Box::new(Pipe(errors)) })
        })
    }

    fn is_open(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        "pipes".into()
    }
}

async fn reap(mut child: Child) {
    let _ = child.wait().await;
}

struct Sink(Option<ChildStdin>, Arc<AtomicBool>);
impl ByteSink for Sink {
    fn send<'a>(&'a mut self, bytes: Vec<u8>) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(async move {
            let lost = |_| HostError::Lost { message: "closed".into() };
            match &mut self.0 {
                _ if self.1.load(Ordering::Relaxed) => Ok(()),
                Some(input) => input.write_all(&bytes).await.map_err(lost),
                None => Err(lost(std::io::Error::other("closed"))),
            }
        })
    }
    fn close<'a>(&'a mut self) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.0.take();
        })
    }
}

struct Pipe<R>(R);
impl<R: AsyncReadExt + Unpin + Send> ByteSource for Pipe<R> {
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Vec<u8>>, HostError>> {
        Box::pin(async move {
            let mut buffer = Vec::with_capacity(65536);
            match self.0.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => Ok(None),
                Ok(_) => Ok(Some(buffer)),
            }
        })
    }
}

/// The site-packages with ansible-core, of the Python that `FTL_TEST_ANSIBLE` names or the `python3` in PATH.
pub fn ansible() -> PathBuf {
    let python = std::env::var_os("FTL_TEST_ANSIBLE").unwrap_or("python3".into());
    let script = "import ansible, os; print(os.path.dirname(os.path.dirname(ansible.__file__)))";
    let output = std::process::Command::new(python).args(["-c", script]).output();
    match output.map(|output| String::from_utf8(output.stdout).unwrap().trim().to_owned()) {
        Ok(path) if !path.is_empty() => path.into(),
        _ => panic!("these tests need ansible-core: set FTL_TEST_ANSIBLE to a Python that has it (tests/run does)"),
    }
}

/// Everything one test needs, removed at its end.
pub struct Lab {
    pub directory: tempfile::TempDir,
    pub runtime: Runtime,
    pub search: ModuleSearch,
    pub opened: Arc<AtomicUsize>,
    pub mute: Arc<AtomicBool>,
    pub single: Arc<AtomicBool>,
}

impl Lab {
    pub fn new() -> Lab {
        Lab::make(None)
    }

    pub fn with_natives(natives: Arc<dyn NativeModules>) -> Lab {
        Lab::make(Some(natives))
    }

    fn make(natives: Option<Arc<dyn NativeModules>>) -> Lab {
        let directory = tempfile::tempdir().unwrap();
        // Readable for the users of other gates.
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let library = directory.path().join("library");
        std::fs::create_dir(&library).unwrap();
        let settings = Settings {
            ansible_core: Some(ansible()),
            cache_dir: directory.path().join("cache"),
            collections_paths: vec![directory.path().join("collections")],
            ..Settings::default()
        };
        let connector = Pipes::default();
        let (opened, mute, single) = (connector.opened.clone(), connector.mute.clone(), connector.single.clone());
        let runtime = Runtime::new(settings, Arc::new(connector), natives);
        let search = ModuleSearch { library: vec![library], ..ModuleSearch::default() };
        Lab { directory, runtime, search, opened, mute, single }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, with its directories.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn call(&self, module: &str, args: &[(&str, Value)]) -> ModuleCall {
        ModuleCall {
            module: self.runtime.find(module, &self.search).unwrap(),
            args: Value::dict(args.iter().map(|(k, v)| (*k, v.clone())).collect::<Map>()),
            check: false,
            diff: false,
            no_log: false,
            verbosity: 0,
            environment: Vec::new(),
            timeout: None,
            background: None,
            interpreter: None,
            options: Arc::new(ModuleOptions { native: "off".into(), ..ModuleOptions::default() }),
        }
    }

    /// A local target whose gate keeps its files in the lab.
    pub fn local(&self) -> Target {
        self.target("local", "localhost")
    }

    /// A target that is another host as far as the runtime knows: packs are sent to it.
    pub fn remote(&self) -> Target {
        self.target("ssh", "web1")
    }

    fn target(&self, kind: &str, host: &str) -> Target {
        Target {
            host: host.into(),
            connection: Arc::new(ConnectionOptions {
                kind: kind.into(),
                timeout: 30,
                remote_tmp: Some(self.path("remote").to_string_lossy().into_owned()),
                ..ConnectionOptions::default()
            }),
            become_as: None,
            interpreter: Interpreter::Path(python()),
        }
    }

    pub async fn run(&self, target: &Target, module: &str, args: &[(&str, Value)]) -> Result<ModuleAnswer, HostError> {
        self.runtime.run(target, self.call(module, args)).await
    }
}

pub fn python() -> String {
    "/usr/bin/python3".into()
}

pub fn text<'a>(map: &'a Map, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("{key} in {map:?}"))
}

pub fn message(error: HostError) -> String {
    error.message()
}

/// Waits until nothing in the process table has `word` in its command line or environment.
pub async fn gone(word: &str, within: Duration) -> bool {
    let until = std::time::Instant::now() + within;
    loop {
        if processes(word).is_empty() {
            return true;
        }
        if std::time::Instant::now() > until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub fn processes(word: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        if pid == std::process::id() {
            continue;
        }
        let text = [std::fs::read(entry.path().join("cmdline")), std::fs::read(entry.path().join("environ"))];
        let contains = |t: &Vec<u8>| t.windows(word.len()).any(|w| w == word.as_bytes());
        if text.iter().flatten().any(contains) {
            found.push(pid);
        }
    }
    found
}

pub fn exists(path: &Path) -> bool {
    path.exists()
}
