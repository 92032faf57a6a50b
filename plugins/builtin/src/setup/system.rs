//! What the kernel and its safeguards are like.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ftl_sdk::{Args, Host, Object, Value, json};

use super::read;

fn one(name: &str, value: impl Into<Value>) -> Object {
    Object::from_iter([(name.to_owned(), value.into())])
}

/// Where labels are in use this is not covered.
pub(crate) fn selinux(_: &Host, _: &Args) -> Object {
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

pub(crate) fn apparmor(_: &Host, _: &Args) -> Object {
    let enabled = Path::new("/sys/kernel/security/apparmor").exists();
    one("apparmor", json!({"status": if enabled { "enabled" } else { "disabled" }}))
}

pub(crate) fn fips(_: &Host, _: &Args) -> Object {
    one("fips", read::content("/proc/sys/crypto/fips_enabled").as_deref() == Some("1"))
}

pub(crate) fn chroot(host: &Host, _: &Args) -> Object {
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

pub(crate) fn capabilities(host: &Host, _: &Args) -> Object {
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

pub(crate) fn command_line(_: &Host, _: &Args) -> Object {
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

/// `shlex.split` outside of POSIX: quotes stay, and are letters within words. `None` for an open one.
fn pieces(text: &str) -> Option<Vec<String>> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => 1 + rest[1..].find(first)? + 1,
            _ => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        };
        pieces.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    Some(pieces)
}

/// As the C library reads them: with two digits.
pub(crate) fn load(_: &Host, _: &Args) -> Object {
    let text = read::content("/proc/loadavg").unwrap_or_default();
    let loads: Vec<f64> = text.split(' ').map_while(|word| word.parse().ok()).take(3).collect();
    match loads[..] {
        [one_minute, five, fifteen] => one("loadavg", json!({"1m": one_minute, "5m": five, "15m": fifteen})),
        _ => Object::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_lines_are_split_as_python_does() {
        let check = |text: &str, expected: &[&str]| assert_eq!(pieces(text).unwrap(), expected);
        check("a=\"b c\" d", &["a=\"b", "c\"", "d"]);
        check("  'a b'c  d= ", &["'a b'", "c", "d="]);
        check("", &[]);
        assert_eq!(pieces("a 'b"), None);
    }
}
