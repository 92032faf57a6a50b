//! The programs: arguments, settings files, environment, and the wiring of all adapters.
//!
//! No logic worth a unit test should grow here beyond reading what the user wrote: arguments in, wiring, exit code out.

pub mod args;
pub mod callbacks;
pub mod command;
pub mod configuration;
pub mod engine_settings;
pub mod exit;
pub mod extra_vars;
pub mod inventory_settings;
pub mod output_settings;
pub mod parts;
pub mod passwords;
pub mod process_limits;
pub mod program;
pub mod retry_file;
pub mod signals;
pub mod surroundings;
pub mod terminal;
pub mod vault_identity;
pub mod wiring;

/// Less memory in pieces, and faster than the system's: many small values live and die in a run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
