//! Open connections and running gates: one connection per host, one gate per host, user and Python.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ftl_core::call::{Become, ConnectionOptions, Discovery, Interpreter, Target};
use ftl_core::port::{ByteStream, Connection, Connector};
use ftl_core::result::HostError;
use ftl_gate::launch::FALLBACK;
use ftl_gate::protocol::Config;
use ftl_gate::{Gate, Launch, Program};
use tokio::sync::Mutex as AsyncMutex;

use crate::ansible::package::CorePack;
use crate::privilege::Escalation;

/// How long a gate may take to start, at least; slow hosts get what the connection's timeout says when that is more.
const START: Duration = Duration::from_secs(30);
/// How long a gate may take to end everything it started: TERM, two seconds, KILL.
const END: Duration = Duration::from_secs(4);

pub struct Pool {
    connector: Arc<dyn Connector>,
    hosts: Mutex<HashMap<HostKey, Arc<Host>>>,
}

/// Local targets share everything, whatever their host.
#[derive(Clone, PartialEq, Eq, Hash)]
enum HostKey {
    Local { cwd: Option<PathBuf>, remote_tmp: Option<String> },
    Remote { host: Arc<str>, connection: Arc<ConnectionOptions> },
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct GateKey {
    interpreter: String,
    become_as: Option<Become>,
}

type GateSlot = Arc<AsyncMutex<Option<Arc<Gate>>>>;

/// What is open to one host.
pub struct Host {
    connection: AsyncMutex<Option<Arc<dyn Connection>>>,
    gates: Mutex<HashMap<GateKey, GateSlot>>,
    /// The Pythons that were found, by the candidates.
    discovered: Mutex<HashMap<Vec<String>, Discovered>>,
    discovery: AsyncMutex<()>,
}

/// The Python of a host.
#[derive(Clone)]
pub struct Discovered {
    pub path: String,
    pub how: Found,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is one of the candidates.
    Candidate,
    /// None of them was there.
    Fallback,
    /// They could not be looked for.
    Unreadable,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn is_local(target: &Target) -> bool {
    matches!(target.connection.kind.as_str(), "local" | "ansible.builtin.local")
}

impl Pool {
    pub fn new(connector: Arc<dyn Connector>) -> Pool {
        Pool { connector, hosts: Mutex::default() }
    }

    pub fn host(&self, target: &Target) -> Arc<Host> {
        let options = &target.connection;
        let key = match is_local(target) {
            true => HostKey::Local { cwd: options.local_cwd.clone(), remote_tmp: options.remote_tmp.clone() },
            false => HostKey::Remote { host: target.host.clone(), connection: options.clone() },
        };
        lock(&self.hosts).entry(key).or_insert_with(|| Arc::new(Host::new())).clone()
    }

    pub async fn connection(&self, target: &Target) -> Result<Arc<dyn Connection>, HostError> {
        let host = self.host(target);
        let mut slot = host.connection.lock().await;
        if let Some(open) = slot.as_ref().filter(|connection| connection.is_open()) {
            return Ok(open.clone());
        }
        let connection = self.connector.connect(&target.host, &target.connection).await?;
        *slot = Some(connection.clone());
        Ok(connection)
    }

    /// The gate for a target, started when there is none.
    pub async fn gate(&self, target: &Target, pack: Option<&CorePack>) -> Result<Arc<Gate>, HostError> {
        let host = self.host(target);
        let path = match &target.interpreter {
            Interpreter::Path(path) => path.clone(),
            Interpreter::Discover(discovery) => match host.discovered(discovery) {
                Some(found) => found.path,
                None => return self.discover(&host, target, discovery, pack).await,
            },
        };
        let slot = host.slot(GateKey { interpreter: path.clone(), become_as: target.become_as.clone() });
        let mut slot = slot.lock().await;
        if let Some(open) = slot.as_ref().filter(|gate| gate.is_open()) {
            return Ok(open.clone());
        }
        let gate = Arc::new(self.start(target, Program::Python(path), pack).await?);
        *slot = Some(gate.clone());
        Ok(gate)
    }

    /// The first gate of a host whose Python is not known: looking for it is part of the start.
    async fn discover(
        &self,
        host: &Host,
        target: &Target,
        discovery: &Discovery,
        pack: Option<&CorePack>,
    ) -> Result<Arc<Gate>, HostError> {
        let turn = host.discovery.lock().await;
        let candidates = &discovery.candidates;
        // Ansible's shell command breaks at such a name, and with it the discovery.
        if host.discovered(discovery).is_none() && candidates.iter().any(|name| name.contains('\'')) {
            host.set_discovered(discovery, FALLBACK, Found::Unreadable);
        }
        if host.discovered(discovery).is_some() {
            drop(turn);
            return Box::pin(self.gate(target, pack)).await;
        }
        let first = self.start(target, Program::Discover(candidates.clone()), pack).await;
        let gate = match first {
            // Without details it is not Python that failed.
            Err(HostError::Failed { ref details, .. }) if !details.is_empty() => {
                self.start(target, Program::DiscoverWorking(candidates.clone()), pack).await.or(first)
            }
            other => other,
        };
        let gate = Arc::new(gate?);
        let path = gate.interpreter().to_owned();
        host.set_discovered(discovery, &path, if gate.is_fallback() { Found::Fallback } else { Found::Candidate });
        let key = GateKey { interpreter: path, become_as: target.become_as.clone() };
        *host.slot(key).lock().await = Some(gate.clone());
        Ok(gate)
    }

