//! Hosts and groups: inventory sources, ranges, patterns, and the variables that belong to hosts and groups.
//!
//! All of it ends with a plain [`Inventory`]; nobody asks a source twice.

pub mod address;
mod combine;
mod draft;
mod group_tree;
pub mod host_vars;
pub mod inventory;
pub mod listing;
pub mod literal;
pub mod pattern;
pub mod range;
mod reconcile;
mod runtime;
pub mod settings;
pub mod source;
mod variable;
mod vars_files;

pub use combine::{combine_vars, merge_maps};
pub use host_vars::{HostVariables, Layer, Level};
pub use inventory::{Group, GroupId, GroupSet, Host, Inventory};
pub use pattern::{Limit, Selection, matches_glob};
pub use runtime::{AddedHost, GroupedHost};
pub use settings::{GroupLevel, HashBehaviour, InvalidGroupChars, InventorySettings, OnMismatch, VarsFilesTime};
pub use source::{Loaded, load};
