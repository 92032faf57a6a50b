//! What the machine runs on: the first sign that is found names the type and the role, all signs name the techniques.

use std::collections::BTreeSet;
use std::path::Path;

use ftl_sdk::{Args, Host, Object, Value};

use super::read;

#[derive(Default)]
struct Signs {
    found: Option<(String, &'static str)>,
    guest: BTreeSet<String>,
    host: BTreeSet<String>,
}

impl Signs {
    fn guest(&mut self, name: &str) {
        self.guest.insert(name.to_owned());
        self.found.get_or_insert((name.to_owned(), "guest"));
    }

    fn host(&mut self, name: &str) {
        self.host.insert(name.to_owned());
        self.found.get_or_insert((name.to_owned(), "host"));
    }
}

pub(crate) fn virtualization(host: &Host, _: &Args) -> Object {
    let mut signs = Signs::default();
    containers(&mut signs);
    firmware(&mut signs);
    processors(&mut signs);
    kernel_modules(&mut signs);
    firmware_by_program(&mut signs, host);
    if Path::new("/dev/kvm").exists() {
        signs.host("kvm");
    }
    let (kind, role) = signs.found.unwrap_or(("NA".into(), "NA"));
    let list = |names: BTreeSet<String>| names.into_iter().map(Value::from).collect::<Value>();
    Object::from_iter([
        ("virtualization_type".to_owned(), kind.into()),
        ("virtualization_role".to_owned(), role.into()),
        ("virtualization_tech_guest".to_owned(), list(signs.guest)),
        ("virtualization_tech_host".to_owned(), list(signs.host)),
    ])
}

fn containers(signs: &mut Signs) {
    for line in read::lines("/proc/1/cgroup") {
        if is_docker(&line) {
            signs.guest("docker");
        }
        if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            signs.guest("lxc");
        }
        if line.contains("/system.slice/containerd.service") {
            signs.guest("containerd");
        }
    }
    for variable in read::content("/proc/1/environ").unwrap_or_default().split('\0') {
        for (name, tech) in [("container=lxc", "lxc"), ("container=podman", "podman")] {
            if variable.contains(name) {
                signs.guest(tech);
            }
        }
        if variable.strip_prefix("container=").is_some_and(|name| !name.is_empty()) {
            signs.guest("container");
        }
    }
    let systemd = read::content("/run/systemd/container");
    if let Some(name) = &systemd {
        signs.guest(name);
    }
    if Path::new("/.dockerenv").exists() || Path::new("/.dockerinit").exists() {
        signs.guest("docker");
    }
    let container = ["docker", "lxc", "podman", "openvz", "containerd"].iter().any(|name| signs.guest.contains(*name));
    if container || systemd.is_some() {
        signs.guest.insert("container".into());
    }
}

/// `/docker/…` or `/docker-0a1b.scope`.
fn is_docker(line: &str) -> bool {
    line.match_indices("/docker").any(|(at, name)| {
        let rest = &line[at + name.len()..];
        let number = rest.strip_prefix('-').and_then(|rest| rest.split_once(".scope")).map(|(number, _)| number);
        rest.starts_with('/')
            || number
                .is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)))
    })
}

fn firmware(signs: &mut Signs) {
    let read = |name: &str| read::content(format!("/sys/devices/virtual/dmi/id/{name}")).unwrap_or_default();
    let (product, vendor, family, bios) =
        (read("product_name"), read("sys_vendor"), read("product_family"), read("bios_vendor"));
    if matches!(product.as_str(), "KVM" | "KVM Server" | "Bochs" | "AHV" | "CloudStack KVM Hypervisor") {
        signs.guest("kvm");
    }
    if vendor == "oVirt" {
        signs.guest("oVirt");
    }
    if vendor == "Red Hat" {
        if family == "RHV" {
            signs.guest("RHV");
        } else if product == "RHEV Hypervisor" {
            signs.guest("RHEV");
        }
    }
    if product.starts_with("VMware") {
        signs.guest("VMware");
    }
    if matches!(product.as_str(), "OpenStack Compute" | "OpenStack Nova") {
        signs.guest("openstack");
    }
    match bios.as_str() {
        "Xen" => signs.guest("xen"),
        "innotek GmbH" => signs.guest("virtualbox"),
        "Amazon EC2" | "DigitalOcean" | "Hetzner" | "Linode" => signs.guest("kvm"),
        _ => {}
    }
    match vendor.as_str() {
        "QEMU" | "Amazon EC2" | "DigitalOcean" | "Google" | "Scaleway" | "Nutanix" => signs.guest("kvm"),
        "KubeVirt" => signs.guest("KubeVirt"),
        "Microsoft Corporation" => signs.guest("VirtualPC"),
        "Parallels Software International Inc." => signs.guest("parallels"),
        "OpenStack Foundation" => signs.guest("openstack"),
        _ => {}
    }
}

fn processors(signs: &mut Signs) {
    for line in read::lines("/proc/cpuinfo") {
        let after = |start: &str, text: &str| line.strip_prefix(start).is_some_and(|rest| rest.contains(text));
        if after("model name", "QEMU Virtual CPU") || after("machine", "CHRP IBM pSeries (emulated by qemu)") {
            signs.guest("kvm");
        } else if after("vendor_id", "User Mode Linux") || after("model name", "UML") {
            signs.guest("uml");
        } else if after("vendor_id", "PowerVM Lx86") {
            signs.guest("powervm_lx86");
        }
    }
}

fn kernel_modules(signs: &mut Signs) {
    let lines = read::lines("/proc/modules");
    let modules: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    if modules.contains(&"kvm") {
        signs.host("kvm");
    }
    if modules.contains(&"vboxdrv") {
        signs.host("virtualbox");
    }
    if modules.contains(&"virtio") {
        signs.host.insert("kvm".into());
        signs.found.get_or_insert(("kvm".into(), "guest"));
    }
}

fn firmware_by_program(signs: &mut Signs, host: &Host) {
    let Some(text) = read::output(&["dmidecode", "-s", "system-product-name"], host) else { return };
    let name: String = text.lines().filter(|line| !line.starts_with('#')).map(str::trim).collect();
    if name.starts_with("VMware") {
        signs.guest("VMware");
    }
    if text.contains("BHYVE") {
        signs.guest("bhyve");
    }
}
