//! JSON as Python's `json` reads it: `NaN`, `Infinity`, big integers, the last of duplicate keys, and its messages.

use num_bigint::BigInt;

use ftl_core::value::{Map, Str, Value};

/// Deeper documents are refused: they would only exhaust somebody's stack.
pub const MAX_DEPTH: usize = 512;

#[derive(Clone, Debug, PartialEq)]
pub enum JsonError {
    /// Python's message, with its place: `Expecting value: line 1 column 2 (char 1)`.
    Syntax(String),
    TooDeep,
    /// A lone surrogate (the code unit and its index in the string).
    Surrogate(u16, usize),
}

/// Reads one document; nothing but blanks may follow it.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, depth: 0 };
    parser.blanks();
    let value = parser.value()?;
    parser.blanks();
    if parser.at < parser.bytes.len() {
        return Err(parser.error("Extra data", parser.at));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn error(&self, message: &str, at: usize) -> JsonError {
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        JsonError::Syntax(format!("{message}: line {line} column {column} (char {})", before.chars().count()))
    }

    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Value, JsonError> {
        match self.bytes.get(self.at) {
            Some(b'{') => self.nested(Parser::object),
            Some(b'[') => self.nested(Parser::array),
            Some(b'"') => self.string().map(|text| Value::Str(Str::plain(text))),
            Some(b'-' | b'0'..=b'9') if !self.bytes[self.at..].starts_with(b"-I") => self.number(),
            _ => self.word(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, JsonError>) -> Result<Value, JsonError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Result<Value, JsonError> {
        const WORDS: [(&str, Value); 3] =
            [("null", Value::None), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        const NUMBERS: [(&str, f64); 3] =
            [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];
        let rest = &self.bytes[self.at..];
        let words = WORDS.into_iter().chain(NUMBERS.into_iter().map(|(word, number)| (word, Value::Float(number))));
        for (word, value) in words {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error("Expecting value", self.at))
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        let mut end = start + usize::from(self.bytes[start] == b'-');
        let digits = |from: usize| from + self.bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let whole = match self.bytes.get(end) {
            Some(b'0') => end + 1,
            Some(b'1'..=b'9') => digits(end),
            _ => return Err(self.error("Expecting value", start)),
        };
        end = whole;
        if self.bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
            end = digits(end + 1);
        }
        if matches!(self.bytes.get(end), Some(b'e' | b'E')) {
            let sign = end + 1 + usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
            if digits(sign) > sign {
                end = digits(sign);
            }
        }
        self.at = end;
        let text = &self.text[start..end];
        if end > whole {
            return Ok(Value::Float(text.parse().unwrap_or(f64::NAN)));
        }
        Ok(match text.parse::<i64>() {
            Ok(small) => Value::Int(small),
            Err(_) => Value::from(text.parse::<BigInt>().unwrap_or_default()),
        })
    }

    fn array(&mut self) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        self.blanks();
        if self.bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(Value::list(items));
        }
        loop {
            items.push(self.value()?);
            self.blanks();
            match self.bytes.get(self.at) {
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

    fn object(&mut self) -> Result<Value, JsonError> {
        const NAME: &str = "Expecting property name enclosed in double quotes";
        let mut map = Map::new();
        self.blanks();
        if self.bytes.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(Value::dict(map));
        }
        loop {
            if self.bytes.get(self.at) != Some(&b'"') {
                return Err(self.error(NAME, self.at));
            }
            let key = self.string()?;
            self.blanks();
            if self.bytes.get(self.at) != Some(&b':') {
                return Err(self.error("Expecting ':' delimiter", self.at));
            }
            self.at += 1;
            self.blanks();
            let value = self.value()?;
            map.insert(Value::Str(Str::plain(key)), value);
            self.blanks();
            match self.bytes.get(self.at) {
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

    fn string(&mut self) -> Result<String, JsonError> {
        let begin = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self.bytes.get(self.at).is_some_and(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => self.escape(&mut out, begin)?,
                Some(_) => return Err(self.error("Invalid control character at", self.at)),
                None => return Err(self.error("Unterminated string starting at", begin)),
            }
        }
    }

    fn escape(&mut self, out: &mut String, begin: usize) -> Result<(), JsonError> {
        let Some(letter) = self.bytes.get(self.at + 1) else {
            return Err(self.error("Unterminated string starting at", begin));
        };
        let plain = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                return self.unicode(unit, out);
            }
            _ => return Err(self.error("Invalid \\escape", self.at)),
        };
        out.push(plain);
        self.at += 2;
        Ok(())
    }

    /// The four digits behind `\u`; moves behind them.
    fn unit(&mut self) -> Result<u16, JsonError> {
        let digits = self.bytes.get(self.at + 2..self.at + 6).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let unit = digits.and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u16::from_str_radix(d, 16).ok());
        let Some(unit) = unit else { return Err(self.error("Invalid \\uXXXX escape", self.at + 1)) };
        self.at += 6;
        Ok(unit)
    }

    fn unicode(&mut self, unit: u16, out: &mut String) -> Result<(), JsonError> {
        if (0xd800..0xdc00).contains(&unit) && self.bytes[self.at..].starts_with(b"\\u") {
            let back = self.at;
            let low = self.unit()?;
            match char::decode_utf16([unit, low]).next() {
                Some(Ok(pair)) => {
                    out.push(pair);
                    return Ok(());
                }
                _ => self.at = back,
            }
        }
        match char::from_u32(u32::from(unit)) {
            Some(letter) => {
                out.push(letter);
                Ok(())
            }
            None => Err(JsonError::Surrogate(unit, out.chars().count())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftl_core::value::repr;

    #[test]
    fn documents_as_python_reads_them() {
        let check = |text: &str, expected: &str| assert_eq!(repr(&parse(text).unwrap()), expected, "{text}");
        check(
            r#" {"a": [1, -2.5, 1e3, null, true, false], "b": {}} "#,
            "{'a': [1, -2.5, 1000.0, None, True, False], 'b': {}}",
        );
        check(r#"{"a":NaN, "b":-Infinity, "a": 2, "c": 1e400}"#, "{'a': 2, 'b': -inf, 'c': inf}");
        check("123456789012345678901234567890", "123456789012345678901234567890");
        check(r#""\u00e9\ud83d\ude00\n\/""#, "'é😀\\n/'");
        check("[]", "[]");
    }

    #[test]
    fn messages_are_pythons() {
        let check =
            |text: &str, expected: &str| assert_eq!(parse(text), Err(JsonError::Syntax(expected.into())), "{text}");
        check(r#"{"a":1, b}"#, "Expecting property name enclosed in double quotes: line 1 column 9 (char 8)");
        check("{\"a\":1}\n{\"b\":2}", "Extra data: line 2 column 1 (char 8)");
        check("[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)");
        check("{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)");
        check("[é, x]", "Expecting value: line 1 column 2 (char 1)");
        check("\"abc", "Unterminated string starting at: line 1 column 1 (char 0)");
        check("\"a\nb\"", "Invalid control character at: line 1 column 3 (char 2)");
        check("\"\\x\"", "Invalid \\escape: line 1 column 2 (char 1)");
        check("\"\\u12g4\"", "Invalid \\uXXXX escape: line 1 column 3 (char 2)");
        check("", "Expecting value: line 1 column 1 (char 0)");
        check("-", "Expecting value: line 1 column 1 (char 0)");
    }

    #[test]
    fn what_cannot_be_text_or_is_too_deep_is_refused() {
        assert_eq!(parse(r#"{"a":"x\ud8f3"}"#), Err(JsonError::Surrogate(0xd8f3, 1)));
        assert_eq!(parse(r#""\udcff""#), Err(JsonError::Surrogate(0xdcff, 0)));
        assert_eq!(parse(&"[".repeat(100_000)), Err(JsonError::TooDeep));
        assert!(parse(&format!("{}{}", "[".repeat(512), "]".repeat(512))).is_ok());
    }
}
