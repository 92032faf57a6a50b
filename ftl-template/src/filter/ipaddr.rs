//! The filters of `ansible.utils` for IP addresses: `ipaddr` and its relatives.

use ftl_core::Value;
use ftl_core::value::to_text;

use super::argument::{defined, failure, index, is_sequence, iterate};
use super::ip_network::{IpNetwork, width_of};
use super::structure::python_class;
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

pub(super) const NO: Value = Value::Bool(false);

/// A value that was recognised.
pub(super) struct Subject {
    pub(super) net: IpNetwork,
    /// It was written with a prefix.
    is_network: bool,
    /// As it was written, numbers as addresses.
    text: String,
}

impl Subject {
    pub(super) fn parse(value: &Value, version: Option<u8>) -> Option<Subject> {
        let text = to_text(value);
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            let number: u128 = text.parse().ok()?;
            let net = match version {
                Some(6) => IpNetwork::address(6, number),
                _ => IpNetwork::address(4, number).or_else(|| IpNetwork::address(6, number)),
            }?;
            return Some(Subject { net, is_network: false, text: net.text() });
        }
        if let Some(net) = IpNetwork::parse(&text) {
            return Some(Subject { net, is_network: text.contains('/'), text });
        }
        // A number with a prefix.
        let (number, prefix) = text.split_once('/')?;
        let (number, prefix) = (number.parse::<u128>().ok()?, prefix.parse::<u8>().ok()?);
        let net = [4, 6].into_iter().find_map(|version| {
            let net = IpNetwork::address(version, number)?;
            (prefix <= width_of(version)).then_some(IpNetwork { prefix, ..net })
        })?;
        Some(Subject { net, is_network: true, text: net.text() })
    }

    fn value(&self) -> Value {
        Value::str(self.text.as_str())
    }

    fn only_if(&self, holds: bool) -> Value {
        if holds { self.value() } else { Value::None }
    }

    fn network_only(&self) -> Result<(), Failure> {
        if self.is_network { Ok(()) } else { Err(failure("Not a network address")) }
    }
}

/// `ipaddr(value, query, version)`
fn query_value(value: &Value, query: &str, version: Option<u8>, alias: &str) -> Answer {
    defined(value)?;
    if is_sequence(value) {
        let mut out = vec![];
        for item in iterate(value)? {
            let found = query_value(&item, query, version, "ipaddr")?;
            if found.is_true() {
                out.push(found);
            }
        }
        return Ok(Value::list(out));
    }
    if !value.is_true() || matches!(value, Value::Bool(true)) {
        return Ok(NO);
    }
    let Some(subject) = Subject::parse(value, version) else { return Ok(NO) };
    if version.is_some_and(|version| subject.net.version != version) {
        return Ok(NO);
    }
    match answer(&subject, query)? {
        Some(answer) => Ok(answer),
        None => other_query(&subject, query, alias),
    }
}

/// Queries that are no names: a network that may hold the address, or the number of an address.
fn other_query(subject: &Subject, query: &str, alias: &str) -> Answer {
    let is_number = query.bytes().all(|b| b.is_ascii_digit());
    if !is_number && let Some(network) = IpNetwork::parse(query) {
        return Ok(subject.only_if(network.contains(subject.net)));
    }
    let net = subject.net;
    let Ok(number) = query.trim().parse::<f64>() else {
        return Err(failure(format!("{alias}: unknown filter type: {query}")));
    };
    if net.size() == 1 {
        return Ok(Value::str(if subject.is_network { net.text() } else { net.ip_text() }));
    }
    let nth = query.trim().parse::<i128>().ok().filter(|_| number.fract() == 0.0).and_then(|nth| nth_address(net, nth));
    Ok(nth.map_or(NO, |ip| Value::str(format!("{}/{}", net.text_of(ip), net.prefix))))
}

/// Counted from the first, or with a minus from the last.
pub(super) fn nth_address(net: IpNetwork, nth: i128) -> Option<u128> {
    let size = net.size();
    match u128::try_from(nth) {
        Ok(nth) if nth < size => Some(net.first() + nth),
        Err(_) if nth.unsigned_abs() <= size => Some(net.last() - (nth.unsigned_abs() - 1)),
        _ => None,
    }
}

