//! Who manages packages and services.

use std::path::Path;

use ftl_sdk::{Args, Host, Object, json};

use super::read;
use crate::process;

/// The distributions that are covered here have one package manager.
pub(crate) fn package_manager(host: &Host, _: &Args) -> Object {
    let asks_rpm = Path::new("/usr/bin/rpm").exists();
    let is_rpm =
        asks_rpm && read::output(&["/usr/bin/rpm", "-q", "--whatprovides", "/usr/bin/apt-get"], host).is_some();
    Object::from_iter([("pkg_mgr".to_owned(), if is_rpm { "apt_rpm" } else { "apt" }.into())])
}

pub(crate) fn service_manager(host: &Host, _: &Args) -> Object {
    Object::from_iter([("service_mgr".to_owned(), manager(host).into())])
}

fn manager(host: &Host) -> String {
    let first = read::content("/proc/1/comm").or_else(|| {
        let target = std::fs::read_link("/sbin/init").ok()?;
        Some(target.to_string_lossy().into_owned())
    });
    let first = first.map(|name| name.rsplit('/').next().unwrap_or_default().trim().to_owned());
    // These names say nothing: many are called init, and shells are the first in containers.
    if let Some(name) = first.filter(|name| name != "init" && !name.ends_with("sh")) {
        let known = match name.as_str() {
            "procd" => "openwrt_init",
            "runit-init" => "runit",
            "svscan" => "svc",
            "openrc-init" => "openrc",
            name => name,
        };
        return known.to_owned();
    }
    let there = |path: &str| Path::new(path).exists();
    let found = if is_systemd(host) {
        "systemd"
    } else if process::exists("initctl", host).is_some() && there("/etc/init/") {
        "upstart"
    } else if there("/sbin/openrc") {
        "openrc"
    } else if process::exists("systemctl", host).is_some()
        && std::fs::read_link("/sbin/init").is_ok_and(|target| target.file_name().is_some_and(|name| name == "systemd"))
    {
        "systemd"
    } else if there("/etc/init.d/") {
        "sysvinit"
    } else if there("/etc/dinit.d/") {
        "dinit"
    } else {
        "service"
    };
    found.to_owned()
}

fn is_systemd(host: &Host) -> bool {
    let running = ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"];
    process::exists("systemctl", host).is_some() && running.iter().any(|path| Path::new(path).exists())
}

pub(crate) fn systemd(host: &Host, _: &Args) -> Object {
    if !is_systemd(host) {
        return Object::new();
    }
    let Some(text) = read::output(&["systemctl", "--version"], host) else { return Object::new() };
    let features = text.split('\n').nth(1).unwrap_or_default();
    let version: i64 = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default();
    Object::from_iter([("systemd".to_owned(), json!({"features": features, "version": version}))])
}
