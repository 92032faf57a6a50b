//! Interfaces, addresses, routes and names of the network; `ip` is asked, once for each question.

use std::path::Path;

use ftl_sdk::{Args, Host, Object, Value, json};

use super::read;

pub(crate) fn network(host: &Host, _: &Args) -> Object {
    if crate::process::exists("ip", host).is_none() {
        return Object::new();
    }
    let ask = |words: &[&str]| read::outcome(words, host).unwrap_or((1, String::new()));
    let (route4, route6, addresses, local4, local6) = std::thread::scope(|scope| {
        let route4 = scope.spawn(|| ask(&["ip", "-4", "route", "get", "8.8.8.8"]));
        let route6 = scope.spawn(|| ask(&["ip", "-6", "route", "get", "2404:6800:400a:800::1012"]));
        let addresses = scope.spawn(|| ask(&["ip", "addr", "show"]));
        let local4 = scope.spawn(|| ask(&["ip", "-4", "route", "show", "table", "local"]));
        let local6 = ask(&["ip", "-6", "route", "show", "table", "local"]);
        let wait =
            |thread: std::thread::ScopedJoinHandle<'_, (i32, String)>| thread.join().unwrap_or((1, String::new()));
        (wait(route4), wait(route6), wait(addresses), wait(local4), local6)
    });
    let mut state = State {
        default4: route(&route4.1, "8.8.8.8"),
        default6: route(&route6.1, "2404:6800:400a:800::1012"),
        ..State::default()
    };
    for device in read::names("/sys/class/net") {
        let place = Path::new("/sys/class/net").join(&device);
        if place.is_dir() {
            let fact = interface(&device, &place);
            state.interfaces.insert(device.clone(), Value::Object(fact));
            let hardware_address = read::content(place.join("address")).unwrap_or_default();
            let lines = if addresses.0 == 0 { lines_of(&addresses.1, &device) } else { Vec::new() };
            for secondary in [false, true] {
                for line in lines.iter().filter(|line| is_secondary(line) == secondary) {
                    state.address(&device, &hardware_address, line, secondary);
                }
            }
            let features = offload(&device, host);
            state.of(&device).extend(features);
        }
    }
    state.facts(reachable(&[local4, local6]))
}

#[derive(Default)]
struct State {
    interfaces: Object,
    default4: Object,
    default6: Object,
    all4: Vec<Value>,
    all6: Vec<Value>,
}

impl State {
    fn of(&mut self, device: &str) -> &mut Object {
        crate::attributes::side(&mut self.interfaces, device)
    }

    fn facts(self, reachable: Value) -> Object {
        let named = |name: &str| name.replace(':', "_");
        let mut facts = Object::new();
        let names = self.interfaces.keys().map(|name| Value::from(named(name))).collect();
        facts.insert("interfaces".into(), names);
        facts.extend(self.interfaces.into_iter().map(|(name, fact)| (named(&name), fact)));
        facts.insert("default_ipv4".into(), Value::Object(self.default4));
        facts.insert("default_ipv6".into(), Value::Object(self.default6));
        facts.insert("all_ipv4_addresses".into(), self.all4.into());
        facts.insert("all_ipv6_addresses".into(), self.all6.into());
        facts.insert("locally_reachable_ips".into(), reachable);
        facts
    }

