//! What the tests of whole programs share: the programs, a clean place to run them in, and machines to reach.

pub mod normalise;
pub mod processes;
pub mod program;
pub mod proxy;
pub mod sandbox;
pub mod sshd;
