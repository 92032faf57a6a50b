//! Takes out of an output what differs between two runs of the same work: paths of the sandbox, times, process ids.

use std::path::Path;
use std::sync::LazyLock;

use fancy_regex::Regex;

use crate::program;
use crate::sandbox::Outcome;

/// Pattern and what stands in its place, applied in this order.
const VOLATILE: &[(&str, &str)] = &[
    (r#"("(?:start|end)": ")\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}""#, r#"${1}TIME""#),
    (r#"("delta": ")\d:\d\d:\d\d\.\d{6}""#, r#"${1}DELTA""#),
    (r#"("(?:child_)?pid": )\d+"#, "${1}PID"),
    (r"\bj\d{8,}\.\d+\b", "JOB"),
    (r"(ansible-tmp-|ansible-local-|ansible-)[0-9.]+-?[0-9a-z_-]*(/|\b)", "${1}TMP${2}"),
    (r"\b(ftl|ansible)[-_.]?[a-z0-9_]*/?tmp[a-z0-9_]{6,8}\b", "TMP"),
    (r"tmp[a-z0-9_]{8}\b", "TMP"),
    // Ansible shows the copy it made of a rendered template, FTL makes none.
    (r"(?m)^(\+\+\+ after: )/\S+/(\w+\.j2)$", "${1}${2}"),
    // A hint that is FTL's own.
    (r"(?m)^Did you mean '.*'.*\?\n\n", ""),
    // What Ansible shows of the tasks it makes itself, in words of Python.
    (r"(?m)^Origin: <unknown>\n\n\{'action': .*\n\n", "\n"),
    (r"\b0x[0-9a-f]{8,}\b", "ADDRESS"),
];

/// One text of an outcome: stdout, stderr and exit code.
pub fn report(outcome: &Outcome, sandbox: &Path) -> String {
    let mut text = outcome.stdout.clone();
    if !outcome.stderr.is_empty() {
        text.push_str("--- stderr\n");
        text.push_str(&outcome.stderr);
    }
    if !text.ends_with('\n') && !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!("--- exit {}\n", outcome.code));
    normalise(&text, sandbox)
}

/// The text without what two runs cannot have in common.
pub fn normalise(text: &str, sandbox: &Path) -> String {
    static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        VOLATILE.iter().map(|(pattern, with)| (Regex::new(pattern).expect("a pattern of the table"), *with)).collect()
    });
    let mut text = text.replace(&*sandbox.to_string_lossy(), "/SANDBOX");
    text = text.replace(&*program::ansible().to_string_lossy(), "/VENV");
    for (pattern, with) in PATTERNS.iter() {
        text = pattern.replace_all(&text, *with).into_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(normalise(text, Path::new("/tmp/ftlcase12345678")), expected);
    }

    #[test]
    fn volatile_parts() {
        check("included: /tmp/ftlcase12345678/work/a.yml for h1", "included: /SANDBOX/work/a.yml for h1");
        check(r#""delta": "0:00:00.003123", "rc": 0"#, r#""delta": "DELTA", "rc": 0"#);
        check(r#""end": "2026-11-23 15:00:00.123456""#, r#""end": "TIME""#);
        check("ansible_job_id: j123456789012.4242", "ansible_job_id: JOB");
        check("changed=1    failed=0", "changed=1    failed=0");
    }
}
