//! Connects by SSH: resolves the configuration, chooses the way, and tries within its deadlines.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use ftl_core::call::{ConnectionOptions, ExecOutput, ExecRequest};
use ftl_core::port::{BoxFuture, ByteStream, Connection};
use ftl_core::result::HostError;
use futures::FutureExt as _;
use russh::AlgorithmKind;
use russh::client::Config;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::algorithms::preferred;
use super::arguments::{command_line, split};
use super::authenticate::Authentication;
use super::channel::{Gathered, Remote, StartError};
use super::command::{Mark, kill_command, shell_command};
use super::config::{HostConfig, Resolver, expand, named_file};
use super::dial::{self, Transport};
use super::drops::{Address, Addresses, Tries};
use super::host_key::HostKeyCheck;
use super::identity::{KeyStore, Wanted};
use super::known_hosts::KnownHosts;
use super::message::{Failure, Notes, unreachable};
use super::program::ProgramConnection;
use super::session::{Report, SshSession, Watcher};
use super::support;
use crate::connector::OUTPUT_CAP;
use crate::settings::ConnectorSettings;

const WINDOW: u32 = 8 << 20;
const PACKET: u32 = 65535;
const MOST_JUMPS: usize = 8;
/// How long the end of a command whose time is over may hold up everything else.
const KILLING: Duration = Duration::from_secs(2);
/// How long a host may keep one of the few places for key exchanges.
const CONNECT_SHARE: Duration = Duration::from_millis(500);
const HANDSHAKE_SHARE: Duration = Duration::from_secs(3);

/// All SSH connections of a run share this.
pub(crate) struct SshBackend {
    settings: Arc<ConnectorSettings>,
    resolver: Resolver,
    keys: KeyStore,
    known_hosts: Arc<KnownHosts>,
    addresses: Addresses,
    handshakes: Arc<Semaphore>,
    jumps: Mutex<HashMap<Vec<String>, Jump>>,
}

type Jump = Arc<tokio::sync::Mutex<Weak<SshSession>>>;

/// Everything one connection is made from.
#[derive(Clone)]
struct Plan {
    original: String,
    config: Arc<HostConfig>,
    line: Vec<String>,
    options: ConnectionOptions,
}

impl Plan {
    /// Over name lookup, connection, key exchange and authentication together.
    fn deadline(&self) -> Duration {
        let configured = self.config.number("connecttimeout").filter(|seconds| *seconds > 0);
        let asked = u64::from(self.options.timeout);
        Duration::from_secs(configured.unwrap_or(if asked > 0 { asked } else { 10 }))
    }
}

impl SshBackend {
    pub(crate) fn new(settings: Arc<ConnectorSettings>) -> SshBackend {
        SshBackend {
            resolver: Resolver::new(settings.clone()),
            keys: KeyStore::default(),
            known_hosts: Arc::default(),
            addresses: Addresses::new(settings.window),
            handshakes: Arc::new(Semaphore::new(settings.handshakes.max(1))),
            jumps: Mutex::default(),
            settings,
        }
    }

    pub(crate) async fn connect(
        self: &Arc<Self>,
        host: &str,
        options: &ConnectionOptions,
    ) -> Result<Arc<dyn Connection>, HostError> {
        let original = if options.address.is_empty() { host } else { &options.address };
        let line = command_line(options, &self.settings).map_err(|problem| unreachable(&problem))?;
        if let Some(program) = options.ssh_executable.as_deref().filter(|program| *program != "ssh") {
            let reason = format!("ssh_executable is {program}");
            return self.connect_by_program(original, options, &line, reason).await;
        }
        let config = self.resolver.resolve("ssh", original, &line).await.map_err(|problem| unreachable(&problem))?;
        if let Some(reason) = self.program_reason(&config, &line).await {
            return self.connect_by_program(original, options, &line, reason).await;
        }
        let plan = Plan { original: original.to_string(), config, line: line.clone(), options: options.clone() };
        match self.dial(&plan, 0).await {
            Ok(session) => Ok(Arc::new(NativeConnection { backend: self.clone(), plan, session })),
            Err(Failure::NeedsProgram(reason)) => self.connect_by_program(original, options, &line, reason).await,
            Err(failure) => Err(report(&failure, options)),
        }
    }

