//! Modes of files: octal (`0644`) and symbolic (`u+rwX,g-w`).

use ftl_sdk::Value;

/// What symbolic modes depend on.
#[derive(Clone, Copy)]
pub(crate) struct Current {
    pub mode: u32,
    pub is_dir: bool,
    pub umask: u32,
}

/// Why a mode cannot be used: the message and its details.
#[derive(Debug, PartialEq)]
pub(crate) struct BadMode {
    pub message: &'static str,
    pub details: Value,
}

/// The mode an argument asks for.
pub(crate) fn wanted(mode: &Value, current: Current) -> Result<u32, BadMode> {
    if let Some(number) = mode.as_i64() {
        return Ok(number as u32);
    }
    let text = mode.as_str().unwrap_or_default();
    if let Some(number) = octal(text) {
        return Ok(number);
    }
    symbolic(text, current)
        .map_err(|details| BadMode { message: "mode must be in octal or symbolic form", details: Value::from(details) })
}

/// Python's `int(text, 8)`.
fn octal(text: &str) -> Option<u32> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = text.strip_prefix("0o").or_else(|| text.strip_prefix("0O")).unwrap_or(text);
    let doubled = digits.contains("__") || digits.ends_with('_') || digits.starts_with('_') || digits.starts_with('+');
    (!doubled).then(|| u32::from_str_radix(&digits.replace('_', ""), 8).ok())?
}

fn symbolic(text: &str, current: Current) -> Result<u32, String> {
    let mut mode = current.mode & 0o7777;
    for clause in text.split(',') {
        let bad = || format!("bad symbolic permission for mode: {clause}");
        let at = clause.find(['+', '-', '=']).unwrap_or(clause.len());
        let (users, mut rest) = clause.split_at(at);
        let use_umask = users.is_empty();
        let users = if matches!(users, "" | "a") { "ugo" } else { users };
        if !users.chars().all(|user| "ugo".contains(user)) {
            return Err(bad());
        }
        while let Some(operator) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |end| end + 1);
            let permissions = &rest[1..end];
            rest = &rest[end..];
            if !permissions.chars().all(|letter| "rwxXstugo".contains(letter)) {
                return Err(bad());
            }
            for user in users.chars() {
                let bits = bits(user, permissions, use_umask, mode, current);
                mode = apply(user, operator, bits, mode);
            }
        }
    }
    Ok(mode)
}

fn apply(user: char, operator: char, bits: u32, mode: u32) -> u32 {
    let mask = match user {
        'u' => 0o4700,
        'g' => 0o2070,
        _ => 0o1007,
    };
    match operator {
        '=' => (mode & (mask ^ 0o7777)) | bits,
        '+' => mode | bits,
        _ => mode & !bits,
    }
}

fn bits(user: char, permissions: &str, use_umask: bool, mode: u32, current: Current) -> u32 {
    let shift = match user {
        'u' => 6,
        'g' => 3,
        _ => 0,
    };
    let allowed = if use_umask { !current.umask } else { !0 };
    let execute = current.is_dir || mode & 0o111 != 0;
    let one = |letter| match letter {
        'r' => (4 << shift) & allowed,
        'w' => (2 << shift) & allowed,
        'x' => (1 << shift) & allowed,
        'X' if execute => 1 << shift,
        's' if user == 'u' => 0o4000,
        's' if user == 'g' => 0o2000,
        't' if user == 'o' => 0o1000,
        'u' => ((mode >> 6) & 7) << shift,
        'g' => ((mode >> 3) & 7) << shift,
        'o' => (mode & 7) << shift,
        _ => 0,
    };
    permissions.chars().fold(0, |bits, letter| bits | one(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_understood() {
        let check = |text: &str, mode: u32, is_dir: bool, expected: Option<u32>| {
            let current = Current { mode, is_dir, umask: 0o022 };
            assert_eq!(wanted(&Value::from(text), current).ok(), expected, "{text}");
        };
        check("0644", 0, false, Some(0o644));
        check("0o1755", 0, false, Some(0o1755));
        check("u+rwX,g-w", 0o020, false, Some(0o600));
        check("u+rwX,g-w", 0o020, true, Some(0o700));
        check("a+X", 0o100, false, Some(0o111));
        check("+w", 0o444, false, Some(0o644));
        check("=rwx", 0o000, false, Some(0o755));
        check("u=rw-x+X,g=r-x+X,o=r-x+X", 0o777, false, Some(0o755));
        check("g=u", 0o640, false, Some(0o660));
        check("u+s,g+s,o+t", 0o755, false, Some(0o7755));
        check("z+r", 0, false, None);
        check("u+q", 0, false, None);
        check("888", 0, false, None);
    }
}
