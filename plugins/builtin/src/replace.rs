//! Putting a finished file in the place of another in one step, and keeping a copy of what was there.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ftl_sdk::{Failure, Host, repr_text, text_of};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags, utimensat};
use rustix::io::Errno;

use crate::{paths, problem, stat, times};

/// How a file is put in place.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Keep owner, mode and attributes of the file that is replaced.
    pub keep: bool,
    /// Write into the file where it cannot be replaced.
    pub unsafe_writes: bool,
    /// Do messages name the source as bytes? Python's `copy` does.
    pub bytes: bool,
}

impl Manner {
    fn shown(self, from: &Path) -> String {
        format!("{}{}", if self.bytes { "b" } else { "" }, repr_text(&text_of(from.as_os_str().as_bytes())))
    }
}

/// Moves `from` to `to`; `to_name` is what messages call the latter.
pub(crate) fn put(host: &Host, from: &Path, to: &Path, to_name: &str, manner: Manner) -> Result<(), Failure> {
    let before = fs::metadata(to).ok();
    if let Some(before) = before.as_ref().filter(|_| manner.keep) {
        match take_over(from, to, before) {
            Err(error) if error.raw_os_error() != Some(Errno::PERM.raw_os_error()) => {
                return Err(problem::crash(&error, from));
            }
            _ => {}
        }
    }
    if let Err(error) = fs::rename(from, to) {
        match Errno::from_io_error(&error) {
            Some(Errno::PERM | Errno::XDEV | Errno::ACCESS | Errno::TXTBSY | Errno::BUSY) => {
                put_slowly(from, to, to_name, manner)?;
            }
            _ => {
                let message = format!("Could not replace {} with {}.", repr_text(to_name), manner.shown(from));
                return Err(Failure::crash(message).because(problem::about_both(&error, from, to)));
            }
        }
    }
    if before.is_none() {
        make_new(host, to).map_err(|error| problem::crash(&error, to))?;
    }
    Ok(())
}

/// Owner, mode, times and extended attributes of the file that will be replaced.
fn take_over(from: &Path, to: &Path, before: &fs::Metadata) -> io::Result<()> {
    chown(from, Some(before.uid()), Some(before.gid()))?;
    copy_state(to, from)?;
    touch(from)
}

/// The mode and owner that new files have.
fn make_new(host: &Host, file: &Path) -> io::Result<()> {
    fs::set_permissions(file, Permissions::from_mode(0o666 & !host.umask()))?;
    let directory = fs::metadata(file.parent().unwrap_or(Path::new("/")))?;
    let gid = match directory.mode() & 0o2000 {
        0 => rustix::process::getegid().as_raw(),
        _ => directory.gid(),
    };
    chown(file, Some(rustix::process::geteuid().as_raw()), Some(gid)).ok();
    Ok(())
}

/// Through a copy beside the target, where the file cannot be renamed to it.
fn put_slowly(from: &Path, to: &Path, to_name: &str, manner: Manner) -> Result<(), Failure> {
    let directory = to.parent().unwrap_or(Path::new("/"));
    let suffix = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let copy = match fresh_file(directory, ".ansible_tmp", &suffix) {
        Ok((_, copy)) => copy,
        Err(_) if manner.unsafe_writes => return write_into(from, to),
        Err(error) => {
            let message = format!(
                "The destination directory {} is not writable by the current user.",
                repr_text(paths::directory(to_name))
            );
            return Err(Failure::crash(message).because(problem::about_bytes(&error, directory)));
        }
    };
    let done = fill_and_rename(from, to, &copy, to_name, manner);
    fs::remove_file(&copy).ok();
    if done.is_ok() {
        fs::remove_file(from).ok();
    }
    done
}

fn fill_and_rename(from: &Path, to: &Path, copy: &Path, to_name: &str, manner: Manner) -> Result<(), Failure> {
    if let Err(error) = fill(from, to, copy, manner) {
        if manner.unsafe_writes {
            return write_into(from, to);
        }
        let message = format!("Failed to replace {} with {}.", repr_text(to_name), manner.shown(from));
        return Err(Failure::crash(message).because(problem::about_both(&error, copy, to)));
    }
    match fs::rename(copy, to) {
        Ok(()) => Ok(()),
        Err(error) if manner.unsafe_writes && Errno::from_io_error(&error) == Some(Errno::BUSY) => write_into(copy, to),
        Err(error) => {
            let (from, copy_name) = (manner.shown(from), text_of(copy.as_os_str().as_bytes()));
            let message = format!(
                "Unable to make {from} into to {}, failed final rename from {}.",
                repr_text(to_name),
                repr_text(&copy_name)
            );
            Err(Failure::crash(message).because(problem::about_both(&error, copy, to)))
        }
    }
}

fn fill(from: &Path, to: &Path, copy: &Path, manner: Manner) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut File::options().write(true).truncate(true).open(copy)?)?;
    if manner.keep {
        fs::set_permissions(copy, fs::metadata(from)?.permissions())?;
        if let Ok(before) = fs::metadata(to) {
            ignore_refusal(chown(copy, Some(before.uid()), Some(before.gid())))?;
        }
        touch(copy)
    } else {
        copy_state(from, copy)
    }
}

