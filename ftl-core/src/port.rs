//! The seams: what the engine needs of the outer crates, and they of each other. Object-safe, boxed futures.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use crate::call::{
    ConnectionOptions, ExecOutput, ExecRequest, FileRequest, ModuleAnswer, ModuleCall, ModuleRef, ModuleSearch,
    PluginCall, PluginTraits, Source, Target,
};
use crate::event::Event;
use crate::result::HostError;
use crate::value::Value;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens connections to hosts.
pub trait Connector: Send + Sync {
    fn connect<'a>(
        &'a self,
        host: &'a str,
        options: &'a ConnectionOptions,
    ) -> BoxFuture<'a, Result<Arc<dyn Connection>, HostError>>;
}

/// One open connection. Everything on it has a deadline; dropping the last reference closes it.
pub trait Connection: Send + Sync {
    /// Runs a command line in the login shell, with stdin given, until it ends.
    fn exec<'a>(&'a self, request: &'a ExecRequest) -> BoxFuture<'a, Result<ExecOutput, HostError>>;

    /// Starts a command line in the login shell and hands out its pipes: how gates are started.
    fn open<'a>(&'a self, command: &'a str) -> BoxFuture<'a, Result<ByteStream, HostError>>;

    /// Is the connection still believed to be alive?
    fn is_open(&self) -> bool;

    /// `ssh: user@address:port`, for messages.
    fn describe(&self) -> String;
}

/// The pipes of a running remote program. Dropping them ends it. `ftl-core` has no async runtime, so the streams are
/// plain poll-based ends that adapters wrap; chunks are moved whole.
pub struct ByteStream {
    pub input: Box<dyn ByteSink>,
    pub output: Box<dyn ByteSource>,
    /// What the program writes to stderr; ends with the program.
    pub errors: Box<dyn ByteSource>,
}

pub trait ByteSink: Send {
    fn send<'a>(&'a mut self, bytes: Vec<u8>) -> BoxFuture<'a, Result<(), HostError>>;
    fn close<'a>(&'a mut self) -> BoxFuture<'a, ()>;
}

pub trait ByteSource: Send {
    /// The next chunk; `None` at the end.
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Vec<u8>>, HostError>>;
}

/// Finds modules and runs them, wherever that is.
pub trait ModuleRuntime: Send + Sync {
    /// Resolves a name as written, with redirects; the error is Ansible's message.
    fn find(&self, name: &str, search: &ModuleSearch) -> Result<ModuleRef, String>;

    /// The members of an action group (`module_defaults: group/x`), as FQCNs; `None` for an unknown group.
    fn group_members(&self, group: &str) -> Option<Vec<String>>;

    fn run<'a>(&'a self, target: &'a Target, call: ModuleCall) -> BoxFuture<'a, Result<ModuleAnswer, HostError>>;

    /// What an action plugin in Python says of itself; the error says why it cannot be had.
    fn plugin_traits(&self, name: &str, collections: &[String]) -> Result<PluginTraits, String>;

    /// A playbook's or role's directory: plugins in Python may lie in its `*_plugins` directories.
    fn add_plugin_directory(&self, _directory: &Path) {}

    /// Runs an action plugin in Python, on the controller. An error is the exception it raised.
    fn run_plugin<'a>(&'a self, call: PluginCall) -> BoxFuture<'a, Result<ModuleAnswer, String>>;

    /// A plain command, for which the host needs no Python.
    fn exec<'a>(&'a self, target: &'a Target, request: ExecRequest) -> BoxFuture<'a, Result<ExecOutput, HostError>>;

    fn file<'a>(&'a self, target: &'a Target, request: FileRequest) -> BoxFuture<'a, Result<Value, HostError>>;

    /// Writes a file at the target (temporary name, then rename), with the given mode.
    fn put<'a>(
        &'a self,
        target: &'a Target,
        source: Source,
        path: &'a str,
        mode: u32,
    ) -> BoxFuture<'a, Result<(), HostError>>;

    /// Copies a file of the target to `to` on the controller (temporary name, then rename); answers its SHA-1.
    fn get<'a>(&'a self, target: &'a Target, path: &'a str, to: &'a Path) -> BoxFuture<'a, Result<String, HostError>>;

    /// Closes the target's connection; the next call opens a new one.
    fn reset<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(), HostError>>;

    /// Ends everything within the deadline of each connection; no process or file stays on any host.
    fn close<'a>(&'a self) -> BoxFuture<'a, ()>;
}

/// Takes events, in order.
pub trait EventSink: Send + Sync {
    fn emit(&self, event: Event);
}
