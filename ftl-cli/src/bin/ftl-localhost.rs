//! `ftl-localhost`: prints an inventory with localhost.

use std::process::ExitCode;

fn main() -> ExitCode {
    ftl_cli::program::main(ftl_cli::program::Kind::Localhost)
}
