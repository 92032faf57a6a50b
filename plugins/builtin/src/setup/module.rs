//! The module's arguments, and the gathering.

use std::path::Path;

use ftl_sdk::{Answer, Args, Argument, Host, Kind, Module, Object, Outcome, Value};

use super::subsets::{Collector, chosen, is_known};
use super::{distribution, filter, hardware, identity, read};

pub(crate) const MODULE: Module = Module {
    covers,
    ..Module::new(
        "setup",
        &[
            Argument::list("gather_subset", Kind::Str).or_words(&["all"]),
            Argument::number("gather_timeout").or_int(10),
            Argument::list("filter", Kind::Str).or_words(&[]),
            Argument::path("fact_path").or_text(identity::FACT_PATH),
        ],
        run,
    )
};

/// Signs of Xen, OpenVZ, s390 and RHEV.
const UNKNOWN: [&str; 6] = ["/proc/xen", "/sys/hypervisor/type", "/proc/vz", "/proc/sysinfo", "/proc/lve", "/rhev"];

/// Only subsets that exist, on machines where nothing is to be found that is not looked for here.
fn covers(given: &Object, selinux: bool) -> bool {
    let texts = |name: &str| match given.get(name) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(text.split(',').map(str::to_owned).collect()),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    let Some(subsets) = texts("gather_subset") else { return false };
    let known =
        |subset: &String| subset.starts_with('!') || matches!(subset.as_str(), "all" | "min") || is_known(subset);
    !selinux
        && texts("filter").is_some()
        && subsets.iter().all(known)
        && distribution::is_covered()
        && identity::is_local_covered(given.get("fact_path"))
        && !["facter", "cfacter", "ohai", "sg_inq"].iter().any(|program| read::is_installed(program))
        && !UNKNOWN.iter().any(|path| Path::new(path).exists())
        && (Path::new(hardware::FIRMWARE_PLACE).exists() || !read::is_installed("dmidecode"))
}

fn run(args: &mut Args, host: &Host) -> Answer {
    let subsets =
        args.list("gather_subset").filter(|subsets| !subsets.is_empty()).unwrap_or_else(|| vec!["all".into()]);
    let patterns = args.list("filter").unwrap_or_default();
    let mut facts = Object::new();
    for gathered in gather(&chosen(&subsets), host, args) {
        for (name, value) in gathered {
            facts.insert(format!("ansible_{}", name.replace('-', "_")), value);
        }
    }
    facts.insert("gather_subset".into(), subsets.into());
    facts.insert("module_setup".into(), true.into());
    Ok(Outcome::new().with("ansible_facts", filter::apply(facts, &patterns)))
}

/// The slow ones side by side.
fn gather(collectors: &[&'static Collector], host: &Host, args: &Args) -> Vec<Object> {
    std::thread::scope(|scope| {
        let started: Vec<_> = collectors
            .iter()
            .map(|collector| collector.slow.then(|| scope.spawn(|| (collector.collect)(host, args))))
            .collect();
        let quick: Vec<Option<Object>> =
            collectors.iter().map(|collector| (!collector.slow).then(|| (collector.collect)(host, args))).collect();
        started
            .into_iter()
            .zip(quick)
            .map(|(slow, quick)| match slow {
                Some(slow) => slow.join().unwrap_or_default(),
                None => quick.unwrap_or_default(),
            })
            .collect()
    })
}
