//! `state: link` and `state: hard`.

use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use ftl_sdk::{Answer, Args, Failure, Host, Object, Outcome, Value, bytes_of};

use super::state::{State, initial_diff};
use super::timestamps::Times;
use crate::attributes::{Wanted, side};
use crate::replace::fresh;
use crate::{paths, problem};

/// What both kinds of links begin with.
struct Link<'a> {
    args: &'a Args,
    host: &'a Host,
    path: &'a str,
    file: PathBuf,
    src: Option<String>,
    before: State,
}

impl<'a> Link<'a> {
    fn new(args: &'a Args, host: &'a Host) -> Link<'a> {
        let path = args.needed("path");
        let file = host.at(path);
        Link { args, host, path, before: State::of(&file), file, src: args.text("src").map(str::to_owned) }
    }

    /// Where it points to now, if that is not where it shall.
    fn other_target(&self, diff: &mut Object) -> Result<bool, Failure> {
        let Some(src) = &self.src else { return Ok(false) };
        let old = std::fs::read_link(&self.file).map_err(|error| problem::crash(&error, &self.file))?;
        let old = self.host.shown(&old);
        if old == *src {
            return Ok(false);
        }
        side(diff, "before").insert("src".into(), old.into());
        side(diff, "after").insert("src".into(), src.as_str().into());
        Ok(true)
    }

    /// Puts a link in place in one step; `make` makes it at a temporary name.
    fn replace(&self, make: impl Fn(&Path) -> io::Result<()>) -> Result<(), Failure> {
        let directory = self.file.parent().unwrap_or(Path::new("/"));
        let replaced = fresh(directory, ".", ".tmp", make).and_then(|((), temporary)| {
            std::fs::rename(&temporary, &self.file).inspect_err(|_| {
                std::fs::remove_file(&temporary).ok();
            })
        });
        replaced.map_err(|error| self.failure("replacing", &error))
    }

    fn failure(&self, what: &str, error: &io::Error) -> Failure {
        let src = self.src.as_deref().unwrap_or_default();
        let text = problem::about_both(error, src.as_ref(), self.path.as_ref());
        Failure::new(format!("Error while {what}: {text}")).with("path", self.path)
    }

    fn refuse(&self, message: String) -> Failure {
        Failure::new(message).with("path", self.path)
    }

    fn outcome(&self, changed: bool, diff: Object) -> Outcome {
        let src = self.src.clone().map_or(Value::Null, Value::from);
        Outcome::new().with("dest", self.path).with("src", src).with("changed", changed).with("diff", diff)
    }

    /// Attributes and times last.
    fn finish(&self, changed: bool, mut diff: Object, wanted: &Wanted, times: &Times) -> Answer {
        let changed = wanted.apply(self.host, changed, Some(&mut diff))?;
        let changed = times.apply(self.host, &wanted.path, Some(&mut diff))? || changed;
        Ok(self.outcome(changed, diff))
    }

    fn only_checked(&self) -> bool {
        self.host.check() && !self.file.exists()
    }
}

pub(crate) fn ensure_symlink(args: &Args, host: &Host) -> Answer {
    let mut link = Link::new(args, host);
    let times = Times::of(args, State::Link, host)?;
    let (follow, force) = (args.flag("follow"), args.flag("force"));
    if link.src.is_none() && follow && link.file.exists() {
        let target = std::fs::read_link(&link.file)
            .map_err(|error| Failure::crash(problem::about_bytes(&error, link.path.as_ref())))?;
        link.src = Some(host.shown(&target));
    }
    let is_real_dir = !link.file.is_symlink() && link.file.is_dir();
    let relative = if is_real_dir { link.path } else { paths::directory(link.path) };
    if let Some(src) = link.src.as_ref().filter(|_| !force) {
        let whole = paths::join(relative, src);
        if !host.at(&whole).exists() {
            let message =
                format!("src file does not exist, use 'force=yes' if you really want to create the link: {whole}");
            return Err(link.refuse(message).with("src", src.as_str()));
        }
    }
    refuse_conversion(&link, force)?;
    let mut diff = initial_diff(host, link.path, State::Link, link.before);
    let changed = match link.before {
        State::Link => link.other_target(&mut diff)?,
        _ if link.src.is_none() => return Err(Failure::new("src is required for creating new symlinks")),
        _ => true,
    };
    if changed && !host.check() {
        make_symlink(&link)?;
    }
    if link.only_checked() {
        return Ok(link.outcome(changed, diff));
    }
    let wanted = Wanted::of(args, link.path, host);
    if follow && link.file.is_symlink() && !host.at(&wanted.path).exists() {
        host.warn(
            "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.",
        );
        return Ok(link.outcome(changed, diff));
    }
    link.finish(changed, diff, &wanted, &times)
}

