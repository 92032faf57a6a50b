//! The keys to try for a host, in an order that wastes no attempt.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ftl_core::call::Secret;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey};
use tokio::sync::OnceCell;

use super::config::{HostConfig, expand};
use super::message::Notes;
use crate::settings::ConnectorSettings;

pub(crate) type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// One thing to try.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) label: String,
    pub(crate) public: PublicKey,
    pub(crate) certificate: Option<Certificate>,
    /// `None`: the agent signs.
    pub(crate) private: Option<Arc<PrivateKey>>,
}

#[derive(Clone, Debug)]
enum Loaded {
    Private(Arc<PrivateKey>),
    /// Only its public half can be read: the passphrase is missing or wrong, or it is no private key at all.
    Public(PublicKey),
    Missing,
    Unusable,
}

/// A file as it was at one time, and the passphrase it was opened with.
type CacheKey = (PathBuf, Option<(i64, i64)>, Option<Secret>);
type Outcome = (Loaded, Option<String>);

/// Private keys, read and decrypted once for all hosts.
#[derive(Default)]
pub(crate) struct KeyStore {
    cache: Mutex<HashMap<CacheKey, Arc<OnceCell<Outcome>>>>,
}

impl KeyStore {
    async fn load(&self, path: &Path, passphrase: Option<&Secret>) -> Outcome {
        let changed = std::fs::metadata(path).map(|facts| (facts.ctime(), facts.ctime_nsec())).ok();
        let key = (path.to_path_buf(), changed, passphrase.cloned());
        let cell = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.entry(key).or_default().clone()
        };
        let (path, passphrase) = (path.to_path_buf(), passphrase.cloned());
        let read = || async {
            // Decrypting a key takes tens of milliseconds on purpose.
            let read = tokio::task::spawn_blocking(move || load(&path, passphrase.as_ref())).await;
            read.unwrap_or((Loaded::Unusable, None))
        };
        cell.get_or_init(read).await.clone()
    }
}

fn load(path: &Path, passphrase: Option<&Secret>) -> Outcome {
    let shown = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let problem = super::message::io_text(&error);
            return (Loaded::Missing, Some(format!("no such identity: {shown}: {problem}")));
        }
        Err(error) => {
            let problem = super::message::io_text(&error);
            return (Loaded::Unusable, Some(format!("Load key \"{shown}\": {problem}")));
        }
    };
    if let Ok(public) = PublicKey::from_openssh(text.trim()) {
        return (Loaded::Public(public), None);
    }
    if let Some(problem) = too_open(path) {
        return (Loaded::Unusable, Some(problem));
    }
    match russh::keys::decode_secret_key(&text, None) {
        Ok(key) => return (Loaded::Private(Arc::new(key)), None),
        Err(russh::keys::Error::KeyIsEncrypted) => {}
        Err(_) if text.contains("ENCRYPTED") => {}
        Err(_) => return (Loaded::Unusable, Some(format!("Load key \"{shown}\": invalid format"))),
    }
    if let Some(passphrase) = passphrase
        && let Ok(key) = russh::keys::decode_secret_key(&text, Some(passphrase.reveal()))
    {
        return (Loaded::Private(Arc::new(key)), None);
    }
    let problem = match passphrase {
        Some(_) => format!("Load key \"{shown}\": incorrect passphrase supplied to decrypt private key"),
        None => format!("Load key \"{shown}\": the key is encrypted and no passphrase is set"),
    };
    let inside = PrivateKey::from_openssh(&text).ok().map(|key| key.public_key().clone());
    let beside = || PublicKey::from_openssh(std::fs::read_to_string(with_suffix(path, ".pub")).ok()?.trim()).ok();
    match inside.or_else(beside) {
        Some(public) => (Loaded::Public(public), Some(problem)),
        None => (Loaded::Unusable, Some(problem)),
    }
}

/// OpenSSH ignores keys that others can read.
fn too_open(path: &Path) -> Option<String> {
    let facts = std::fs::metadata(path).ok()?;
    let mode = facts.mode() & 0o777;
    if mode & 0o077 == 0 || facts.uid() != rustix::process::getuid().as_raw() {
        return None;
    }
    let rule = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";
    let shown = path.display();
    Some(format!(
        "{rule}\r\n@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @\r\n{rule}\r\n\
         Permissions {mode:04o} for '{shown}' are too open.\r\n\
         It is required that your private key files are NOT accessible by others.\r\n\
         This private key will be ignored.\r\nLoad key \"{shown}\": bad permissions"
    ))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What decides which keys are tried.
pub(crate) struct Wanted<'a> {
    pub(crate) config: &'a HostConfig,
    pub(crate) original: &'a str,
    pub(crate) settings: &'a ConnectorSettings,
    pub(crate) passphrase: Option<&'a Secret>,
    /// A key file was named for this host.
    pub(crate) explicit: bool,
}

