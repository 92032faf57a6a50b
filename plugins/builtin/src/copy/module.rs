//! The module's arguments and its life of one file.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ftl_sdk::{Answer, Args, Argument, Failure, Host, Module, Object, Outcome, Value, repr_text};
use rustix::fs::Access;

use super::destination::{Destination, find, refuse_unwritable};
use super::tree::Tree;
use crate::attributes::{self, Wanted};
use crate::process::{self, Program};
use crate::replace::{self, Manner, back_up, copy_state, fresh_file};
use crate::{digest, paths, problem, words};

pub(crate) const MODULE: Module = Module {
    file_arguments: true,
    covers,
    ..Module::new(
        "copy",
        &[
            Argument::path("src"),
            Argument::text("_original_basename"),
            Argument::text("content").secret(),
            Argument::path("dest").required(),
            Argument::flag("backup").or_bool(false),
            Argument::flag("force").or_bool(true),
            Argument::text("validate"),
            Argument::raw("directory_mode"),
            Argument::flag("remote_src").or_bool(false),
            Argument::flag("local_follow"),
            Argument::text("checksum"),
            Argument::flag("follow").or_bool(false),
        ],
        run,
    )
};

/// Content is turned into a file before it comes here, and a source there must be.
fn covers(given: &Object, selinux: bool) -> bool {
    let set = |name: &str| given.get(name).is_some_and(|value| !value.is_null());
    attributes::are_covered(given, selinux)
        && attributes::is_mode(given.get("directory_mode"))
        && attributes::is_validation(given.get("validate"))
        && !set("content")
        && set("src")
}

fn run(args: &mut Args, host: &Host) -> Answer {
    let src = args.needed("src").to_owned();
    let source = host.at(&src);
    let found = match std::fs::metadata(&source) {
        Ok(found) => found,
        Err(_) => return Err(Failure::new(format!("Source {src} not found"))),
    };
    if rustix::fs::access(&source, Access::READ_OK).is_err() {
        return Err(Failure::new(format!("Source {src} not readable")));
    }
    if args.text("mode") == Some("preserve") {
        args.set("mode", format!("0{:03o}", found.permissions().mode() & 0o7777));
    }
    let remote = args.flag("remote_src");
    let sums = match (found.is_file(), found.is_dir()) {
        (true, _) => Some(digest::sha1_and_md5(&source).map_err(|error| problem::crash(&error, &source))?),
        (_, false) if remote => {
            return Err(Failure::new(format!("Cannot copy invalid source '{src}': not a file")));
        }
        _ => None,
    };
    let checksum = sums.as_ref().map(|(sha1, _)| sha1.clone());
    if let Some(expected) = args.text("checksum").filter(|sum| !sum.is_empty() && Some(*sum) != checksum.as_deref()) {
        let message = "Copied file does not match the expected checksum. Transfer failed.";
        return Err(Failure::new(message)
            .with("checksum", checksum.clone().map_or(Value::Null, Value::from))
            .with("expected_checksum", expected));
    }
    let (path, made_directory) = match find(args, host, &src)? {
        Destination::File { path, made_directory } => (path, made_directory),
        Destination::Answer(outcome) => return Ok(outcome),
    };
    let copy = Copy { args, host, src: &src, source: &source, checksum, md5: sums.map(|(_, md5)| md5) };
    copy.to(path, made_directory)
}

struct Copy<'a> {
    args: &'a Args,
    host: &'a Host,
    src: &'a str,
    source: &'a Path,
    checksum: Option<String>,
    md5: Option<String>,
}

