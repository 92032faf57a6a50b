//! `lineinfile`: a line that is there, or is not.

mod lines;
mod module;

pub(crate) use module::MODULE;
