//! The filters of `ansible.utils` that calculate with networks.

use ftl_core::Value;
use ftl_core::value::to_text;

use super::argument::{defined, failure, is_sequence, iterate};
use super::ip_network::{IpNetwork, parse_address, width_of};
use super::ipaddr::{NO, Subject, neighbour, nth_address};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

/// The address of a value with its network.
fn normalized(value: &Value) -> Option<IpNetwork> {
    if is_sequence(value) || !value.is_true() {
        return None;
    }
    Subject::parse(value, None).map(|subject| subject.net)
}

pub(super) fn nthhost(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let query = args.take("query", 0).map_or_else(String::new, |v| to_text(&v));
    args.finish("nthhost")?;
    defined(&value)?;
    let (Some(net), Ok(nth)) = (normalized(&value), query.trim().parse::<i128>()) else { return Ok(NO) };
    Ok(nth_address(net, nth).map_or(NO, |ip| Value::str(net.text_of(ip))))
}

pub(super) fn ipmath(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let amount = args.require("ipmath", "amount", 0)?;
    args.finish("ipmath")?;
    defined(&value)?;
    let text = to_text(&value);
    let parsed = if text.contains('/') {
        IpNetwork::parse(&text)
    } else {
        parse_address(&text).and_then(|(version, ip)| IpNetwork::address(version, ip))
    };
    let Some(net) = parsed else {
        return Err(failure(format!("You must pass a valid IP address; {text} is invalid")));
    };
    let amount = match &amount {
        Value::Str(text) => text.trim().parse().ok(),
        other => other.as_int(),
    };
    let Some(amount) = amount else {
        return Err(failure("You must pass an integer for arithmetic"));
    };
    let moved = net.ip.checked_add_signed(amount as i128);
    let moved = moved.and_then(|ip| IpNetwork::address(net.version, ip));
    moved
        .map(|net| Value::str(net.ip_text()))
        .ok_or_else(|| Failure::lookup_error("result outside valid IP address boundary!"))
}

pub(super) fn ipsubnet(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let query = args.take("query", 0).map_or_else(String::new, |v| to_text(&v));
    let nth = args.take_given("index", 1);
    args.finish("ipsubnet")?;
    defined(&value)?;
    let Some(net) = normalized(&value) else { return Ok(NO) };
    // An address stands for itself with its network; a network for its whole.
    let net = net.cidr();
    if query.is_empty() {
        return Ok(Value::str(net.text()));
    }
    if !query.bytes().all(|b| b.is_ascii_digit()) {
        return place_in(net, &query);
    }
    let width = width_of(net.version);
    let Some(prefix) = query.parse::<u8>().ok().filter(|p| *p <= width) else { return Ok(NO) };
    let Some(nth) = nth else {
        if net.size() == 1 {
            return Ok(Value::str(IpNetwork { prefix, ..net }.cidr().text()));
        }
        let Some(bits) = prefix.checked_sub(net.prefix) else {
            return Err(failure(format!("Requested subnet size of {prefix} is invalid")));
        };
        return Ok(Value::str((num_bigint::BigInt::from(1) << bits).to_string()));
    };
    let nth = match &nth {
        Value::Str(text) => text.trim().parse::<i128>().ok(),
        other => other.as_int().map(i128::from),
    };
    let Some(nth) = nth else { return Err(Failure::value_error("index is not an integer")) };
    if net.size() == 1 {
        // The networks around an address, from the widest to the narrowest.
        let count = (width - prefix) as i128;
        let at = if nth < 0 { nth + count } else { nth };
        let found = u8::try_from(at).ok().filter(|at| (*at as i128) < count).map(|at| prefix + at);
        return Ok(found.map_or(NO, |prefix| Value::str(IpNetwork { prefix, ..net }.cidr().text())));
    }
    // A network can be named as the first part of a wider one.
    if prefix < net.prefix && nth == 0 {
        return Ok(Value::str(IpNetwork { prefix, ..net }.text()));
    }
    let Some(bits) = prefix.checked_sub(net.prefix).filter(|bits| *bits < 127) else { return Ok(NO) };
    let count = 1i128 << bits;
    let at = if nth < 0 { nth + count } else { nth };
    if !(0..count).contains(&at) {
        return Ok(NO);
    }
    let shift = (width - prefix) as u32;
    let offset = if shift >= 128 { 0 } else { (at as u128) << shift };
    Ok(Value::str(IpNetwork { ip: net.first() + offset, prefix, ..net }.text()))
}

/// Which of the subnets of `outer` this network is, counted from 1.
fn place_in(net: IpNetwork, outer: &str) -> Answer {
    let Some(outer) = IpNetwork::parse(outer).map(IpNetwork::cidr) else {
        return Err(failure(format!("You must pass a valid subnet or IP address; {outer} is invalid")));
    };
    if !outer.contains(net) {
        return Err(failure(format!("{} is not in the subnet {}", net.text(), outer.text())));
    }
    let shift = (width_of(net.version) - net.prefix) as u32;
    let place = (net.first() - outer.first()).checked_shr(shift).unwrap_or(0);
    Ok(Value::str((place + 1).to_string()))
}

