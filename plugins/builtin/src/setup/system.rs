//! What the kernel and its safeguards are like.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ftl_sdk::{Host, Object, Value, json};

use super::read;

fn one(name: &str, value: impl Into<Value>) -> Object {
    Object::from_iter([(name.to_owned(), value.into())])
}

/// Where labels are in use this is not covered.
pub(crate) fn selinux(_: &Host) -> Object {
    let places = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"].map(Path::new);
    let library = |place: &Path| place.join("libselinux.so.1").exists();
    let is_triplet = |name: &String| name.contains("-linux-");
    let below =
        |place: &Path| read::names(place).iter().filter(|name| is_triplet(name)).any(|name| library(&place.join(name)));
    let present = places.iter().any(|place| library(place) || below(place));
    let status = if present { "disabled" } else { "Missing selinux Python library" };
    let mut facts = one("selinux_python_present", present);
    facts.insert("selinux".into(), json!({"status": status}));
    facts
}

pub(crate) fn apparmor(_: &Host) -> Object {
    let enabled = Path::new("/sys/kernel/security/apparmor").exists();
    one("apparmor", json!({"status": if enabled { "enabled" } else { "disabled" }}))
}

pub(crate) fn fips(_: &Host) -> Object {
    one("fips", read::content("/proc/sys/crypto/fips_enabled").as_deref() == Some("1"))
}

pub(crate) fn chroot(host: &Host) -> Object {
    one("is_chroot", is_chroot(host))
}

fn is_chroot(host: &Host) -> bool {
    if host.variable("debian_chroot").is_some_and(|name| !name.is_empty()) {
        return true;
    }
    let Ok(mine) = std::fs::metadata("/") else { return false };
    match std::fs::metadata("/proc/1/root/.") {
        Ok(first) => (mine.ino(), mine.dev()) != (first.ino(), first.dev()),
        // Not to be seen: the number of a root directory tells, too.
        Err(_) => {
            let kind = rustix::fs::statfs("/").map(|found| i128::from(found.f_type)).unwrap_or_default();
            let root = match kind {
                0x9123_683e => 256,
                0x5846_5342 => 128,
                _ => 2,
            };
            mine.ino() != root
        }
    }
}

pub(crate) fn capabilities(host: &Host) -> Object {
    let (mut enforced, mut list) = (Value::from("N/A"), Value::from("N/A"));
    if let Some(text) = read::output(&["capsh", "--print"], host) {
        (enforced, list) = ("NA".into(), json!([]));
        for line in text.lines().filter(|line| line.starts_with("Current:")) {
            if line.split(':').nth(1).map(str::trim) == Some("=ep") {
                enforced = "False".into();
            } else {
                enforced = "True".into();
                let words = line.split('=').nth(1).unwrap_or_default();
                list = words.split(',').map(|word| Value::from(word.trim())).collect();
            }
        }
    }
    let mut facts = one("system_capabilities_enforced", enforced);
    facts.insert("system_capabilities".into(), list);
    facts
}

pub(crate) fn command_line(_: &Host) -> Object {
    let Some(text) = read::content("/proc/cmdline") else { return Object::new() };
    let (mut last, mut all) = (Object::new(), Object::new());
    for piece in pieces(&text).unwrap_or_default() {
        let Some((name, value)) = piece.split_once('=') else {
            last.insert(piece.clone(), true.into());
            all.insert(piece, true.into());
            continue;
        };
        last.insert(name.to_owned(), value.into());
        match all.get_mut(name) {
            Some(Value::Array(items)) => items.push(value.into()),
            Some(first) => *first = json!([first, value]),
            None => {
                all.insert(name.to_owned(), value.into());
            }
        }
    }
    let mut facts = one("cmdline", last);
    facts.insert("proc_cmdline".into(), Value::Object(all));
    facts
}

/// `shlex.split` that keeps quotes; `None` for an open one.
fn pieces(text: &str) -> Option<Vec<String>> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut quote = None;
    for letter in text.chars() {
        match quote {
            Some(open) => {
                piece.push(letter);
                if letter == open {
                    quote = None;
                }
            }
            None if letter.is_whitespace() => {
                if !piece.is_empty() {
                    pieces.push(std::mem::take(&mut piece));
                }
            }
            None => {
                piece.push(letter);
                if matches!(letter, '"' | '\'') {
                    quote = Some(letter);
                }
            }
        }
    }
    quote.is_none().then_some(())?;
    pieces.extend(Some(piece).filter(|piece| !piece.is_empty()));
    Some(pieces)
}

pub(crate) fn load(_: &Host) -> Object {
    let loads = rustix::system::sysinfo().loads;
    let load = |at: usize| loads[at] as f64 / 65536.0;
    one("loadavg", json!({"1m": load(0), "5m": load(1), "15m": load(2)}))
}