    /// One line of `ip addr`: `inet …` or `inet6 …`.
    fn address(&mut self, device: &str, hardware_address: &str, line: &str, secondary: bool) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.first() {
            Some(&"inet") => self.address4(device, hardware_address, &words, secondary),
            Some(&"inet6") => self.address6(device, hardware_address, &words),
            _ => {}
        }
    }

    fn address4(&mut self, device: &str, hardware_address: &str, words: &[&str], secondary: bool) {
        let Some(first) = words.get(1) else { return };
        let (address, length) = first.split_once('/').unwrap_or((first, "32"));
        let has_broadcast = first.contains('/') && words.len() > 3 && words[2] == "brd";
        let broadcast = if has_broadcast { words[3] } else { "" };
        let Ok(number) = address.parse::<std::net::Ipv4Addr>() else { return };
        let bits: u32 = length.parse().unwrap_or(32);
        let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
        let dotted = |number: u32| std::net::Ipv4Addr::from(number).to_string();
        let (netmask, network) = (dotted(mask), dotted(u32::from(number) & mask));
        let fact = json!({
            "address": address, "broadcast": broadcast, "netmask": netmask, "network": network, "prefix": length,
        });
        // The label at the end of the line may name an alias.
        let label = words.last().copied().unwrap_or(device);
        if label != device {
            self.interfaces.insert(label.to_owned(), json!({}));
        }
        if !secondary && !self.of(label).contains_key("ipv4") {
            self.of(label).insert("ipv4".into(), fact.clone());
        } else {
            push(self.of(label), "ipv4_secondaries", fact.clone());
        }
        if secondary && device != label {
            push(self.of(device), "ipv4_secondaries", fact);
        }
        if self.default4.get("address").is_some_and(|known| known == address) {
            let of = |key: &str, other: Value| {
                self.interfaces.get(device).and_then(|f| f.get(key)).cloned().unwrap_or(other)
            };
            let (mtu, kind) = (of("mtu", Value::Null), of("type", "unknown".into()));
            for (key, value) in [
                ("broadcast", broadcast.into()),
                ("netmask", netmask.into()),
                ("network", network.into()),
                ("prefix", length.into()),
                ("macaddress", hardware_address.into()),
                ("mtu", mtu),
                ("type", kind),
                ("alias", label.into()),
            ] {
                self.default4.insert(key.into(), value);
            }
        }
        if !address.starts_with("127.") {
            self.all4.push(address.into());
        }
    }

    fn address6(&mut self, device: &str, hardware_address: &str, words: &[&str]) {
        let word = |at: usize| words.get(at).copied().unwrap_or_default();
        let (address, prefix, scope) = match word(2) {
            "peer" => (word(1), word(3).split('/').nth(1).unwrap_or_default(), word(5)),
            _ => {
                let (address, prefix) = word(1).split_once('/').unwrap_or((word(1), ""));
                (address, prefix, word(3))
            }
        };
        push(self.of(device), "ipv6", json!({"address": address, "prefix": prefix, "scope": scope}));
        if self.default6.get("address").is_some_and(|known| known == address) {
            let of = |key: &str, other: Value| {
                self.interfaces.get(device).and_then(|f| f.get(key)).cloned().unwrap_or(other)
            };
            let (mtu, kind) = (of("mtu", Value::Null), of("type", "unknown".into()));
            for (key, value) in [
                ("prefix", prefix.into()),
                ("scope", scope.into()),
                ("macaddress", hardware_address.into()),
                ("mtu", mtu),
                ("type", kind),
            ] {
                self.default6.insert(key.into(), value);
            }
        }
        if address != "::1" {
            self.all6.push(address.into());
        }
    }
}

fn push(fact: &mut Object, key: &str, value: Value) {
    if let Value::Array(items) = fact.entry(key).or_insert_with(|| json!([])) {
        items.push(value);
    }
}

/// The addresses of a device in the output of `ip addr show`.
fn lines_of(text: &str, device: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if !line.starts_with(' ') {
            let name = line.split(": ").nth(1).unwrap_or_default();
            inside = name.split('@').next() == Some(device);
        } else if inside && line.trim_start().starts_with("inet") {
            lines.push(line.trim().to_owned());
        }
    }
    lines
}

fn is_secondary(line: &str) -> bool {
    line.split_whitespace().any(|word| matches!(word, "secondary" | "temporary"))
}

