//! What the programs do.

pub mod adhoc;
pub mod eval;
pub mod gate_builder;
pub mod inventory;
pub mod localhost;
pub mod play;
pub mod run;
pub mod version;