/// The answer to a query with a name; nothing when there is no such name.
fn answer(subject: &Subject, query: &str) -> Result<Option<Value>, Failure> {
    let net = subject.net;
    let text = |ip: u128| Value::str(net.text_of(ip));
    let with_prefix = || Value::str(net.text());
    let inside = net.ip != net.first();
    let host = IpNetwork { prefix: width_of(net.version), ..net };
    Ok(Some(match query {
        "" => Value::str(if subject.is_network { net.text() } else { net.ip_text() }),
        "6to4" => six_to_four(subject),
        "address" | "ip" => {
            let shown = net.size() == 1 || inside || net.broadcast().is_none() || net.version == 6;
            if shown { text(net.ip) } else { Value::None }
        }
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => {
            let edge = !inside || Some(net.ip) == net.broadcast();
            if net.size() > 2 && edge { NO } else { with_prefix() }
        }
        "bool" => Value::Bool(true),
        "broadcast" => net.broadcast().filter(|_| net.size() > 2).map_or(Value::None, text),
        "cidr" => with_prefix(),
        "first_usable" => {
            subject.network_only()?;
            net.usable().map_or(Value::None, |(first, _)| text(first))
        }
        "last_usable" => {
            subject.network_only()?;
            net.usable().map_or(Value::None, |(_, last)| text(last))
        }
        "next_usable" => {
            subject.network_only()?;
            neighbour(net, 1)
        }
        "previous_usable" => {
            subject.network_only()?;
            neighbour(net, -1)
        }
        "range_usable" => {
            subject.network_only()?;
            let range = |(first, last)| Value::str(format!("{}-{}", net.text_of(first), net.text_of(last)));
            net.usable().map_or(Value::None, range)
        }
        "host" => {
            if net.size() == 1 || inside || net.broadcast().is_none() {
                with_prefix()
            } else {
                Value::None
            }
        }
        "hostmask" | "wildcard" => text(net.host_mask()),
        "int" if subject.is_network => Value::str(format!("{}/{}", net.ip, net.prefix)),
        "int" => integer(net.ip),
        "ip/prefix" => {
            if net.size() == 2 || (net.size() > 1 && inside) {
                with_prefix()
            } else {
                Value::None
            }
        }
        "ip_netmask" => {
            let shown = net.size() == 2 || (net.size() > 1 && inside);
            let pair = || Value::str(format!("{} {}", net.ip_text(), net.text_of(net.net_mask())));
            if shown { pair() } else { Value::None }
        }
        "ipv4" | "v4" if net.version == 4 => subject.value(),
        "ipv4" | "v4" => as_version_4(net),
        "ipv6" | "v6" if net.version == 6 => subject.value(),
        "ipv6" | "v6" => {
            let mapped = IpNetwork { version: 6, ip: 0xffff_0000_0000 + net.ip, prefix: net.prefix + 96 };
            Value::str(mapped.text())
        }
        "link-local" => subject.only_if(host.is_link_local()),
        "lo" | "loopback" => subject.only_if(host.is_loopback()),
        "multicast" => subject.only_if(net.cidr().is_multicast()),
        "unicast" => subject.only_if(!net.cidr().is_multicast()),
        "private" => subject.only_if(!host.is_global()),
        "public" => subject.only_if(is_public(host)),
        "net" => {
            if net.size() > 1 && !inside {
                with_prefix()
            } else {
                Value::None
            }
        }
        "netmask" => text(net.net_mask()),
        "network" | "network_id" => text(net.first()),
        "network/prefix" | "subnet" => Value::str(net.cidr().text()),
        "network_netmask" => Value::str(format!("{} {}", net.text_of(net.first()), net.text_of(net.net_mask()))),
        "network_wildcard" => Value::str(format!("{} {}", net.text_of(net.first()), net.text_of(net.host_mask()))),
        "peer" => peer(subject)?,
        "prefix" => Value::Int(net.prefix as i64),
        "revdns" => Value::str(reverse_name(net)),
        "size" => size(net),
        "size_usable" => match net.size() {
            1 => Value::Int(0),
            2 => Value::Int(2),
            n => integer(n - 2),
        },
        "type" => Value::str(if net.size() > 1 && !inside { "network" } else { "address" }),
        "version" => Value::Int(net.version as i64),
        "wrap" if net.version == 4 => subject.value(),
        "wrap" if subject.is_network => Value::str(format!("[{}]/{}", net.ip_text(), net.prefix)),
        "wrap" => Value::str(format!("[{}]", net.ip_text())),
        _ => return Ok(None),
    }))
}

fn is_public(host: IpNetwork) -> bool {
    !host.is_multicast() && host.is_global() && !host.is_loopback() && !host.looks_like_mask()
}

fn integer(number: u128) -> Value {
    Value::from(num_bigint::BigInt::from(number))
}