/// The interface, address and gateway of a route.
fn route(text: &str, asked: &str) -> Object {
    let words: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    let mut fact = Object::new();
    if words.first() != Some(&asked) {
        return fact;
    }
    for pair in words.windows(2) {
        let key = match pair[0] {
            "dev" => "interface",
            "src" => "address",
            "via" if pair[1] != asked => "gateway",
            _ => continue,
        };
        fact.insert(key.into(), pair[1].into());
    }
    fact
}

fn reachable(tables: &[(i32, String)]) -> Value {
    let (mut four, mut six) = (Vec::new(), Vec::new());
    for line in tables.iter().filter(|(rc, _)| *rc == 0).flat_map(|(_, text)| text.lines()) {
        let mut words = line.split_whitespace();
        let (Some("local"), Some(address)) = (words.next(), words.next()) else { continue };
        let list = if address.contains(':') { &mut six } else { &mut four };
        if !list.contains(&address) {
            list.push(address);
        }
    }
    json!({"ipv4": four, "ipv6": six})
}

fn interface(device: &str, place: &Path) -> Object {
    let mut fact = Object::from_iter([("device".to_owned(), Value::from(device))]);
    let mut set = |key: &str, value: Value| fact.insert(key.to_owned(), value);
    let there = |name: &str| place.join(name).exists();
    let text = |name: &str| read::content(place.join(name));
    let first =
        |name: &str| text(name).and_then(|text| Some(text.split_whitespace().next()?.to_owned())).unwrap_or_default();
    if let Some(address) = text("address").filter(|address| address != "00:00:00:00:00:00") {
        set("macaddress", address.into());
    }
    if let Some(mtu) = text("mtu").and_then(|mtu| mtu.parse::<i64>().ok()) {
        set("mtu", mtu.into());
    }
    if there("operstate") {
        set("active", (text("operstate").as_deref() != Some("down")).into());
    }
    if there("device/driver/module") {
        let module = crate::paths::real(&place.join("device/driver/module"));
        set("module", module.file_name().unwrap_or_default().to_string_lossy().into_owned().into());
    }
    if there("type") {
        let kind = match text("type").as_deref() {
            Some("1") => "ether",
            Some("32") => "infiniband",
            Some("512") => "ppp",
            Some("772") => "loopback",
            Some("65534") => "tunnel",
            _ => "unknown",
        };
        set("type", kind.into());
    }
    if there("bridge") {
        set("type", "bridge".into());
        set("interfaces", read::names(place.join("brif")).into());
        if there("bridge/bridge_id") {
            set("id", text("bridge/bridge_id").unwrap_or_default().into());
        }
        if there("bridge/stp_state") {
            set("stp", (text("bridge/stp_state").as_deref() == Some("1")).into());
        }
    }
    if there("bonding") {
        set("type", "bonding".into());
        let slaves = text("bonding/slaves").unwrap_or_default();
        set("slaves", slaves.split_whitespace().map(Value::from).collect());
        for key in ["mode", "miimon", "lacp_rate"] {
            set(key, first(&format!("bonding/{key}")).into());
        }
        if let Some(primary) = text("bonding/primary") {
            set("primary", primary.into());
            if there("bonding/all_slaves_active") {
                set("all_slaves_active", (text("bonding/all_slaves_active").as_deref() == Some("1")).into());
            }
        }
    }
    if there("bonding_slave") {
        set("perm_macaddress", text("bonding_slave/perm_hwaddr").unwrap_or_default().into());
    }
    if let Ok(target) = std::fs::read_link(place.join("device")) {
        set("pciid", target.file_name().unwrap_or_default().to_string_lossy().into_owned().into());
    }
    if let Some(speed) = text("speed").and_then(|speed| speed.parse::<i64>().ok()) {
        set("speed", speed.into());
    }
    if let Some(flags) = text("flags").and_then(|flags| i64::from_str_radix(flags.trim_start_matches("0x"), 16).ok()) {
        set("promisc", (flags & 0x100 > 0).into());
    }
    fact
}

