//! Disks and their partitions, from `/sys/block`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ftl_sdk::{Host, Object, Value, json};

use super::read;

type Links = BTreeMap<String, BTreeSet<String>>;

const KINDS: [&str; 4] = ["ids", "uuids", "labels", "masters"];

pub(crate) fn devices(host: &Host) -> Object {
    let mut facts = Object::from_iter([("devices".to_owned(), json!({}))]);
    if std::fs::read_dir("/sys/block").is_err() {
        return facts;
    }
    let pci = read::output(&["lspci", "-D"], host);
    let links = [links_in("/dev/disk/by-id"), links_in("/dev/disk/by-uuid"), links_in("/dev/disk/by-label"), owners()];
    let numbers = world_wide_names();
    let mut devices = Object::new();
    for block in read::names("/sys/block") {
        let Ok(target) = std::fs::read_link(Path::new("/sys/block").join(&block)) else { continue };
        let place = Path::new("/sys/block").join(target);
        let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let fact = device(&block, &name, &place, &links, numbers.get(&name), pci.as_deref());
        devices.insert(name, Value::Object(fact));
    }
    facts.insert("devices".into(), Value::Object(devices));
    let all = KINDS.iter().zip(&links).map(|(kind, links)| ((*kind).to_owned(), json!(links)));
    facts.insert("device_links".into(), Value::Object(all.collect()));
    facts
}

fn links_in(directory: &str) -> Links {
    let mut links = Links::new();
    for name in read::names(directory) {
        let Ok(target) = std::fs::read_link(Path::new(directory).join(&name)) else { continue };
        let target = target.file_name().map(|target| target.to_string_lossy().into_owned()).unwrap_or_default();
        links.entry(target).or_default().insert(name);
    }
    links
}

fn owners() -> Links {
    let mut owners = Links::new();
    for device in read::names("/sys/block") {
        for part in read::names(format!("/sys/block/{device}/slaves")) {
            owners.entry(part).or_default().insert(device.clone());
        }
    }
    owners
}

fn world_wide_names() -> BTreeMap<String, String> {
    let mut numbers = BTreeMap::new();
    for (device, names) in links_in("/dev/disk/by-id") {
        if let Some(number) = names.iter().find_map(|name| name.strip_prefix("wwn-")) {
            numbers.insert(device, number.to_owned());
        }
    }
    numbers
}

fn links_of(name: &str, links: &[Links; 4]) -> Value {
    let of = |links: &Links| links.get(name).map_or_else(|| json!([]), |names| json!(names));
    Value::Object(KINDS.iter().zip(links).map(|(kind, links)| ((*kind).to_owned(), of(links))).collect())
}

fn device(
    block: &str,
    name: &str,
    place: &Path,
    links: &[Links; 4],
    number: Option<&String>,
    pci: Option<&str>,
) -> Object {
    let mut fact = Object::new();
    fact.insert("virtual".into(), 1.into());
    fact.insert("links".into(), links_of(block, links));
    for key in ["vendor", "model", "sas_address", "sas_device_handle"] {
        fact.insert(key.into(), read::value(place.join("device").join(key)));
    }
    if let Some(serial) = read::content(format!("/sys/block/{block}/device/serial")) {
        fact.insert("serial".into(), serial.into());
    }
    fact.insert("removable".into(), read::value(place.join("removable")));
    let discard = match read::content(place.join("queue/discard_max_hw_bytes")).as_deref() {
        Some("0") => "0".into(),
        _ => read::value(place.join("queue/discard_granularity")),
    };
    fact.insert("support_discard".into(), discard);
    if let Some(number) = number {
        fact.insert("wwn".into(), number.as_str().into());
    }
    fact.insert("partitions".into(), Value::Object(partitions(name, place, links)));
    fact.insert("rotational".into(), read::value(place.join("queue/rotational")));
    let scheduler = read::content(place.join("queue/scheduler")).unwrap_or_default();
    let chosen = scheduler.split_once('[').and_then(|(_, rest)| Some(rest.rsplit_once(']')?.0));
    fact.insert("scheduler_mode".into(), chosen.unwrap_or_default().into());
    size_facts(&mut fact, place);
    fact.insert("host".into(), pci.and_then(|pci| controller(place, pci)).unwrap_or_default().into());
    fact.insert("holders".into(), holders(place));
    fact
}