fn ignore_refusal(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| match Errno::from_io_error(&error) {
        Some(Errno::PERM) => Ok(()),
        _ => Err(error),
    })
}

fn write_into(from: &Path, to: &Path) -> Result<(), Failure> {
    let write =
        || io::copy(&mut File::open(from)?, &mut File::options().write(true).create(true).truncate(true).open(to)?);
    write().map(drop).map_err(|error| {
        let shown = |path: &Path| repr_text(&text_of(path.as_os_str().as_bytes()));
        let message = format!("Could not write data to file b{} from b{}.", shown(to), shown(from));
        Failure::crash(message).because(problem::about_bytes(&error, to))
    })
}

fn touch(file: &Path) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
    Ok(utimensat(CWD, file, &Timestamps { last_access: now, last_modification: now }, AtFlags::empty())?)
}

/// Mode, times and extended attributes, as Python's `copystat`.
pub(crate) fn copy_state(from: &Path, to: &Path) -> io::Result<()> {
    let found = fs::metadata(from)?;
    utimensat(CWD, to, &times_of(&found), AtFlags::empty())?;
    copy_extended(from, to);
    fs::set_permissions(to, found.permissions())
}

pub(crate) fn times_of(found: &fs::Metadata) -> Timestamps {
    let time = |seconds, nanoseconds| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    Timestamps {
        last_access: time(found.atime(), found.atime_nsec()),
        last_modification: time(found.mtime(), found.mtime_nsec()),
    }
}

fn copy_extended(from: &Path, to: &Path) {
    let mut names = vec![0_u8; 65536];
    let Ok(length) = rustix::fs::listxattr(from, &mut names) else { return };
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0_u8; 65536];
        if let Ok(length) = rustix::fs::getxattr(from, name, &mut value) {
            rustix::fs::setxattr(to, name, &value[..length], XattrFlags::empty()).ok();
        }
    }
}

/// A new empty file, readable by its owner only.
pub(crate) fn fresh_file(directory: &Path, prefix: &str, suffix: &str) -> io::Result<(File, PathBuf)> {
    fresh(directory, prefix, suffix, |path| {
        File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
    })
}

/// Makes something of a name nobody has.
pub(crate) fn fresh<T>(
    directory: &Path,
    prefix: &str,
    suffix: &str,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(T, PathBuf)> {
    let mut error = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..10_000 {
        let path = directory
            .join(std::ffi::OsString::from_vec(ftl_sdk::bytes_of(&format!("{prefix}{}{suffix}", random_name()))));
        match make(&path) {
            Ok(made) => return Ok((made, path)),
            Err(found) if found.kind() == io::ErrorKind::AlreadyExists => error = found,
            Err(found) => return Err(found),
        }
    }
    Err(error)
}

/// Eight letters, as Python's `tempfile` chooses them: new for each call, not to be guessed.
pub(crate) fn random_name() -> String {
    use std::hash::{BuildHasher, Hasher};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    let mut number = hasher.finish();
    let mut name = String::with_capacity(8);
    for _ in 0..8 {
        const LETTERS: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
        name.push(char::from(LETTERS[(number % 37) as usize]));
        number /= 37;
    }
    name
}

/// Copies a file aside, with owner, mode and attributes; answers the name of the copy.
pub(crate) fn back_up(host: &Host, path: &str) -> Result<String, Failure> {
    let file = host.at(path);
    if !file.exists() {
        return Ok(String::new());
    }
    let time = times::now(host).strftime("%Y-%m-%d@%H:%M:%S~").to_string();
    // The number in the name is Ansible's process; it only has to be one nobody used in this second.
    let mut number = std::process::id();
    let mut copy = format!("{path}.{number}.{time}");
    while paths::is_there(&host.at(&copy)) {
        number += 1;
        copy = format!("{path}.{number}.{time}");
    }
    if !host.check() {
        copy_aside(&file, &host.at(&copy)).map_err(|error| {
            let message = format!("Could not make backup of {} to {}.", repr_text(path), repr_text(&copy));
            Failure::crash(message).because(problem::about(&error, path))
        })?;
    }
    Ok(copy)
}

fn copy_aside(file: &Path, copy: &Path) -> io::Result<()> {
    io::copy(&mut File::open(file)?, &mut File::options().write(true).create(true).truncate(true).open(copy)?)?;
    copy_state(file, copy)?;
    let (from, to) = (fs::metadata(file)?, fs::metadata(copy)?);
    if (from.uid(), from.gid()) != (to.uid(), to.gid()) {
        ignore_refusal(chown(copy, Some(from.uid()), Some(from.gid())))?;
    }
    if let Some(flags) = stat::flags(file).filter(|flags| stat::flags(copy) != Some(*flags) && !flags.is_empty()) {
        rustix::fs::ioctl_setflags(File::open(copy)?, flags)?;
    }
    Ok(())
}