    async fn program_reason(&self, config: &HostConfig, line: &[String]) -> Option<String> {
        let baseline = match support::has_unknown(config) {
            true => self.resolver.baseline("ssh").await,
            false => None,
        };
        support::needs_program(config, line, baseline.as_deref())
            .or_else(|| preferred(config).err().map(|kind| format!("no {kind} in common")))
    }

    async fn connect_by_program(
        &self,
        original: &str,
        options: &ConnectionOptions,
        line: &[String],
        reason: String,
    ) -> Result<Arc<dyn Connection>, HostError> {
        let connection = ProgramConnection::connect(&self.settings, original, options, line, reason).await?;
        Ok(Arc::new(connection))
    }

    /// An authenticated session; tries again where that helps.
    async fn dial(&self, plan: &Plan, depth: usize) -> Result<Arc<SshSession>, Failure> {
        let (host, port) = (plan.config.hostname(), plan.config.port());
        let address = self.addresses.get(&format!("{host}:{port}"));
        let mut tries = Tries::new(plan.options.retries);
        loop {
            let failure = match self.attempt(plan, &address, depth).await {
                Ok(session) => {
                    address.accepted.store(true, Ordering::Relaxed);
                    return Ok(session);
                }
                Err(failure) => failure,
            };
            match tries.pause(&failure, &address) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failure),
            }
        }
    }

    async fn attempt(&self, plan: &Plan, address: &Address, depth: usize) -> Result<Arc<SshSession>, Failure> {
        let below = match plan.config.some("proxyjump") {
            Some(jumps) => Some(self.jump(jumps, plan, depth).await?),
            None => None,
        };
        // Only now: a jump host may be the same address once more.
        let _window = address.window.acquire().await;
        let place = self.handshakes.clone().acquire_owned().await.ok();
        let deadline = plan.deadline();
        let started = Instant::now();
        let (host, port) = (plan.config.hostname(), plan.config.port());
        let connect = self.transport(plan, below.as_ref());
        let (transport, place) = sharing(place, CONNECT_SHARE, async {
            let timed_out = || Failure::Final(format!("ssh: connect to host {host} port {port}: Connection timed out"));
            tokio::time::timeout(deadline, connect).await.unwrap_or_else(|_| Err(timed_out()))
        })
        .await;
        let transport = transport?;
        // Waiting for a place is our own business and costs the host nothing of its time.
        let left = deadline.saturating_sub(started.elapsed());
        let place = match place {
            Some(place) => Some(place),
            None => self.handshakes.clone().acquire_owned().await.ok(),
        };
        let handshake = AssertUnwindSafe(self.handshake(plan, transport)).catch_unwind();
        let (session, _) = sharing(place, HANDSHAKE_SHARE, tokio::time::timeout(left, handshake)).await;
        match session {
            Ok(Ok(session)) => session.map(Arc::new),
            Ok(Err(_)) => {
                Err(Failure::Final(format!("the host sent something that broke the SSH library: {host} port {port}")))
            }
            Err(_) => Err(Failure::Final(format!(
                "Connection timed out during banner exchange\r\nConnection to {host} port {port} timed out"
            ))),
        }
    }

    async fn transport(&self, plan: &Plan, below: Option<&Arc<SshSession>>) -> Result<Transport, Failure> {
        match (below, plan.config.some("proxycommand")) {
            (Some(session), _) => dial::through(session, &plan.config).await,
            (None, Some(text)) => dial::command(text, &plan.config, &plan.original, &self.settings),
            (None, None) => dial::socket(&plan.config, self.settings.keepalive * 3).await,
        }
    }

    /// The session to the last of a list of jump hosts; the earlier ones are its own jumps.
    fn jump<'a>(
        &'a self,
        jumps: &'a str,
        plan: &'a Plan,
        depth: usize,
    ) -> BoxFuture<'a, Result<Arc<SshSession>, Failure>> {
        Box::pin(async move {
            if depth >= MOST_JUMPS {
                return Err(Failure::Final("too many jump hosts".into()));
            }
            let (earlier, last) = match jumps.rsplit_once(',') {
                Some((earlier, last)) => (Some(earlier), last.trim()),
                None => (None, jumps.trim()),
            };
            let hop = Hop::parse(last).ok_or_else(|| Failure::Final(format!("Invalid -J argument: {last}")))?;
            let mut line = Vec::new();
            // As OpenSSH does for a jump: its own configuration, with nothing of the target's but the file.
            let mut option = |flag: &str, value: &str| line.extend([flag.to_string(), value.to_string()]);
            named_file(&plan.line).and_then(|file| file.to_str()).into_iter().for_each(|file| option("-F", file));
            earlier.into_iter().for_each(|earlier| option("-J", earlier));
            hop.user.iter().for_each(|user| option("-l", user));
            hop.port.iter().for_each(|port| option("-p", port));
            option("-o", "BatchMode=yes");
            let mut key = line.clone();
            key.push(hop.host.clone());
            let slot = {
                let mut jumps = self.jumps.lock().unwrap_or_else(PoisonError::into_inner);
                jumps.entry(key).or_default().clone()
            };
            let mut slot = slot.lock().await;
            if let Some(session) = slot.upgrade().filter(|session| session.is_open()) {
                return Ok(session);
            }
            let config = self.resolver.resolve("ssh", &hop.host, &line).await.map_err(Failure::Final)?;
            if let Some(reason) = self.program_reason(&config, &line).await {
                return Err(Failure::NeedsProgram(format!("{reason} (jump host {})", hop.host)));
            }
            let options = ConnectionOptions { timeout: plan.options.timeout, ..Default::default() };
            let session = self.dial(&Plan { original: hop.host, config, line, options }, depth + 1).await?;
            *slot = Arc::downgrade(&session);
            Ok(session)
        })
    }

    async fn handshake(&self, plan: &Plan, transport: Transport) -> Result<SshSession, Failure> {
        let Plan { config, original, options, .. } = plan;
        let notes = Arc::new(Notes::default());
        let report = Arc::new(Report::new(notes.clone(), config.hostname(), config.port()));
        let check = Arc::new(HostKeyCheck::new(config, original, &self.settings, self.known_hosts.clone()));
        let wanted = Wanted {
            config,
            original,
            settings: &self.settings,
            passphrase: options.private_key_passphrase.as_ref(),
            explicit: options.private_key_file.is_some(),
        };
        let lent = self.lent_agent(config, original, &wanted);
        let forward_agent = lent.is_some();
        let settings = self.client_config(config, &check)?;
        let (watcher, gone) = Watcher::new(check, report.clone(), lent);
        let connected = russh::client::connect_stream(Arc::new(settings), transport, watcher).await;
        let mut handle = connected.map_err(|error| connect_failure(&error, &report))?;
        let authentication = Authentication {
            handle: &mut handle,
            wanted,
            keys: &self.keys,
            password: options.password.as_ref(),
            notes: &notes,
            report: &report,
        };
        authentication.run().await?;
        let environment = sent_environment(config, &self.settings);
        Ok(SshSession { handle, report, gone, environment, forward_agent, patience: plan.deadline() })
    }

    fn lent_agent(&self, config: &HostConfig, original: &str, wanted: &Wanted<'_>) -> Option<PathBuf> {
        match config.some("forwardagent") {
            None | Some("no" | "false") => None,
            Some("yes" | "true") => wanted.agent_socket(),
            Some(variable) if variable.starts_with('$') && !variable.starts_with("${") => {
                self.settings.variable(variable.trim_start_matches('$')).map(PathBuf::from)
            }
            Some(path) => Some(PathBuf::from(expand(path, config, original, &self.settings))),
        }
    }

    fn client_config(&self, config: &HostConfig, check: &HostKeyCheck) -> Result<Config, Failure> {
        let mut preferred = preferred(config).map_err(|kind| Failure::NeedsProgram(format!("no {kind} in common")))?;
        let (keys, certificates) = check.preferred(config.text("hostkeyalgorithms"));
        preferred.key = keys.into();
        preferred.host_key_certificates = certificates.into();
        // A host's own setting may be stricter than ours, never laxer.
        let own = config.number("serveraliveinterval").filter(|seconds| *seconds > 0).map(Duration::from_secs);
        let interval = own.unwrap_or(self.settings.keepalive).min(self.settings.keepalive);
        let count = config.number("serveralivecountmax").unwrap_or(3).clamp(1, 3);
        Ok(Config {
            window_size: WINDOW,
            maximum_packet_size: PACKET,
            preferred,
            keepalive_interval: Some(interval),
            keepalive_max: usize::try_from(count.saturating_sub(1)).unwrap_or(2).max(1),
            // Answers to keepalives count as activity, so this only ends a session that is stuck while sending.
            inactivity_timeout: Some(interval * 3 + Duration::from_secs(1)),
            nodelay: true,
            ..Config::default()
        })
    }
}

