//! The distribution: Debian and Ubuntu, whose facts are known exactly.

use std::collections::BTreeMap;
use std::path::Path;

use ftl_sdk::{Args, Host, Object, Value};

use super::read;

/// Files that make other distributions of it.
const OTHERS: [&str; 11] = [
    "/etc/altlinux-release",
    "/etc/oracle-release",
    "/etc/slackware-version",
    "/etc/centos-release",
    "/etc/redhat-release",
    "/etc/vmware-release",
    "/etc/openwrt_release",
    "/etc/system-release",
    "/etc/alpine-release",
    "/etc/arch-release",
    "/etc/gentoo-release",
];

pub(crate) fn is_covered() -> bool {
    let release = os_release();
    let text = read::content("/etc/os-release").unwrap_or_default();
    let version = release.get("VERSION_ID").is_some_and(|version| !version.is_empty());
    let odd = ["Amazon", "Arch Linux"].iter().any(|word| text.contains(word)) || text.to_lowercase().contains("suse");
    let named = match release.get("ID").map(String::as_str) {
        Some("debian") => text.contains("Debian"),
        Some("ubuntu") => text.contains("Ubuntu") && !text.contains("Debian"),
        _ => false,
    };
    named
        && version
        && !odd
        && release.contains_key("VERSION_CODENAME")
        && !OTHERS.iter().any(|path| Path::new(path).exists())
}

fn os_release() -> BTreeMap<String, String> {
    let pair = |line: &String| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
    };
    read::lines("/etc/os-release").iter().filter_map(pair).collect()
}

pub(crate) fn distribution(_: &Host, _: &Args) -> Object {
    let release = os_release();
    let get = |name: &str| release.get(name).cloned().unwrap_or_default();
    let is_debian = get("ID") == "debian";
    let debian = read::content("/etc/debian_version").unwrap_or_default();
    // Debian tells its minor version elsewhere.
    let version = match is_debian && debian.matches('.').count() > get("VERSION_ID").matches('.').count() {
        true => debian.clone(),
        false => get("VERSION_ID"),
    };
    let major = version.split('.').next().unwrap_or_default().to_owned();
    let mut facts = Object::new();
    let mut fact = |name: &str, value: Value| facts.insert(name.to_owned(), value);
    fact("distribution", if is_debian { "Debian" } else { "Ubuntu" }.into());
    let pretty = code_name(&get("PRETTY_NAME")).filter(|_| is_debian);
    fact("distribution_release", pretty.unwrap_or_else(|| get("VERSION_CODENAME")).into());
    fact("distribution_version", version.into());
    fact("distribution_major_version", major.into());
    fact("distribution_file_path", "/etc/os-release".into());
    fact("distribution_file_variety", "Debian".into());
    fact("distribution_file_parsed", true.into());
    if let Some(minor) = minor_version(&debian).filter(|_| is_debian) {
        fact("distribution_minor_version", minor.into());
    }
    fact("os_family", "Debian".into());
    facts
}

/// The part in parentheses of `Debian GNU/Linux 12 (bookworm)`.
fn code_name(pretty: &str) -> Option<String> {
    let (_, rest) = pretty.split_once('(')?;
    Some(rest.split_once(')')?.0.to_owned()).filter(|name| !name.is_empty())
}

fn minor_version(version: &str) -> Option<String> {
    let (major, minor) = version.split_once('.')?;
    let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
    (major.ends_with(|c: char| c.is_ascii_digit()) && !digits.is_empty()).then_some(digits)
}

pub(crate) fn lsb(host: &Host, _: &Args) -> Object {
    let mut facts = Object::new();
    if let Some(text) = read::output(&["lsb_release", "-a"], host) {
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let key = match name {
                name if name.contains("LSB Version") => "release",
                name if name.contains("Distributor ID") => "id",
                name if name.contains("Description") => "description",
                name if name.contains("Release") => "release",
                name if name.contains("Codename") => "codename",
                _ => continue,
            };
            facts.insert(key.into(), value.trim().into());
        }
    }
    if facts.is_empty() {
        for line in read::lines("/etc/lsb-release") {
            let Some((name, value)) = line.split_once('=') else { continue };
            let key = match name {
                name if name.contains("DISTRIB_ID") => "id",
                name if name.contains("DISTRIB_RELEASE") => "release",
                name if name.contains("DISTRIB_DESCRIPTION") => "description",
                name if name.contains("DISTRIB_CODENAME") => "codename",
                _ => continue,
            };
            facts.insert(key.into(), value.trim().into());
        }
    }
    if let Some(release) = facts.get("release").and_then(Value::as_str) {
        let major = release.split('.').next().unwrap_or_default().to_owned();
        facts.insert("major_release".into(), major.into());
    }
    for value in facts.values_mut() {
        if let Value::String(text) = value {
            *text = text.trim_matches(['\'', '"', '\\']).to_owned();
        }
    }
    Object::from_iter([("lsb".to_owned(), Value::Object(facts))])
}
