//! How a module is found and run: unmodified Ansible modules through a gate, or native ones in this process.
//!
//! This crate never retries work that may have begun, never renders a template and never decides `changed`: it returns
//! what the module said.

pub mod settings;
pub mod ansible;
mod callback_event;
pub mod callback_host;
pub mod collection;
pub mod locate;
pub mod native;
#[cfg(feature = "native")]
pub mod builtin;
pub mod pool;
pub mod privilege;
mod discovery;
mod execute;
pub mod command;
pub mod files;
pub mod plain;
pub mod plugin_host;
pub mod runtime;

#[cfg(feature = "native")]
pub use builtin::BuiltinModules;
pub use callback_host::{CallbackError, CallbackHost, CallbackRequest};
pub use collection::Collections;
pub use native::{NativeCall, NativeModules};
pub use plugin_host::{PluginHost, PluginHostSettings};
pub use runtime::Runtime;
pub use settings::Settings;
