//! Mounted file systems.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ftl_sdk::{Args, Host, Object, Value, json};

use super::read;
use crate::process;

/// How many seconds a file system may take to tell its size, where `gather_timeout` says nothing.
const PATIENCE: u64 = 10;

pub(crate) fn mounts(host: &Host, args: &Args) -> Value {
    let seconds = args.number("gather_timeout").and_then(|seconds| u64::try_from(seconds).ok());
    let patience = Duration::from_secs(seconds.filter(|seconds| *seconds > 0).unwrap_or(PATIENCE));
    let table = read::content("/etc/mtab").or_else(|| read::content("/proc/mounts")).unwrap_or_default();
    let bound = bind_mounts(host);
    let uuids = uuids(host);
    let lines = table.lines().map(|line| line.split_whitespace().map(unescape).collect::<Vec<_>>());
    // All are asked at once: one that hangs does not make the others wait.
    let asked: Vec<_> = lines.filter(|fields| is_device(fields)).map(|fields| (ask_size(&fields[1]), fields)).collect();
    let deadline = Instant::now() + patience;
    let mut found: Vec<(String, Object)> = Vec::new();
    for (answer, fields) in asked {
        let [device, mount, kind, options, dump, pass, ..] = fields.as_slice() else { continue };
        let bind = if bound.contains(mount) { ",bind" } else { "" };
        let mut fact = Object::new();
        for (key, value) in [("mount", mount), ("device", device), ("fstype", kind)] {
            fact.insert(key.into(), value.as_str().into());
        }
        fact.insert("options".into(), format!("{options}{bind}").into());
        for (key, value) in [("dump", dump), ("passno", pass)] {
            fact.insert(key.into(), value.parse::<i64>().unwrap_or_default().into());
        }
        match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(size) => {
                fact.extend(size);
                let uuid = uuids.get(device).cloned().or_else(|| ask_for_uuid(device, host));
                fact.insert("uuid".into(), uuid.unwrap_or_else(|| "N/A".into()).into());
            }
            Err(_) => {
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

fn is_device(fields: &[String]) -> bool {
    let [device, _, kind, _, _, _, ..] = fields else { return false };
    (device.starts_with(['/', '\\']) || device.contains(":/")) && kind != "none"
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

/// Asks for the sizes; the answer is empty where the file system does not tell.
fn ask_size(mount: &str) -> mpsc::Receiver<Object> {
    let (sender, receiver) = mpsc::channel();
    let path = mount.to_owned();
    // A file system that hangs keeps its thread, and nobody else.
    std::thread::spawn(move || sender.send(size(&path)));
    receiver
}

fn size(mount: &str) -> Object {
    let Ok(found) = rustix::fs::statvfs(mount) else { return Object::new() };
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
    fact.as_object().cloned().unwrap_or_default()
}
