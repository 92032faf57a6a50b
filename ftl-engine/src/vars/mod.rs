//! Variables: what a host, a play and a task know, in Ansible's order of precedence.

mod layer;
mod facts;
mod world;
mod scope;
mod vars_files;
mod hostvars;

pub(crate) use facts::Facts;
pub(crate) use hostvars::HostVarsObject;
pub(crate) use scope::{PlayVars, RoleVars, TaskScope, combine};
pub(crate) use vars_files::VarsFiles;
pub use world::InventoryLayers;
pub(crate) use world::World;
