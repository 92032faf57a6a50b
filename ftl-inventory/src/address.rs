//! `host`, `host:port`, `[v6]:port`, each possibly with ranges: what an inventory takes for a network name.

use crate::draft::is_word;

/// Splits a port off and checks the rest to be a host name, an IPv4 or IPv6 address. The error is Ansible's message.
pub fn parse_address(address: &str, allow_ranges: bool) -> Result<(&str, Option<i64>), String> {
    let mut host = address;
    let mut port = None;
    if let Some((inner, number)) = split_bracketed_port(host) {
        (host, port) = (inner, Some(number));
    }
    // `[name:22]:33` loses both ports and keeps the inner one: the second form is tried on what the first left.
    if let Some((inner, number)) = split_port(host) {
        (host, port) = (inner, Some(number));
    }
    if host.is_empty() || !(is_hostname(host) || is_ipv6(host)) {
        return Err(format!("Not a valid network hostname: {host}"));
    }
    if !allow_ranges && host.contains('[') {
        return Err("Detected range in host but was asked to ignore ranges".into());
    }
    Ok((host, port))
}

/// An IPv4 or IPv6 address, maybe with ranges: such names are not cut at their first dot.
pub fn is_ip_pattern(name: &str) -> bool {
    is_ipv4(name) || is_ipv6(name)
}

fn number(digits: &str) -> Option<i64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    // Larger ones are no port; the caller's message about the host name is as good as any.
    if all_digits { digits.parse().ok() } else { None }
}

fn split_bracketed_port(text: &str) -> Option<(&str, i64)> {
    let (inner, digits) = text.strip_prefix('[')?.rsplit_once("]:")?;
    if inner.is_empty() { None } else { Some((inner, number(digits)?)) }
}

fn split_port(text: &str) -> Option<(&str, i64)> {
    let (host, digits) = text.rsplit_once(':')?;
    let port = number(digits)?;
    let mut in_brackets = false;
    for c in host.chars() {
        match c {
            '[' if !in_brackets => in_brackets = true,
            ']' if in_brackets => in_brackets = false,
            ':' | ']' if !in_brackets => return None,
            _ => {}
        }
    }
    if in_brackets { None } else { Some((host, port)) }
}

/// Dot-separated labels of word characters, dashes and ranges; none begins with a dash or ends with `-` or `_`.
fn is_hostname(text: &str) -> bool {
    let mut rest = text;
    let mut last = None;
    loop {
        let Some(c) = rest.chars().next() else {
            return ends_label(last);
        };
        match c {
            '.' => {
                if !ends_label(last) {
                    return false;
                }
                last = None;
            }
            '[' => match range_length(rest, RangeDigits::Alphanumeric) {
                Some(length) => {
                    last = Some(']');
                    rest = &rest[length..];
                    continue;
                }
                None => return false,
            },
            '-' if last.is_none() => return false,
            c if is_word(c) || c == '-' => last = Some(c),
            _ => return false,
        }
        rest = &rest[c.len_utf8()..];
    }
}

fn ends_label(last: Option<char>) -> bool {
    last.is_some_and(|c| c != '-' && c != '_')
}

#[derive(Clone, Copy)]
enum RangeDigits {
    /// `[1:20]`, `[a:f]`
    Alphanumeric,
    /// `[0:ff]`
    Hexadecimal,
}

/// The length of the range expression `text` begins with.
fn range_length(text: &str, digits: RangeDigits) -> Option<usize> {
    let end = text.find(']')?;
    let mut parts = text.get(1..end)?.split(':');
    let (begin, finish, step) = (parts.next()?, parts.next()?, parts.next());
    let decimal = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let hexadecimal = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_hexdigit());
    let letter = |s: &str| s.len() == 1 && s.as_bytes()[0].is_ascii_alphabetic();
    let bounds = match digits {
        RangeDigits::Alphanumeric => decimal(begin) && decimal(finish) || letter(begin) && letter(finish),
        RangeDigits::Hexadecimal => hexadecimal(begin) && hexadecimal(finish),
    };
    (bounds && step.is_none_or(decimal) && parts.next().is_none()).then_some(end + 1)
}

