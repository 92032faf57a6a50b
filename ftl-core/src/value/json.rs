//! JSON in and out: `serde_json` reads, Python's `json.dumps` is imitated when writing.

use std::sync::Arc;

use num_bigint::BigInt;

use super::python::datetime_text;
use super::{Map, Value, repr_float, to_text};

/// How to write JSON. The defaults are those of Python's `json.dumps`.
#[derive(Clone, Debug)]
pub struct JsonOptions {
    /// Spaces per level; `None` writes one line.
    /// What one level is indented by.
    pub indent: Option<String>,
    pub sort_keys: bool,
    /// Escape everything that is not ASCII.
    pub ensure_ascii: bool,
    pub item_separator: String,
    pub key_separator: String,
}

impl Default for JsonOptions {
    fn default() -> JsonOptions {
        JsonOptions {
            indent: None,
            sort_keys: false,
            ensure_ascii: true,
            item_separator: ", ".into(),
            key_separator: ": ".into(),
        }
    }
}

impl JsonOptions {
    /// `indent=N` as Python does it: no blank after the commas at line ends.
    pub fn indented(indent: usize) -> JsonOptions {
        JsonOptions { indent: Some(" ".repeat(indent)), item_separator: ",".into(), ..JsonOptions::default() }
    }
}

/// One line, in the order of the entries.
pub fn to_json(value: &Value) -> String {
    write_json(value, &JsonOptions::default())
}

/// One line, keys sorted, as results are printed.
pub fn to_json_sorted(value: &Value) -> String {
    write_json(value, &JsonOptions { sort_keys: true, ..JsonOptions::default() })
}

pub fn write_json(value: &Value, options: &JsonOptions) -> String {
    let mut out = String::new();
    write(&mut out, value, options, 0);
    out
}

fn write(out: &mut String, value: &Value, options: &JsonOptions, depth: usize) {
    match value {
        Value::None | Value::Undefined(_) | Value::Omit => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::BigInt(i) => out.push_str(&i.to_string()),
        Value::Float(f) if f.is_nan() => out.push_str("NaN"),
        Value::Float(f) if f.is_infinite() => out.push_str(if *f > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::Float(f) => out.push_str(&repr_float(*f)),
        Value::Str(s) => write_text(out, s.as_str(), options.ensure_ascii),
        Value::Bytes(b) => write_text(out, &String::from_utf8_lossy(b), options.ensure_ascii),
        Value::List(l) => write_items(out, &l.items(), options, depth),
        Value::Tuple(t) => write_items(out, t, options, depth),
        Value::Dict(d) => write_map(out, &d.entries(), options, depth),
        Value::DateTime(d) => write_text(out, &datetime_text(d, 'T'), options.ensure_ascii),
        Value::Date(_) | Value::TimeDelta(_) => write_text(out, &to_text(value), options.ensure_ascii),
        Value::Object(o) => match o.to_data() {
            Some(data) => write(out, &data, options, depth),
            None => write_text(out, &o.repr(), options.ensure_ascii),
        },
    }
}

fn break_line(out: &mut String, options: &JsonOptions, depth: usize) {
    if let Some(indent) = &options.indent {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str(indent));
    }
}

fn write_items(out: &mut String, items: &[Value], options: &JsonOptions, depth: usize) {
    if items.is_empty() {
        out.push_str("[]");
        return;
    }
    out.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(&options.item_separator);
        }
        break_line(out, options, depth + 1);
        write(out, item, options, depth + 1);
    }
    break_line(out, options, depth);
    out.push(']');
}

fn write_map(out: &mut String, map: &Map, options: &JsonOptions, depth: usize) {
    if map.is_empty() {
        out.push_str("{}");
        return;
    }
    let mut entries: Vec<(String, &Value)> = map.iter().map(|(k, v)| (key_text(k), v)).collect();
    if options.sort_keys {
        entries.sort_by(|a, b| a.0.cmp(&b.0));
    }
    out.push('{');
    for (i, (key, value)) in entries.into_iter().enumerate() {
        if i > 0 {
            out.push_str(&options.item_separator);
        }
        break_line(out, options, depth + 1);
        write_text(out, &key, options.ensure_ascii);
        out.push_str(&options.key_separator);
        write(out, value, options, depth + 1);
    }
    break_line(out, options, depth);
    out.push('}');
}

fn key_text(key: &Value) -> String {
    match key {
        Value::None => "null".into(),
        Value::Bool(true) => "true".into(),
        Value::Bool(false) => "false".into(),
        Value::DateTime(d) => datetime_text(d, 'T'),
        other => to_text(other),
    }
}

fn write_text(out: &mut String, text: &str, ensure_ascii: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            // Python leaves DEL alone even with ensure_ascii.
            c if ensure_ascii && (c as u32) > 0x7f => {
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Parsed JSON as plain (never renderable) data. Duplicate keys: the last wins.
pub fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::None,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.is_f64()) {
            (Some(i), _) => Value::Int(i),
            (None, true) => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
            (None, false) => {
                n.to_string().parse::<BigInt>().map_or(Value::Float(f64::NAN), |b| Value::BigInt(Arc::new(b)))
            }
        },
        serde_json::Value::String(s) => Value::str(s.as_str()),
        serde_json::Value::Array(items) => Value::list(items.iter().map(from_json).collect()),
        serde_json::Value::Object(map) => {
            Value::dict(map.iter().map(|(k, v)| (Value::str(k.as_str()), from_json(v))).collect())
        }
    }
}
