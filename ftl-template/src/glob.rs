//! File name patterns as Python's `fnmatch` and `glob` understand them.

use std::path::Path;

/// `glob.glob(pattern)`: the paths that match, in the order of the directories read. Relative patterns start at `base`.
pub(crate) fn glob(pattern: &str, base: &Path) -> Vec<String> {
    let absolute = pattern.starts_with('/');
    let mut found = vec![if absolute { "/".to_string() } else { String::new() }];
    let parts: Vec<&str> = pattern.split('/').filter(|p| !p.is_empty()).collect();
    for part in &parts {
        let mut next = vec![];
        for directory in &found {
            let joined = |name: &str| match directory.as_str() {
                "" => name.to_string(),
                d if d.ends_with('/') => format!("{d}{name}"),
                d => format!("{d}/{name}"),
            };
            if !has_magic(part) {
                let path = joined(part);
                if base.join(&path).symlink_metadata().is_ok() {
                    next.push(path);
                }
                continue;
            }
            let Ok(entries) = std::fs::read_dir(base.join(directory)) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if (!name.starts_with('.') || part.starts_with('.')) && matches(&name, part) {
                    next.push(joined(&name));
                }
            }
        }
        found = next;
    }
    if pattern.ends_with('/') {
        found.retain(|p| base.join(p).is_dir());
        found.iter_mut().filter(|p| !p.ends_with('/')).for_each(|p| p.push('/'));
    }
    if parts.is_empty() && !absolute { vec![] } else { found }
}

pub(crate) fn has_magic(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// `fnmatch.fnmatchcase`
pub(crate) fn matches(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
    let (mut n, mut p) = (0, 0);
    // Where to go on when what follows the last star does not fit.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == '*' {
            retry = Some((n, p + 1));
            p += 1;
            continue;
        }
        if p == pattern.len() && n == name.len() {
            return true;
        }
        let step = (p < pattern.len() && n < name.len()).then(|| one(name[n], &pattern[p..])).flatten();
        match (step, retry) {
            (Some(length), _) => {
                n += 1;
                p += length;
            }
            (None, Some((at, after))) if at < name.len() => {
                retry = Some((at + 1, after));
                n = at + 1;
                p = after;
            }
            _ => return false,
        }
    }
}

/// Does the character fit the first element of the pattern? Gives that element's length.
fn one(c: char, pattern: &[char]) -> Option<usize> {
    match pattern[0] {
        '?' => Some(1),
        '[' => {
            let negate = pattern.get(1) == Some(&'!');
            let start = 1 + negate as usize;
            let close = pattern.iter().skip(start + 1).position(|c| *c == ']').map(|at| at + start + 1);
            let Some(close) = close else { return (c == '[').then_some(1) };
            let set = &pattern[start..close];
            let mut inside = false;
            let mut at = 0;
            while at < set.len() {
                if set.get(at + 1) == Some(&'-') && at + 2 < set.len() {
                    inside |= (set[at]..=set[at + 2]).contains(&c);
                    at += 3;
                } else {
                    inside |= set[at] == c;
                    at += 1;
                }
            }
            (inside != negate).then_some(close + 1)
        }
        literal => (literal == c).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_match_as_in_fnmatch() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.bak", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[", "[", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
        ] {
            assert_eq!(super::matches(name, pattern), expected, "{pattern} {name}");
        }
    }
}