/// Splits at `separator` outside of brackets.
fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (vec![], 0, 0);
    for (i, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            c if c == separator && depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn is_ipv4(text: &str) -> bool {
    let parts = split_outside(text, '.');
    parts.len() == 4
        && parts.iter().all(|part| {
            let small = part.len() <= 3 && number(part).is_some_and(|n| n <= 255);
            small || part.starts_with('[') && range_length(part, RangeDigits::Alphanumeric) == Some(part.len())
        })
}

fn is_ipv6(text: &str) -> bool {
    if !text.contains(':') {
        return false;
    }
    let component = |part: &str| {
        (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit())
            || part.starts_with('[') && range_length(part, RangeDigits::Hexadecimal) == Some(part.len())
    };
    let parts = split_outside(text, ':');
    if let Some(dotted) = parts.last().filter(|part| part.contains('.')) {
        let address = split_outside(dotted, '.');
        let prefix = &text[..text.len() - dotted.len()];
        let lower = prefix.to_ascii_lowercase();
        return address.len() == 4
            && address.iter().all(|part| component(part))
            && matches!(lower.as_str(), "0:0:0:0:0:0:" | "::" | "::ffff:" | "0:0:0:0:0:ffff:");
    }
    match text.split_once("::") {
        None => parts.len() == 8 && parts.iter().all(|part| component(part)),
        Some((left, right)) => {
            let count = |side: &str| match side {
                "" => Some(0),
                side => {
                    let parts = split_outside(side, ':');
                    parts.iter().all(|part| component(part)).then_some(parts.len())
                }
            };
            matches!((count(left), count(right)), (Some(l), Some(r)) if l <= 6 && r <= 6 && l + r <= 7)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_ansible_splits_them() {
        // Recorded from ansible.parsing.utils.addresses.parse_address(…, allow_ranges=True).
        let cases: &[(&str, Option<(&str, Option<i64>)>)] = &[
            ("foo", Some(("foo", None))),
            ("foo:22", Some(("foo", Some(22)))),
            ("foo.example.com", Some(("foo.example.com", None))),
            ("192.0.2.3:23", Some(("192.0.2.3", Some(23)))),
            ("[192.0.2.3]:23", Some(("192.0.2.3", Some(23)))),
            ("::1", Some(("::1", None))),
            ("[::1]:442", Some(("::1", Some(442)))),
            ("abcd:ef98:7654:3210:abcd:ef98:7654:3210", Some(("abcd:ef98:7654:3210:abcd:ef98:7654:3210", None))),
            ("::ffff:1.2.3.4", Some(("::ffff:1.2.3.4", None))),
            ("1:2:3:4:5:6:7::", None),
            ("a::b::c", None),
            ("some-host", Some(("some-host", None))),
            ("some_host", Some(("some_host", None))),
            ("-host", None),
            ("host-", None),
            ("host_", None),
            ("a..b", None),
            (".a", None),
            ("a.", None),
            ("_a", Some(("_a", None))),
            ("foo[1:3]", Some(("foo[1:3]", None))),
            ("foo[01:10:2]-x", Some(("foo[01:10:2]-x", None))),
            ("foo[a:f]", Some(("foo[a:f]", None))),
            ("foo[1:3]:22", Some(("foo[1:3]", Some(22)))),
            ("foo[1]", None),
            ("foo[a:10]", None),
            ("192.0.2.[1:3]", Some(("192.0.2.[1:3]", None))),
            ("[foo:22]:33", Some(("foo", Some(22)))),
            ("a:b", None),
            ("ho st", None),
            ("höst", Some(("höst", None))),
            ("", None),
            (":22", None),
            ("abcd:[0:f]::1", Some(("abcd:[0:f]::1", None))),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_address(text, true).ok(), *expected, "{text:?}");
        }
        assert!(parse_address("foo[1:3]", false).is_err());
    }
}
