//! Proving who we are: keys first, then the password, and always one attempt fewer than a host forgives.

use std::sync::Arc;

use ftl_core::call::Secret;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse, Prompt};
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg};
use russh::{MethodKind, MethodSet};

use super::config::HostConfig;
use super::identity::{Agent, Candidate, KeyStore, Wanted};
use super::message::{Failure, Notes};
use super::session::{Report, Watcher};

/// OpenSSH servers hang up at the sixth failure.
const MOST_ATTEMPTS: usize = 5;
const MOST_ROUNDS: usize = 10;
const MOST_PROMPTS: usize = 16;

/// One authentication.
pub(crate) struct Authentication<'a> {
    pub(crate) handle: &'a mut Handle<Watcher>,
    pub(crate) wanted: Wanted<'a>,
    pub(crate) keys: &'a KeyStore,
    pub(crate) password: Option<&'a Secret>,
    pub(crate) notes: &'a Notes,
    pub(crate) report: &'a Report,
}

/// How far it got.
#[derive(Default)]
struct Progress {
    /// What the host still takes; `None` before its first answer.
    methods: Option<MethodSet>,
    attempts: usize,
    tried: Vec<String>,
    secret_sent: bool,
}

impl Progress {
    fn takes(&self, method: MethodKind) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(&method))
    }
}

enum Step {
    Done,
    Next,
}

