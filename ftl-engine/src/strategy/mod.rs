//! Strategies: which host takes which step next.

mod linear;
mod free;
mod workers;

pub(crate) use free::run as run_free;
pub(crate) use linear::{End, run as run_linear};
