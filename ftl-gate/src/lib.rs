//! The remote end: the protocol between controller and gate, the gate program in Python, and the client that drives it.
//!
//! The protocol files contain no I/O. What is shipped to a host needs only Python's standard library (3.8 or newer).

pub mod protocol;
pub mod bundle;
pub mod launch;
pub mod converse;
pub mod client;
pub mod work;
pub mod tunnel;
pub mod transfer;

pub use client::{Gate, GateError};
pub use launch::{Launch, Program};