impl Authentication<'_> {
    fn config(&self) -> &HostConfig {
        self.wanted.config
    }

    pub(crate) async fn run(mut self) -> Result<(), Failure> {
        let mut progress = Progress::default();
        let by_key = self.preferred("publickey") && self.config().text("pubkeyauthentication") != "no";
        if by_key && matches!(self.try_keys(&mut progress).await?, Step::Done) {
            return Ok(());
        }
        if progress.methods.is_none() {
            let user = self.config().user().to_string();
            let result = self.handle.authenticate_none(user).await;
            if let Step::Done = self.judge(result.map_err(|error| error.to_string()), &mut progress)? {
                return Ok(());
            }
        }
        if let Some(password) = self.password.cloned()
            && !self.report.is_tolerated()
            && matches!(self.try_password(&password, &mut progress).await?, Step::Done)
        {
            return Ok(());
        }
        Err(self.denied(&progress))
    }

    fn preferred(&self, method: &str) -> bool {
        match self.config().some("preferredauthentications") {
            Some(list) => list.split(',').any(|name| name.trim() == method),
            None => true,
        }
    }

    async fn try_keys(&mut self, progress: &mut Progress) -> Result<Step, Failure> {
        let mut agent = self.agent().await;
        let identities = match &mut agent {
            Some(agent) => agent.request_identities().await.unwrap_or_default(),
            None => Vec::new(),
        };
        let candidates = self.wanted.candidates(self.keys, &identities, self.notes).await;
        let most = if self.password.is_some() { MOST_ATTEMPTS - 1 } else { MOST_ATTEMPTS };
        for candidate in candidates {
            if !progress.takes(MethodKind::PublicKey) {
                break;
            }
            if progress.attempts >= most {
                let tried = progress.tried.join(", ");
                self.notes.add(format!("More keys are left, but {most} were refused already: {tried}"));
                break;
            }
            progress.attempts += 1;
            progress.tried.push(candidate.label.clone());
            let result = self.try_key(&candidate, agent.as_mut()).await;
            if let Step::Done = self.judge(result, progress)? {
                return Ok(Step::Done);
            }
        }
        Ok(Step::Next)
    }

    async fn agent(&self) -> Option<Agent> {
        let socket = self.wanted.agent_socket()?;
        let mut agent = Agent::connect_uds_dynamic(socket).await?;
        if let Some(binding) = self.handle.agent_session_binding() {
            // Agents that know nothing of it say so, and go on.
            let _ = agent.bind_session(binding, false).await;
        }
        Some(agent)
    }

    async fn try_key(&mut self, candidate: &Candidate, agent: Option<&mut Agent>) -> Result<AuthResult, String> {
        let user = self.config().user().to_string();
        let hash = self.hash(&candidate.public.algorithm()).await;
        match (&candidate.private, &candidate.certificate, agent) {
            (Some(key), None, _) => {
                let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
                self.handle.authenticate_publickey(user, key).await.map_err(|error| error.to_string())
            }
            (Some(key), Some(certificate), _) => {
                let (key, certificate) = (Arc::clone(key), certificate.clone());
                self.handle.authenticate_openssh_cert(user, key, certificate).await.map_err(|error| error.to_string())
            }
            (None, None, Some(agent)) => {
                let key = candidate.public.clone();
                let signed = self.handle.authenticate_publickey_with(user, key, hash, agent).await;
                signed.map_err(|error| error.to_string())
            }
            (None, Some(certificate), Some(agent)) => {
                let certificate = certificate.clone();
                let signed = self.handle.authenticate_certificate_with(user, certificate, hash, agent).await;
                signed.map_err(|error| error.to_string())
            }
            (None, _, None) => Err("agent refused operation".into()),
        }
    }

    async fn hash(&self, algorithm: &Algorithm) -> Option<HashAlg> {
        match algorithm {
            Algorithm::Rsa { .. } => match self.handle.best_supported_rsa_hash().await {
                Ok(Some(best)) => best,
                _ => Some(HashAlg::Sha256),
            },
            _ => None,
        }
    }

    /// Turns an answer into progress; an error when the host hung up.
    fn judge(&self, result: Result<AuthResult, String>, progress: &mut Progress) -> Result<Step, Failure> {
        match result {
            Ok(AuthResult::Success) => Ok(Step::Done),
            Ok(AuthResult::Failure { remaining_methods, .. }) if !self.handle.is_closed() => {
                progress.methods = Some(remaining_methods);
                Ok(Step::Next)
            }
            Err(problem) if !self.handle.is_closed() => {
                self.notes.add(format!("sign_and_send_pubkey: signing failed: {problem}"));
                Ok(Step::Next)
            }
            _ => Err(self.hung_up(progress)),
        }
    }

    fn hung_up(&self, progress: &Progress) -> Failure {
        let early = progress.methods.is_none() && !progress.secret_sent;
        match self.report.disconnect_text() {
            Some(text) => Failure::Final(text),
            None if early => Failure::Dropped(self.report.closed_text()),
            None => Failure::Final(self.report.closed_text()),
        }
    }

    async fn try_password(&mut self, password: &Secret, progress: &mut Progress) -> Result<Step, Failure> {
        let allowed =
            self.config().text("kbdinteractiveauthentication") != "no" && self.preferred("keyboard-interactive");
        if allowed
            && progress.takes(MethodKind::KeyboardInteractive)
            && matches!(self.interactive(password, progress).await?, Step::Done)
        {
            return Ok(Step::Done);
        }
        let allowed = self.config().text("passwordauthentication") != "no" && self.preferred("password");
        // One wrong password is enough: accounts get locked.
        if allowed && !progress.secret_sent && progress.takes(MethodKind::Password) {
            let user = self.config().user().to_string();
            progress.secret_sent = true;
            let result = self.handle.authenticate_password(user, password.reveal()).await;
            return self.judge(result.map_err(|error| error.to_string()), progress);
        }
        Ok(Step::Next)
    }

    async fn interactive(&mut self, password: &Secret, progress: &mut Progress) -> Result<Step, Failure> {
        let user = self.config().user().to_string();
        let mut answer = self.handle.authenticate_keyboard_interactive_start(user, None).await;
        for _ in 0..MOST_ROUNDS {
            match answer {
                Ok(KeyboardInteractiveAuthResponse::Success) => return Ok(Step::Done),
                Ok(KeyboardInteractiveAuthResponse::Failure { remaining_methods, .. }) => {
                    progress.methods = Some(remaining_methods);
                    return Ok(Step::Next);
                }
                Ok(KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. }) => {
                    if prompts.len() > MOST_PROMPTS {
                        return Err(Failure::Final("the host asks too many questions".into()));
                    }
                    let responses = prompts.iter().map(|prompt| respond(prompt, password, progress)).collect();
                    answer = self.handle.authenticate_keyboard_interactive_respond(responses).await;
                }
                Err(_) => return Err(self.hung_up(progress)),
            }
        }
        Err(Failure::Final("the host asks too many questions".into()))
    }

    fn denied(&self, progress: &Progress) -> Failure {
        let methods = progress.methods.as_ref().map_or(&[][..], |methods| methods);
        if methods.contains(&MethodKind::GssapiWithMic) && self.has_ticket() {
            return Failure::NeedsProgram("the host wants Kerberos".into());
        }
        let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
        let (user, host) = (self.config().user(), self.config().hostname());
        let text = self.notes.with(&format!("{user}@{host}: Permission denied ({}).", names.join(",")));
        if progress.secret_sent { Failure::Password(text) } else { Failure::Final(text) }
    }

    fn has_ticket(&self) -> bool {
        let settings = self.wanted.settings;
        let cache = format!("/tmp/krb5cc_{}", rustix::process::getuid().as_raw());
        self.config().is_yes("gssapiauthentication")
            && self.preferred("gssapi-with-mic")
            && (settings.variable("KRB5CCNAME").is_some() || std::path::Path::new(&cache).exists())
    }
}

/// The password goes to the first hidden prompt and to no other.
fn respond(prompt: &Prompt, password: &Secret, progress: &mut Progress) -> String {
    if prompt.echo || progress.secret_sent {
        return String::new();
    }
    progress.secret_sent = true;
    password.reveal().to_string()
}

/// Connecting to an agent whatever its stream.
trait ConnectDynamic: Sized {
    async fn connect_uds_dynamic(socket: std::path::PathBuf) -> Option<Self>;
}

impl ConnectDynamic for Agent {
    async fn connect_uds_dynamic(socket: std::path::PathBuf) -> Option<Agent> {
        let stream = tokio::net::UnixStream::connect(socket).await.ok()?;
        Some(russh::keys::agent::client::AgentClient::connect(stream).dynamic())
    }
}
