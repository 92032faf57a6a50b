//! An IP address with the network around it, as Python's `netaddr.IPNetwork` sees it.

use std::net::{Ipv4Addr, Ipv6Addr};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct IpNetwork {
    pub(super) version: u8,
    pub(super) ip: u128,
    pub(super) prefix: u8,
}

impl IpNetwork {
    /// `address`, `address/prefix` or `address/netmask`.
    pub(super) fn parse(text: &str) -> Option<IpNetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let (version, ip) = parse_address(address)?;
        let width = width_of(version);
        let prefix = match prefix {
            None => width,
            Some(prefix) => match prefix.parse::<u8>() {
                Ok(prefix) if prefix <= width && prefix_is_plain(text) => prefix,
                _ => prefix_of_mask(version, parse_address(prefix).filter(|(v, _)| *v == version)?.1)?,
            },
        };
        Some(IpNetwork { version, ip, prefix })
    }

    pub(super) fn address(version: u8, ip: u128) -> Option<IpNetwork> {
        let fits = version == 6 || ip <= u32::MAX as u128;
        fits.then_some(IpNetwork { version, ip, prefix: width_of(version) })
    }

    fn host_bits(self) -> u32 {
        (width_of(self.version) - self.prefix) as u32
    }

    /// Ones where the hosts are.
    pub(super) fn host_mask(self) -> u128 {
        if self.host_bits() >= 128 { u128::MAX } else { (1u128 << self.host_bits()) - 1 }
    }

    pub(super) fn net_mask(self) -> u128 {
        let all = if self.version == 4 { u32::MAX as u128 } else { u128::MAX };
        all & !self.host_mask()
    }

    pub(super) fn first(self) -> u128 {
        self.ip & !self.host_mask()
    }

    pub(super) fn last(self) -> u128 {
        self.ip | self.host_mask()
    }

    /// The number of addresses; the whole of IPv6 is one less than it should be.
    pub(super) fn size(self) -> u128 {
        self.host_mask().saturating_add(1)
    }

    pub(super) fn cidr(self) -> IpNetwork {
        IpNetwork { ip: self.first(), ..self }
    }

    pub(super) fn contains(self, other: IpNetwork) -> bool {
        self.version == other.version && self.first() <= other.first() && other.last() <= self.last()
    }

    /// The address alone, as text.
    pub(super) fn ip_text(self) -> String {
        self.text_of(self.ip)
    }

    /// Another address of the same version, as text.
    pub(super) fn text_of(self, ip: u128) -> String {
        if self.version == 4 { Ipv4Addr::from(ip as u32).to_string() } else { Ipv6Addr::from(ip).to_string() }
    }

    pub(super) fn text(self) -> String {
        format!("{}/{}", self.ip_text(), self.prefix)
    }

    fn within(self, networks: &[&str]) -> bool {
        networks.iter().filter_map(|n| IpNetwork::parse(n)).any(|n| n.contains(self))
    }

    /// Reachable from everywhere, by the registries of IANA.
    pub(super) fn is_global(self) -> bool {
        const CLOSED: &[&str] = &[
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",
            "::1/128",
            "::/128",
            "::ffff:0:0/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "fc00::/7",
            "fe80::/10",
        ];
        const OPEN_AFTER_ALL: &[&str] = &[
            "192.0.0.9/32",
            "192.0.0.10/32",
            "2001:1::1/128",
            "2001:1::2/128",
            "2001:3::/32",
            "2001:4:112::/48",
            "2001:20::/28",
            "2001:30::/28",
        ];
        !self.within(CLOSED) || self.within(OPEN_AFTER_ALL)
    }

    /// The address of all hosts; the smallest networks of IPv4 have none.
    pub(super) fn broadcast(self) -> Option<u128> {
        (self.version == 6 || self.host_bits() > 1).then(|| self.last())
    }

    /// First and last address for hosts; nothing for a single address.
    pub(super) fn usable(self) -> Option<(u128, u128)> {
        match self.size() {
            1 => None,
            2 => Some((self.first(), self.last())),
            _ => Some((self.first() + 1, self.last() - 1)),
        }
    }

    pub(super) fn is_link_local(self) -> bool {
        self.within(&["169.254.0.0/16", "fe80::/10"])
    }

    pub(super) fn is_loopback(self) -> bool {
        self.within(&["127.0.0.0/8", "::1/128"])
    }

    pub(super) fn is_multicast(self) -> bool {
        self.within(&["224.0.0.0/4", "ff00::/8"])
    }

    /// Ones followed by zeros, or zeros followed by ones: a mask rather than an address.
    pub(super) fn looks_like_mask(self) -> bool {
        let all = if self.version == 4 { u32::MAX as u128 } else { u128::MAX };
        let ones_last = |n: u128| n & n.wrapping_add(1) == 0;
        ones_last(self.ip) || ones_last(!self.ip & all)
    }
}

fn prefix_is_plain(text: &str) -> bool {
    text.rsplit('/').next().is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
}

pub(super) fn width_of(version: u8) -> u8 {
    if version == 4 { 32 } else { 128 }
}

pub(super) fn parse_address(text: &str) -> Option<(u8, u128)> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some((4, u32::from(address) as u128));
    }
    text.parse::<Ipv6Addr>().ok().map(|address| (6, u128::from(address)))
}

fn prefix_of_mask(version: u8, mask: u128) -> Option<u8> {
    let all = if version == 4 { u32::MAX as u128 } else { u128::MAX };
    let zeros = !mask & all;
    // A netmask, or a hostmask: both mean a prefix.
    if zeros & zeros.wrapping_add(1) == 0 {
        return Some(mask.count_ones() as u8);
    }
    (mask & mask.wrapping_add(1) == 0).then(|| zeros.count_ones() as u8)
}
