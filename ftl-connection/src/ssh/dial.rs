//! The byte stream below a session: a socket, a proxy command, or a channel through another host.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use super::config::{HostConfig, expand};
use super::message::{Failure, io_text};
use super::session::SshSession;
use crate::process::{self, Control, Launch};
use crate::settings::ConnectorSettings;

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream and what must live as long as it.
pub(crate) struct Transport {
    stream: Box<dyn Stream>,
    _below: Below,
}

enum Below {
    Nothing,
    Process { _control: Arc<Control> },
    Session { _session: Arc<SshSession> },
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A connected socket to the host of a configuration. `dead_after` is how long sent bytes may stay unanswered.
pub(crate) async fn socket(config: &HostConfig, dead_after: Duration) -> Result<Transport, Failure> {
    let (host, port) = (config.hostname(), config.port());
    let resolved = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await;
    let addresses: Vec<SocketAddr> = match resolved {
        Ok(addresses) => addresses.filter(|address| suits(address, config.text("addressfamily"))).collect(),
        Err(error) => {
            let text = error.to_string();
            let reason = text.rsplit_once(": ").map_or(text.as_str(), |(_, reason)| reason);
            let reason = if reason.is_empty() { "Name or service not known" } else { reason };
            let text = format!("ssh: Could not resolve hostname {host}: {reason}");
            return Err(if is_short(&error) { Failure::Short(text) } else { Failure::Final(text) });
        }
    };
    if addresses.is_empty() {
        return Err(Failure::Final(format!("ssh: Could not resolve hostname {host}: Name or service not known")));
    }
    let mut failure = None;
    for address in addresses {
        match connect(address, config).await {
            Ok(stream) => {
                prepare(&stream, dead_after);
                return Ok(Transport { stream: Box::new(stream), _below: Below::Nothing });
            }
            Err(error) => {
                let text = format!("ssh: connect to host {host} port {port}: {}", io_text(&error));
                failure = Some(match error.kind() {
                    std::io::ErrorKind::ConnectionRefused => Failure::Refused(text),
                    std::io::ErrorKind::ConnectionReset => Failure::Dropped(text),
                    _ if is_short(&error) => Failure::Short(text),
                    _ => Failure::Final(text),
                });
            }
        }
    }
    Err(failure.unwrap_or_else(|| Failure::Final(format!("ssh: connect to host {host} port {port}: failure"))))
}

/// Out of file descriptors or buffers: others will give theirs back.
fn is_short(error: &std::io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::EADDRNOTAVAIL)
    )
}

fn suits(address: &SocketAddr, family: &str) -> bool {
    match family {
        "inet" => address.is_ipv4(),
        "inet6" => address.is_ipv6(),
        _ => true,
    }
}

async fn connect(address: SocketAddr, config: &HostConfig) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(bind) = config.some("bindaddress").filter(|bind| *bind != "*") {
        let own: IpAddr = bind.parse().map_err(|_| std::io::Error::other(format!("bad bind address {bind}")))?;
        socket.bind(SocketAddr::new(own, 0))?;
    }
    socket.connect(address).await
}

fn prepare(stream: &TcpStream, dead_after: Duration) {
    // All of these only make things faster or failures earlier.
    let _ = stream.set_nodelay(true);
    let _ = rustix::net::sockopt::set_socket_keepalive(stream, true);
    #[cfg(target_os = "linux")]
    {
        let milliseconds = u32::try_from(dead_after.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, milliseconds);
    }
}

/// The pipes of a `ProxyCommand`.
pub(crate) fn command(
    text: &str,
    config: &HostConfig,
    original: &str,
    settings: &ConnectorSettings,
) -> Result<Transport, Failure> {
    let line = format!("exec {}", expand(text, config, original, settings));
    let launch = Launch {
        program: PathBuf::from(settings.variable("SHELL").unwrap_or("/bin/sh")),
        arguments: vec!["-c".into(), line.into()],
        directory: None,
        environment: Vec::new(),
    };
    let running = process::start(settings, launch)
        .map_err(|error| Failure::Final(format!("proxy command: {}", io_text(&error))))?;
    let control = running.control.clone();
    // Its messages go nowhere, but it must never block on them.
    let mut errors = running.stderr;
    tokio::spawn(async move { tokio::io::copy(&mut errors, &mut tokio::io::sink()).await });
    let stream = tokio::io::join(running.stdout, running.stdin);
    Ok(Transport { stream: Box::new(stream), _below: Below::Process { _control: control } })
}

/// A channel through another session.
pub(crate) async fn through(session: &Arc<SshSession>, config: &HostConfig) -> Result<Transport, Failure> {
    let (host, port) = (config.hostname(), config.port());
    let opened = session.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 65535).await;
    match opened {
        Ok(channel) => {
            let stream = Box::new(channel.into_stream());
            Ok(Transport { stream, _below: Below::Session { _session: session.clone() } })
        }
        Err(russh::Error::ChannelOpenFailure(reason)) => {
            let reason = match reason {
                russh::ChannelOpenFailure::ConnectFailed => "connect failed: Connection refused",
                russh::ChannelOpenFailure::AdministrativelyProhibited => "administratively prohibited: open failed",
                _ => "open failed",
            };
            let text = format!(
                "channel 0: open failed: {reason}\r\nstdio forwarding failed\r\n\
                 kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535"
            );
            Err(Failure::Refused(text))
        }
        Err(_) => Err(Failure::Dropped(session.report.lost_text())),
    }
}
