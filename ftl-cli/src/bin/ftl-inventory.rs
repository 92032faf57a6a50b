//! `ftl-inventory`: shows inventories.

use std::process::ExitCode;

fn main() -> ExitCode {
    ftl_cli::program::main(ftl_cli::program::Kind::Inventory)
}