/// What `ethtool` tells of a device.
fn offload(device: &str, host: &Host) -> Object {
    let mut facts = Object::new();
    if crate::process::exists("ethtool", host).is_none() {
        return facts;
    }
    if let Some(text) = read::output(&["ethtool", "-k", device], host) {
        let pairs = text.trim().lines().filter(|line| !line.ends_with(':')).filter_map(|line| line.split_once(": "));
        let feature = |(key, value): (&str, &str)| (key.trim().replace('-', "_"), Value::from(value.trim()));
        facts.insert("features".into(), Value::Object(pairs.map(feature).collect()));
    }
    if let Some(text) = read::output(&["ethtool", "-T", device], host) {
        let after = |mark: &str| -> Value {
            let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            text.split(mark).skip(1).map(|rest| Value::from(word(rest).to_lowercase())).collect()
        };
        facts.insert("timestamping".into(), after("SOF_TIMESTAMPING_"));
        facts.insert("hw_timestamp_filters".into(), after("HWTSTAMP_FILTER_"));
        let clock = text.split_once("PTP Hardware Clock: ").map(|(_, rest)| rest);
        let number = clock.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        if let Some(number) = number.and_then(|number| number.parse::<i64>().ok()) {
            facts.insert("phc_index".into(), number.into());
        }
    }
    facts
}

pub(crate) fn dns(_: &Host, _: &Args) -> Object {
    let mut facts = Object::new();
    for line in read::lines("/etc/resolv.conf") {
        let words: Vec<&str> = line.split_whitespace().collect();
        if line.starts_with(['#', ';']) || words.is_empty() {
            continue;
        }
        let rest = || words[1..].iter().copied();
        match words[0] {
            "nameserver" => {
                for server in rest() {
                    push(&mut facts, "nameservers", server.into());
                }
                if words.len() == 1 {
                    facts.entry("nameservers").or_insert_with(|| json!([]));
                }
            }
            "domain" if words.len() > 1 => {
                facts.insert("domain".into(), words[1].into());
            }
            key @ ("search" | "sortlist") => {
                facts.insert(key.into(), rest().map(Value::from).collect());
            }
            "options" => {
                let option = |word: &str| match word.split_once(':') {
                    Some((name, value)) if !value.is_empty() => (name.to_owned(), Value::from(value)),
                    Some((name, _)) => (name.to_owned(), true.into()),
                    None => (word.to_owned(), true.into()),
                };
                facts.insert("options".into(), Value::Object(rest().map(option).collect()));
            }
            _ => {}
        }
    }
    Object::from_iter([("dns".to_owned(), Value::Object(facts))])
}

pub(crate) fn fibre_channel(_: &Host, _: &Args) -> Object {
    let hosts = read::names("/sys/class/fc_host");
    let lines = hosts.iter().flat_map(|name| read::lines(format!("/sys/class/fc_host/{name}/port_name")));
    let names = lines.map(|line| Value::from(line.trim_end().get(2..).unwrap_or_default())).collect();
    Object::from_iter([("fibre_channel_wwn".to_owned(), names)])
}

fn initiator(file: &str, wanted: impl Fn(&str) -> Option<&str>) -> Value {
    let lines = read::lines(file);
    let line = lines.iter().filter(|line| !line.starts_with(['#', ';'])).find_map(|line| wanted(line));
    line.unwrap_or_default().into()
}

pub(crate) fn iscsi(_: &Host, _: &Args) -> Object {
    let name = initiator("/etc/iscsi/initiatorname.iscsi", |line| line.strip_prefix("InitiatorName="));
    Object::from_iter([("iscsi_iqn".to_owned(), name)])
}

pub(crate) fn nvme(_: &Host, _: &Args) -> Object {
    let name = initiator("/etc/nvme/hostnqn", |line| line.starts_with("nqn.").then_some(line));
    Object::from_iter([("hostnqn".to_owned(), name)])
}
