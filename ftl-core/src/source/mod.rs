//! Where text was written, and how to tell its author what is wrong with it.

mod origin;
mod diagnostic;
mod loader;
mod removal;
mod render;

pub use diagnostic::{Diagnostic, Severity};
pub use loader::{FileContent, Loader, not_found_message};
pub use origin::Origin;
pub use removal::Removal;
pub use render::{excerpt, render};
