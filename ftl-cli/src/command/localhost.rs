//! `ftl-localhost`: an inventory with this machine, and the Python that modules run with.

use std::fs::OpenOptions;
use std::io::Write;

use ftl_module::ansible::core::AnsibleCore;

use crate::exit::{self, Failure};
use crate::program::Context;

pub fn run(context: &Context<'_>) -> Result<u8, Failure> {
    let parts = context.parts();
    let core = AnsibleCore::find(&parts.module_settings(&[]));
    let python = parts.controller_python(core.as_ref());
    let text = match context.arguments.flag("ini") {
        true => format!("localhost ansible_connection=local ansible_python_interpreter={python}\n"),
        false => format!(
            "all:\n  hosts:\n    localhost:\n      ansible_connection: local\n      ansible_python_interpreter: {python}\n"
        ),
    };
    let Some(file) = context.arguments.text("write") else {
        context.print(&text)?;
        return Ok(exit::OK);
    };
    let path = context.surroundings.path(file);
    let mut options = OpenOptions::new();
    match context.arguments.flag("force") {
        true => options.write(true).create(true).truncate(true),
        false => options.write(true).create_new(true),
    };
    let mut target = options.open(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::option(format!("The file {path} exists already; --force replaces it."))
        }
        _ => Failure::general(format!("The file {path} cannot be written: {error}")),
    })?;
    target
        .write_all(text.as_bytes())
        .map_err(|error| Failure::general(format!("The file {path} cannot be written: {error}")))?;
    Ok(exit::OK)
}
