//! `slurp`: the content of a file, as base64.

use std::fs::File;
use std::io::{ErrorKind, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ftl_sdk::{Answer, Args, Argument, Failure, Host, Module, Outcome};

use crate::problem;

/// As base64, 64 MiB: the most a result may hold.
const MOST: u64 = 48 << 20;

pub(crate) const MODULE: Module = Module::new("slurp", &[Argument::path("src").required().aliases(&["path"])], run);

fn run(args: &mut Args, host: &Host) -> Answer {
    let source = args.needed("src");
    let mut content = Vec::new();
    let read = File::open(host.at(source)).and_then(|file| file.take(MOST + 1).read_to_end(&mut content));
    let length = read.map_err(|error| {
        let message = match error.kind() {
            ErrorKind::NotFound => format!("File not found: {source}"),
            ErrorKind::PermissionDenied => format!("File is not readable: {source}"),
            ErrorKind::IsADirectory => format!("Source is a directory and must be a file: {source}"),
            // Ansible's own text: it forgot to fill in the name.
            _ => "Unable to slurp file: {source}".into(),
        };
        Failure::new(message).because(problem::about(&error, source))
    })?;
    if length as u64 > MOST {
        return Err(Failure::new(format!(
            "{source} is larger than 48 MiB: its content would be more than results may be."
        )));
    }
    Ok(Outcome::new().with("content", STANDARD.encode(content)).with("source", source).with("encoding", "base64"))
}
