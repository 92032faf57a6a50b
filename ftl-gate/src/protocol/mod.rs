//! What travels between controller and gate: frames, the messages in them, and the greeting. See docs/gate-protocol.md.

pub mod frame;
pub mod message;
pub mod hello;

pub use frame::{Decoder, Frame, FrameError, Kind};
pub use hello::{Config, Hello};
pub use message::{Exit, Refusal, Spec};