fn move_within(value: &Value, args: &mut Arguments, name: &str, sign: i64) -> Answer {
    let offset = args.require(name, "offset", 0)?;
    args.finish(name)?;
    defined(value)?;
    let Some(net) = normalized(value) else { return Ok(NO) };
    let Some(offset) = offset.as_int() else { return Err(failure("Must pass in an integer")) };
    Ok(neighbour(net, offset.saturating_mul(sign)))
}

pub(super) fn next_nth_usable(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    move_within(&value, &mut args, "next_nth_usable", 1)
}

pub(super) fn previous_nth_usable(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    move_within(&value, &mut args, "previous_nth_usable", -1)
}

pub(super) fn network_in_network(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let test = args.require("network_in_network", "test", 0)?;
    args.finish("network_in_network")?;
    let (Some(outer), Some(inner)) = (normalized(&value), normalized(&test)) else { return Ok(NO) };
    Ok(Value::Bool(outer.contains(inner)))
}

pub(super) fn network_in_usable(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let test = args.require("network_in_usable", "test", 0)?;
    args.finish("network_in_usable")?;
    let (Some(outer), Some(inner)) = (normalized(&value), normalized(&test)) else { return Ok(NO) };
    let (first, last) = outer.usable().unwrap_or((outer.ip, outer.ip));
    let fits = outer.version == inner.version && first <= inner.first() && inner.last() <= last;
    Ok(Value::Bool(fits))
}

pub(super) fn reduce_on_network(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let network = args.require("reduce_on_network", "network", 0)?;
    args.finish("reduce_on_network")?;
    let items = iterate(&value)?;
    let Some(outer) = normalized(&network) else { return Ok(Value::list(vec![])) };
    let fits = |item: &Value| normalized(item).is_some_and(|net| outer.contains(net));
    Ok(items.into_iter().filter(fits).collect())
}

pub(super) fn ip4_hex(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let delimiter = args.take("delimiter", 0).map_or_else(String::new, |v| to_text(&v));
    args.finish("ip4_hex")?;
    defined(&value)?;
    let text = to_text(&value);
    let Some((4, ip)) = parse_address(&text) else {
        return Err(failure(format!("You must pass a valid IP address; {text} is invalid")));
    };
    let parts: Vec<String> = (ip as u32).to_be_bytes().iter().map(|b| format!("{b:02x}")).collect();
    Ok(Value::str(parts.join(&delimiter)))
}

pub(super) fn cidr_merge(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let action = args.take("action", 0).map_or_else(|| "merge".to_string(), |v| to_text(&v));
    args.finish("cidr_merge")?;
    let items = iterate(&value)
        .map_err(|_| failure(format!("cidr_merge: expected iterable, got {}", ftl_core::value::repr(&value))))?;
    let mut nets = vec![];
    for item in &items {
        let text = to_text(item);
        let net = IpNetwork::parse(&text);
        nets.push(
            net.ok_or_else(|| failure(format!("cidr_merge: error in netaddr:\ninvalid IPNetwork {text}")))?.cidr(),
        );
    }
    match action.as_str() {
        "merge" => Ok(merged(nets).into_iter().map(|net| Value::str(net.text())).collect()),
        "span" => spanning(&nets),
        _ => Err(failure(format!("cidr_merge: invalid action '{action}'"))),
    }
}

/// The fewest networks that hold the same addresses.
fn merged(mut nets: Vec<IpNetwork>) -> Vec<IpNetwork> {
    nets.sort_by_key(|net| (net.version, net.first(), net.prefix));
    let mut out: Vec<IpNetwork> = vec![];
    for mut net in nets {
        if out.last().is_some_and(|last| last.contains(net)) {
            continue;
        }
        // Two halves of one network become that network, again and again.
        while let Some(last) = out.last()
            && last.version == net.version
            && last.prefix == net.prefix
            && net.prefix > 0
            && (IpNetwork { prefix: net.prefix - 1, ..*last }).cidr()
                == (IpNetwork { prefix: net.prefix - 1, ..net }).cidr()
        {
            net = IpNetwork { prefix: net.prefix - 1, ..net }.cidr();
            out.pop();
        }
        out.push(net);
    }
    out
}

fn spanning(nets: &[IpNetwork]) -> Answer {
    let Some(mut span) = nets.first().copied() else { return Ok(Value::None) };
    if nets.iter().any(|net| net.version != span.version) {
        return Err(failure("cidr_merge: error in netaddr:\nIP sequence cannot contain both IPv4 and IPv6!"));
    }
    while !nets.iter().all(|net| span.contains(*net)) {
        span = IpNetwork { prefix: span.prefix - 1, ..span }.cidr();
    }
    Ok(Value::str(span.text()))
}
