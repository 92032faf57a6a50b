//! `file`: files, directories and links, and what they are like.

mod directory;
mod links;
mod module;
mod removal;
mod state;
mod timestamps;
mod touch;

pub(crate) use module::MODULE;
