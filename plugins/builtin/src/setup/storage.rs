//! Logical volumes.

use ftl_sdk::{Host, Object, Value, json};

use super::read;

const OPTIONS: [&str; 6] = ["--noheadings", "--nosuffix", "--units", "g", "--separator", ","];

pub(crate) fn volumes(host: &Host) -> Value {
    if crate::process::exists("vgs", host).is_none() || !rustix::process::getuid().is_root() {
        return "N/A".into();
    }
    let rows = |program: &str| -> Vec<Vec<String>> {
        let mut words = vec![program];
        words.extend(OPTIONS);
        let text = read::outcome(&words, host).map(|(_, text)| text).unwrap_or_default();
        text.lines().map(|line| line.trim().split(',').map(str::to_owned).collect()).collect()
    };
    let (mut groups, mut logical, mut physical) = (Object::new(), Object::new(), Object::new());
    for row in rows("vgs").iter().filter(|row| row.len() >= 4) {
        let [.., size, free] = row.as_slice() else { continue };
        let fact = json!({"size_g": size, "free_g": free, "num_lvs": row[2], "num_pvs": row[1]});
        groups.insert(row[0].clone(), fact);
    }
    for row in rows("lvs").iter().filter(|row| row.len() >= 4) {
        logical.insert(row[0].clone(), json!({"size_g": row[3], "vg": row[1]}));
    }
    for row in rows("pvs").iter().filter(|row| row.len() >= 6) {
        physical.insert(mapped(&row[0], host), json!({"size_g": row[4], "free_g": row[5], "vg": row[1]}));
    }
    json!({"lvs": logical, "vgs": groups, "pvs": physical})
}

/// `/dev/dm-0` by its own name.
fn mapped(device: &str, host: &Host) -> String {
    if !device.starts_with("/dev/dm-") {
        return device.to_owned();
    }
    let name = read::output(&["dmsetup", "info", "-C", "--noheadings", "-o", "name", device], host);
    name.map_or_else(|| device.to_owned(), |name| format!("/dev/mapper/{}", name.trim_end()))
}
