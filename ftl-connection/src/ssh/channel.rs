//! A program running at the far end of a session: its pipes, always drained, and its exit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ftl_core::port::{BoxFuture, ByteSink, ByteSource, ByteStream};
use ftl_core::result::HostError;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::sync::watch;

use super::message::{self, unreachable};
use super::session::SshSession;
use crate::process::too_much;
use crate::queue::{Drain, Feeder, Overflow, queue};

/// More than gates ever have under way by their credits: a host that sends this much unasked is cut off.
const UNREAD: usize = 256 << 20;
const ERRORS_KEPT: usize = 1 << 20;
/// Daemons keep pipes open after their starter ended: silence this long counts as the end.
const QUIET: Duration = Duration::from_secs(1);
const CLOSING: Duration = Duration::from_secs(1);

/// Why no program was started.
pub(crate) enum StartError {
    /// The host opens no more channels on this session.
    Refused(String),
    Lost(HostError),
}

/// A started program.
pub(crate) struct Remote {
    pub(crate) input: Input,
    pub(crate) output: Drain,
    pub(crate) errors: Drain,
    exit: Arc<Mutex<Option<i32>>>,
    hold: Arc<Hold>,
}

/// When the last reference goes, the channel is closed.
struct Hold {
    _released: watch::Sender<()>,
}

impl SshSession {
    /// Starts a command line in the user's login shell.
    pub(crate) async fn start(self: &Arc<Self>, command: &str) -> Result<Remote, StartError> {
        let started = tokio::time::timeout(self.patience, self.start_channel(command)).await;
        let lost = || StartError::Lost(unreachable(&self.report.lost_text()));
        match started {
            Ok(Ok(halves)) => Ok(self.run(halves)),
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => Err(StartError::Refused(format!("{reason:?}"))),
            Ok(Err(_)) => Err(lost()),
            Err(_) if !self.is_open() => Err(lost()),
            Err(_) => {
                let text = format!("Timeout, server {} not responding.", self.report.peer());
                Err(StartError::Lost(unreachable(&text)))
            }
        }
    }

    async fn start_channel(&self, command: &str) -> Result<(ChannelReadHalf, ChannelWriteHalf<Msg>), russh::Error> {
        let channel = self.handle.channel_open_session().await?;
        if self.forward_agent && !self.report.is_tolerated() {
            channel.agent_forward(false).await?;
        }
        for (name, value) in &self.environment {
            channel.set_env(false, name.as_str(), value.as_str()).await?;
        }
        channel.exec(true, command).await?;
        Ok(channel.split())
    }

    fn run(self: &Arc<Self>, (read, write): (ChannelReadHalf, ChannelWriteHalf<Msg>)) -> Remote {
        let (out, output) = queue(UNREAD, Overflow::Fail);
        let (err, errors) = queue(ERRORS_KEPT, Overflow::DropOldest);
        let (ended, end) = watch::channel(());
        let (released, release) = watch::channel(());
        let exit = Arc::new(Mutex::new(None));
        let write = Arc::new(write);
        let reader = Reader {
            session: self.clone(),
            read,
            write: write.clone(),
            out,
            err,
            exit: exit.clone(),
            release,
            _ended: ended,
        };
        tokio::spawn(reader.run());
        let input = Input { write, session: self.clone(), end };
        Remote { input, output, errors, exit, hold: Arc::new(Hold { _released: released }) }
    }
}

struct Reader {
    session: Arc<SshSession>,
    read: ChannelReadHalf,
    write: Arc<ChannelWriteHalf<Msg>>,
    out: Feeder,
    err: Feeder,
    exit: Arc<Mutex<Option<i32>>>,
    release: watch::Receiver<()>,
    _ended: watch::Sender<()>,
}

impl Reader {
    async fn run(mut self) {
        let end = self.drain().await;
        self.out.finish(end.clone());
        self.err.finish(Ok(()));
        if end.is_ok() && self.session.is_open() {
            let _ = tokio::time::timeout(CLOSING, self.write.close()).await;
        }
    }

