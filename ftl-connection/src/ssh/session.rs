//! One SSH session of this process: its handler, its end, and the channels opened on it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, ChannelOpenHandle, DisconnectReason, Handle, Msg};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, Disconnect};
use tokio::sync::watch;

use super::host_key::{HostKeyCheck, Verdict};
use super::message::Notes;

/// What the handler learned: shared with whoever waits for the session.
pub(crate) struct Report {
    pub(crate) notes: Arc<Notes>,
    /// `address port number`, for messages.
    peer: String,
    host: String,
    tolerated: AtomicBool,
    refusal: Mutex<Option<String>>,
    disconnect: Mutex<Option<String>>,
}

impl Report {
    pub(crate) fn new(notes: Arc<Notes>, host: &str, port: u16) -> Report {
        Report {
            notes,
            peer: format!("{host} port {port}"),
            host: host.to_string(),
            tolerated: AtomicBool::new(false),
            refusal: Mutex::default(),
            disconnect: Mutex::default(),
        }
    }

    /// The host key changed and the settings let it pass: no password, no agent.
    pub(crate) fn is_tolerated(&self) -> bool {
        self.tolerated.load(Ordering::Relaxed)
    }

    /// Why the host key was refused.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the host said when it hung up.
    pub(crate) fn disconnect_text(&self) -> Option<String> {
        self.disconnect.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn closed_text(&self) -> String {
        format!("Connection closed by {}", self.peer)
    }

    pub(crate) fn peer(&self) -> &str {
        &self.peer
    }

    /// Why an established session ended.
    pub(crate) fn lost_text(&self) -> String {
        self.disconnect_text().unwrap_or_else(|| format!("Connection to {} closed by remote host.", self.host))
    }

    fn set(slot: &Mutex<Option<String>>, text: String) {
        slot.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
    }
}

/// Answers the questions the session asks; when it goes, the session is gone.
pub(crate) struct Watcher {
    pub(crate) check: Arc<HostKeyCheck>,
    pub(crate) report: Arc<Report>,
    /// The agent to lend to the host, if asked for.
    pub(crate) agent: Option<PathBuf>,
    first_key: Option<Vec<u8>>,
    _alive: watch::Sender<()>,
}

impl Watcher {
    /// A handler, and what tells of its end.
    pub(crate) fn new(
        check: Arc<HostKeyCheck>,
        report: Arc<Report>,
        agent: Option<PathBuf>,
    ) -> (Watcher, watch::Receiver<()>) {
        let (alive, gone) = watch::channel(());
        (Watcher { check, report, agent, first_key: None, _alive: alive }, gone)
    }
}

impl client::Handler for Watcher {
    type Error = russh::Error;

    async fn auth_banner(&mut self, banner: &str, _: &mut client::Session) -> Result<(), russh::Error> {
        // Shown in messages: no host may write to the terminal that way.
        let plain = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
        self.report.notes.add(banner.trim_end().chars().filter(plain).collect::<String>());
        Ok(())
    }

    async fn check_server_key(&mut self, presented: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let key = presented.public_key().to_bytes()?;
        if let Some(first) = &self.first_key {
            let same = *first == key;
            if !same {
                Report::set(&self.report.refusal, "host key changed mid-run".into());
                Report::set(&self.report.disconnect, "host key changed mid-run".into());
            }
            return Ok(same);
        }
        self.first_key = Some(key);
        match self.check.verify(presented, &self.report.notes) {
            Verdict::Trusted => Ok(true),
            Verdict::Tolerated => {
                self.report.tolerated.store(true, Ordering::Relaxed);
                Ok(true)
            }
            Verdict::Refused(text) => {
                Report::set(&self.report.refusal, text);
                Ok(false)
            }
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        let peer = &self.report.peer;
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let message: String = info.message.chars().filter(|letter| !letter.is_control()).take(500).collect();
                let code = info.reason_code as u32;
                let text = format!("Received disconnect from {peer}:{code}: {message}\r\nDisconnected from {peer}");
                Report::set(&self.report.disconnect, text);
                Ok(())
            }
            DisconnectReason::Error(error) => {
                let text = match &error {
                    russh::Error::KeepaliveTimeout | russh::Error::InactivityTimeout => {
                        Some(format!("Timeout, server {} not responding.", self.report.host))
                    }
                    russh::Error::IO(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                        Some(format!("Connection reset by {peer}"))
                    }
                    russh::Error::IO(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                        Some(format!("Timeout, server {} not responding.", self.report.host))
                    }
                    russh::Error::IO(_) | russh::Error::Disconnect | russh::Error::HUP => None,
                    other => Some(format!("Connection to {peer}: {other}")),
                };
                text.into_iter().for_each(|text| Report::set(&self.report.disconnect, text));
                Err(error)
            }
        }
    }

    // A host may open channels only for what it was offered: everything below is refused by dropping the reply.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        let Some(socket) = self.agent.clone().filter(|_| !self.report.is_tolerated()) else { return Ok(()) };
        reply.accept().await;
        tokio::spawn(async move {
            if let Ok(mut agent) = tokio::net::UnixStream::connect(socket).await {
                let _ = tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut agent).await;
            }
        });
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        Ok(())
    }
}

/// An authenticated session.
pub(crate) struct SshSession {
    pub(crate) handle: Handle<Watcher>,
    pub(crate) report: Arc<Report>,
    pub(crate) gone: watch::Receiver<()>,
    /// Sent with every command: `SendEnv` and `SetEnv`.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) forward_agent: bool,
    /// How long the host may take to open a channel.
    pub(crate) patience: Duration,
}

impl SshSession {
    pub(crate) fn is_open(&self) -> bool {
        !self.handle.is_closed() && self.gone.has_changed().is_ok()
    }

    /// Says goodbye; does not wait for long.
    pub(crate) async fn close(&self) {
        let goodbye = self.handle.disconnect(Disconnect::ByApplication, "disconnected by user", "");
        let _ = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
    }
}
