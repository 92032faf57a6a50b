//! Strategies: which host takes which step next.

mod linear;
mod free;
mod workers;

pub use free::run as run_free;
pub use linear::{End, run as run_linear};
