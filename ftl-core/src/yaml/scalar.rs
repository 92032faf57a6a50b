//! Scalars of YAML 1.1 as PyYAML knows them: which tag plain text has, and the value a tag makes of text.

use std::sync::Arc;

use jiff::civil;
use num_bigint::BigInt;
use num_traits::Zero;

use crate::value::{DateTime, Value, repr_str};

/// The tags with a meaning here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Tag {
    Null,
    Bool,
    Int,
    Float,
    Binary,
    Timestamp,
    Str,
    Seq,
    Map,
    Set,
    OrderedMap,
    Pairs,
    Merge,
    Value,
    Unsafe,
    Vault,
    VaultEncrypted,
    Unknown(String),
}

const YAML: &str = "tag:yaml.org,2002:";

impl Tag {
    /// `ansible` admits Ansible's own tags.
    pub(super) fn parse(tag: &str, ansible: bool) -> Tag {
        match tag.strip_prefix(YAML) {
            Some("null") => Tag::Null,
            Some("bool") => Tag::Bool,
            Some("int") => Tag::Int,
            Some("float") => Tag::Float,
            Some("binary") => Tag::Binary,
            Some("timestamp") => Tag::Timestamp,
            Some("str" | "python/unicode") => Tag::Str,
            Some("seq") => Tag::Seq,
            Some("map" | "python/dict") => Tag::Map,
            Some("set") => Tag::Set,
            Some("omap") => Tag::OrderedMap,
            Some("pairs") => Tag::Pairs,
            Some("merge") => Tag::Merge,
            Some("value") => Tag::Value,
            _ => match tag {
                "!unsafe" if ansible => Tag::Unsafe,
                "!vault" if ansible => Tag::Vault,
                "!vault-encrypted" if ansible => Tag::VaultEncrypted,
                other => Tag::Unknown(other.to_string()),
            },
        }
    }

    /// Python's `repr` of the full tag.
    pub(super) fn repr(&self) -> String {
        match self {
            Tag::Unknown(tag) => repr_str(tag),
            Tag::Merge => repr_str(&format!("{YAML}merge")),
            Tag::Value => repr_str(&format!("{YAML}value")),
            Tag::Vault => repr_str("!vault"),
            Tag::VaultEncrypted => repr_str("!vault-encrypted"),
            other => format!("{other:?}"),
        }
    }
}

/// The tag of an untagged plain scalar.
pub(super) fn resolve(text: &str) -> Tag {
    let Some(&first) = text.as_bytes().first() else { return Tag::Null };
    // PyYAML's patterns end in `$`, which also matches before a last line feed (`!unsafe |` blocks).
    let bare = text.strip_suffix('\n').unwrap_or(text);
    let found = match first {
        b'y' | b'Y' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' if is_bool(bare) => Some(Tag::Bool),
        b'n' | b'N' if is_bool(bare) => Some(Tag::Bool),
        b'n' | b'N' if matches!(bare, "null" | "Null" | "NULL") => Some(Tag::Null),
        b'~' if bare == "~" => Some(Tag::Null),
        b'<' if bare == "<<" => Some(Tag::Merge),
        b'=' if bare == "=" => Some(Tag::Value),
        b'-' | b'+' | b'.' | b'0'..=b'9' => resolve_number(bare.as_bytes()),
        b'!' | b'&' | b'*' if bare.len() == 1 => Some(Tag::Unknown(format!("{YAML}yaml"))),
        _ => None,
    };
    found.unwrap_or(Tag::Str)
}

fn is_bool(text: &str) -> bool {
    matches!(
        text,
        "yes"
            | "Yes"
            | "YES"
            | "no"
            | "No"
            | "NO"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
    )
}

fn resolve_number(text: &[u8]) -> Option<Tag> {
    if is_float(text) {
        Some(Tag::Float)
    } else if is_int(text) {
        Some(Tag::Int)
    } else if is_timestamp(text) {
        Some(Tag::Timestamp)
    } else {
        None
    }
}

/// How many leading bytes satisfy `test`.
fn run(text: &[u8], test: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|b| test(**b)).count()
}

