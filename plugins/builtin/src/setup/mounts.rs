//! Mounted file systems.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use ftl_sdk::{Host, Object, Value, json};

use super::read;
use crate::process;

/// How long a file system may take to tell its size.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn mounts(host: &Host) -> Value {
    let table = read::content("/etc/mtab").or_else(|| read::content("/proc/mounts")).unwrap_or_default();
    let bound = bind_mounts(host);
    let uuids = uuids(host);
    let mut found: Vec<(String, Object)> = Vec::new();
    for line in table.lines() {
        let fields: Vec<String> = line.split_whitespace().map(unescape).collect();
        let [device, mount, kind, options, dump, pass, ..] = fields.as_slice() else { continue };
        let is_device = device.starts_with(['/', '\\']) || device.contains(":/");
        if !is_device || kind == "none" {
            continue;
        }
        let bind = if bound.contains(mount) { ",bind" } else { "" };
        let mut fact = Object::new();
        for (key, value) in [("mount", mount), ("device", device), ("fstype", kind)] {
            fact.insert(key.into(), value.as_str().into());
        }
        fact.insert("options".into(), format!("{options}{bind}").into());
        for (key, value) in [("dump", dump), ("passno", pass)] {
            fact.insert(key.into(), value.parse::<i64>().unwrap_or_default().into());
        }
        match size(mount) {
            Some(size) => {
                fact.extend(size);
                let uuid = uuids.get(device).cloned().or_else(|| ask_for_uuid(device, host));
                fact.insert("uuid".into(), uuid.unwrap_or_else(|| "N/A".into()).into());
            }
            None => {
                host.warn(format!("Timeout exceeded when getting mount info for {mount}"));
                fact.insert("note".into(), "Could not get extra information due to timeout".into());
            }
        }
        // A later mount hides an earlier one of the same place.
        match found.iter_mut().find(|(known, _)| known == mount) {
            Some((_, old)) => *old = fact,
            None => found.push((mount.clone(), fact)),
        }
    }
    found.into_iter().map(|(_, fact)| Value::Object(fact)).collect()
}

/// `\040` and its like.
fn unescape(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).filter(|code| code.chars().all(|c| c.is_ascii_digit()));
        match code.and_then(|code| u32::from_str_radix(code, 8).ok()).and_then(char::from_u32) {
            Some(letter) => {
                out.push(letter);
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

/// What `findmnt` shows with `[/directory]` behind its source.
fn bind_mounts(host: &Host) -> BTreeSet<String> {
    if process::exists("findmnt", host).is_none() {
        return BTreeSet::new();
    }
    let place = |line: &String| {
        let mut fields = line.split(' ').skip(3);
        let (root, place) = (fields.next()?, fields.next()?);
        (root != "/").then(|| unescape(place))
    };
    read::lines("/proc/self/mountinfo").iter().filter_map(place).collect()
}

fn uuids(host: &Host) -> BTreeMap<String, String> {
    let words = ["lsblk", "--list", "--noheadings", "--paths", "--output", "NAME,UUID", "--exclude", "2"];
    let mut uuids = BTreeMap::new();
    for line in read::output(&words, host).unwrap_or_default().lines() {
        if let Some((device, uuid)) = line.trim().rsplit_once(char::is_whitespace) {
            uuids.entry(device.trim().to_owned()).or_insert_with(|| uuid.trim().to_owned());
        }
    }
    uuids
}

fn ask_for_uuid(device: &str, host: &Host) -> Option<String> {
    let text = read::output(&["udevadm", "info", "--query", "property", "--name", device], host)?;
    text.lines().find_map(|line| line.strip_prefix("ID_FS_UUID=")).map(str::to_owned)
}

/// The sizes; empty where the file system does not tell, `None` where it does not answer.
fn size(mount: &str) -> Option<Object> {
    let (sender, receiver) = mpsc::channel();
    let path = mount.to_owned();
    // A file system that hangs keeps its thread, and nobody else.
    std::thread::spawn(move || sender.send(rustix::fs::statvfs(path.as_str())));
    let Ok(found) = receiver.recv_timeout(PATIENCE).ok()? else { return Some(Object::new()) };
    let fact = json!({
        "size_total": found.f_frsize * found.f_blocks,
        "size_available": found.f_frsize * found.f_bavail,
        "block_size": found.f_bsize,
        "block_total": found.f_blocks,
        "block_available": found.f_bavail,
        "block_used": found.f_blocks.saturating_sub(found.f_bavail),
        "inode_total": found.f_files,
        "inode_available": found.f_favail,
        "inode_used": found.f_files.saturating_sub(found.f_favail),
    });
    fact.as_object().cloned()
}
