//! The module's arguments, and which part of it they call for.

use std::io::Read;

use ftl_sdk::{Answer, Args, Argument, Failure, Host, Module, Object, Outcome, Value, account};

use super::state::State;
use super::{directory, links, removal, timestamps, touch};
use crate::attributes::{self, number};
use crate::paths;

pub(crate) const MODULE: Module = Module {
    file_arguments: true,
    covers,
    ..Module::new(
        "file",
        &[
            Argument::text("state").choices(&["absent", "directory", "file", "hard", "link", "touch"]),
            Argument::path("path").required().aliases(&["dest", "name"]),
            Argument::text("_original_basename"),
            Argument::flag("recurse").or_bool(false),
            Argument::flag("force").or_bool(false),
            Argument::flag("follow").or_bool(true),
            Argument::flag("_diff_peek"),
            Argument::path("src"),
            Argument::text("modification_time"),
            Argument::text("modification_time_format").or_text(timestamps::FORMAT),
            Argument::text("access_time"),
            Argument::text("access_time_format").or_text(timestamps::FORMAT),
        ],
        run,
    )
};

fn covers(given: &Object, selinux: bool) -> bool {
    let time = |name: &str| match given.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => matches!(text.as_str(), "now" | "preserve") || timestamps::parse(text).is_some(),
        Some(_) => false,
    };
    let format = |name: &str| given.get(name).is_none_or(|format| format == timestamps::FORMAT);
    attributes::are_covered(given, selinux)
        && time("modification_time")
        && time("access_time")
        && format("modification_time_format")
        && format("access_time_format")
}

fn run(args: &mut Args, host: &Host) -> Answer {
    complete(args, host)?;
    let state = State::named(args.needed("state")).unwrap_or(State::File);
    if host.check() && state != State::Absent {
        warn_of_missing_accounts(args, host);
    }
    if args.optional_flag("_diff_peek").is_some() {
        let path = args.needed("path");
        let binary = seems_binary(&host.at(path));
        return Ok(Outcome::new().with("path", path).with("changed", false).with("appears_binary", binary));
    }
    let mut outcome = match state {
        State::File => touch::ensure_file(args, host),
        State::Directory => directory::ensure_directory(args, host),
        State::Link => links::ensure_symlink(args, host),
        State::Hard => links::ensure_hardlink(args, host),
        State::Touch => touch::touch(args, host),
        State::Absent => removal::ensure_absent(args, host),
    }?;
    if !host.diff() {
        outcome.0.shift_remove("diff");
    }
    Ok(outcome)
}

/// What follows from the arguments and from what is there: the path inside a directory, the state.
fn complete(args: &mut Args, host: &Host) -> Result<(), Failure> {
    let path = args.needed("path").to_owned();
    let given = |name: &str| args.text(name).filter(|text| !text.is_empty());
    if !matches!(args.text("state"), Some("link" | "absent")) && host.at(&path).is_dir() {
        let name = given("_original_basename").or_else(|| given("src").map(paths::base_name)).unwrap_or_default();
        if !name.is_empty() {
            let whole = paths::join(&path, name);
            args.set("path", whole);
        }
    }
    let path = args.needed("path").to_owned();
    if args.text("state").is_none() {
        let state = match State::of(&host.at(&path)) {
            State::Absent if args.flag("recurse") => State::Directory,
            State::Absent => State::File,
            found => found,
        };
        args.set("state", state.name());
    }
    let state = args.needed("state");
    if args.flag("recurse") && state != "directory" {
        return Err(Failure::new("recurse option requires state to be 'directory'").with("path", path));
    }
    if args.text("src").is_some_and(|src| !src.is_empty()) && !matches!(state, "link" | "hard") {
        return Err(Failure::new("src option requires state to be 'link' or 'hard'").with("path", path));
    }
    Ok(())
}

fn warn_of_missing_accounts(args: &Args, host: &Host) {
    let given = |name: &str| args.text(name).filter(|text| !text.is_empty());
    if let Some(owner) = given("owner") {
        match number(owner) {
            Some(uid) if !u32::try_from(uid).is_ok_and(|uid| account::user_of(uid).is_some()) => {
                host.warn(format!("failed to look up user with uid {uid}. Create user up to this point in real play"));
            }
            None if account::user_named(owner).is_none() => {
                host.warn(format!("failed to look up user {owner}. Create user up to this point in real play"));
            }
            _ => {}
        }
    }
    if let Some(group) = given("group") {
        match number(group) {
            Some(gid) if !u32::try_from(gid).is_ok_and(|gid| account::group_of(gid).is_some()) => {
                host.warn(format!(
                    "failed to look up group with gid {gid}. Create group up to this point in real play"
                ));
            }
            None if account::group_named(group).is_none() => {
                host.warn(format!("failed to look up group {group}. Create group up to this point in real play"));
            }
            _ => {}
        }
    }
}

fn seems_binary(file: &std::path::Path) -> bool {
    let Ok(file) = std::fs::File::open(file) else { return false };
    let mut head = Vec::new();
    // A file that cannot be read is taken for text.
    file.take(8192).read_to_end(&mut head).is_ok() && head.contains(&0)
}
