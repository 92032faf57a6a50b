//! SSH: the configuration as OpenSSH sees it, host keys, authentication, and two ways to connect that look the same.

mod algorithms;
mod arguments;
mod authenticate;
mod channel;
mod command;
mod config;
mod dial;
mod drops;
mod host_key;
mod identity;
mod known_hosts;
mod message;
mod native;
mod parser;
mod program;
mod session;
mod support;

pub(crate) use native::SshBackend;
