//! A directory copied over another of the same machine: what differs and what is missing, nothing is removed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;

use ftl_sdk::{Failure, Host, repr_text, text_of};
use rustix::fs::{AtFlags, CWD, utimensat};

use crate::attributes::Wanted;
use crate::problem;
use crate::replace::{copy_state, times_of};

pub(crate) struct Tree<'a> {
    pub host: &'a Host,
    pub wanted: &'a Wanted,
    /// Are links replaced by what they point to? Unset: links are copied as links inside of new directories only.
    pub follow: Option<bool>,
}

impl Tree<'_> {
    pub(crate) fn copy(&self, from: &Path, to: &Path) -> Result<bool, Failure> {
        if !to.exists() {
            if !self.host.check() {
                self.copy_all(from, to)?;
            }
            return Ok(true);
        }
        let changed = self.update(from, to)?;
        Ok(self.own_all(to)? || changed)
    }

    fn update(&self, from: &Path, to: &Path) -> Result<bool, Failure> {
        let mut changed = false;
        let mut common = Vec::new();
        let entries = fs::read_dir(from).map_err(|error| problem::crash(&error, from))?;
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            let (source, target) = (from.join(&name), to.join(&name));
            if fs::symlink_metadata(&target).is_err() {
                changed = true;
                if !self.host.check() {
                    self.add(&source, &target)?;
                }
            } else if source.is_dir() && target.is_dir() {
                common.push(name);
            } else if source.is_file() && target.is_file() && self.differ(&source, &target)? {
                changed = true;
                if !self.host.check() {
                    self.replace(&source, &target)?;
                }
            }
        }
        for name in common {
            changed |= self.update(&from.join(&name), &to.join(&name))?;
        }
        Ok(changed)
    }

    /// Python's shallow comparison: equal kind, size and time are equal files.
    fn differ(&self, source: &Path, target: &Path) -> Result<bool, Failure> {
        let signature = |file: &Path| {
            let found = fs::metadata(file).map_err(|error| problem::crash(&error, file))?;
            Ok((found.mode() & 0o170_000, found.size(), found.mtime(), found.mtime_nsec()))
        };
        let (a, b): ((u32, u64, i64, i64), _) = (signature(source)?, signature(target)?);
        if a == b {
            return Ok(false);
        }
        Ok(a.1 != b.1 || contents_differ(source, target).map_err(|error| problem::crash(&error, source))?)
    }

    fn replace(&self, source: &Path, target: &Path) -> Result<(), Failure> {
        if source.is_symlink() && self.follow == Some(false) {
            link(source, target)?;
        } else {
            copy_file(source, target, true).map_err(|error| problem::crash(&error, target))?;
        }
        self.own(target).map(drop)
    }

    fn add(&self, source: &Path, target: &Path) -> Result<(), Failure> {
        let crash = |error: io::Error| problem::crash(&error, target);
        if source.is_symlink() {
            match self.follow {
                Some(true) if source.is_dir() => self.copy_all(source, target),
                Some(true) if source.is_file() => {
                    copy_file(source, target, false).map_err(crash)?;
                    self.own(target).map(drop)
                }
                Some(false) if source.exists() => link(source, target),
                _ => Ok(()),
            }
        } else if source.is_dir() {
            self.copy_all(source, target)
        } else if source.is_file() {
            copy_file(source, target, true).map_err(crash)?;
            self.own(target).map(drop)
        } else {
            Ok(())
        }
    }

    fn copy_all(&self, from: &Path, to: &Path) -> Result<(), Failure> {
        let mut problems = Vec::new();
        self.copy_tree(from, to, &mut problems)?;
        if !problems.is_empty() {
            return Err(Failure::crash(format!("[{}]", problems.join(", "))));
        }
        self.own_all(to).map(drop)
    }

    /// Python's `copytree`: modes and times are kept, what cannot be copied is told at the end.
    fn copy_tree(&self, from: &Path, to: &Path, problems: &mut Vec<String>) -> Result<(), Failure> {
        let entries = fs::read_dir(from).map_err(|error| problem::crash(&error, from))?;
        fs::create_dir_all(to).map_err(|error| problem::crash(&error, to))?;
        for entry in entries.flatten() {
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            let is_link = source.is_symlink() && self.follow != Some(true);
            if !is_link && source.is_dir() {
                if let Err(failure) = self.copy_tree(&source, &target, problems) {
                    problems.push(triple(&source, &target, failure.message()));
                }
                continue;
            }
            // To read it would mean to wait for a writer.
            let is_pipe = !is_link && fs::metadata(&source).is_ok_and(|found| found.file_type().is_fifo());
            let done = match (is_link, is_pipe) {
                (true, _) => copy_link(&source, &target).and_then(|()| copy_times(&source, &target)),
                (_, true) => Err(io::Error::other(format!("`{}` is a named pipe", bytes_repr(&source)))),
                _ => copy_file(&source, &target, false).and_then(|()| copy_state(&source, &target)),
            };
            if let Err(error) = done {
                let said = match error.raw_os_error() {
                    Some(_) => problem::about_bytes(&error, &source),
                    None => error.to_string(),
                };
                problems.push(triple(&source, &target, &said));
            }
        }
        copy_state(from, to).map_err(|error| problem::crash(&error, to))
    }

    fn own(&self, file: &Path) -> Result<bool, Failure> {
        self.wanted.at(self.host.shown(file)).apply_owner(self.host, false)
    }

    fn own_all(&self, root: &Path) -> Result<bool, Failure> {
        if self.wanted.owner.is_none() && self.wanted.group.is_none() {
            return Ok(false);
        }
        let mut changed = self.own(root)?;
        let Ok(entries) = fs::read_dir(root) else { return Ok(changed) };
        for entry in entries.flatten() {
            changed |= match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.own_all(&entry.path())?,
                _ => self.own(&entry.path())?,
            };
        }
        Ok(changed)
    }
}

