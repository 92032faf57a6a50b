//! Being written.

use crate::exit::Failure;
use crate::program::Context;

pub fn run(_context: &Context<'_>) -> Result<u8, Failure> {
    Err(Failure::not_supported("This program"))
}

/// What the options of `ftl` mean in those of `ansible`.
pub fn complete(_kind: crate::program::Kind, _arguments: &mut crate::args::Arguments) -> Result<(), String> {
    Ok(())
}
