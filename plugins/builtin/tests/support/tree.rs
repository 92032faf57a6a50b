//! Small trees of files: made as a case says, and written down to be compared.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use serde_json::Value;

/// Times from here on are those of the run itself; what `make` sets is older.
pub(crate) const NOW: f64 = 1_700_000_000.0;

/// Makes what a case's `setup` lists: `{"file": …, "content": …}`, `{"dir": …}`, `{"link": …, "to": …}`, `{"hard": …}`.
/// Each has a time of its own, for files of equal size and time are equal to Python, and the clock is a coarse one.
pub(crate) fn make(root: &Path, setup: &Value) {
    let items = || setup.as_array().into_iter().flatten();
    let text = |text: &str| text.replace("$T", root.to_str().unwrap());
    let at = |item: &Value, key: &str| item[key].as_str().map(|name| root.join(text(name)));
    let path = |item: &Value| ["file", "dir", "link", "fifo", "hard"].iter().find_map(|kind| at(item, kind)).unwrap();
    for item in items() {
        if let Some(file) = at(item, "file") {
            let bytes = match item["bytes"].as_array() {
                Some(bytes) => bytes.iter().map(|byte| byte.as_u64().unwrap() as u8).collect(),
                None => text(item["content"].as_str().unwrap_or_default()).into_bytes(),
            };
            fs::write(&file, bytes).unwrap();
        } else if let Some(dir) = at(item, "dir") {
            fs::create_dir_all(&dir).unwrap();
        } else if let Some(link) = at(item, "link") {
            symlink(text(item["to"].as_str().unwrap()), &link).unwrap();
        } else if let Some(fifo) = at(item, "fifo") {
            rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
        } else {
            fs::hard_link(at(item, "to").unwrap(), at(item, "hard").unwrap()).unwrap();
        }
    }
    for (number, item) in (1_500_000_000..).zip(items()) {
        let time = rustix::fs::Timespec { tv_sec: item["mtime"].as_i64().unwrap_or(number), tv_nsec: 0 };
        let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, path(item), &times, flags).unwrap();
    }
    // Modes last, and those of directories after what is in them: some keep us out, too.
    for item in items().filter(|item| item["dir"].is_null()).chain(items().filter(|item| !item["dir"].is_null())) {
        if let Some(mode) = item["mode"].as_str() {
            let mode = u32::from_str_radix(mode, 8).unwrap();
            fs::set_permissions(path(item), fs::Permissions::from_mode(mode)).unwrap();
        }
        if let Some(owner) = item["owner"].as_u64() {
            // Only root can; without, both modules find the same all the same.
            chown(path(item), Some(owner as u32), Some(item["group"].as_u64().unwrap_or(owner) as u32)).ok();
        }
    }
}

/// Lets us in again where modes kept us out.
pub(crate) fn unlock(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten() {
        let path = entry.unwrap().path();
        let found = fs::symlink_metadata(&path).unwrap();
        if found.is_dir() {
            fs::set_permissions(&path, fs::Permissions::from_mode(found.mode() | 0o700)).ok();
            unlock(&path);
        }
    }
}

/// One line per file: kind, mode, owner, links, content.
pub(crate) fn describe(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    walk(root, root, &mut lines);
    lines.sort();
    lines
}

fn walk(root: &Path, directory: &Path, lines: &mut Vec<String>) {
    // Some keep us out.
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let kind = found.file_type();
        let what = if kind.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if kind.is_dir() {
            "directory".into()
        } else if kind.is_fifo() {
            "fifo".into()
        } else {
            fs::read(&path).map_or("locked".into(), |content| format!("{:?}", String::from_utf8_lossy(&content)))
        };
        let time = if (found.mtime() as f64) < NOW { found.mtime() } else { 0 };
        let links = if kind.is_dir() { 0 } else { found.nlink() };
        let name = path.strip_prefix(root).unwrap().display();
        lines.push(format!("{name} {:o} {}:{} {links} {time} {what}", found.mode() & 0o7777, found.uid(), found.gid()));
        if kind.is_dir() {
            walk(root, &path, lines);
        }
    }
}