    async fn drain(&mut self) -> Result<(), HostError> {
        let mut exited = false;
        let mut checked = false;
        loop {
            let message = tokio::select! {
                message = self.read.wait() => message,
                // The sender never sends: this is its end.
                _ = self.release.changed() => return Ok(()),
                () = tokio::time::sleep(QUIET), if exited => {
                    if checked {
                        return Ok(());
                    }
                    // What was sent before the answer to this question has arrived by then.
                    let asked = tokio::time::timeout(self.session.patience, self.session.handle.send_ping()).await;
                    checked = matches!(asked, Ok(Ok(())));
                    if !checked && !self.session.is_open() {
                        return Ok(());
                    }
                    continue;
                }
            };
            match message {
                Some(ChannelMsg::Data { data }) => self.out.push(data.into()),
                Some(ChannelMsg::ExtendedData { data, .. }) => self.err.push(data.into()),
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    exited = true;
                    self.set_exit(i32::try_from(exit_status).unwrap_or(255));
                }
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    exited = true;
                    self.set_exit(128 + signal_number(&signal_name));
                }
                Some(ChannelMsg::Failure) => return Err(unreachable("exec request failed on channel 0")),
                Some(ChannelMsg::Close) => return Ok(()),
                Some(_) => {}
                None if self.exit.lock().unwrap_or_else(PoisonError::into_inner).is_some() => return Ok(()),
                None => return Err(message::lost(&self.session.report.lost_text())),
            }
        }
    }

    fn set_exit(&self, code: i32) {
        self.exit.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(code);
    }
}

fn signal_number(signal: &Sig) -> i32 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        Sig::Custom(_) => 0,
    }
}

/// The input of a remote program.
pub(crate) struct Input {
    write: Arc<ChannelWriteHalf<Msg>>,
    session: Arc<SshSession>,
    end: watch::Receiver<()>,
}

impl Input {
    /// Sends bytes; ends with an error when the program or the connection ends first.
    pub(crate) async fn write(&mut self, bytes: Vec<u8>) -> Result<(), HostError> {
        if self.end.has_changed().is_err() {
            return Err(self.ended());
        }
        let sent = tokio::select! {
            sent = self.write.data_bytes(bytes) => sent.is_ok(),
            // Without this a window that never opens again would hold us for ever.
            _ = self.end.changed() => false,
        };
        if sent { Ok(()) } else { Err(self.ended()) }
    }

    fn ended(&self) -> HostError {
        if self.session.is_open() {
            return HostError::Lost { message: "the program at the host ended".into() };
        }
        message::lost(&self.session.report.lost_text())
    }

    pub(crate) async fn finish(&mut self) {
        let _ = tokio::time::timeout(CLOSING, self.write.eof()).await;
    }
}

/// The output of a program so far.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
}

impl Remote {
    /// Feeds the program and gathers its output until it ends with an exit code.
    pub(crate) async fn collect(mut self, stdin: &[u8], cap: usize, gathered: &mut Gathered) -> Result<i32, HostError> {
        let Gathered { out, err } = gathered;
        let (mut out_open, mut err_open) = (true, true);
        let mut input = self.input;
        let feed = async move {
            // A program that does not read its input is no error: its exit code tells.
            let fed = stdin.is_empty() || input.write(stdin.to_vec()).await.is_ok();
            if fed {
                input.finish().await;
            }
            std::future::pending::<()>().await
        };
        tokio::pin!(feed);
        while out_open || err_open {
            if out.len() + err.len() > cap {
                return Err(HostError::failed(too_much(cap)));
            }
            tokio::select! {
                () = &mut feed => {}
                chunk = self.output.next(), if out_open => match chunk? {
                    Some(chunk) => out.extend_from_slice(&chunk),
                    None => out_open = false,
                },
                chunk = self.errors.next(), if err_open => match chunk? {
                    Some(chunk) => err.extend_from_slice(&chunk),
                    None => err_open = false,
                },
            }
        }
        let code = *self.exit.lock().unwrap_or_else(PoisonError::into_inner);
        code.ok_or_else(|| HostError::Lost { message: "the command ended without an exit status".into() })
    }

    /// What ends the program before its time; some hosts refuse signals, but all take the pipes away.
    pub(crate) fn killer(&self) -> impl Future<Output = ()> + Send + 'static {
        let write = self.input.write.clone();
        async move {
            let kill = async {
                let _ = write.signal(Sig::KILL).await;
                let _ = write.close().await;
            };
            let _ = tokio::time::timeout(CLOSING, kill).await;
        }
    }

    pub(crate) fn into_stream(self) -> ByteStream {
        let held = |drain: Drain| Box::new(Held { drain, _hold: self.hold.clone() });
        ByteStream {
            output: held(self.output),
            errors: held(self.errors),
            input: Box::new(Sink { input: self.input, _hold: self.hold.clone() }),
        }
    }
}

struct Held {
    drain: Drain,
    _hold: Arc<Hold>,
}

impl ByteSource for Held {
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Vec<u8>>, HostError>> {
        self.drain.receive()
    }
}

struct Sink {
    input: Input,
    _hold: Arc<Hold>,
}

impl ByteSink for Sink {
    fn send<'a>(&'a mut self, bytes: Vec<u8>) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(self.input.write(bytes))
    }

    fn close<'a>(&'a mut self) -> BoxFuture<'a, ()> {
        Box::pin(self.input.finish())
    }
}