fn refuse_conversion(link: &Link<'_>, force: bool) -> Result<(), Failure> {
    let (path, before) = (link.path, link.before);
    match before {
        State::Directory | State::File | State::Hard if !force => {
            Err(link.refuse(format!("refusing to convert from {} to symlink for {path}", before.name())))
        }
        State::Directory => {
            let mut entries = std::fs::read_dir(&link.file)
                .map_err(|error| Failure::crash(problem::about_bytes(&error, path.as_ref())))?;
            match entries.next() {
                Some(_) => Err(link.refuse(format!("the directory {path} is not empty, refusing to convert it"))),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn make_symlink(link: &Link<'_>) -> Result<(), Failure> {
    let src = link.src.as_deref().unwrap_or_default();
    let target = <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes_of(src));
    if link.before == State::Absent {
        return symlink(&target, &link.file).map_err(|error| link.failure("linking", &error));
    }
    if link.before == State::Directory {
        std::fs::remove_dir(&link.file).map_err(|error| {
            let text = problem::about_bytes(&error, link.path.as_ref());
            link.refuse(format!("Error while replacing: {text}"))
        })?;
    }
    link.replace(|temporary| symlink(&target, temporary))
}

pub(crate) fn ensure_hardlink(args: &Args, host: &Host) -> Answer {
    let link = Link::new(args, host);
    let wanted = Wanted::of(args, link.path, host);
    let times = Times::of(args, State::Hard, host)?;
    if link.before != State::Hard && link.src.is_none() {
        return Err(Failure::new("src is required for creating new hardlinks"));
    }
    let source = link.src.as_ref().map(|src| host.at(src));
    if source.as_ref().is_some_and(|source| !source.exists()) {
        return Err(with_both(Failure::new("src does not exist"), &link));
    }
    let mut diff = initial_diff(host, link.path, State::Hard, link.before);
    let Some(changed) = hardlink_differs(&link, args.flag("force"), source.as_deref(), &mut diff)? else {
        return Ok(Outcome::new().with("path", link.path).with("changed", false));
    };
    if let Some(source) = source.filter(|_| changed && !host.check()) {
        make_hardlink(&link, &source)?;
    }
    if link.only_checked() {
        return Ok(link.outcome(changed, diff));
    }
    link.finish(changed, diff, &wanted, &times)
}

fn with_both(failure: Failure, link: &Link<'_>) -> Failure {
    failure.with("dest", link.path).with("src", link.src.clone().map_or(Value::Null, Value::from))
}

fn inode(file: &Path) -> Result<u64, Failure> {
    std::fs::metadata(file).map(|found| found.ino()).map_err(|error| problem::crash(&error, file))
}

/// Must the link be made? `None`: it is the same directory.
fn hardlink_differs(
    link: &Link<'_>,
    force: bool,
    source: Option<&Path>,
    diff: &mut Object,
) -> Result<Option<bool>, Failure> {
    let refuse = |message: String| match force {
        true => Ok(Some(true)),
        false => Err(with_both(Failure::new(message), link)),
    };
    match (link.before, source) {
        (State::Link, _) => link.other_target(diff).map(Some),
        (State::Hard, Some(source)) if inode(&link.file)? != inode(source)? => {
            refuse("Cannot link, different hard link exists at destination".into())
        }
        (State::Hard, _) => Ok(Some(false)),
        (State::File, _) => refuse("Cannot link, file exists at destination".into()),
        (State::Directory, Some(source)) => match inode(&link.file)? == inode(source)? {
            true => Ok(None),
            false => refuse("Cannot link: different hard link exists at destination".into()),
        },
        _ => Ok(Some(true)),
    }
}

fn make_hardlink(link: &Link<'_>, source: &Path) -> Result<(), Failure> {
    if link.before == State::Absent {
        let follow = link.args.flag("follow") && source.is_symlink();
        let source = match std::fs::read_link(source) {
            // Relative to where the task started, as Ansible takes it.
            Ok(target) if follow => link.host.cwd().join(target),
            _ => source.to_owned(),
        };
        return std::fs::hard_link(source, &link.file).map_err(|error| link.failure("linking", &error));
    }
    if link.before == State::Directory {
        std::fs::remove_file(&link.file).map_err(|error| {
            let text = problem::about_bytes(&error, link.path.as_ref());
            link.refuse(format!("Error while replacing: {text}"))
        })?;
    }
    link.replace(|temporary| std::fs::hard_link(source, temporary))
}
