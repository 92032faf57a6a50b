//! What kind of program a module file is: the tests and their order are ansible-core's.

/// How a module gets its arguments and its module_utils.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Uses `ansible.module_utils`: runs in the gate's Python.
    Python,
    /// Its arguments are substituted into its text.
    JsonArgs,
    /// Gets the path of a JSON file.
    WantJson,
    /// Gets the path of a file of `key=value` pairs.
    Old,
    /// A compiled program; gets the path of a JSON file.
    Binary,
    PowerShell,
}

pub const REPLACER: &[u8] = b"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>";
pub const JSON_ARGS: &[u8] = b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";

impl Style {
    pub fn of(text: &[u8]) -> Style {
        if is_binary(text) {
            Style::Binary
        } else if contains(text, REPLACER) || text.split(|b| *b == b'\n').any(imports_module_utils) {
            Style::Python
        } else if is_powershell(text) {
            Style::PowerShell
        } else if contains(text, JSON_ARGS) {
            Style::JsonArgs
        } else if contains(text, b"WANT_JSON") {
            Style::WantJson
        } else {
            Style::Old
        }
    }
}

/// Any control character other than those of text, in the first KiB.
fn is_binary(text: &[u8]) -> bool {
    text.iter().take(1024).any(|b| !matches!(b, 7..=10 | 12 | 13 | 27 | 0x20..=0x7e | 0x80..=0xff))
}

pub(crate) fn contains(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|w| w == what)
}

/// Does a line import module_utils of ansible-core or of a collection, absolutely or relatively? As Ansible, this also
/// sees imports in comments and strings.
fn imports_module_utils(line: &[u8]) -> bool {
    if !contains(line, b"module_utils") {
        return false;
    }
    let line = String::from_utf8_lossy(line);
    let behind = |word: &str| -> Vec<&str> {
        let rests = line.match_indices(word).filter_map(|(at, _)| line.get(at + word.len()..));
        rests.filter(|rest| rest.starts_with(' ')).map(|rest| rest.trim_start_matches(' ')).collect()
    };
    let from = behind("from").into_iter().any(|rest| {
        let tail = match rest.strip_prefix("..") {
            Some(dots) => dots.trim_start_matches('.').trim_start_matches(' ').strip_prefix("module_utils"),
            None => names_module_utils(rest),
        };
        tail.is_some_and(|tail| tail.contains(" import "))
    });
    from || behind("import").into_iter().any(|rest| {
        rest.starts_with("ansible.module_utils.")
            || rest.starts_with("ansible_collections.") && names_module_utils(rest).is_some()
    })
}

/// What follows `ansible.module_utils` or `ansible_collections.NS.NAME.plugins.module_utils`.
fn names_module_utils(name: &str) -> Option<&str> {
    if let Some(tail) = name.strip_prefix("ansible.module_utils") {
        return Some(tail);
    }
    let mut parts = name.strip_prefix("ansible_collections.")?.splitn(3, '.');
    let (namespace, collection) = (parts.next()?, parts.next()?);
    if namespace.is_empty() || collection.is_empty() {
        return None;
    }
    parts.next()?.strip_prefix("plugins.module_utils")
}

fn is_powershell(text: &[u8]) -> bool {
    if contains(text, b"# POWERSHELL_COMMON") {
        return true;
    }
    if !text.contains(&b'#') {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let requires = ["osversion", "powershell", "csharputil", "wrapper"];
    contains(&lower, b"#requires -module")
        || contains(&lower, b"#requires -version")
        || requires.iter().any(|what| contains(&lower, format!("#ansiblerequires -{what}").as_bytes()))
}

/// The interpreter line of a script: the program and its arguments.
pub fn shebang(text: &[u8]) -> Option<Vec<String>> {
    let line = text.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
    let words: Vec<String> = String::from_utf8_lossy(line).split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_tested_in_order() {
        let check = |text: &[u8], expected| assert_eq!(Style::of(text), expected, "{}", String::from_utf8_lossy(text));
        check(b"\x7fELF\x02\x01", Style::Binary);
        check(b"#!/usr/bin/python\nfrom ansible.module_utils.basic import *\n", Style::Python);
        check(b"#!/usr/bin/python\nimport ansible.module_utils.basic\n", Style::Python);
        check(b"from ansible.module_utils import basic", Style::Python);
        check(b"from  ..module_utils.x import y", Style::Python);
        check(b"from ...module_utils import y", Style::Python);
        check(b"from .module_utils import y", Style::Old);
        check(b"from ansible_collections.a.b.plugins.module_utils.c import d", Style::Python);
        check(b"import ansible_collections.a.b.plugins.module_utils.c", Style::Python);
        check(b"from ansible_collections.a.b.plugins.lookup import d", Style::Old);
        check(b"import ansible.module_utils", Style::Old);
        check(b"x = 1\n#<<INCLUDE_ANSIBLE_MODULE_COMMON>>\n", Style::Python);
        check(b"#!powershell\n#Requires -Module Ansible.ModuleUtils.Legacy\n", Style::PowerShell);
        check(b"#!/bin/sh\nj='<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>' # WANT_JSON", Style::JsonArgs);
        check(b"#!/usr/bin/perl\n# WANT_JSON", Style::WantJson);
        check("#!/bin/sh\n# h\u{e9}\necho 1".as_bytes(), Style::Old);
        check(b"", Style::Old);
    }

    #[test]
    fn interpreter_lines() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let expected = expected.map(|words| words.iter().map(|w| w.to_string()).collect());
            assert_eq!(shebang(text.as_bytes()), expected, "{text}");
        };
        check("#!/usr/bin/env python -u\nx", Some(&["/usr/bin/env", "python", "-u"]));
        check("#! /bin/sh\n", Some(&["/bin/sh"]));
        check("#!\n", None);
        check("echo", None);
    }
}
