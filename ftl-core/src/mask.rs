//! Secrets that must not be shown: passwords, and what was in vaults, in every form a display may give them.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use aho_corasick::AhoCorasick;
use base64::Engine as _;

use crate::value::{JsonOptions, Value, repr_str, to_text, write_json};

const SHOWN: &str = "********";

/// Shorter secrets are not masked: words that short stand in any output, which would be eaten, and would give the secret
/// away by where they are missing.
const SHORTEST: usize = 8;

/// Longer texts are only masked by their lines: no display shows them in one piece.
const LONGEST: usize = 8 * 1024;

/// How many forms of secrets are kept: their automaton takes memory.
const MOST: usize = 100_000;

/// As many forms are looked for apart from the others, so that one more secret does not mean to begin anew.
const RECENT: usize = 64;

/// Names that stand in almost every line, whatever a vault says.
const ALWAYS_SHOWN: [&str; 2] = ["localhost", "127.0.0.1"];

/// The secrets known so far; more are added while a run lasts. Without any, nothing is looked at.
#[derive(Default)]
pub struct Masks {
    any: AtomicBool,
    off: bool,
    overflow: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: HashSet<String>,
    shown: HashSet<String>,
    settled: Forms,
    recent: Forms,
}

/// Texts, and what finds them: made when it is needed.
#[derive(Default)]
struct Forms {
    texts: Vec<String>,
    finder: Option<AhoCorasick>,
}

impl Masks {
    /// Takes secrets and masks none.
    pub fn off() -> Masks {
        Masks { off: true, ..Masks::default() }
    }

    /// From now on this text is shown as `********`, also when JSON, Python, XML or a URL escape it, or in Base64. So is each
    /// of its lines.
    pub fn add(&self, secret: &str) {
        if self.off {
            return;
        }
        let secret = secret.trim();
        let mut state = self.lock();
        self.add_text(&mut state, secret);
        if secret.contains('\n') {
            for line in secret.lines().map(str::trim).filter(|line| !is_border(line)) {
                self.add_text(&mut state, line);
            }
        }
    }

    /// The same for what a vaulted file says; its keys are no secrets.
    pub fn add_values(&self, value: &Value) {
        match value {
            _ if self.off => {}
            Value::Dict(dict) => dict.entries().iter().for_each(|(_, value)| self.add_values(value)),
            Value::List(list) => list.items().iter().for_each(|value| self.add_values(value)),
            Value::Tuple(items) => items.iter().for_each(|value| self.add_values(value)),
            Value::Str(text) => self.add(text),
            Value::Int(_) | Value::BigInt(_) | Value::Float(_) => self.add(&to_text(value)),
            _ => {}
        }
    }

