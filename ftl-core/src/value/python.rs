//! Python's spelling of values: `str()`, `repr()` and type names.

use super::{Map, Value};

/// Python's `str(value)`; strings as they are.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::Str(s) => s.as_str().to_string(),
        Value::Date(d) => d.to_string(),
        Value::DateTime(d) => datetime_text(d, ' '),
        Value::TimeDelta(us) => timedelta_text(*us),
        other => repr(other),
    }
}

/// Python's `repr(value)`.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value, 0);
    out
}

fn write_repr(out: &mut String, value: &Value, depth: usize) {
    if depth > 200 {
        out.push_str("...");
        return;
    }
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::BigInt(i) => out.push_str(&i.to_string()),
        Value::Float(f) => out.push_str(&repr_float(*f)),
        Value::Str(s) => out.push_str(&repr_str(s.as_str())),
        Value::Bytes(b) => write_bytes(out, b),
        Value::List(l) => write_items(out, &l.items(), ('[', ']'), depth),
        Value::Tuple(t) if t.len() == 1 => {
            out.push('(');
            write_repr(out, &t[0], depth + 1);
            out.push_str(",)");
        }
        Value::Tuple(t) => write_items(out, t, ('(', ')'), depth),
        Value::Dict(d) => write_map(out, &d.entries(), depth),
        Value::Date(d) => {
            out.push_str(&format!("datetime.date({}, {}, {})", d.year(), d.month(), d.day()));
        }
        Value::DateTime(d) => {
            let c = d.civil;
            out.push_str(&format!(
                "datetime.datetime({}, {}, {}, {}, {}",
                c.year(),
                c.month(),
                c.day(),
                c.hour(),
                c.minute()
            ));
            let micros = c.subsec_nanosecond() / 1000;
            if c.second() != 0 || micros != 0 {
                out.push_str(&format!(", {}", c.second()));
            }
            if micros != 0 {
                out.push_str(&format!(", {micros}"));
            }
            match d.offset {
                Some(0) => out.push_str(", tzinfo=datetime.timezone.utc"),
                Some(s) => out.push_str(&format!(
                    ", tzinfo=datetime.timezone({})",
                    repr(&Value::TimeDelta(s as i64 * 1_000_000))
                )),
                None => {}
            }
            out.push(')');
        }
        Value::TimeDelta(us) => {
            let (days, rest) = (us.div_euclid(86_400_000_000), us.rem_euclid(86_400_000_000));
            let (secs, micros) = (rest / 1_000_000, rest % 1_000_000);
            let mut parts = vec![];
            if days != 0 {
                parts.push(format!("days={days}"));
            }
            if secs != 0 {
                parts.push(format!("seconds={secs}"));
            }
            if micros != 0 {
                parts.push(format!("microseconds={micros}"));
            }
            if parts.is_empty() {
                parts.push("0".into());
            }
            out.push_str(&format!("datetime.timedelta({})", parts.join(", ")));
        }
        Value::Undefined(_) => out.push_str("Undefined"),
        Value::Omit => out.push_str("<<Omit>>"),
        Value::Object(o) => out.push_str(&o.repr()),
    }
}

fn write_items(out: &mut String, items: &[Value], (open, close): (char, char), depth: usize) {
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_repr(out, item, depth + 1);
    }
    out.push(close);
}

fn write_map(out: &mut String, map: &Map, depth: usize) {
    out.push('{');
    for (i, (k, v)) in map.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_repr(out, k, depth + 1);
        out.push_str(": ");
        write_repr(out, v, depth + 1);
    }
    out.push('}');
}

/// Python's `repr` of a float: the shortest text that reads back, exponent form outside 1e-4..1e16.
pub fn repr_float(f: f64) -> String {
    if f.is_nan() {
        return "nan".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf" } else { "-inf" }.into();
    }
    if f == 0.0 {
        return if f.is_sign_negative() { "-0.0" } else { "0.0" }.into();
    }
    let sci = format!("{f:e}");
    let (mantissa, exponent) = sci.split_once('e').unwrap_or((&sci, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{f}");
        if plain.contains('.') { plain } else { plain + ".0" }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.abs())
    }
}

/// Python's `repr` of a string: single quotes unless only those occur inside.
pub fn repr_str(s: &str) -> String {
    let quote = if s.contains('\'') && !s.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(s.len() + 2);
    out.push(quote);
    for c in s.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x100 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push(quote);
    out
}

/// An approximation of `str.isprintable` that needs no Unicode tables: controls, separators but the space, format
/// characters, private use and non-characters are escaped.
fn is_printable(c: char) -> bool {
    if c == ' ' {
        return true;
    }
    if c.is_control() || c.is_whitespace() {
        return false;
    }
    !matches!(c as u32,
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0xe000..=0xf8ff | 0xfeff | 0xfff0..=0xfffb | 0xfffe | 0xffff
        | 0xe0000..=0xe0fff | 0xf0000..=0x10ffff)
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    out.push('b');
    out.push(quote);
    for &b in bytes {
        match b {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b if b == quote as u8 => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(b as char),
            b => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push(quote);
}

/// `str(datetime)`: ISO 8601 with `separator` between date and time.
pub(crate) fn datetime_text(d: &super::DateTime, separator: char) -> String {
    let c = d.civil;
    let mut out = format!(
        "{:04}-{:02}-{:02}{separator}{:02}:{:02}:{:02}",
        c.year(),
        c.month(),
        c.day(),
        c.hour(),
        c.minute(),
        c.second()
    );
    let micros = c.subsec_nanosecond() / 1000;
    if micros != 0 {
        out.push_str(&format!(".{micros:06}"));
    }
    if let Some(offset) = d.offset {
        let (sign, abs) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
        out.push_str(&format!("{sign}{:02}:{:02}", abs / 3600, abs % 3600 / 60));
        if abs % 60 != 0 {
            out.push_str(&format!(":{:02}", abs % 60));
        }
    }
    out
}

fn timedelta_text(us: i64) -> String {
    let (days, rest) = (us.div_euclid(86_400_000_000), us.rem_euclid(86_400_000_000));
    let (secs, micros) = (rest / 1_000_000, rest % 1_000_000);
    let mut out = String::new();
    if days != 0 {
        out.push_str(&format!("{days} day{}, ", if days.abs() == 1 { "" } else { "s" }));
    }
    out.push_str(&format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60));
    if micros != 0 {
        out.push_str(&format!(".{micros:06}"));
    }
    out
}

/// The name of the Python type.
pub fn type_name(value: &Value) -> &str {
    match value {
        Value::None => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::BigInt(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Tuple(_) => "tuple",
        Value::Dict(_) => "dict",
        Value::Date(_) => "date",
        Value::DateTime(_) => "datetime",
        Value::TimeDelta(_) => "timedelta",
        Value::Undefined(_) => "UndefinedMarker",
        Value::Omit => "Omit",
        Value::Object(o) => o.type_name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_python_spells_them() {
        for (f, expected) in [
            (3.0, "3.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1e-5, "1e-05"),
            (1e-4, "0.0001"),
            (1.5e300, "1.5e+300"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(repr_float(f), expected);
        }
    }

    #[test]
    fn strings_as_python_quotes_them() {
        for (s, expected) in [("a", "'a'"), ("it's", "\"it's\""), ("'\"", "'\\'\"'"), ("a\nb\u{1}é", "'a\\nb\\x01é'")]
        {
            assert_eq!(repr_str(s), expected);
        }
    }
}