/// `sectorsize`, `sectors` and `size`; the kernel counts in sectors of 512 bytes.
fn size_facts(fact: &mut Object, place: &Path) {
    let sector = read::content(place.join("queue/logical_block_size"))
        .or_else(|| read::content(place.join("queue/hw_sector_size")));
    let bytes = sector.as_deref().and_then(|sector| sector.parse::<i64>().ok()).unwrap_or(512).max(1);
    let count = read::content(place.join("size")).and_then(|size| size.parse::<i64>().ok()).unwrap_or_default();
    let sectors = count * 512 / bytes;
    fact.insert("sectorsize".into(), sector.map_or(Value::from(512), Value::from));
    fact.insert("sectors".into(), sectors.into());
    fact.insert("size".into(), human(sectors as f64 * bytes as f64).into());
}

fn partitions(disk: &str, place: &Path, links: &[Links; 4]) -> Object {
    let mut all = Object::new();
    for folder in read::names(place) {
        let Some(name) = partition_name(disk, &folder) else { continue };
        let part = place.join(&name);
        let mut fact = Object::from_iter([("links".to_owned(), links_of(&name, links))]);
        fact.insert("start".into(), read::content(part.join("start")).map_or(Value::from(0), Value::from));
        size_facts(&mut fact, &part);
        // In Ansible's order.
        let sizes =
            ["sectorsize", "sectors", "size"].map(|key| (key.to_owned(), fact.get(key).cloned().unwrap_or_default()));
        fact.extend(sizes);
        fact.insert("uuid".into(), uuid_of(&name).map_or(Value::Null, Value::from));
        fact.insert("holders".into(), holders(&part));
        all.insert(name, Value::Object(fact));
    }
    all
}

/// `sda1` of `sda`, `nvme0n1p2` of `nvme0n1`.
fn partition_name(disk: &str, folder: &str) -> Option<String> {
    let at = folder.find(disk)?;
    let rest = &folder[at + disk.len()..];
    let (p, number) = match rest.strip_prefix('p') {
        Some(number) => ("p", number),
        None => ("", rest),
    };
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("{disk}{p}{digits}"))
}

fn uuid_of(partition: &str) -> Option<String> {
    let directory = PathBuf::from("/dev/disk/by-uuid");
    let device = Path::new("/dev").join(partition);
    read::names(&directory).into_iter().find(|name| crate::paths::real(&directory.join(name)) == device)
}

fn holders(place: &Path) -> Value {
    let directory = place.join("holders");
    let name = |folder: String| {
        let name = read::content(directory.join(&folder).join("dm/name"));
        Value::from(name.unwrap_or(folder))
    };
    read::names(&directory).into_iter().filter(|folder| folder.starts_with("dm-")).map(name).collect()
}

/// What `lspci` calls the controller of a disk.
fn controller(place: &Path, pci: &str) -> Option<String> {
    let is_address = |part: &&str| {
        let bytes = part.as_bytes();
        bytes.len() == 12 && bytes[4] == b':' && bytes[7] == b':' && bytes[10] == b'.'
    };
    let text = place.to_string_lossy().into_owned();
    let address = text.split('/').rfind(is_address)?;
    pci.lines().find_map(|line| Some(line.strip_prefix(address)?.strip_prefix(' ')?.to_owned()))
}

/// `252.00 GB`.
fn human(size: f64) -> String {
    const UNITS: [(&str, u32); 8] =
        [("YB", 80), ("ZB", 70), ("EB", 60), ("PB", 50), ("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10)];
    let unit = UNITS.iter().find(|(_, power)| size >= 2_f64.powi(*power as i32));
    match unit {
        Some((name, power)) => format!("{:.2} {name}", size / 2_f64.powi(*power as i32)),
        None => format!("{size:.2} Bytes"),
    }
}
