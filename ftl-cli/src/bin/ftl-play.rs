//! `ftl-play`: runs playbooks.

fn main() -> std::process::ExitCode {
    ftl_cli::thin::main()
}
