//! Variables: what a host, a play and a task know, in Ansible's order of precedence.

mod layer;
mod facts;
mod world;
mod scope;
mod hostvars;

pub use facts::Facts;
pub use hostvars::HostVarsObject;
pub use scope::{PlayVars, RoleVars, TaskScope, combine};
pub use world::{InventoryLayers, World};