impl Copy<'_> {
    fn to(&self, mut path: String, made_directory: bool) -> Answer {
        let (args, host) = (self.args, self.host);
        let mut before = None;
        if host.at(&path).exists() {
            if args.flag("follow") && host.at(&path).is_symlink() {
                path = host.shown(&paths::real(&host.at(&path)));
            }
            if !args.flag("force") {
                let outcome = Outcome::new().with("msg", "file already exists").with("src", self.src);
                return Ok(outcome.with("dest", path).with("changed", false));
            }
            let file = host.at(&path);
            if file.is_file() && rustix::fs::access(&file, Access::READ_OK).is_ok() {
                before = Some(digest::sha1(&file).map_err(|error| problem::crash(&error, &file))?);
            }
        }
        refuse_unwritable(host, &path, args.flag("unsafe_writes"))?;
        let file = host.at(&path);
        let mut changed = made_directory;
        let mut backup = String::new();
        if self.checksum != before || file.is_symlink() {
            if !host.check() {
                backup = self.write(&path, &file)?;
            }
            changed = true;
        }
        changed |= self.tree(before.as_deref())?;
        let mut outcome = Outcome::new().with("dest", path.as_str()).with("src", self.src);
        outcome.set("md5sum", self.md5.clone().map_or(Value::Null, Value::from));
        outcome.set("checksum", self.checksum.clone().map_or(Value::Null, Value::from));
        outcome.set("changed", changed);
        if !backup.is_empty() {
            outcome.set("backup_file", backup);
        }
        let changed = Wanted::of(args, &path, host).apply(host, changed, None)?;
        outcome.set("changed", changed);
        Ok(outcome)
    }

    /// Writes the file; answers the name of the backup.
    fn write(&self, path: &str, file: &Path) -> Result<String, Failure> {
        let failed = |error: io::Error, path: &Path| {
            let message = format!("Failed to copy {} to {}.", repr_text(self.src), repr_text(&self.host.shown(file)));
            Failure::crash(message).because(problem::about_bytes(&error, path))
        };
        let (args, host) = (self.args, self.host);
        let mut backup = String::new();
        if args.flag("backup") && file.exists() {
            backup = back_up(host, path)?;
        }
        if file.is_symlink() {
            std::fs::remove_file(file).and_then(|()| File::create(file)).map_err(|error| failed(error, file))?;
        }
        self.validate()?;
        let remote = args.flag("remote_src");
        let ready = if remote && self.source.is_file() {
            let directory = file.parent().unwrap_or(Path::new("/"));
            let (copy, ready) = fresh_file(directory, "tmp", "").map_err(|error| failed(error, directory))?;
            let filled = self.fill(copy, &ready);
            if let Err(error) = filled {
                std::fs::remove_file(&ready).ok();
                return Err(failed(error, self.source));
            }
            ready
        } else {
            self.source.to_owned()
        };
        let manner = Manner { keep: !remote, unsafe_writes: args.flag("unsafe_writes"), bytes: true };
        let put = replace::put(host, &ready, file, path, manner);
        if put.is_err() && remote && ready != self.source {
            std::fs::remove_file(&ready).ok();
        }
        put.map(|()| backup)
    }

    fn fill(&self, mut copy: File, ready: &Path) -> io::Result<()> {
        io::copy(&mut File::open(self.source)?, &mut copy)?;
        copy_state(self.source, ready)
    }

    fn validate(&self) -> Result<(), Failure> {
        let Some(validate) = self.args.text("validate").filter(|line| !line.is_empty()) else { return Ok(()) };
        // Some programs look at the mode and the owner too.
        let wanted = Wanted { path: self.src.to_owned(), ..Wanted::of(self.args, self.src, self.host) };
        Wanted { owner: None, group: None, ..wanted.clone() }.apply(self.host, false, None)?;
        wanted.apply_owner(self.host, false)?;
        let line = check_line(validate, self.src)?;
        let finished = run_line(&line, self.host)?;
        if finished.rc != 0 {
            return Err(Failure::new("failed to validate")
                .with("exit_status", finished.rc)
                .with("stdout", ftl_sdk::text_of(finished.stdout))
                .with("stderr", ftl_sdk::text_of(finished.stderr)));
        }
        Ok(())
    }

    /// Copies a directory of this machine.
    fn tree(&self, before: Option<&str>) -> Result<bool, Failure> {
        let (args, host) = (self.args, self.host);
        let mut to = args.needed("dest").to_owned();
        let target = host.at(&to);
        let directories = self.source.is_dir() && (target.is_dir() || !target.exists());
        if self.checksum.is_some() || before.is_some() || !args.flag("remote_src") || !directories {
            return Ok(false);
        }
        if !self.src.ends_with('/') {
            to = paths::join(&to, paths::base_name(self.src));
        }
        let wanted = Wanted::of(args, &to, host);
        Tree { host, wanted: &wanted, follow: args.optional_flag("local_follow") }.copy(self.source, &host.at(&to))
    }
}

/// The command that validates a file.
pub(crate) fn check_line(validate: &str, file: &str) -> Result<String, Failure> {
    match validate.split_once("%s") {
        Some((before, after)) => Ok(format!("{}{file}{}", before.replace("%%", "%"), after.replace("%%", "%"))),
        None => Err(Failure::new(format!("validate must contain %s: {validate}"))),
    }
}

/// Runs a line without a shell.
pub(crate) fn run_line(line: &str, host: &Host) -> Result<process::Finished, Failure> {
    let words = words::split(line).map_err(Failure::crash)?;
    let words: Vec<String> = words.iter().map(|word| host.expand(word)).collect();
    process::run(Program { words: &words, directory: host.cwd(), input: None, locale: None }, host).map_err(|error| {
        let name = words.first().map(String::as_str).unwrap_or_default();
        Failure::new("Error executing command.")
            .with("rc", error.raw_os_error().unwrap_or(257))
            .with("stdout", "")
            .with("stderr", "")
            .with("cmd", words::without_passwords(&words))
            .because(format!("{}: b{}", problem::bare(&error), repr_text(name)))
    })
}
