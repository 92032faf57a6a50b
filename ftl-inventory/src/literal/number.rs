//! Python's numbers.

use ftl_core::Value;
use ftl_core::value::repr_float;
use num_bigint::BigInt;

use super::cursor::Cursor;

pub(super) enum Number {
    Integer(BigInt),
    Float(f64),
    Imaginary(f64),
    Complex(f64, f64),
}

impl Number {
    pub(super) fn negated(self) -> Number {
        match self {
            Number::Integer(i) => Number::Integer(-i),
            Number::Float(f) => Number::Float(-f),
            Number::Imaginary(i) => Number::Complex(-0.0, -i),
            Number::Complex(r, i) => Number::Complex(-r, -i),
        }
    }

    /// The number as the left side of a complex sum.
    pub(super) fn real(&self) -> Option<f64> {
        match self {
            Number::Integer(i) => i.to_string().parse().ok(),
            Number::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// Complex numbers become their `str()`: Ansible has no such type.
    pub(super) fn into_value(self) -> Value {
        match self {
            Number::Integer(i) => Value::from(i),
            Number::Float(f) => Value::Float(f),
            Number::Imaginary(i) => Value::str(format!("{}j", part(i))),
            Number::Complex(r, i) if r == 0.0 && r.is_sign_positive() => Value::str(format!("{}j", part(i))),
            Number::Complex(r, i) => {
                let sign = if i.is_sign_negative() { "" } else { "+" };
                Value::str(format!("({}{sign}{}j)", part(r), part(i)))
            }
        }
    }
}

/// A part of a complex number: whole values are written without `.0`.
fn part(f: f64) -> String {
    let text = repr_float(f);
    text.strip_suffix(".0").map(String::from).unwrap_or(text)
}

/// A number without sign; `None` when Python would not take it.
pub(super) fn read_number(cursor: &mut Cursor<'_>) -> Option<Number> {
    let word = cursor.rest();
    let length = number_length(word)?;
    let text = &word[..length];
    cursor.skip(length);
    if cursor.peek().is_some_and(|c| c == '_' || c == '.' || c.is_alphanumeric()) {
        return None;
    }
    let radix = match text.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => return decimal(text),
    };
    let digits = text[2..].strip_prefix('_').unwrap_or(&text[2..]);
    BigInt::parse_bytes(well_separated(digits)?.as_bytes(), radix).map(Number::Integer)
}

/// How far the characters of one number go.
fn number_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.len() > 1 && bytes[0] == b'0' && matches!(bytes[1], b'x' | b'X' | b'o' | b'O' | b'b' | b'B') {
        let end = text[2..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        return Some(end.map_or(text.len(), |end| end + 2));
    }
    let digits =
        |from: usize| text[from..].find(|c: char| !c.is_ascii_digit() && c != '_').map_or(text.len(), |i| from + i);
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = matches!(bytes.get(end + 1), Some(b'+' | b'-')) as usize;
        if !bytes.get(end + 1 + sign)?.is_ascii_digit() {
            return None;
        }
        end = digits(end + 1 + sign);
    }
    Some(end + matches!(bytes.get(end), Some(b'j' | b'J')) as usize)
}

fn decimal(text: &str) -> Option<Number> {
    let (digits, imaginary) = match text.strip_suffix(['j', 'J']) {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let groups = digits.split(['.', 'e', 'E', '+', '-']).filter(|group| !group.is_empty());
    let mut any = false;
    for group in groups {
        well_separated(group)?;
        any = true;
    }
    if !any {
        return None;
    }
    let plain = digits.replace('_', "");
    let is_float = plain.contains(['.', 'e', 'E']);
    if imaginary {
        return plain.parse().ok().map(Number::Imaginary);
    }
    if is_float {
        return plain.parse().ok().map(Number::Float);
    }
    if plain.starts_with('0') && plain.bytes().any(|b| b != b'0') {
        return None;
    }
    plain.parse().ok().map(Number::Integer)
}

/// Digits with single underscores between them.
fn well_separated(digits: &str) -> Option<String> {
    digits.split('_').all(|part| !part.is_empty()).then(|| digits.replace('_', ""))
}