impl Wanted<'_> {
    fn path(&self, text: &str) -> PathBuf {
        PathBuf::from(expand(text, self.config, self.original, self.settings))
    }

    /// The socket of the agent in charge.
    pub(crate) fn agent_socket(&self) -> Option<PathBuf> {
        let variable = || self.settings.variable("SSH_AUTH_SOCK").map(PathBuf::from);
        match self.config.get("identityagent") {
            None | Some("" | "SSH_AUTH_SOCK") => variable(),
            Some(none) if none.eq_ignore_ascii_case("none") => None,
            Some(name) if name.starts_with('$') && !name.starts_with("${") => {
                self.settings.variable(name.trim_start_matches('$')).map(PathBuf::from)
            }
            Some(path) => Some(self.path(path)),
        }
    }

    /// All candidates in order: named keys first, then what the agent offers, then files with the usual names.
    pub(crate) async fn candidates(&self, store: &KeyStore, agent: &[AgentIdentity], notes: &Notes) -> Vec<Candidate> {
        let files: Vec<&str> =
            self.config.all("identityfile").filter(|file| !file.eq_ignore_ascii_case("none")).collect();
        let usual = files.iter().all(|file| file.starts_with("~/.ssh/id_"));
        let explicit = self.explicit || !usual;
        let certificates: Vec<Certificate> =
            self.config.all("certificatefile").filter_map(|file| certificate(&self.path(file))).collect();
        let mut from_files = Vec::new();
        let mut listed = Vec::new();
        for file in files {
            let path = self.path(file);
            let (loaded, problem) = store.load(&path, self.passphrase).await;
            let (public, private) = match loaded {
                Loaded::Private(key) => (key.public_key().clone(), Some(key)),
                Loaded::Public(public) => (public, None),
                Loaded::Missing | Loaded::Unusable => {
                    let quiet = matches!(loaded, Loaded::Missing) && !explicit;
                    problem.filter(|_| !quiet).into_iter().for_each(|problem| notes.add(problem));
                    continue;
                }
            };
            let held = agent.iter().any(|identity| identity.public_key().key_data() == public.key_data());
            listed.push(public.clone());
            let hardware = matches!(public.algorithm(), Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256);
            // The agent may hold what the file keeps locked.
            let private = private.filter(|_| !hardware);
            if private.is_none() && !held {
                problem.into_iter().for_each(|problem| notes.add(problem));
                if hardware {
                    notes.add(format!("{}: a security key works through an agent only", path.display()));
                }
                continue;
            }
            let label = path.display().to_string();
            let beside = certificate(&with_suffix(&path, "-cert.pub"));
            for certificate in certificates.iter().cloned().chain(beside) {
                if certificate.public_key() == public.key_data() {
                    let candidate = Candidate {
                        label: format!("{label}-cert"),
                        public: public.clone(),
                        certificate: Some(certificate),
                        private: private.clone(),
                    };
                    from_files.push(candidate);
                }
            }
            from_files.push(Candidate { label, public, certificate: None, private });
        }
        let from_agent = self.agent_candidates(agent, &certificates, &listed);
        let (first, second) = if explicit { (from_files, from_agent) } else { (from_agent, from_files) };
        let mut ordered: Vec<Candidate> = Vec::new();
        for candidate in first.into_iter().chain(second) {
            let same = |other: &Candidate| {
                other.public.key_data() == candidate.public.key_data() && other.certificate == candidate.certificate
            };
            if !ordered.iter().any(same) {
                ordered.push(candidate);
            }
        }
        ordered
    }

    fn agent_candidates(
        &self,
        agent: &[AgentIdentity],
        certificates: &[Certificate],
        listed: &[PublicKey],
    ) -> Vec<Candidate> {
        let only = self.config.is_yes("identitiesonly");
        let mut candidates = Vec::new();
        for identity in agent {
            let public = identity.public_key().into_owned();
            let named = listed.iter().any(|key| key.key_data() == public.key_data());
            let matching = certificates.iter().filter(|certificate| certificate.public_key() == public.key_data());
            let own = match identity {
                AgentIdentity::Certificate { certificate, .. } => Some(certificate),
                AgentIdentity::PublicKey { .. } => None,
            };
            if only && !named && matching.clone().next().is_none() {
                continue;
            }
            let label = format!("{} (agent)", identity.comment());
            let candidate =
                |certificate| Candidate { label: label.clone(), public: public.clone(), certificate, private: None };
            candidates.extend(matching.map(|certificate| candidate(Some(certificate.clone()))));
            candidates.push(candidate(own.cloned()));
        }
        // As OpenSSH: those that a file names come first.
        candidates.sort_by_key(|candidate| !listed.iter().any(|key| key.key_data() == candidate.public.key_data()));
        candidates
    }
}

fn certificate(path: &Path) -> Option<Certificate> {
    Certificate::from_openssh(std::fs::read_to_string(path).ok()?.trim()).ok()
}
