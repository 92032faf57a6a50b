//! Where text was written, and how to tell its author what is wrong with it.

mod origin;
mod diagnostic;
mod render;

pub use diagnostic::{Diagnostic, Severity};
pub use origin::Origin;
pub use render::{excerpt, render};
