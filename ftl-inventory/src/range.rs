//! `web[01:20]`, `db-[a:f]`, `[1:10:2]`: names that stand for many.

use crate::variable::parse_python_int;

/// No inventory needs more; Ansible would take all memory trying.
const MOST_HOSTS: usize = 10_000_000;

/// One line's hosts: a port split off, ranges expanded.
pub fn expand_host_pattern(pattern: &str) -> Result<(Vec<String>, Option<i64>), String> {
    let (name, port) = crate::address::parse_address(pattern, true).unwrap_or((pattern, None));
    let hosts = if name.contains('[') { expand_range(name)? } else { vec![name.to_string()] };
    Ok((hosts, port))
}

/// All names a pattern with ranges stands for, the first range changing slowest. The error is Ansible's message.
pub fn expand_range(pattern: &str) -> Result<Vec<String>, String> {
    let mut hosts = vec![];
    expand_into(pattern, &mut hosts)?;
    Ok(hosts)
}

fn expand_into(pattern: &str, hosts: &mut Vec<String>) -> Result<(), String> {
    if !pattern.contains('[') {
        if hosts.len() >= MOST_HOSTS {
            return Err(format!("host range stands for more than {MOST_HOSTS} hosts"));
        }
        hosts.push(pattern.to_string());
        return Ok(());
    }
    let marked = pattern.replacen('[', "|", 1).replacen(']', "|", 1);
    let parts: Vec<&str> = marked.split('|').collect();
    let [head, range, tail] = parts[..] else {
        return Err(match parts.len() {
            0..3 => format!("not enough values to unpack (expected 3, got {})", parts.len()),
            _ => "too many values to unpack (expected 3)".into(),
        });
    };
    for member in members(range)? {
        expand_into(&format!("{head}{member}{tail}"), hosts)?;
    }
    Ok(())
}

fn members(range: &str) -> Result<Vec<String>, String> {
    let bounds: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match bounds[..] {
        [begin, end] => (begin, end, "1"),
        [begin, end, step] => (begin, end, step),
        _ => return Err("host range must be begin:end or begin:end:step".into()),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    if end.is_empty() {
        return Err("host range must specify end value".into());
    }
    let width = if begin.starts_with('0') && begin.len() > 1 { begin.len() } else { 0 };
    if width > 0 && width != end.chars().count() {
        return Err("host range must specify equal-length begin and end formats".into());
    }
    match letters(begin, end, step)? {
        Some(letters) => Ok(letters),
        None => numbers(begin, end, step, width),
    }
}

fn letters(begin: &str, end: &str, step: &str) -> Result<Option<Vec<String>>, String> {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let (Some(begin), Some(end)) = (LETTERS.find(begin), LETTERS.find(end)) else { return Ok(None) };
    if begin > end {
        return Err("host range must have begin <= end".into());
    }
    match parse_python_int(step) {
        Some(step) if step > 0 => {
            Ok(Some(LETTERS[begin..=end].chars().step_by(step as usize).map(String::from).collect()))
        }
        Some(step) if step < 0 => Ok(Some(vec![])),
        _ => Ok(None),
    }
}

fn numbers(begin: &str, end: &str, step: &str, width: usize) -> Result<Vec<String>, String> {
    let int = |text: &str| {
        parse_python_int(text)
            .ok_or_else(|| format!("invalid literal for int() with base 10: {}", ftl_core::value::repr_str(text)))
    };
    let (begin, end, step) = (int(begin)?, int(end)?, int(step)?);
    if step == 0 {
        return Err("range() arg 3 must not be zero".into());
    }
    let mut found = vec![];
    let mut number = begin;
    // Python's `range(begin, end + 1, step)`.
    while if step > 0 { number <= end } else { number > end.saturating_add(1) } {
        if found.len() >= MOST_HOSTS {
            return Err(format!("host range stands for more than {MOST_HOSTS} hosts"));
        }
        found.push(format!("{number:0width$}"));
        match number.checked_add(step) {
            Some(next) => number = next,
            None => break,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_ansible_expands_them() {
        for (pattern, expected) in [
            ("web[1:3]", Ok("web1 web2 web3")),
            ("web[01:03].x", Ok("web01.x web02.x web03.x")),
            ("[a:d]", Ok("a b c d")),
            ("[a:e:2]", Ok("a c e")),
            ("n[1:10:4]", Ok("n1 n5 n9")),
            ("n[:2]", Ok("n0 n1 n2")),
            ("[a:b][1:2]", Ok("a1 a2 b1 b2")),
            ("[08:11]", Ok("08 09 10 11")),
            ("[5:1]", Ok("")),
            ("[x:B]", Ok("x y z A B")),
            ("[3:1:-1]", Ok("3")),
            ("n[1]", Err("host range must be begin:end or begin:end:step")),
            ("n[1:]", Err("host range must specify end value")),
            ("n[01:100]", Err("host range must specify equal-length begin and end formats")),
            ("n[c:a]", Err("host range must have begin <= end")),
            ("n[a:3]", Err("invalid literal for int() with base 10: 'a'")),
            ("n[1:3:0]", Err("range() arg 3 must not be zero")),
            ("n[1", Err("not enough values to unpack (expected 3, got 2)")),
            ("n|[1:2]", Err("too many values to unpack (expected 3)")),
        ] {
            let found = expand_range(pattern).map(|hosts| hosts.join(" "));
            assert_eq!(found, expected.map(String::from).map_err(String::from), "{pattern}");
        }
    }
}
