//! `ftl`: runs one module on a set of hosts.

use std::process::ExitCode;

fn main() -> ExitCode {
    ftl_cli::program::main(ftl_cli::program::Kind::Ftl)
}
