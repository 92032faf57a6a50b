//! Lookups: data from the controller, by name.

mod table;

pub use table::{find, names};