fn digit_or_underscore(b: u8) -> bool {
    b.is_ascii_digit() || b == b'_'
}

fn unsigned(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text)
}

fn is_float(text: &[u8]) -> bool {
    if let Some(fraction) = text.strip_prefix(b".") {
        if matches!(fraction, b"nan" | b"NaN" | b"NAN") {
            return true;
        }
        if fraction.first().is_some_and(u8::is_ascii_digit) {
            return is_exponent(&fraction[run(fraction, digit_or_underscore)..]);
        }
    }
    let body = unsigned(text);
    if matches!(body, b".inf" | b".Inf" | b".INF") {
        return true;
    }
    if !body.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let rest = &body[run(body, digit_or_underscore)..];
    match rest.first() {
        Some(b'.') => {
            let rest = &rest[1..];
            is_exponent(&rest[run(rest, digit_or_underscore)..])
        }
        Some(b':') => match sixties(rest).strip_prefix(b".") {
            Some(fraction) => run(fraction, digit_or_underscore) == fraction.len(),
            None => false,
        },
        _ => false,
    }
}

/// Nothing, or `e` with a sign and digits.
fn is_exponent(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b'e' | b'E', b'-' | b'+', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// What follows the groups `:0` to `:59` at the start of `text`; all of it when there is no group.
fn sixties(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        rest = match rest {
            [b':', b'0'..=b'5', b'0'..=b'9', after @ ..] | [b':', b'0'..=b'9', after @ ..] => after,
            _ => return rest,
        };
    }
}

fn is_int(text: &[u8]) -> bool {
    let body = unsigned(text);
    match body {
        [b'0'] => true,
        [b'0', b'b', digits @ ..] => !digits.is_empty() && digits.iter().all(|b| matches!(b, b'0' | b'1' | b'_')),
        [b'0', b'x', digits @ ..] => !digits.is_empty() && digits.iter().all(|b| b.is_ascii_hexdigit() || *b == b'_'),
        [b'0', digits @ ..] => digits.iter().all(|b| matches!(b, b'0'..=b'7' | b'_')),
        [b'1'..=b'9', ..] => sixties(&body[run(body, digit_or_underscore)..]).is_empty(),
        _ => false,
    }
}

fn is_timestamp(text: &[u8]) -> bool {
    match Stamp::parse(text) {
        // Without a time, month and day have two digits.
        Some(stamp) => stamp.time.is_some() || text.len() == 10,
        None => false,
    }
}

/// A timestamp taken apart.
struct Stamp {
    year: i16,
    month: i8,
    day: i8,
    time: Option<Time>,
}

struct Time {
    hour: i8,
    minute: i8,
    second: i8,
    micros: i32,
    /// Seconds east of UTC.
    offset: Option<i32>,
}

/// Reads a text from left to right.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self, least: usize, most: usize) -> Option<i16> {
        let n = run(&self.0[..self.0.len().min(most)], |b| b.is_ascii_digit());
        if n < least {
            return None;
        }
        let value = self.0[..n].iter().fold(0, |sum, b| sum * 10 + (b - b'0') as i16);
        self.0 = &self.0[n..];
        Some(value)
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[wanted])?;
        Some(())
    }

    fn blanks(&mut self) -> usize {
        let n = run(self.0, |b| b == b' ' || b == b'\t');
        self.0 = &self.0[n..];
        n
    }
}

