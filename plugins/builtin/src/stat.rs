//! `stat`: what is at a path.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use ftl_sdk::{Answer, Args, Argument, Failure, Host, Module, Outcome, Value, account, text_of};

use crate::process::{self, Program};
use crate::{digest, paths, problem, times};

pub(crate) const MODULE: Module = Module::new(
    "stat",
    &[
        Argument::path("path").required().aliases(&["dest", "name"]),
        Argument::flag("follow").or_bool(false),
        Argument::flag("get_checksum").or_bool(true),
        Argument::flag("get_mime").or_bool(true).aliases(&["mime", "mime_type", "mime-type"]),
        Argument::flag("get_attributes").or_bool(true).aliases(&["attr", "attributes"]),
        Argument::text("checksum_algorithm")
            .or_text("sha1")
            .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
            .aliases(&["checksum", "checksum_algo"]),
    ],
    run,
);

fn run(args: &mut Args, host: &Host) -> Answer {
    let path = args.needed("path");
    let file = host.at(path);
    let found = if args.flag("follow") { std::fs::metadata(&file) } else { std::fs::symlink_metadata(&file) };
    let found = match found {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let missing = Outcome::new().with("exists", false);
            return Ok(Outcome::changed(false).with("stat", missing.0));
        }
        Err(error) => {
            return Err(Failure::new(problem::reason(&error)).because(problem::about_bytes(&error, Path::new(path))));
        }
    };
    let mut stat = basics(path, &found);
    for (key, access) in [
        ("readable", rustix::fs::Access::READ_OK),
        ("writeable", rustix::fs::Access::WRITE_OK),
        ("executable", rustix::fs::Access::EXEC_OK),
    ] {
        stat.set(key, rustix::fs::access(&file, access).is_ok());
    }
    if found.is_symlink() {
        stat.set("lnk_source", host.shown(&paths::real(&file)));
        stat.set("lnk_target", host.shown(&std::fs::read_link(&file).map_err(|error| problem::crash(&error, &file))?));
    }
    if let Some(user) = account::user_of(found.uid()) {
        stat.set("pw_name", user.name);
    }
    if let Some(group) = account::group_of(found.gid()) {
        stat.set("gr_name", group.name);
    }
    let readable = stat.0.get("readable") == Some(&Value::Bool(true));
    if found.is_file() && readable && args.flag("get_checksum") {
        let checksum = digest::of_file(&file, args.needed("checksum_algorithm"));
        stat.set("checksum", checksum.map_err(|error| problem::crash(&error, &file))?);
    }
    // `file` looks at links themselves.
    let itself = std::fs::symlink_metadata(&file).map_err(|error| problem::crash(&error, &file))?;
    describe(args, host, &file, (&found, &itself), &mut stat);
    Ok(Outcome::changed(false).with("stat", stat.0))
}

/// What only other programs know. They run side by side.
fn describe(args: &Args, host: &Host, file: &Path, (found, itself): (&Metadata, &Metadata), stat: &mut Outcome) {
    let (wants_mime, wants_attributes) = (args.flag("get_mime"), args.flag("get_attributes"));
    let tool = |words: &[&str]| {
        let tool = process::exists(words[0], host)?;
        let mut line: Vec<String> = vec![host.shown(&tool)];
        line.extend(words[1..].iter().map(|word| (*word).to_owned()));
        Some(line)
    };
    let shown = host.shown(file);
    let mime_line = wants_mime.then(|| tool(&["file", "--mime-type", "--mime-encoding", &shown])).flatten();
    // Only these have attributes, and only on file systems that know them.
    let has_attributes = (found.is_file() || found.is_dir()) && flags(file).is_some();
    let attribute_line = (wants_attributes && has_attributes).then(|| tool(&["lsattr", "-vd", &shown])).flatten();
    let output = |line: &Vec<String>| {
        let program = Program { words: line, directory: host.cwd(), input: None, locale: None };
        process::run(program, host).ok().filter(|finished| finished.rc == 0)
    };
    let simple = wants_mime.then(|| simple_mime(itself)).flatten();
    let (mime, attributes) = std::thread::scope(|scope| {
        let asked = match (&mime_line, simple) {
            (Some(line), None) => Some(line),
            _ => None,
        };
        let asked = asked.map(|line| scope.spawn(move || output(line)));
        let attributes = attribute_line.as_ref().and_then(output);
        (asked.and_then(|asked| asked.join().ok().flatten()), attributes)
    });
    if wants_mime {
        let (mimetype, charset) = match (&mime_line, simple) {
            (Some(_), Some(simple)) => (simple.to_owned(), "binary".to_owned()),
            _ => mime.and_then(|out| mime_of(&text_of(out.stdout))).unwrap_or_else(unknown),
        };
        stat.set("mimetype", mimetype);
        stat.set("charset", charset);
    }
    if wants_attributes {
        stat.set("version", Value::Null);
        stat.set("attributes", Vec::<Value>::new());
        stat.set("attr_flags", "");
        if let Some(out) = attributes {
            let text = text_of(out.stdout);
            let mut words = text.split_whitespace();
            if let (Some(version), Some(flags)) = (words.next(), words.next()) {
                let flags = flags.replace('-', "");
                stat.set("version", version);
                stat.set("attributes", flags.chars().filter_map(attribute_name).collect::<Vec<_>>());
                stat.set("attr_flags", flags);
            }
        }
    }
}

