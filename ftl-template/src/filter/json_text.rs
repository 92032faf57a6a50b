//! JSON as Python's `json.loads` reads it, with its messages.

use std::sync::Arc;

use ftl_core::{Map, Value};
use num_bigint::BigInt;

use crate::{Failure, FailureKind};

const MAX_DEPTH: usize = 900;

pub(crate) fn parse_json(text: &str) -> Result<Value, Failure> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0 };
    if text.starts_with('\u{feff}') {
        return Err(reader.error("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0));
    }
    reader.blanks();
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at < text.len() {
        return Err(reader.error("Extra data", reader.at));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn error(&self, message: &str, at: usize) -> Failure {
        let before = &self.text[..at.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Failure::value_error(format!("{message}: line {line} column {column} (char {})", before.chars().count()))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Failure> {
        if depth > MAX_DEPTH {
            return Err(Failure::new(
                FailureKind::Recursion,
                "maximum recursion depth exceeded while decoding a JSON value",
            ));
        }
        for (word, value) in [
            ("null", Value::None),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ] {
            if self.bytes[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string().map(Value::str)
            }
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.error("Expecting value", self.at)),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Failure> {
        self.at += 1;
        let mut items = vec![];
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::list(items));
                }
                _ => return Err(self.error("Expecting ',' delimiter", self.at)),
            }
            self.blanks();
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Failure> {
        const NAME: &str = "Expecting property name enclosed in double quotes";
        self.at += 1;
        let mut map = Map::new();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::dict(map));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.error(NAME, self.at));
            }
            self.at += 1;
            let key = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.error("Expecting ':' delimiter", self.at));
            }
            self.at += 1;
            self.blanks();
            map.insert(Value::str(key), self.value(depth + 1)?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::dict(map));
                }
                _ => return Err(self.error("Expecting ',' delimiter", self.at)),
            }
            self.blanks();
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, Failure> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => {
                self.digits();
            }
            _ => {
                self.at = start;
                return Err(self.error("Expecting value", start));
            }
        }
        let mut is_float = false;
        let whole = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() > 0 {
                is_float = true;
            } else {
                self.at = whole;
            }
        }
        let before_exponent = self.at;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() > 0 {
                is_float = true;
            } else {
                self.at = before_exponent;
            }
        }
        let text = &self.text[start..self.at];
        if is_float {
            return Ok(Value::Float(text.parse().unwrap_or(f64::NAN)));
        }
        if let Ok(small) = text.parse::<i64>() {
            return Ok(Value::Int(small));
        }
        Ok(text.parse::<BigInt>().map_or(Value::Float(f64::NAN), |b| Value::BigInt(Arc::new(b))))
    }

    /// After the opening quote.
    fn string(&mut self) -> Result<String, Failure> {
        let begin = self.at - 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(c) = rest.chars().next() else {
                return Err(self.error("Unterminated string starting at", begin));
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(out);
                }
                '\\' => {
                    self.at += 1;
                    out.push(self.escape(begin)?);
                }
                c if (c as u32) < 0x20 => return Err(self.error("Invalid control character at", self.at)),
                c => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self, begin: usize) -> Result<char, Failure> {
        let Some(c) = self.text[self.at..].chars().next() else {
            return Err(self.error("Unterminated string starting at", begin));
        };
        let plain = match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            _ => return Err(self.error("Invalid \\escape", self.at - 1)),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unit(&mut self) -> Result<u32, Failure> {
        let at = self.at;
        let unit = self.text.get(at + 1..at + 5).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(unit) = unit.and_then(|d| u32::from_str_radix(d, 16).ok()) else {
            return Err(self.error("Invalid \\uXXXX escape", at));
        };
        self.at += 5;
        Ok(unit)
    }

    fn unicode(&mut self) -> Result<char, Failure> {
        let first = self.unit()?;
        if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 1;
            let second = self.unit()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            self.at = back;
        }
        // A lone surrogate has no place in our texts.
        Ok(char::from_u32(first).unwrap_or('\u{fffd}'))
    }
}
