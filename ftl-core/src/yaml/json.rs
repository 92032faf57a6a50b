//! JSON as Python's `json.loads` takes it. Anything it would refuse is left to the YAML reader.

use std::sync::Arc;

use num_bigint::BigInt;
use rustc_hash::FxHashSet;

use super::load::LoadOptions;
use super::tree::Tree;
use crate::source::Origin;
use crate::value::{Str, Value};

const MAX_DEPTH: usize = 400;

/// The document, or nothing when it is not JSON.
pub(super) fn load<T: Tree>(text: &str, options: &LoadOptions) -> Option<T> {
    let mut reader = Reader {
        text,
        at: 0,
        options,
        origin: Origin::file(options.file),
        keys: FxHashSet::default(),
        makes: std::marker::PhantomData,
    };
    reader.blanks();
    let root = reader.value(0)?;
    reader.blanks();
    (reader.at == text.len()).then_some(root)
}

struct Reader<'a, T> {
    text: &'a str,
    at: usize,
    options: &'a LoadOptions<'a>,
    /// JSON carries no places: every value comes from the file as a whole.
    origin: Origin,
    keys: FxHashSet<Arc<str>>,
    makes: std::marker::PhantomData<T>,
}

impl<T: Tree> Reader<'_, T> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    fn scalar(&self, value: Value) -> T {
        T::scalar(value, || self.origin.clone())
    }

    fn string_value(&self, text: Arc<str>, trusted: bool) -> Value {
        let origin = Some(self.origin.clone());
        Value::Str(if trusted { Str::trusted(text, origin) } else { Str::with_origin(text, origin) })
    }

    fn value(&mut self, depth: usize) -> Option<T> {
        const WORDS: [(&str, Value); 3] =
            [("null", Value::None), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        const FLOATS: [(&str, f64); 3] =
            [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => {
                let text = self.string()?;
                Some(self.scalar(self.string_value(text.into(), self.options.trusted)))
            }
            b'-' | b'0'..=b'9' if !self.text[self.at..].starts_with("-I") => self.number(),
            _ => {
                if let Some((_, value)) = WORDS.into_iter().find(|(word, _)| self.take(word)) {
                    return Some(self.scalar(value));
                }
                let (_, float) = FLOATS.into_iter().find(|(word, _)| self.take(word))?;
                Some(self.scalar(Value::Float(float)))
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<T> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if !self.take("]") {
            if depth >= MAX_DEPTH {
                return None;
            }
            loop {
                self.blanks();
                items.push(self.value(depth + 1)?);
                self.blanks();
                if self.take("]") {
                    break;
                }
                if !self.take(",") {
                    return None;
                }
            }
        }
        Some(T::sequence(items, || self.origin.clone()))
    }

    fn object(&mut self, depth: usize) -> Option<T> {
        self.at += 1;
        let mut entries: Vec<(T, T)> = Vec::new();
        // Ansible's own encoding of marked strings: `{"__ansible_unsafe": "text"}`.
        let mut special = false;
        self.blanks();
        if !self.take("}") {
            if depth >= MAX_DEPTH {
                return None;
            }
            loop {
                self.blanks();
                if self.peek() != Some(b'"') {
                    return None;
                }
                let key = self.string()?;
                special |= key.starts_with("__ansible_");
                let key = self.intern(&key);
                // Keys of JSON objects carry no marks in Ansible.
                let key = self.scalar(Value::Str(Str::plain(key)));
                self.blanks();
                if !self.take(":") {
                    return None;
                }
                self.blanks();
                entries.push((key, self.value(depth + 1)?));
                self.blanks();
                if self.take("}") {
                    break;
                }
                if !self.take(",") {
                    return None;
                }
            }
        }
        if special && let Some(marked) = self.marked(&entries)? {
            return Some(marked);
        }
        Some(T::mapping(entries, || self.origin.clone(), |_| {}))
    }

    /// `Some(None)` for an ordinary object, `None` where Ansible's decoder fails (and YAML is tried).
    fn marked(&self, entries: &[(T, T)]) -> Option<Option<T>> {
        let find = |name: &str| {
            let is = |key: &T| key.value().is_some_and(|k| k.as_str() == Some(name));
            entries.iter().rev().find(|(key, _)| is(key)).map(|(_, value)| value.value())
        };
        if let Some(value) = find("__ansible_unsafe") {
            let Value::Str(text) = value? else { return None };
            return Some(Some(self.scalar(self.string_value(text.shared(), false))));
        }
        if let Some(value) = find("__ansible_vault") {
            let Value::Str(text) = value? else { return None };
            let text = Str::sealed(text.shared(), self.options.secrets.clone(), Some(self.origin.clone()));
            return Some(Some(self.scalar(text.open().filter(|_| !T::IS_VALUE).unwrap_or(Value::Str(text)))));
        }
        if find("__ansible_type").is_some() {
            return None;
        }
        Some(None)
    }

    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.keys.get(text) {
            return known.clone();
        }
        let shared: Arc<str> = Arc::from(text);
        self.keys.insert(shared.clone());
        shared
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Option<T> {
        let start = self.at;
        self.take("-");
        if !self.take("0") && self.digits() == 0 {
            return None;
        }
        let digits = self.at - start;
        let mut float = false;
        // As in Python, a point or exponent without digits is not part of the number.
        let point = self.at;
        if self.take(".") {
            if self.digits() > 0 {
                float = true;
            } else {
                self.at = point;
            }
        }
        let exponent = self.at;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() > 0 {
                float = true;
            } else {
                self.at = exponent;
            }
        }
        let text = &self.text[start..self.at];
        let value = if float {
            Value::Float(text.parse().ok()?)
        } else if digits < 19 {
            Value::Int(text.parse().ok()?)
        } else if digits <= 4300 {
            Value::from(text.parse::<BigInt>().ok()?)
        } else {
            return None;
        };
        Some(self.scalar(value))
    }

    fn string(&mut self) -> Option<String> {
        self.at += 1;
        let bytes = self.text.as_bytes();
        let mut out = String::new();
        loop {
            let start = self.at;
            while bytes.get(self.at).is_some_and(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(out);
                }
                b'\\' => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let code = self.peek()?;
        self.at += 1;
        Some(match code {
            b'"' | b'\\' | b'/' => code as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.unit()?;
                if (0xd800..0xdc00).contains(&high) && self.take("\\u") {
                    let low = self.unit()?;
                    return char::decode_utf16([high, low]).next()?.ok();
                }
                // A lone surrogate is no text: Ansible refuses it too.
                char::from_u32(high as u32)?
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).ok()
    }
}