fn size(net: IpNetwork) -> Value {
    Value::from(num_bigint::BigInt::from(net.host_mask()) + 1)
}

pub(super) fn neighbour(net: IpNetwork, distance: i64) -> Value {
    let Some((first, last)) = net.usable() else { return Value::None };
    let moved = net.ip.checked_add_signed(distance as i128).filter(|ip| (first..=last).contains(ip));
    moved.map_or(Value::None, |ip| Value::str(net.text_of(ip)))
}

fn as_version_4(net: IpNetwork) -> Value {
    let ip = match net.ip {
        ip @ 0..=0xffff_ffff => ip,
        ip @ 0xffff_0000_0000..=0xffff_ffff_ffff => ip - 0xffff_0000_0000,
        _ => return NO,
    };
    match net.prefix.checked_sub(96) {
        Some(prefix) => Value::str(IpNetwork { version: 4, ip, prefix }.text()),
        None => NO,
    }
}

fn six_to_four(subject: &Subject) -> Value {
    let net = subject.net;
    let inside = net.ip != net.first();
    if net.version == 4 {
        if net.size() > 1 && !inside {
            return NO;
        }
        let host = IpNetwork { prefix: 32, ..net };
        if host.is_global() && !is_public(host) {
            return NO;
        }
        let ip = net.ip as u32;
        return Value::str(format!("2002:{:04x}:{:04x}::1/48", ip >> 16, ip & 0xffff));
    }
    let marked = net.ip >> 112 == 0x2002;
    if marked && (!subject.is_network || inside) { subject.value() } else { NO }
}

fn peer(subject: &Subject) -> Answer {
    subject.network_only()?;
    let net = subject.net;
    match (net.size(), net.ip % 4) {
        (2, _) => Ok(Value::str(net.text_of(net.ip ^ 1))),
        (4, 0) => Err(failure("Network address of /30 has no peer")),
        (4, 3) => Err(failure("Broadcast address of /30 has no peer")),
        (4, _) => Ok(Value::str(net.text_of(net.ip ^ 3))),
        _ => Err(failure("Not a point-to-point network")),
    }
}

fn reverse_name(net: IpNetwork) -> String {
    if net.version == 4 {
        let [a, b, c, d] = (net.ip as u32).to_be_bytes();
        return format!("{d}.{c}.{b}.{a}.in-addr.arpa.");
    }
    let digits: Vec<String> = (0..32).map(|at| format!("{:x}", net.ip >> (4 * at) & 15)).collect();
    format!("{}.ip6.arpa.", digits.join("."))
}

fn checked(value: &Value, filter: &str) -> Result<(), Failure> {
    defined(value)?;
    if matches!(value, Value::Str(_) | Value::List(_) | Value::Int(_) | Value::BigInt(_) | Value::Bool(_)) {
        return Ok(());
    }
    let kind = python_class(value);
    Err(failure(format!("Unrecognized type <{kind}> for {filter} filter <value>")))
}

pub(super) fn ipaddr(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let query = args.take("query", 0).map_or_else(String::new, |v| to_text(&v));
    let version = args.take("version", 1).filter(Value::is_true).map(|v| index(&v)).transpose()?;
    args.finish("ipaddr")?;
    checked(&value, "ipaddr")?;
    query_value(&value, &query, version.map(|v| v as u8), "ipaddr")
}

fn of_version(value: Value, mut args: Arguments, version: u8, name: &str) -> Answer {
    let query = args.take("query", 0).map_or_else(String::new, |v| to_text(&v));
    args.finish(name)?;
    checked(&value, name)?;
    query_value(&value, &query, Some(version), name)
}

pub(super) fn ipv4(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    of_version(value, args, 4, "ipv4")
}

pub(super) fn ipv6(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    of_version(value, args, 6, "ipv6")
}

pub(super) fn ipwrap(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let query = args.take("query", 0).map_or_else(String::new, |v| to_text(&v));
    args.finish("ipwrap")?;
    checked(&value, "ipwrap")?;
    // What is no address comes back as it is.
    let wrapped = |item: &Value| {
        let found = query_value(item, &query, None, "ipwrap").unwrap_or(NO);
        match found.is_true() {
            true => query_value(&found, "wrap", None, "ipaddr").unwrap_or_else(|_| item.clone()),
            false => item.clone(),
        }
    };
    match is_sequence(&value) {
        true => Ok(iterate(&value)?.iter().map(wrapped).collect()),
        false => Ok(wrapped(&value)),
    }
}
