//! `ftl-play`: runs playbooks.

use std::process::ExitCode;

fn main() -> ExitCode {
    ftl_cli::program::main(ftl_cli::program::Kind::Play)
}
