//! Secrets that must not be shown: vault values and passwords, in every form a display may give them.

use std::sync::RwLock;

use ftl_core::value::{Value, repr_str, to_json};

const SHOWN: &str = "********";

/// Shorter secrets are not masked: they would eat unrelated text, and give themselves away by it.
const SHORTEST: usize = 4;

/// The secrets known so far; more may be added while a run lasts.
#[derive(Default)]
pub struct Masks(RwLock<Vec<String>>);

impl Masks {
    /// From now on this text is shown as `********`, also when JSON, Python or a URL escape it, or in Base64.
    pub fn add(&self, secret: &str) {
        let secret = secret.trim();
        if secret.chars().count() < SHORTEST {
            return;
        }
        let quoted = |text: String| text.get(1..text.len() - 1).unwrap_or_default().to_string();
        let forms = [
            secret.to_string(),
            quoted(to_json(&Value::str(secret))),
            quoted(repr_str(secret)),
            url_quoted(secret),
            base64(secret.as_bytes()),
        ];
        let mut known = self.0.write().unwrap_or_else(|e| e.into_inner());
        for form in forms {
            if !known.contains(&form) {
                known.push(form);
            }
        }
        // A secret may be a part of another.
        known.sort_by_key(|s| std::cmp::Reverse(s.len()));
    }

    /// The text without the secrets.
    pub fn apply(&self, text: String) -> String {
        let known = self.0.read().unwrap_or_else(|e| e.into_inner());
        let mut text = text;
        for secret in known.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), SHOWN);
            }
        }
        text
    }
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

/// Without the padding and the last, partly filled digit, so that text which goes on is found too.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    let (mut held, mut bits) = (0u32, 0);
    for &byte in bytes {
        held = held << 8 | u32::from(byte);
        bits += 8;
        while bits >= 6 {
            bits -= 6;
            out.push(DIGITS[(held >> bits & 63) as usize] as char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_every_form() {
        let masks = Masks::default();
        masks.add("s3cr\"et/ü");
        masks.add("s3cr");
        masks.add("abc");
        for (text, expected) in [
            ("x s3cr\"et/ü y", "x ******** y"),
            (r#"{"a": "s3cr\"et/\u00fc"}"#, r#"{"a": "********"}"#),
            ("s3cr%22et%2F%C3%BC", "********"),
            ("s3crx", "********x"),
            ("abc", "abc"),
        ] {
            assert_eq!(masks.apply(text.into()), expected);
        }
        assert!(masks.apply("czNjciJldC/DvA==".into()).starts_with("********"));
    }
}
