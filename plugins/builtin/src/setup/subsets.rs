//! Which facts are gathered: the table of collectors, and what `gather_subset` means.

use std::collections::BTreeSet;

use ftl_sdk::{Args, Host, Object};

use super::{distribution, hardware, identity, network, packages, platform, system, virtualization};

/// A part of the facts.
pub(crate) struct Collector {
    pub(crate) name: &'static str,
    /// Facts that stand for it in `gather_subset`.
    pub(crate) facts: &'static [&'static str],
    pub(crate) needs: &'static [&'static str],
    /// Part of `min`.
    pub(crate) minimal: bool,
    /// It starts programs, or asks others.
    pub(crate) slow: bool,
    pub(crate) collect: Collect,
}

type Collect = fn(&Host, &Args) -> Object;

const fn minimal(name: &'static str, collect: Collect) -> Collector {
    Collector { name, facts: &[], needs: &[], minimal: true, slow: false, collect }
}

const fn other(name: &'static str, collect: Collect) -> Collector {
    Collector { minimal: false, ..minimal(name, collect) }
}

/// In the order the facts are told.
pub(crate) const COLLECTORS: &[Collector] = &[
    Collector {
        facts: &["architecture", "kernel", "kernel_version", "machine", "machine_id", "python_version", "system"],
        slow: true,
        ..minimal("platform", platform::platform)
    },
    Collector {
        facts: &["distribution_major_version", "distribution_release", "distribution_version", "os_family"],
        ..minimal("distribution", distribution::distribution)
    },
    Collector { slow: true, ..minimal("lsb", distribution::lsb) },
    minimal("selinux", system::selinux),
    minimal("apparmor", system::apparmor),
    Collector { facts: &["is_chroot"], ..other("chroot", system::chroot) },
    minimal("fips", system::fips),
    minimal("python", platform::python),
    Collector {
        facts: &["system_capabilities", "system_capabilities_enforced"],
        slow: true,
        ..minimal("caps", system::capabilities)
    },
    Collector { needs: &["distribution"], ..minimal("pkg_mgr", packages::package_manager) },
    Collector { needs: &["platform", "distribution"], ..minimal("service_mgr", packages::service_manager) },
    minimal("cmdline", system::command_line),
    minimal("date_time", platform::date_time),
    minimal("env", identity::environment),
    other("loadavg", system::load),
    Collector {
        facts: &[
            "ssh_host_key_dsa_public",
            "ssh_host_key_ecdsa_public",
            "ssh_host_key_ed25519_public",
            "ssh_host_key_rsa_public",
            "ssh_host_pub_keys",
        ],
        ..minimal("ssh_pub_keys", identity::ssh_keys)
    },
    Collector {
        facts: &[
            "effective_group_ids",
            "effective_user_id",
            "real_user_id",
            "user_dir",
            "user_gecos",
            "user_gid",
            "user_id",
            "user_shell",
            "user_uid",
        ],
        ..minimal("user", identity::user)
    },
    Collector { slow: true, ..other("systemd", packages::systemd) },
    Collector {
        facts: &["virtualization_role", "virtualization_tech_guest", "virtualization_tech_host", "virtualization_type"],
        slow: true,
        ..other("virtual", virtualization::virtualization)
    },
    Collector {
        facts: &["devices", "mounts", "processor", "processor_cores", "processor_count"],
        needs: &["platform"],
        slow: true,
        ..other("hardware", hardware::hardware)
    },
    minimal("dns", network::dns),
    other("fibre_channel_wwn", network::fibre_channel),
    Collector {
        facts: &["all_ipv4_addresses", "all_ipv6_addresses", "default_ipv4", "default_ipv6", "interfaces"],
        needs: &["distribution", "platform"],
        slow: true,
        ..other("network", network::network)
    },
    other("iscsi", network::iscsi),
    other("nvme", network::nvme),
    minimal("local", identity::local),
    Collector { facts: &["facter"], ..other("facter", |_, _| Object::new()) },
    other("ohai", |_, _| Object::new()),
];

/// All names `gather_subset` may say.
pub(crate) fn is_known(name: &str) -> bool {
    COLLECTORS.iter().any(|collector| collector.name == name || collector.facts.contains(&name))
}

/// The collectors that are asked for, with those they need.
pub(crate) fn chosen(gather_subset: &[String]) -> Vec<&'static Collector> {
    let every = || COLLECTORS.iter().flat_map(|c| c.facts.iter().copied().chain([c.name]));
    let minimal = || COLLECTORS.iter().filter(|c| c.minimal).map(|c| c.name);
    let (mut added, mut excluded, mut explicit) = (BTreeSet::<&str>::new(), BTreeSet::new(), BTreeSet::new());
    added.extend(minimal());
    for subset in gather_subset {
        match subset.strip_prefix('!') {
            None if subset == "min" => added.extend(minimal()),
            None if subset == "all" => added.extend(every()),
            None => {
                explicit.insert(subset.as_str());
                added.insert(subset);
            }
            Some("min") => excluded.extend(minimal()),
            Some("all") => {
                let least: BTreeSet<&str> = minimal().collect();
                excluded.extend(every().filter(|name| !least.contains(name)));
            }
            Some(name) => {
                excluded.insert(name);
                if let Some(collector) = COLLECTORS.iter().find(|collector| collector.name == name) {
                    excluded.extend(collector.facts);
                }
            }
        }
    }
    let mut names: BTreeSet<&str> =
        added.into_iter().filter(|name| !excluded.contains(name) || explicit.contains(name)).collect();
    let is_asked =
        |names: &BTreeSet<&str>, c: &Collector| names.contains(c.name) || c.facts.iter().any(|f| names.contains(f));
    let needed: Vec<&str> = COLLECTORS.iter().filter(|c| is_asked(&names, c)).flat_map(|c| c.needs).copied().collect();
    names.extend(needed);
    COLLECTORS.iter().filter(|collector| is_asked(&names, collector)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_are_chosen() {
        let check = |given: &[&str], expected: &[&str]| {
            let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
            let names: Vec<&str> = chosen(&given).iter().map(|collector| collector.name).collect();
            assert_eq!(names, expected);
        };
        check(&["!all", "!min", "network"], &["platform", "distribution", "network"]);
        check(&["!all", "!min", "mounts"], &["platform", "hardware"]);
        check(&["!all", "!min"], &[]);
        check(&["!min", "env", "!env"], &["env"]);
        let least: Vec<&str> = COLLECTORS.iter().filter(|c| c.minimal).map(|c| c.name).collect();
        check(&["!all"], &least);
        let all: Vec<&str> = COLLECTORS.iter().map(|c| c.name).collect();
        check(&["all"], &all);
    }
}