/// A failure as Ansible tells it.
pub(crate) fn report(failure: &Failure, options: &ConnectionOptions) -> HostError {
    let unknown = failure.text().contains("Host key verification failed");
    if unknown && options.password.is_some() && options.host_key_checking {
        return HostError::failed(
            "Using a SSH password instead of a key is not possible because Host Key checking is enabled. \
             Please add this host's fingerprint to your known_hosts file to manage this host.",
        );
    }
    unreachable(failure.text())
}

/// Runs a future while holding a place, and gives the place up when it takes too long.
async fn sharing<T>(
    place: Option<OwnedSemaphorePermit>,
    share: Duration,
    work: impl Future<Output = T>,
) -> (T, Option<OwnedSemaphorePermit>) {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return (done, place),
        () = tokio::time::sleep(share) => {}
    }
    drop(place);
    (work.await, None)
}

/// Why a session did not come about before authentication.
fn connect_failure(error: &russh::Error, report: &Report) -> Failure {
    use russh::Error;
    let peer = report.peer();
    if let Some(refusal) = report.refusal() {
        return Failure::Final(report.notes.with(&refusal));
    }
    match error {
        Error::Disconnect | Error::HUP => Failure::Dropped(format!(
            "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by {peer}"
        )),
        Error::IO(error) => match error.kind() {
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => Failure::Dropped(format!(
                "kex_exchange_identification: read: {}\r\nConnection reset by {peer}",
                super::message::io_text(error)
            )),
            std::io::ErrorKind::UnexpectedEof => Failure::Dropped(format!("Connection closed by {peer}")),
            _ => Failure::Final(format!("Connection to {peer}: {}", super::message::io_text(error))),
        },
        Error::NoCommonAlgo { kind, theirs, .. } => {
            let kind = match kind {
                AlgorithmKind::Kex => "key exchange method",
                AlgorithmKind::Key => "host key type",
                AlgorithmKind::Cipher => "cipher",
                AlgorithmKind::Compression => "compression",
                AlgorithmKind::Mac => "MAC",
            };
            let theirs = theirs.join(",");
            Failure::Final(format!("Unable to negotiate with {peer}: no matching {kind} found. Their offer: {theirs}"))
        }
        other => Failure::Final(format!("Connection to {peer}: {other}")),
    }
}

