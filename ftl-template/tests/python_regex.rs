//! Python's `re`, against answers recorded from Python 3.11.

use ftl_template::python_regex::{Flags, Regex, escape};
use serde_json::{Value, json};

/// `re.finditer` as the recorded file writes it.
fn answer(pattern: &str, subject: &str) -> Value {
    let regex = match Regex::new(pattern, Flags::default()) {
        Ok(regex) => regex,
        Err(error) => return json!({"err": error.to_string()}),
    };
    let mut found = vec![];
    for m in regex.matches(subject) {
        let m = match m {
            Ok(m) => m,
            Err(error) => return json!({"err": error.to_string()}),
        };
        let (start, end) = m.span_in_characters();
        let groups: Vec<_> = (0..=regex.group_count()).map(|g| m.group(g)).collect();
        found.push(json!([[start, end], groups]));
    }
    json!({"m": found})
}

#[test]
fn matches_and_errors_as_recorded() {
    for file in ["regex.json", "regex_more.json"] {
        let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
        let data: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let cases = data["cases"].as_array().unwrap();
        let mut wrong = vec![];
        for case in cases {
            let (pattern, subject) = (case["p"].as_str().unwrap(), case["s"].as_str().unwrap());
            let ours = answer(pattern, subject);
            if ours.get("m") != case.get("m") || ours.get("err") != case.get("err") {
                wrong.push(format!("{pattern:?} on {subject:?}: {ours}\n  expected {case}"));
            }
        }
        assert!(wrong.is_empty(), "{file}: {} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }
}

#[test]
fn replacements() {
    for (pattern, template, text, expected) in [
        ("(a)(b)?", r"[\1|\2]", "ab a", "[a|b] [a|]"),
        ("(?P<n>x)", r"\g<n>\g<0>\g<1>", "x", "xxx"),
        ("x*", "-", "abxd", "-a-b--d-"),
        ("a", r"\n\t\\\101\0", "a", "\n\t\\A\0"),
        ("b*", r"\.", "abc", r"\.a\.\.c\."),
        ("é", "e", "héé", "hee"),
        ("^", "> ", "a\nb", "> a\nb"),
        ("(?m)^", "> ", "a\nb\n", "> a\n> b\n> "),
        ("$", "!", "a\n", "a!\n!"),
    ] {
        let regex = Regex::new(pattern, Flags::default()).unwrap();
        assert_eq!(regex.replace(template, text, None).unwrap().0, expected, "{pattern} {template}");
    }
    for (pattern, template, expected) in [
        ("a", r"\1", "invalid group reference 1 at position 1"),
        ("a", r"\g<x>", "unknown group name 'x'"),
        ("a", r"\g<1", "missing >, unterminated name at position 3"),
        ("a", r"\q", r"bad escape \q at position 0"),
        ("a", "\\", "bad escape (end of pattern) at position 0"),
    ] {
        let regex = Regex::new(pattern, Flags::default()).unwrap();
        assert_eq!(regex.replace(template, "a", None).unwrap_err().to_string(), expected, "{template}");
    }
}

#[test]
fn splits() {
    for (pattern, text, limit, expected) in [
        (",", "a,b,c", None, json!(["a", "b", "c"])),
        ("(,)|;", "a,b;c", None, json!(["a", ",", "b", null, "c"])),
        ("x*", "axbc", None, json!(["", "a", "", "b", "c", ""])),
        (",", "a,b,c", Some(1), json!(["a", "b,c"])),
    ] {
        let regex = Regex::new(pattern, Flags::default()).unwrap();
        assert_eq!(json!(regex.split(text, limit).unwrap()), expected, "{pattern}");
    }
}

#[test]
fn anchored_searches() {
    let regex = Regex::new("a|ab", Flags::default()).unwrap();
    assert_eq!(regex.match_start("abc").unwrap().unwrap().as_str(), "a");
    assert_eq!(regex.full_match("ab").unwrap().unwrap().as_str(), "ab");
    assert!(regex.match_start("cab").unwrap().is_none());
    assert_eq!(escape("a.b-c d_é"), r"a\.b\-c\ d_é");
}

#[test]
fn explosions_end_in_an_error() {
    let started = std::time::Instant::now();
    let regex = Regex::new(r"(?=(a+)+$)(a|aa)+\1x", Flags::default()).unwrap();
    let error = regex.search(&"a".repeat(60)).unwrap_err().to_string();
    assert!(error.contains("too long"), "{error}");
    assert!(started.elapsed().as_secs_f64() < 10.0);
}