fn unknown() -> (String, String) {
    ("unknown".into(), "unknown".into())
}

/// What `file` says of files it need not read.
fn simple_mime(found: &Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    if found.mode() & 0o7000 != 0 {
        return None;
    }
    match () {
        () if kind.is_dir() => Some("inode/directory"),
        () if kind.is_fifo() => Some("inode/fifo"),
        () if kind.is_socket() => Some("inode/socket"),
        () if kind.is_char_device() => Some("inode/chardevice"),
        () if kind.is_block_device() => Some("inode/blockdevice"),
        () if kind.is_file() && found.len() == 0 && found.blocks() == 0 => Some("inode/x-empty"),
        () => None,
    }
}

fn mime_of(line: &str) -> Option<(String, String)> {
    let (mimetype, charset) = line.rsplit_once(':')?.1.split_once(';')?;
    let charset = charset.split('=').nth(1)?;
    Some((mimetype.trim().to_owned(), charset.trim().to_owned()))
}

/// The attribute flags of a file; `None` where the file system has none.
pub(crate) fn flags(file: &Path) -> Option<rustix::fs::IFlags> {
    use rustix::fs::{Mode, OFlags};
    let opened = rustix::fs::open(file, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()?;
    rustix::fs::ioctl_getflags(&opened).ok()
}

fn attribute_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}

fn basics(path: &str, found: &Metadata) -> Outcome {
    let mode = found.mode();
    let kind = found.file_type();
    let mut stat =
        Outcome::new().with("exists", true).with("path", path).with("mode", format!("{:04o}", mode & 0o7777));
    for (key, is) in [
        ("isdir", kind.is_dir()),
        ("ischr", kind.is_char_device()),
        ("isblk", kind.is_block_device()),
        ("isreg", kind.is_file()),
        ("isfifo", kind.is_fifo()),
        ("islnk", kind.is_symlink()),
        ("issock", kind.is_socket()),
    ] {
        stat.set(key, is);
    }
    for (key, number) in [
        ("uid", u64::from(found.uid())),
        ("gid", u64::from(found.gid())),
        ("size", found.size()),
        ("inode", found.ino()),
        ("dev", found.dev()),
        ("nlink", found.nlink()),
    ] {
        stat.set(key, number);
    }
    stat.set("atime", times::seconds(found.atime(), found.atime_nsec()));
    stat.set("mtime", times::seconds(found.mtime(), found.mtime_nsec()));
    stat.set("ctime", times::seconds(found.ctime(), found.ctime_nsec()));
    for (key, bit) in [
        ("wusr", 0o200),
        ("rusr", 0o400),
        ("xusr", 0o100),
        ("wgrp", 0o020),
        ("rgrp", 0o040),
        ("xgrp", 0o010),
        ("woth", 0o002),
        ("roth", 0o004),
        ("xoth", 0o001),
        ("isuid", 0o4000),
        ("isgid", 0o2000),
    ] {
        stat.set(key, mode & bit != 0);
    }
    stat.with("blocks", found.blocks()).with("block_size", found.blksize()).with("device_type", found.rdev())
}
