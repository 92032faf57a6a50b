//! What the programs do.

pub mod adhoc;
mod deprecated;
pub mod eval;
pub mod gate_builder;
pub mod inventory;
pub mod localhost;
pub mod play;
pub mod run;
pub mod version;

pub use deprecated::deprecated_options;