fn contents_differ(a: &Path, b: &Path) -> io::Result<bool> {
    let (mut a, mut b) = (io::BufReader::new(File::open(a)?), io::BufReader::new(File::open(b)?));
    let (mut left, mut right) = (vec![0; 8192], vec![0; 8192]);
    loop {
        let length = a.read(&mut left)?;
        if length == 0 {
            return Ok(b.read(&mut right)? != 0);
        }
        match b.read_exact(&mut right[..length]) {
            Ok(()) if left[..length] == right[..length] => {}
            Ok(()) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}

/// Makes a link of the same target.
fn link(source: &Path, target: &Path) -> Result<(), Failure> {
    let to = fs::read_link(source).map_err(|error| problem::crash(&error, source))?;
    symlink(&to, target).map_err(|error| Failure::crash(problem::about_both(&error, &to, target)))
}

fn copy_link(source: &Path, target: &Path) -> io::Result<()> {
    symlink(fs::read_link(source)?, target)
}

/// The times of a link itself.
fn copy_times(source: &Path, target: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(source)?;
    Ok(utimensat(CWD, target, &times_of(&found), AtFlags::SYMLINK_NOFOLLOW)?)
}

/// One problem, as Python lists them.
fn triple(source: &Path, target: &Path, said: &str) -> String {
    format!("({}, {}, {})", bytes_repr(source), bytes_repr(target), repr_text(said))
}

fn bytes_repr(path: &Path) -> String {
    format!("b{}", repr_text(&text_of(path.as_os_str().as_bytes())))
}

fn copy_file(source: &Path, target: &Path, with_mode: bool) -> io::Result<()> {
    io::copy(&mut File::open(source)?, &mut File::create(target)?)?;
    match with_mode {
        true => fs::set_permissions(target, fs::metadata(source)?.permissions()),
        false => Ok(()),
    }
}
