//! `slurp`: the content of a file, as base64.

use std::io::ErrorKind;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ftl_sdk::{Answer, Args, Argument, Failure, Host, Module, Outcome};

use crate::problem;

pub(crate) const MODULE: Module = Module::new("slurp", &[Argument::path("src").required().aliases(&["path"])], run);

fn run(args: &mut Args, host: &Host) -> Answer {
    let source = args.needed("src");
    let content = std::fs::read(host.at(source)).map_err(|error| {
        let message = match error.kind() {
            ErrorKind::NotFound => format!("File not found: {source}"),
            ErrorKind::PermissionDenied => format!("File is not readable: {source}"),
            ErrorKind::IsADirectory => format!("Source is a directory and must be a file: {source}"),
            // Ansible's own text: it forgot to fill in the name.
            _ => "Unable to slurp file: {source}".into(),
        };
        Failure::new(message).because(problem::about(&error, source))
    })?;
    Ok(Outcome::new().with("content", STANDARD.encode(content)).with("source", source).with("encoding", "base64"))
}
