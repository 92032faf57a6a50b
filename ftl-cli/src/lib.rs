//! The programs: arguments, settings files, environment, and the wiring of all adapters.

pub mod thin;
