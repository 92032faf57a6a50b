//! Hosts and groups: inventory sources, ranges, patterns, and the variables that belong to hosts and groups.
//!
//! All of it ends with a plain [`Inventory`]; nobody asks a source twice.

pub mod settings;
pub mod inventory;
mod group_tree;
mod reconcile;
mod runtime;
mod draft;
mod variable;
mod combine;
pub mod address;
pub mod range;
pub mod literal;
mod shell_words;
pub mod source;
pub mod pattern;
mod vars_files;
pub mod host_vars;
pub mod listing;

pub use combine::{combine_vars, merge_maps};
pub use host_vars::{HostVariables, Layer, Level};
pub use inventory::{Group, GroupId, GroupSet, Host, Inventory};
pub use pattern::{Limit, Selection, matches_glob};
pub use runtime::{AddedHost, GroupedHost};
pub use settings::{GroupLevel, HashBehaviour, InventorySettings, InvalidGroupChars, OnMismatch, VarsFilesTime};
pub use source::{Loaded, load};
