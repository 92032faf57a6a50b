//! Taking a pattern apart: its members, their order, their subscripts.

use crate::address::parse_address;

/// The single patterns of `a,b` or `a:b`; blanks around them do not count.
pub fn split_host_pattern(pattern: &str) -> Vec<String> {
    let parts: Vec<&str> = if pattern.contains(',') {
        pattern.split(',').collect()
    } else if parse_address(pattern, true).is_ok() {
        // An IPv6 address or a range: its colons separate nothing.
        vec![pattern]
    } else {
        split_at_colons(pattern)
    };
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(String::from).collect()
}

/// The longest runs without blanks and colons, a bracketed expression counting as one character.
fn split_at_colons(pattern: &str) -> Vec<&str> {
    let (mut parts, mut start, mut at) = (vec![], None, 0);
    while let Some(c) = pattern[at..].chars().next() {
        let length = match c {
            '[' => pattern[at..].find(']').map(|end| end + 1),
            ']' | ':' => None,
            c if c.is_whitespace() => None,
            c => Some(c.len_utf8()),
        };
        match length {
            Some(length) => {
                start.get_or_insert(at);
                at += length;
            }
            None => {
                parts.extend(start.take().map(|start| &pattern[start..at]));
                at += c.len_utf8();
            }
        }
    }
    parts.extend(start.map(|start| &pattern[start..]));
    parts
}

/// Unions first, then `&`, then `!`; with neither host nor group to begin with, all hosts.
pub(super) fn ordered(patterns: &[String]) -> Vec<&str> {
    let kind = |wanted: u8| patterns.iter().map(String::as_str).filter(move |p| !p.is_empty() && rank(p) == wanted);
    let mut order: Vec<&str> = kind(0).collect();
    if order.is_empty() {
        order.push("all");
    }
    order.extend(kind(1));
    order.extend(kind(2));
    order
}

fn rank(pattern: &str) -> u8 {
    match pattern.as_bytes()[0] {
        b'&' => 1,
        b'!' => 2,
        _ => 0,
    }
}

/// Which of the matching hosts are meant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Subscript {
    One(i64),
    /// From, and to (inclusive); to the end without one.
    Slice(usize, Option<usize>),
}

/// Takes a subscript off; the flag tells of the old form `[1-2]`.
pub(super) fn split_subscript(pattern: &str) -> (&str, Option<(Subscript, bool)>) {
    let whole = (pattern, None);
    if pattern.starts_with('~') {
        return whole;
    }
    let Some((base, inner)) = pattern.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) else { return whole };
    if base.is_empty() {
        return whole;
    }
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let index = inner.strip_prefix('-').unwrap_or(inner);
    if !index.is_empty() && digits(index) {
        return inner.parse().map_or(whole, |i| (base, Some((Subscript::One(i), false))));
    }
    let Some((begin, end)) = inner.split_once([':', '-']) else { return whole };
    if begin.is_empty() || !digits(begin) || !digits(end) {
        return whole;
    }
    let old_form = !inner.contains(':');
    match (begin.parse(), if end.is_empty() { Ok(None) } else { end.parse().map(Some) }) {
        (Ok(begin), Ok(end)) => (base, Some((Subscript::Slice(begin, end), old_form))),
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_split() {
        // Recorded from ansible.inventory.manager.split_host_pattern.
        for (pattern, expected) in [
            ("a,b[1], c[2:3] , d", "a b[1] c[2:3] d"),
            ("a:b:!c:&d", "a b !c &d"),
            ("a:b[1:2]", "a b[1:2]"),
            ("foo[1:3]", "foo[1:3]"),
            ("::1", "::1"),
            ("[::1]:22", "[::1]:22"),
            ("foo:22", "foo:22"),
            ("foo*[1:3]:bar", "foo*[1:3] bar"),
            ("~(web|db).*", "~(web|db).*"),
            ("~a[bc]:x", "~a[bc] x"),
            (",,", ""),
            ("", ""),
            ("a b", "a b"),
            ("a:", "a"),
            ("a:[b", "a b"),
        ] {
            assert_eq!(split_host_pattern(pattern).join(" "), expected, "{pattern:?}");
        }
    }

    #[test]
    fn members_in_order() {
        for (patterns, expected) in [("!c &d a b", "a b &d !c"), ("!c", "all !c"), ("&d", "all &d"), ("", "all")] {
            let patterns: Vec<String> = patterns.split(' ').map(String::from).collect();
            assert_eq!(ordered(&patterns).join(" "), expected);
        }
    }

    #[test]
    fn subscripts() {
        for (pattern, expected) in [
            ("web[0]", ("web", Some((Subscript::One(0), false)))),
            ("web[-1]", ("web", Some((Subscript::One(-1), false)))),
            ("web[0:2]", ("web", Some((Subscript::Slice(0, Some(2)), false)))),
            ("web[1:]", ("web", Some((Subscript::Slice(1, None), false)))),
            ("web[1-2]", ("web", Some((Subscript::Slice(1, Some(2)), true)))),
            ("web[a:b]", ("web[a:b]", None)),
            ("~web[0]", ("~web[0]", None)),
            ("[0]", ("[0]", None)),
            ("w[ab][1]", ("w[ab]", Some((Subscript::One(1), false)))),
        ] {
            assert_eq!(split_subscript(pattern), expected, "{pattern}");
        }
    }
}
