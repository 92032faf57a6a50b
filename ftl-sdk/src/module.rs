//! A module: its name, its arguments and its function; and one call of it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};

use crate::Object;
use crate::account;
use crate::args::Args;
use crate::argument::{Argument, FILE_ARGUMENTS};
use crate::check::check;
use crate::host::Host;
use crate::outcome::{Answer, Failure, Outcome};
use crate::secret::{hide, secrets};

/// Rules between arguments.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub mutually_exclusive: &'static [&'static [&'static str]],
    pub required_one_of: &'static [&'static [&'static str]],
}

impl Rules {
    pub const NONE: Rules = Rules { mutually_exclusive: &[], required_one_of: &[] };
}

/// The description of a module, one constant per module.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    pub name: &'static str,
    pub arguments: &'static [Argument],
    pub rules: Rules,
    /// Does it take `owner`, `group`, `mode` and their like too?
    pub file_arguments: bool,
    /// Can it say what it would do?
    pub check_mode: bool,
    /// Is all that these arguments ask for done here, exactly as Ansible's module does it? `selinux`: this machine labels
    /// files. The arguments come as the task gave them, before they are checked.
    pub covers: fn(&Object, selinux: bool) -> bool,
    pub run: fn(&mut Args, &Host) -> Answer,
}

impl Module {
    /// A module without special rules that covers all its arguments.
    pub const fn new(
        name: &'static str,
        arguments: &'static [Argument],
        run: fn(&mut Args, &Host) -> Answer,
    ) -> Module {
        Module {
            name,
            arguments,
            rules: Rules::NONE,
            file_arguments: false,
            check_mode: true,
            covers: |_, _| true,
            run,
        }
    }

    pub(crate) fn all_arguments(&self) -> impl Iterator<Item = &'static Argument> + use<> {
        let common = if self.file_arguments { FILE_ARGUMENTS } else { &[] };
        self.arguments.iter().chain(common)
    }

    /// Are all these arguments known, and covered?
    pub fn supports(&self, given: &Object, selinux: bool) -> bool {
        let known = |name: &String| self.all_arguments().any(|argument| argument.answers_to(name));
        given.keys().all(known) && (self.covers)(given, selinux)
    }

    /// Runs the module: the result is what Ansible's module of that name would print.
    pub fn call(&self, given: Object, host: &Host) -> Object {
        let (args, checked) = check(self, given, host);
        let hidden = secrets(self, &args);
        let mut args = Args::new(args);
        let answer = match checked {
            Err(message) => Err(Failure::new(message)),
            Ok(()) if host.check() && !self.check_mode => Ok(Outcome::new()
                .with("skipped", true)
                .with("msg", format!("remote module ({}) does not support check mode", host.module_name()))),
            Ok(()) => (self.run)(&mut args, host),
        };
        let (mut result, crashed, leftover) = match answer {
            Ok(outcome) => (outcome.0, false, None),
            Err(failure) => failure.into_parts(),
        };
        if !crashed {
            add_path_facts(&mut result, host);
            if let Some(file) = leftover {
                std::fs::remove_file(file).ok();
            }
            result.entry("invocation").or_insert_with(|| json!({"module_args": args.into_object()}));
            let warnings = host.take_warnings();
            if !warnings.is_empty() {
                result.insert("warnings".into(), warnings.into());
            }
        }
        hide(&mut result, &hidden);
        result
    }
}

/// What Ansible adds to every result that names a file: its owner, mode, state and size.
fn add_path_facts(result: &mut Object, host: &Host) {
    let named = result.get("path").or_else(|| result.get("dest"));
    let Some(path) = named.and_then(Value::as_str).map(|path| host.at(path)) else { return };
    let (Ok(target), Ok(found)) = (std::fs::metadata(&path), std::fs::symlink_metadata(&path)) else { return };
    result.insert("uid".into(), found.uid().into());
    result.insert("gid".into(), found.gid().into());
    result.insert("owner".into(), owner_name(found.uid()).into());
    result.insert("group".into(), group_name(found.gid()).into());
    result.insert("mode".into(), format!("0{:03o}", found.mode() & 0o7777).into());
    result.insert("state".into(), state_of(&found, &target).into());
    result.insert("size".into(), found.size().into());
}

fn owner_name(uid: u32) -> String {
    account::user_of(uid).map_or_else(|| uid.to_string(), |user| user.name)
}

fn group_name(gid: u32) -> String {
    account::group_of(gid).map_or_else(|| gid.to_string(), |group| group.name)
}

fn state_of(found: &Metadata, target: &Metadata) -> &'static str {
    if found.is_symlink() {
        "link"
    } else if target.is_dir() {
        "directory"
    } else if target.nlink() > 1 {
        "hard"
    } else {
        "file"
    }
}