/// `SendEnv` and `SetEnv` of the configuration.
fn sent_environment(config: &HostConfig, settings: &ConnectorSettings) -> Vec<(String, String)> {
    let mut sent: Vec<(String, String)> = Vec::new();
    for text in config.all("setenv") {
        for word in split(text).unwrap_or_default() {
            if let Some((name, value)) = word.split_once('=') {
                sent.push((name.into(), value.into()));
            }
        }
    }
    let patterns: Vec<&str> = config.all("sendenv").flat_map(str::split_whitespace).collect();
    for (name, value) in &settings.environment {
        let wanted = patterns.iter().any(|pattern| super::parser::wildcard(pattern, name));
        if wanted && !sent.iter().any(|(known, _)| known == name) {
            sent.push((name.clone(), value.clone()));
        }
    }
    sent
}

/// One host of `-J`: `[user@]host[:port]` or `ssh://…`.
struct Hop {
    user: Option<String>,
    host: String,
    port: Option<String>,
}

impl Hop {
    fn parse(text: &str) -> Option<Hop> {
        let text = text.strip_prefix("ssh://").unwrap_or(text).trim_end_matches('/');
        let (user, place) = match text.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_string()), place),
            None => (None, text),
        };
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None if place.matches(':').count() == 1 => place.split_once(':').map(|(host, port)| (host, Some(port)))?,
            None => (place, None),
        };
        let sound = !host.is_empty() && !host.starts_with('-');
        sound.then(|| Hop { user, host: host.to_string(), port: port.map(ToString::to_string) })
    }
}

