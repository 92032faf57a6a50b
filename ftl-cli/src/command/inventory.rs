//! Being written.

use crate::exit::Failure;
use crate::program::Context;

pub fn run(_context: &Context<'_>) -> Result<u8, Failure> {
    Err(Failure::not_supported("This program"))
}
