//! `ping`: answers.

use ftl_sdk::{Answer, Args, Argument, Failure, Host, Module, Outcome};

pub(crate) const MODULE: Module = Module::new("ping", &[Argument::text("data").or_text("pong")], run);

fn run(args: &mut Args, _: &Host) -> Answer {
    match args.needed("data") {
        "crash" => Err(Failure::crash("boom")),
        data => Ok(Outcome::new().with("ping", data)),
    }
}