impl Stamp {
    fn parse(text: &[u8]) -> Option<Stamp> {
        let mut r = Reader(text);
        let year = r.number(4, 4)?;
        r.byte(b'-')?;
        let month = r.number(1, 2)? as i8;
        r.byte(b'-')?;
        let day = r.number(1, 2)? as i8;
        if r.0.is_empty() {
            return Some(Stamp { year, month, day, time: None });
        }
        if r.byte(b'T').or_else(|| r.byte(b't')).is_none() && r.blanks() == 0 {
            return None;
        }
        let hour = r.number(1, 2)? as i8;
        r.byte(b':')?;
        let minute = r.number(2, 2)? as i8;
        r.byte(b':')?;
        let second = r.number(2, 2)? as i8;
        let mut micros = 0;
        if r.byte(b'.').is_some() {
            let digits = run(r.0, |b| b.is_ascii_digit());
            let padded = r.0[..digits].iter().copied().chain(std::iter::repeat(b'0')).take(6);
            micros = padded.fold(0, |sum, b| sum * 10 + (b - b'0') as i32);
            r.0 = &r.0[digits..];
        }
        r.blanks();
        let offset = Stamp::offset(&mut r)?;
        r.0.is_empty().then_some(Stamp { year, month, day, time: Some(Time { hour, minute, second, micros, offset }) })
    }

    /// `Some(None)` when there is no zone.
    fn offset(r: &mut Reader) -> Option<Option<i32>> {
        let sign = match r.0.first() {
            None => return Some(None),
            Some(b'Z') => {
                r.0 = &r.0[1..];
                return Some(Some(0));
            }
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return None,
        };
        r.0 = &r.0[1..];
        let hours = r.number(1, 2)? as i32;
        let minutes = if r.byte(b':').is_some() { r.number(2, 2)? as i32 } else { 0 };
        Some(Some(sign * (hours * 3600 + minutes * 60)))
    }

    /// The date or time, with the complaints of Python's `datetime`.
    fn value(self) -> Result<Value, String> {
        if self.year == 0 {
            return Err("year 0 is out of range".into());
        }
        if !(1..=12).contains(&self.month) {
            return Err("month must be in 1..12".into());
        }
        let date = civil::Date::new(self.year, self.month, self.day).map_err(|_| "day is out of range for month")?;
        let Some(time) = self.time else { return Ok(Value::Date(date)) };
        // The zone is made before the rest, so its complaint comes first.
        if time.offset.is_some_and(|o| o.abs() >= 86_400) {
            let delta = crate::value::repr(&Value::TimeDelta(time.offset.unwrap_or(0) as i64 * 1_000_000));
            return Err(format!(
                "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {delta}."
            ));
        }
        let limits = [("hour", time.hour, 23), ("minute", time.minute, 59), ("second", time.second, 59)];
        if let Some((name, _, most)) = limits.iter().find(|(_, value, most)| value > most) {
            return Err(format!("{name} must be in 0..{most}"));
        }
        let civil = date.at(time.hour, time.minute, time.second, time.micros * 1000);
        Ok(Value::DateTime(DateTime { civil, offset: time.offset }))
    }
}

/// The value `tag` makes of `text`. The error is the text of Python's exception.
pub(super) fn construct(tag: &Tag, text: &str) -> Result<Value, String> {
    match tag {
        Tag::Null => Ok(Value::None),
        Tag::Bool => match text.to_lowercase().as_str() {
            "yes" | "true" | "on" => Ok(Value::Bool(true)),
            "no" | "false" | "off" => Ok(Value::Bool(false)),
            other => Err(repr_str(other)),
        },
        Tag::Int => construct_int(text),
        Tag::Float => construct_float(text),
        Tag::Timestamp => match Stamp::parse(text.strip_suffix('\n').unwrap_or(text).as_bytes()) {
            Some(stamp) => stamp.value(),
            None => Err("'NoneType' object has no attribute 'groupdict'".into()),
        },
        _ => Ok(Value::str(text)),
    }
}

fn construct_int(text: &str) -> Result<Value, String> {
    // Nearly all integers are short and decimal.
    if text.len() < 18 && !text.starts_with('0') && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map(Value::Int).map_err(|_| String::new());
    }
    let clean = text.replace('_', "");
    let (negative, body) = sign(&clean)?;
    let value = if body == "0" {
        BigInt::zero()
    } else if let Some(digits) = body.strip_prefix("0b") {
        python_int(digits, 2)?
    } else if let Some(digits) = body.strip_prefix("0x") {
        python_int(digits, 16)?
    } else if body.is_empty() {
        return Err("string index out of range".into());
    } else if body.starts_with('0') {
        python_int(body, 8)?
    } else if body.contains(':') {
        let mut sum = BigInt::zero();
        for part in body.split(':') {
            sum = sum * 60 + python_int(part, 10)?;
        }
        sum
    } else {
        python_int(body, 10)?
    };
    Ok(Value::from(if negative { -value } else { value }))
}

