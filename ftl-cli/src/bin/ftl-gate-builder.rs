//! `ftl-gate-builder`: builds the pack that gates need.

use std::process::ExitCode;

fn main() -> ExitCode {
    ftl_cli::program::main(ftl_cli::program::Kind::GateBuilder)
}
