//! Processors, memory, firmware; with the disks of `devices`, `storage` and `mounts`.

use std::path::Path;

use ftl_sdk::{Args, Host, Object, Value, json};

use super::{devices, mounts, read, storage};

pub(crate) fn hardware(host: &Host, args: &Args) -> Object {
    let mut facts = processors();
    facts.extend(memory());
    facts.extend(firmware());
    let (devices, volumes, mounts) = std::thread::scope(|scope| {
        let devices = scope.spawn(|| devices::devices(host));
        let volumes = scope.spawn(|| storage::volumes(host));
        let mounts = mounts::mounts(host, args);
        (devices.join().unwrap_or_default(), volumes.join().unwrap_or_default(), mounts)
    });
    facts.extend(devices);
    if let Some(seconds) = read::content("/proc/uptime").and_then(|text| text.split('.').next()?.parse::<i64>().ok()) {
        facts.insert("uptime_seconds".into(), seconds.into());
    }
    facts.insert("lvm".into(), volumes);
    facts.insert("mounts".into(), mounts);
    facts
}

fn memory() -> Object {
    let mut facts = Object::new();
    let lines = read::lines("/proc/meminfo");
    let megabytes = |name: &str| {
        let line = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().next()?.parse::<i64>().ok()? / 1024)
    };
    for (key, name) in [
        ("memtotal_mb", "MemTotal"),
        ("memfree_mb", "MemFree"),
        ("swaptotal_mb", "SwapTotal"),
        ("swapfree_mb", "SwapFree"),
    ] {
        if let Some(value) = megabytes(name) {
            facts.insert(key.into(), value.into());
        }
    }
    let (total, free) = (megabytes("MemTotal"), megabytes("MemFree"));
    let (swap, swap_free) = (megabytes("SwapTotal"), megabytes("SwapFree"));
    let sum = |parts: [Option<i64>; 3]| parts.into_iter().sum::<Option<i64>>();
    let less = |a: Option<i64>, b: Option<i64>| Some(a? - b?);
    let unused = sum([megabytes("Cached"), free, megabytes("Buffers")]);
    let memory = json!({
        "real": {"total": total, "used": less(total, free), "free": free},
        "nocache": {"free": unused, "used": less(total, unused)},
        "swap": {"total": swap, "free": swap_free, "used": less(swap, swap_free), "cached": megabytes("SwapCached")},
    });
    facts.insert("memory_mb".into(), memory);
    facts
}

/// What `/proc/cpuinfo` counts.
#[derive(Default)]
struct Count {
    listed: i64,
    vendors: i64,
    models: i64,
    processors: i64,
    sockets: Vec<(String, i64)>,
    cores: Vec<(String, i64)>,
}

fn set(list: &mut Vec<(String, i64)>, key: &str, value: i64) {
    match list.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) => *old = value,
        None => list.push((key.to_owned(), value)),
    }
}

fn processors() -> Object {
    let mut facts = Object::from_iter([("processor".to_owned(), json!([]))]);
    let mut count = Count::default();
    let mut names = Vec::new();
    let (mut socket, mut core) = ("0".to_owned(), "0".to_owned());
    for line in read::lines("/proc/cpuinfo") {
        let (key, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.trim();
        match key.trim() {
            "flags" => {
                facts.insert("flags".into(), value.split_whitespace().map(Value::from).collect());
            }
            key @ ("model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" | "processor") => {
                names.push(Value::from(value));
                count.vendors += i64::from(key == "vendor_id");
                count.models += i64::from(key == "model name");
                count.processors += i64::from(key == "processor");
                count.listed += 1;
            }
            "physical id" => {
                socket = value.to_owned();
                if !count.sockets.iter().any(|(known, _)| *known == socket) {
                    set(&mut count.sockets, &socket, 1);
                }
            }
            "core id" => {
                core = value.to_owned();
                if !count.sockets.iter().any(|(known, _)| *known == core) {
                    set(&mut count.cores, &core, 1);
                }
            }
            "cpu cores" => set(&mut count.sockets, &socket, value.parse().unwrap_or(1)),
            "siblings" => set(&mut count.cores, &core, value.parse().unwrap_or(1)),
            "ncpus active" => count.listed = value.parse().unwrap_or_default(),
            _ => {}
        }
    }
    if count.vendors > 0 && count.vendors == count.models {
        count.listed = count.vendors;
    }
    let machine = rustix::system::uname().machine().to_string_lossy().into_owned();
    if ["armv", "aarch", "ppc"].iter().any(|start| machine.starts_with(start)) {
        count.listed = count.processors;
    }
    facts.insert("processor".into(), names.into());
    let number = if count.sockets.is_empty() { count.listed } else { count.sockets.len() as i64 };
    let cores = count.sockets.first().map_or(1, |(_, cores)| *cores).max(1);
    let siblings = count.cores.first().map_or(1, |(_, siblings)| *siblings);
    let threads = rounded(siblings, cores);
    let usable = rustix::thread::sched_getaffinity(None).map(|set| i64::from(set.count()));
    facts.insert("processor_count".into(), number.into());
    facts.insert("processor_cores".into(), cores.into());
    facts.insert("processor_threads_per_core".into(), threads.into());
    facts.insert("processor_vcpus".into(), (threads * number * cores).into());
    facts.insert("processor_nproc".into(), usable.unwrap_or(count.processors).into());
    facts
}

/// Python's `round(a / b)`: halves go to the even number.
fn rounded(a: i64, b: i64) -> i64 {
    (a as f64 / b as f64).round_ties_even() as i64
}

pub(crate) const FIRMWARE_PLACE: &str = "/sys/devices/virtual/dmi/id";

const FIRMWARE: [(&str, &str); 18] = [
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("form_factor", "chassis_type"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

/// The kinds of cases, by their number in the DMI specification.
const CASES: [&str; 37] = [
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

fn firmware() -> Object {
    let place = Path::new(FIRMWARE_PLACE);
    let fact = |(key, file): (&str, &str)| {
        let text = read::content(place.join(file));
        let text = match (key, text) {
            (_, None) => "NA".to_owned(),
            ("form_factor", Some(number)) => {
                let known = number.parse::<usize>().ok().and_then(|number| CASES.get(number));
                known.map_or_else(|| format!("unknown ({number})"), |name| (*name).to_owned())
            }
            (_, Some(text)) => text,
        };
        (key.to_owned(), Value::from(text))
    };
    FIRMWARE.into_iter().map(fact).collect()
}
