//! File name patterns: Python's `glob.glob`, not recursive.

use std::path::{Path, PathBuf};

/// Does any file match? `start` is where relative patterns begin.
pub(crate) fn any(pattern: &str, start: &Path) -> bool {
    if !has_magic(pattern) {
        let path = start.join(pattern);
        // A name that ends with a slash must be a directory.
        return if pattern.ends_with('/') {
            path.is_dir()
        } else {
            !pattern.is_empty() && path.symlink_metadata().is_ok()
        };
    }
    let (start, pattern) = match pattern.strip_prefix('/') {
        Some(rest) => (PathBuf::from("/"), rest),
        None => (start.to_owned(), pattern),
    };
    let parts: Vec<&str> = pattern.split('/').collect();
    matches_below(&start, &parts)
}

fn matches_below(directory: &Path, parts: &[&str]) -> bool {
    let Some((part, rest)) = parts.split_first() else { return true };
    if part.is_empty() {
        // A doubled slash, or one at the end.
        return if rest.is_empty() { directory.is_dir() } else { matches_below(directory, rest) };
    }
    if !has_magic(part) {
        let next = directory.join(part);
        return if rest.is_empty() {
            next.symlink_metadata().is_ok()
        } else {
            next.is_dir() && matches_below(&next, rest)
        };
    }
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    entries.flatten().any(|entry| {
        let name = ftl_sdk::text_of(std::os::unix::ffi::OsStrExt::as_bytes(entry.file_name().as_os_str()));
        let hidden = name.starts_with('.') && !part.starts_with('.');
        !hidden
            && name_matches(&name, part)
            && (rest.is_empty() || (entry.path().is_dir() && matches_below(&entry.path(), rest)))
    })
}

fn has_magic(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Python's `fnmatch`, case mattering.
pub(crate) fn name_matches(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    matches_from(&name, &pattern)
}

fn matches_from(name: &[char], pattern: &[char]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        '*' => (0..=name.len()).any(|skip| matches_from(&name[skip..], rest)),
        '?' => !name.is_empty() && matches_from(&name[1..], rest),
        '[' => match set_end(rest) {
            Some(end) => {
                name.first().is_some_and(|c| in_set(*c, &rest[..end])) && matches_from(&name[1..], &rest[end + 1..])
            }
            None => name.first() == Some(&'[') && matches_from(&name[1..], rest),
        },
        letter => name.first() == Some(letter) && matches_from(&name[1..], rest),
    }
}

/// Where the `]` is that closes a set: not its first member.
fn set_end(rest: &[char]) -> Option<usize> {
    let first = usize::from(rest.first() == Some(&'!')) + 1;
    rest.iter().skip(first).position(|c| *c == ']').map(|at| at + first)
}

fn in_set(letter: char, set: &[char]) -> bool {
    let (negated, set) = match set.split_first() {
        Some(('!', rest)) => (true, rest),
        _ => (false, set),
    };
    let mut at = 0;
    let mut found = false;
    while at < set.len() {
        if at + 2 < set.len() && set[at + 1] == '-' {
            found |= (set[at]..=set[at + 2]).contains(&letter);
            at += 3;
        } else {
            found |= set[at] == letter;
            at += 1;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match() {
        let check = |name: &str, pattern: &str, expected: bool| assert_eq!(name_matches(name, pattern), expected);
        check("abc.txt", "*.txt", true);
        check("abc.txt", "?bc.*", true);
        check("a", "[!b-d]", true);
        check("c", "[!b-d]", false);
        check("]", "[]]", true);
        check("[x", "[x", true);
        check("ab", "a", false);
    }
}
