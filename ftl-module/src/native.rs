//! FTL's own modules: run in this process for local targets, instead of Ansible's or where there is none.

use ftl_core::call::{ModuleAnswer, ModuleCall, Target};
use ftl_core::port::BoxFuture;
use ftl_core::result::HostError;
use ftl_core::value::Value;

/// A call of a native module: the same arguments an Ansible module would get.
pub struct NativeCall<'a> {
    /// The short name: `copy`.
    pub name: &'a str,
    pub call: &'a ModuleCall,
    pub target: &'a Target,
}

/// A set of native modules, given to the runtime by whoever wires the program together.
pub trait NativeModules: Send + Sync {
    /// Short names, as in `ansible.builtin.NAME`.
    fn names(&self) -> &[&'static str];

    /// Does the module do all that these arguments ask for?
    fn supports(&self, name: &str, args: &Value) -> bool;

    fn run<'a>(&'a self, call: NativeCall<'a>) -> BoxFuture<'a, Result<ModuleAnswer, HostError>>;
}