    async fn start(&self, target: &Target, program: Program, pack: Option<&CorePack>) -> Result<Gate, HostError> {
        let connection = self.connection(target).await?;
        let options = &target.connection;
        let local = is_local(target);
        let here = |pack: &CorePack| local.then(|| pack.directory.to_string_lossy().into_owned());
        let packs: BTreeMap<_, _> = pack.iter().map(|pack| (pack.digest.to_string(), here(pack))).collect();
        let config = Config {
            remote_tmp: options.remote_tmp.clone(),
            cwd: options.local_cwd.as_ref().filter(|_| local).map(|cwd| cwd.to_string_lossy().into_owned()),
            preload: pack.map(|pack| pack.digest.to_string()),
            packs,
        };
        let launch = Launch::new(program, config);
        let escalation = target.become_as.as_ref().map(Escalation::new).transpose()?;
        let command = launch.command(escalation.as_ref().map_or("", |escalation| &escalation.prefix));
        let within = START.max(Duration::from_secs(u64::from(options.timeout)));
        let stream = match tokio::time::timeout(within, connection.open(&command)).await {
            Ok(Err(error)) if target.become_as.is_some() => self.tunnel(target, pack, &command).await.ok_or(error)?,
            Ok(stream) => stream?,
            Err(_) => return Err(HostError::unreachable("The host did not start the gate in time.")),
        };
        launch.start(stream, escalation.as_ref().and_then(|e| e.prompt.as_ref()), within).await
    }

    /// Where the server allows only one channel: starts the command below the gate of the login user, if that runs.
    async fn tunnel(&self, target: &Target, pack: Option<&CorePack>, command: &str) -> Option<ByteStream> {
        let login = Target { become_as: None, ..target.clone() };
        let gate = Box::pin(self.gate(&login, pack)).await.ok()?;
        gate.open(command).await.ok()
    }

    /// Is the connection of a target (if there is one) still up?
    pub async fn is_connected(&self, target: &Target) -> bool {
        let host = self.host(target);
        let slot = host.connection.lock().await;
        slot.as_ref().is_some_and(|connection| connection.is_open())
    }

    /// Ends the gates of other users at a host that have nothing to do.
    pub async fn end_idle_users(&self, target: &Target) {
        let host = self.host(target);
        let others = |key: &GateKey| key.become_as.is_some() && key.become_as != target.become_as;
        let slots: Vec<GateSlot> =
            lock(&host.gates).iter().filter(|(key, _)| others(key)).map(|(_, slot)| slot.clone()).collect();
        for slot in slots {
            // A slot that is locked is just being started: for a task that comes after this one.
            let Ok(mut slot) = slot.try_lock() else { continue };
            if let Some(gate) = slot.take_if(|gate| gate.is_idle()) {
                gate.close(END).await;
                // Its guard goes a moment after it.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// The next task of a user that was changed gets a new gate; those of now end when their tasks have.
    pub fn forget_user(&self, target: &Target, uid: i64) {
        let host = self.host(target);
        lock(&host.gates).retain(|_, slot| match slot.try_lock() {
            Ok(slot) => slot.as_ref().is_none_or(|gate| i64::from(gate.hello().uid) != uid),
            Err(_) => true,
        });
    }

    /// Closes all that is open to a target's host.
    pub async fn reset(&self, target: &Target) {
        let host = self.host(target);
        host.close().await;
    }

    pub async fn close(&self) {
        let hosts: Vec<_> = lock(&self.hosts).drain().map(|(_, host)| host).collect();
        futures::future::join_all(hosts.iter().map(|host| host.close())).await;
    }
}

impl Host {
    fn new() -> Host {
        Host {
            connection: AsyncMutex::default(),
            gates: Mutex::default(),
            discovered: Mutex::default(),
            discovery: AsyncMutex::default(),
        }
    }

    fn slot(&self, key: GateKey) -> GateSlot {
        lock(&self.gates).entry(key).or_default().clone()
    }

    pub fn discovered(&self, discovery: &Discovery) -> Option<Discovered> {
        lock(&self.discovered).get(&discovery.candidates).cloned()
    }

    fn set_discovered(&self, discovery: &Discovery, path: &str, how: Found) {
        lock(&self.discovered).insert(discovery.candidates.clone(), Discovered { path: path.to_owned(), how });
    }

    async fn close(&self) {
        let slots: Vec<_> = lock(&self.gates).drain().map(|(_, slot)| slot).collect();
        let ends = slots.iter().map(|slot| async {
            if let Some(gate) = slot.lock().await.take() {
                gate.close(END).await;
            }
        });
        futures::future::join_all(ends).await;
        self.connection.lock().await.take();
        lock(&self.discovered).clear();
    }
}