/// The sign PyYAML takes off, and the rest; an empty text is an `IndexError` there.
fn sign(text: &str) -> Result<(bool, &str), String> {
    match text.as_bytes().first() {
        None => Err("string index out of range".into()),
        Some(b'-') => Ok((true, &text[1..])),
        Some(b'+') => Ok((false, &text[1..])),
        Some(_) => Ok((false, text)),
    }
}

/// Python's `int(text, base)`.
fn python_int(text: &str, base: u32) -> Result<BigInt, String> {
    let invalid = || format!("invalid literal for int() with base {base}: {}", repr_str(text));
    let trimmed = text.trim();
    let (negative, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let prefix = match base {
        2 => ["0b", "0B"],
        8 => ["0o", "0O"],
        16 => ["0x", "0X"],
        _ => ["", ""],
    };
    let digits = prefix.iter().find_map(|p| digits.strip_prefix(p)).unwrap_or(digits);
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return Err(invalid());
    }
    if base == 10 && digits.len() > 4300 {
        return Err(format!(
            "Exceeds the limit (4300 digits) for integer string conversion: value has {} digits; \
             use sys.set_int_max_str_digits() to increase the limit",
            digits.len()
        ));
    }
    let value = BigInt::parse_bytes(digits.as_bytes(), base).ok_or_else(invalid)?;
    Ok(if negative { -value } else { value })
}

fn construct_float(text: &str) -> Result<Value, String> {
    let clean = text.replace('_', "").to_lowercase();
    let (negative, body) = sign(&clean)?;
    let value = match body {
        ".inf" => f64::INFINITY,
        ".nan" => return Ok(Value::Float(f64::NAN)),
        _ if body.contains(':') => {
            let digits: Vec<f64> = body.split(':').map(python_float).collect::<Result<_, _>>()?;
            let bases = std::iter::successors(Some(1.0), |base| Some(base * 60.0));
            digits.iter().rev().zip(bases).fold(0.0, |sum, (digit, base)| sum + digit * base)
        }
        _ => python_float(body)?,
    };
    Ok(Value::Float(if negative { -value } else { value }))
}

fn python_float(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("could not convert string to float: {}", repr_str(text)))
}

/// Python's `base64.decodebytes`: what is not in the alphabet is skipped.
pub(super) fn decode_base64(text: &str) -> Result<Arc<[u8]>, String> {
    if let Some((place, c)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii()) {
        let shown = match c as u32 {
            code @ 0..=0xff => format!("\\x{code:02x}"),
            code @ 0..=0xffff => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        };
        return Err(format!(
            "failed to convert base64 data into ascii: 'ascii' codec can't encode character '{shown}' \
             in position {place}: ordinal not in range(128)"
        ));
    }
    let (mut out, mut bits, mut held, mut padding) = (Vec::with_capacity(text.len() * 3 / 4), 0u32, 0, 0);
    for b in text.bytes() {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                if held >= 2 {
                    padding += 1;
                    if held + padding >= 4 {
                        return Ok(out.into());
                    }
                }
                continue;
            }
            _ => continue,
        };
        padding = 0;
        bits = bits << 6 | value as u32;
        held = (held + 1) % 4;
        match held {
            2 => out.push((bits >> 4) as u8),
            3 => out.push((bits >> 2) as u8),
            0 => out.push(bits as u8),
            _ => {}
        }
    }
    match held {
        0 => Ok(out.into()),
        1 => Err(format!(
            "failed to decode base64 data: Invalid base64-encoded string: number of data characters ({}) \
             cannot be 1 more than a multiple of 4",
            out.len() / 3 * 4 + 1
        )),
        _ => Err("failed to decode base64 data: Incorrect padding".into()),
    }
}