    /// Names of hosts and groups: they stand in the output anyway, and the output says nothing without them.
    pub fn never<'a>(&self, names: impl Iterator<Item = &'a str>) {
        if !self.off {
            let mut state = self.lock();
            state.shown.extend(names.filter(|name| is_long(name)).map(String::from));
            state.forget_shown();
        }
    }

    /// The text without the secrets.
    pub fn apply(&self, text: String) -> String {
        // Set before the secret is used: who shows it has seen this.
        if !self.any.load(Ordering::Acquire) {
            return text;
        }
        match self.lock().find(&text) {
            Some(found) if found.is_empty() => text,
            Some(found) => masked(&text, found),
            None => SHOWN.into(),
        }
    }

    /// There are more secrets than can be masked: true once.
    pub fn take_overflow(&self) -> bool {
        self.overflow.swap(false, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn add_text(&self, state: &mut State, text: &str) {
        if !is_long(text) || text.len() > LONGEST || state.shown.contains(text) || state.known.contains(text) {
            return;
        }
        if ALWAYS_SHOWN.contains(&text) || text.chars().all(|c| c == '*') {
            return;
        }
        let forms = forms(text);
        if state.settled.texts.len() + state.recent.texts.len() + forms.len() > MOST {
            self.overflow.store(true, Ordering::Relaxed);
            return;
        }
        state.known.insert(text.to_string());
        state.recent.add(forms);
        self.any.store(true, Ordering::Release);
    }
}

impl State {
    /// Names may come to be known after secrets that are equal to them.
    fn forget_shown(&mut self) {
        let State { known, shown, .. } = self;
        let before = known.len();
        known.retain(|secret| !shown.contains(secret));
        if known.len() < before {
            self.settled = Forms::default();
            self.recent = Forms::default();
            self.recent.add(self.known.iter().flat_map(|secret| forms(secret)).collect());
        }
    }

    /// Where in a text secrets are. None if that cannot be known.
    fn find(&mut self, text: &str) -> Option<Vec<(usize, usize)>> {
        // Recent texts join the others when they are many: so each is built into few automata.
        if self.recent.texts.len() > RECENT.max(self.settled.texts.len() / 2) {
            let recent = std::mem::take(&mut self.recent.texts);
            self.recent = Forms::default();
            self.settled.add(recent);
        }
        let mut found = Vec::new();
        for forms in [&mut self.settled, &mut self.recent] {
            found.extend(forms.finder()?.find_overlapping_iter(text).map(|found| (found.start(), found.end())));
        }
        Some(found)
    }
}

impl Forms {
    fn add(&mut self, texts: Vec<String>) {
        self.texts.extend(texts);
        self.finder = None;
    }

    /// None only when it cannot be made: then nothing may be shown.
    fn finder(&mut self) -> Option<&AhoCorasick> {
        if self.finder.is_none() {
            self.finder = AhoCorasick::new(&self.texts).ok();
        }
        self.finder.as_ref()
    }
}

fn is_long(text: &str) -> bool {
    text.chars().nth(SHORTEST - 1).is_some()
}

/// `-----BEGIN …-----` and the like tell nothing.
fn is_border(line: &str) -> bool {
    line.starts_with("---") || !line.contains(char::is_alphanumeric)
}

/// The text with `SHOWN` for what is found; what overlaps is one.
fn masked(text: &str, mut found: Vec<(usize, usize)>) -> String {
    found.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in found {
        if start >= done {
            out.push_str(&text[done..start]);
            out.push_str(SHOWN);
        }
        done = done.max(end);
    }
    out.push_str(&text[done..]);
    out
}

/// A secret as it may be written, each form once.
fn forms(secret: &str) -> Vec<String> {
    let json = |text: &str, ensure_ascii| {
        let options = JsonOptions { ensure_ascii, ..JsonOptions::default() };
        unquoted(&write_json(&Value::str(text), &options))
    };
    let escaped = json(secret, true);
    let xml = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let candidates = [
        json(secret, false),
        json(&escaped, true),
        escaped,
        unquoted(&repr_str(secret)),
        xml(secret),
        xml(&json(secret, false)),
        url_quoted(secret),
        base64_start(secret),
    ];
    let mut forms = vec![secret.to_string()];
    for form in candidates {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

fn unquoted(text: &str) -> String {
    text.get(1..text.len() - 1).unwrap_or_default().to_string()
}

fn url_quoted(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(byte as char),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

/// Without the last, partly filled digit, so that text which goes on is found too.
fn base64_start(text: &str) -> String {
    let mut digits = base64::engine::general_purpose::STANDARD_NO_PAD.encode(text);
    digits.truncate(text.len() * 8 / 6);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Dict, Map};

    fn check(masks: &Masks, text: &str, expected: &str) {
        let masked = masks.apply(text.into());
        assert_eq!(masked, expected);
        assert_eq!(masks.apply(masked.clone()), masked, "masking twice");
    }

    #[test]
    fn secrets_are_masked_in_every_form() {
        let masks = Masks::default();
        check(&masks, "s3cr\"et/ü", "s3cr\"et/ü");
        masks.add("s3cr\"et/ü\n");
        masks.add("7 chars");
        masks.add("<a&b>cdef");
        check(&masks, "x s3cr\"et/ü y", "x ******** y");
        check(&masks, r#"{"a": "s3cr\"et/\u00fc"}"#, r#"{"a": "********"}"#);
        check(&masks, r#"{"a": "s3cr\"et/ü"}"#, r#"{"a": "********"}"#);
        check(&masks, r#"{"a": "{\"b\": \"s3cr\\\"et/\\u00fc\"}"}"#, r#"{"a": "{\"b\": \"********\"}"}"#);
        check(&masks, "s3cr%22et%2F%C3%BC", "********");
        check(&masks, "<system-out>&lt;a&amp;b&gt;cdef</system-out>", "<system-out>********</system-out>");
        check(&masks, "7 chars", "7 chars");
        // `s3cr"et/ü` and what follows it.
        check(&masks, "czNjciJldC/DvA==", "********A==");
        check(&masks, "czNjciJldC/DvHh5", "********Hh5");
    }

    #[test]
    fn secrets_that_overlap_leave_nothing() {
        let masks = Masks::default();
        ["abcdefgh", "efghijklm", "abababab"].iter().for_each(|secret| masks.add(secret));
        check(&masks, "-abcdefghijklm-", "-********-");
        check(&masks, "-ababababab-", "-********-");
        check(&masks, "abcdefghabcdefgh", "****************");
    }

    #[test]
    fn lines_of_secrets_are_secrets() {
        let masks = Masks::default();
        masks.add("-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nshort\n-----END KEY-----\n");
        check(&masks, "+-----BEGIN KEY-----\n+MIIEpAIBAAKCAQEA\n+short", "+-----BEGIN KEY-----\n+********\n+short");
        check(&masks, r"-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nshort\n-----END KEY-----", "********");
    }

    #[test]
    fn names_are_shown() {
        let masks = Masks::default();
        masks.add("db2.example.com");
        masks.add("db1.example.com");
        masks.never(["web1.example.com", "web", "db2.example.com"].into_iter());
        let hosts = ["web1.example.com", "localhost", "db1.example.com"].map(Value::from);
        let vars: Map = [(Value::str("the_hosts_of_the_secret"), Value::list(hosts.to_vec()))].into_iter().collect();
        masks.add_values(&Value::Dict(Dict::loaded(vars)));
        let text = "the_hosts_of_the_secret: web1.example.com localhost db2.example.com ";
        check(&masks, &format!("{text}db1.example.com"), &format!("{text}********"));
    }

    #[test]
    fn many_secrets_are_found_and_too_many_are_told() {
        let masks = Masks::default();
        for i in 0..MOST / 4 {
            masks.add(&format!("secret number {i}"));
            // One after the other, as hosts give them.
            if i < 500 {
                check(&masks, &format!("<secret number {i}>"), "<********>");
            }
        }
        check(&masks, "a secret number 24999", "a ********");
        assert!(!masks.take_overflow());
        (0..MOST).for_each(|i| masks.add(&format!("another {i} of them")));
        assert!(masks.take_overflow() && !masks.take_overflow());
    }

    #[test]
    fn nothing_is_masked_when_off() {
        let masks = Masks::off();
        masks.add("long enough");
        check(&masks, "long enough", "long enough");
    }
}