/// A connection made by this process.
struct NativeConnection {
    backend: Arc<SshBackend>,
    plan: Plan,
    session: Arc<SshSession>,
}

impl NativeConnection {
    async fn start(&self, command: &str) -> Result<Remote, HostError> {
        let reason = match self.session.start(command).await {
            Ok(remote) => return Ok(remote),
            Err(StartError::Lost(error)) => return Err(error),
            Err(StartError::Refused(reason)) => reason,
        };
        // MaxSessions: the host gives every connection only so many channels, so there is another connection.
        let session = self.backend.dial(&self.plan, 0).await.map_err(|failure| report(&failure, &self.plan.options))?;
        match session.start(command).await {
            Ok(remote) => Ok(remote),
            Err(StartError::Lost(error)) => Err(error),
            Err(StartError::Refused(_)) => Err(unreachable(&format!("channel 0: open failed: {reason}"))),
        }
    }
}

impl NativeConnection {
    /// Ends what a command started: by its process group, because many hosts refuse signals over SSH.
    async fn kill(&self, process: Option<u32>, killer: impl Future<Output = ()>) {
        if let Some(process) = process {
            let kill = async {
                if let Ok(remote) = self.session.start(&kill_command(process)).await {
                    let _ = remote.collect(&[], OUTPUT_CAP, &mut Gathered::default()).await;
                }
            };
            let _ = tokio::time::timeout(KILLING, kill).await;
        }
        killer.await;
    }
}

impl Connection for NativeConnection {
    fn exec<'a>(&'a self, request: &'a ExecRequest) -> BoxFuture<'a, Result<ExecOutput, HostError>> {
        Box::pin(async move {
            let line = shell_command(request);
            let Some(limit) = request.timeout else {
                let remote = self.start(&line).await?;
                let mut gathered = Gathered::default();
                let rc = remote.collect(&request.stdin, OUTPUT_CAP, &mut gathered).await?;
                return Ok(ExecOutput { rc, stdout: gathered.out, stderr: gathered.err });
            };
            let mark = Mark::new();
            let remote = self.start(&mark.marked(&line)).await?;
            let killer = remote.killer();
            let mut gathered = Gathered::default();
            let collected =
                tokio::time::timeout(limit, remote.collect(&request.stdin, OUTPUT_CAP, &mut gathered)).await;
            let process = mark.take(&mut gathered.err);
            match collected {
                Ok(rc) => Ok(ExecOutput { rc: rc?, stdout: gathered.out, stderr: gathered.err }),
                Err(_) => {
                    self.kill(process, killer).await;
                    Err(HostError::TimedOut { seconds: limit.as_secs() })
                }
            }
        })
    }

    fn open<'a>(&'a self, command: &'a str) -> BoxFuture<'a, Result<ByteStream, HostError>> {
        Box::pin(async move { Ok(self.start(command).await?.into_stream()) })
    }

    fn is_open(&self) -> bool {
        self.session.is_open()
    }

    fn describe(&self) -> String {
        let config = &self.plan.config;
        let changed = if self.session.report.is_tolerated() { " (its host key has changed)" } else { "" };
        format!("ssh: {}@{}:{}{changed}", config.user(), config.hostname(), config.port())
    }
}

impl Drop for NativeConnection {
    fn drop(&mut self) {
        // Streams that are still in use keep the session; otherwise it says goodbye.
        if Arc::strong_count(&self.session) == 1
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let session = self.session.clone();
            runtime.spawn(async move { session.close().await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_jumps() {
        let check = |text: &str, expected: Option<(Option<&str>, &str, Option<&str>)>| {
            let hop = Hop::parse(text);
            let found = hop.as_ref().map(|hop| (hop.user.as_deref(), hop.host.as_str(), hop.port.as_deref()));
            assert_eq!(found, expected, "{text}");
        };
        check("gate", Some((None, "gate", None)));
        check("u@gate:2222", Some((Some("u"), "gate", Some("2222"))));
        check("ssh://u@[::1]:22", Some((Some("u"), "::1", Some("22"))));
        check("::1", Some((None, "::1", None)));
        check("-oProxyCommand=x", None);
    }
}
