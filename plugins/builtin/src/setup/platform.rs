//! The kernel, the names of the machine, its clock, its Python.

use std::net::ToSocketAddrs;
use std::sync::{Mutex, PoisonError};

use ftl_sdk::{Args, Host, Object, Value, json};
use jiff::tz::TimeZone;

use super::read;
use crate::{process, times};

pub(crate) fn platform(host: &Host, _: &Args) -> Object {
    let kernel = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let (machine, node) = (text(kernel.machine()), text(kernel.nodename()));
    let mut facts = Object::new();
    let mut fact = |name: &str, value: &str| facts.insert(name.to_owned(), value.into());
    fact("system", &text(kernel.sysname()));
    fact("kernel", &text(kernel.release()));
    fact("kernel_version", &text(kernel.version()));
    fact("machine", &machine);
    if let Some(version) = about_python(host).and_then(|python| Some(python["text"].as_str()?.to_owned())) {
        fact("python_version", &version);
    }
    let full = full_name(&node, host);
    fact("fqdn", &full);
    fact("hostname", node.split('.').next().unwrap_or_default());
    fact("nodename", &node);
    fact("domain", full.split_once('.').map_or("", |(_, domain)| domain));
    let bits = usize::BITS.to_string();
    fact("userspace_bits", &bits);
    let is_old_intel = machine.len() == 4 && machine.starts_with('i') && machine.ends_with("86");
    let architecture = if is_old_intel { "i386" } else { &machine };
    fact("architecture", architecture);
    if machine == "x86_64" || is_old_intel {
        fact("userspace_architecture", if bits == "64" { "x86_64" } else { "i386" });
    }
    let id = read::content("/var/lib/dbus/machine-id").or_else(|| read::content("/etc/machine-id"));
    if let Some(id) = id.as_deref().and_then(|id| id.lines().next()) {
        fact("machine_id", id);
    }
    facts
}

/// Python's `socket.getfqdn()`.
fn full_name(node: &str, host: &Host) -> String {
    let Some(address) = (node, 0).to_socket_addrs().ok().and_then(|mut found| found.next()) else {
        return node.to_owned();
    };
    let address = address.ip().to_string();
    let line = names_in_file(&address).or_else(|| read::output(&["getent", "hosts", &address], host));
    let Some(line) = line else { return node.to_owned() };
    let mut names = line.split_whitespace().skip(1);
    let first = names.clone().next().unwrap_or(node).to_owned();
    names.find(|name| name.contains('.')).map_or(first, str::to_owned)
}

/// The line of `/etc/hosts`, where that is asked first.
fn names_in_file(address: &str) -> Option<String> {
    let switch = std::fs::read_to_string("/etc/nsswitch.conf").ok()?;
    let sources = switch.lines().find_map(|line| line.trim().strip_prefix("hosts:"))?;
    (sources.split_whitespace().next() == Some("files")).then_some(())?;
    let file = std::fs::read_to_string("/etc/hosts").ok()?;
    let line = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    file.lines().map(line).find(|line| line.split_whitespace().next() == Some(address))
}

pub(crate) fn python(host: &Host, _: &Args) -> Object {
    let Some(python) = about_python(host) else { return Object::new() };
    let info = &python["version_info"];
    let facts = json!({"python": {
        "version": {"major": info[0], "minor": info[1], "micro": info[2], "releaselevel": info[3], "serial": info[4]},
        "version_info": info,
        "executable": python["executable"],
        "has_sslcontext": python["ssl"],
        "type": python["type"],
    }});
    facts.as_object().cloned().unwrap_or_default()
}

const QUESTION: &str = "import sys, json, platform, importlib.util as u\n\
    print(json.dumps({'version_info': list(sys.version_info), 'executable': sys.executable, \
    'ssl': u.find_spec('_ssl') is not None, 'type': sys.implementation.name, 'text': platform.python_version()}))";

/// The Python that modules would use, asked once per run and place to look.
fn about_python(host: &Host) -> Option<Value> {
    static KNOWN: Mutex<Vec<(String, Option<Value>)>> = Mutex::new(Vec::new());
    let search = match host.python() {
        Some(path) => path.to_owned(),
        None => host.variable("PATH").unwrap_or_default(),
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, python)) = known.iter().find(|(known, _)| *known == search) {
        return python.clone();
    }
    if let Some(path) = host.python() {
        let python = ask(path, host);
        known.push((search, python.clone()));
        return python;
    }
    let newest = (8..=13).rev().map(|minor| format!("python3.{minor}"));
    let places = newest.chain(["python3".into()]).filter_map(|name| process::exists(&name, host));
    // Version managers put names there that only say that the version is not chosen, slowly.
    let mut places = places.map(|path| host.shown(&path)).filter(|path| !path.contains("/shims/python3."));
    let python = places.find_map(|path| ask(&path, host));
    known.push((search, python.clone()));
    python
}

fn ask(path: &str, host: &Host) -> Option<Value> {
    serde_json::from_str(read::output(&[path, "-c", QUESTION], host)?.trim()).ok()
}

pub(crate) fn date_time(host: &Host, _: &Args) -> Object {
    let now = times::now(host);
    let universal = now.timestamp().to_zoned_datetime(TimeZone::UTC);
    let micros = format!("{:06}", now.subsec_nanosecond() / 1000);
    let local = |format: &str| now.strftime(format).to_string();
    let epoch = now.timestamp().as_second().to_string();
    let facts = json!({"date_time": {
        "year": local("%Y"),
        "month": local("%m"),
        "weekday": local("%A"),
        "weekday_number": local("%w"),
        "weeknumber": local("%W"),
        "day": local("%d"),
        "hour": local("%H"),
        "minute": local("%M"),
        "second": local("%S"),
        "epoch": epoch,
        "epoch_int": epoch,
        "date": local("%Y-%m-%d"),
        "time": local("%H:%M:%S"),
        "iso8601_micro": format!("{}.{micros}Z", universal.strftime("%Y-%m-%dT%H:%M:%S")),
        "iso8601": universal.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "iso8601_basic": format!("{}{micros}", local("%Y%m%dT%H%M%S")),
        "iso8601_basic_short": local("%Y%m%dT%H%M%S"),
        "tz": local("%Z"),
        "tz_dst": summer_name(host, now.timestamp().as_second()),
        "tz_offset": local("%z"),
    }});
    facts.as_object().cloned().unwrap_or_default()
}

/// The name of the zone's other time, as C's libraries choose it: January against July.
fn summer_name(host: &Host, now: i64) -> String {
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    let zone = times::zone(host);
    let at = |second: i64| {
        let time = jiff::Timestamp::from_second(second).unwrap_or_default().to_zoned_datetime(zone.clone());
        (time.offset().seconds(), time.strftime("%Z").to_string())
    };
    let begin = now / YEAR * YEAR;
    let (january, july) = (at(begin), at(begin + YEAR / 2));
    if january.0 > july.0 { january.1 } else { july.1 }
}
