//! `str` and `bytes`.

use ftl_core::Value;
use ftl_core::value::type_name;

use super::{MethodFunction, integer_argument, range, text_argument, text_case};
use crate::call::{Arguments, Failure};

pub(super) static TABLE: &[(&str, MethodFunction)] = &[
    ("capitalize", |v, _| Ok(text_case::capitalize(of(v)).into())),
    ("casefold", |v, _| Ok(text_case::casefold(of(v)).into())),
    ("center", |v, a| justify(v, a, 'c')),
    ("count", count),
    ("encode", encode),
    ("endswith", |v, a| affix(v, a, |text, part| text.ends_with(part), "endswith")),
    ("expandtabs", expandtabs),
    ("find", |v, a| find(v, a, false).map(|at| at.map_or(Value::Int(-1), Value::Int))),
    ("format", |v, a| formatted(v, a)),
    ("format_map", format_map),
    ("index", |v, a| index(v, a, false)),
    ("isalnum", |v, _| all(v, char::is_alphanumeric)),
    ("isalpha", |v, _| all(v, char::is_alphabetic)),
    ("isascii", |v, _| Ok(Value::Bool(of(v).is_ascii()))),
    ("isdecimal", |v, _| {
        all(v, |c| c.is_ascii_digit() || (c.is_numeric() && !c.is_ascii() && c.to_digit(10).is_some()))
    }),
    ("isdigit", |v, _| all(v, |c| c.is_ascii_digit() || "²³¹".contains(c))),
    ("isidentifier", |v, _| Ok(Value::Bool(is_identifier(of(v))))),
    ("islower", |v, _| cased(v, char::is_uppercase, char::is_lowercase)),
    ("isnumeric", |v, _| all(v, char::is_numeric)),
    ("isprintable", |v, _| Ok(Value::Bool(of(v).chars().all(|c| !c.is_control())))),
    ("isspace", |v, _| all(v, char::is_whitespace)),
    ("istitle", |v, _| Ok(Value::Bool(text_case::is_title(of(v))))),
    ("isupper", |v, _| cased(v, char::is_lowercase, char::is_uppercase)),
    ("join", join),
    ("ljust", |v, a| justify(v, a, 'l')),
    ("lower", |v, _| Ok(of(v).to_lowercase().into())),
    ("lstrip", |v, a| stripped(v, a, true, false)),
    ("maketrans", maketrans),
    ("partition", |v, a| partition(v, a, false)),
    ("removeprefix", |v, a| {
        let part = a.require("removeprefix", "prefix", 0)?;
        let part = text_argument(&part, "removeprefix() argument")?;
        Ok(of(v).strip_prefix(part).unwrap_or(of(v)).into())
    }),
    ("removesuffix", |v, a| {
        let part = a.require("removesuffix", "suffix", 0)?;
        let part = text_argument(&part, "removesuffix() argument")?;
        Ok(of(v).strip_suffix(part).unwrap_or(of(v)).into())
    }),
    ("replace", replace),
    ("rfind", |v, a| find(v, a, true).map(|at| at.map_or(Value::Int(-1), Value::Int))),
    ("rindex", |v, a| index(v, a, true)),
    ("rjust", |v, a| justify(v, a, 'r')),
    ("rpartition", |v, a| partition(v, a, true)),
    ("rsplit", |v, a| split(v, a, true)),
    ("rstrip", |v, a| stripped(v, a, false, true)),
    ("split", |v, a| split(v, a, false)),
    ("splitlines", splitlines),
    ("startswith", |v, a| affix(v, a, |text, part| text.starts_with(part), "startswith")),
    ("strip", |v, a| stripped(v, a, true, true)),
    ("swapcase", |v, _| Ok(text_case::swapcase(of(v)).into())),
    ("title", |v, _| Ok(text_case::title(of(v)).into())),
    ("translate", translate),
    ("upper", |v, _| Ok(of(v).to_uppercase().into())),
    ("zfill", zfill),
];

pub(super) static BYTES_TABLE: &[(&str, MethodFunction)] = &[
    ("decode", decode),
    ("endswith", |v, a| bytes_affix(v, a, |bytes, part| bytes.ends_with(part))),
    ("hex", |v, _| Ok(bytes_of(v).iter().map(|b| format!("{b:02x}")).collect::<String>().into())),
    ("startswith", |v, a| bytes_affix(v, a, |bytes, part| bytes.starts_with(part))),
];

fn of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn bytes_of(value: &Value) -> &[u8] {
    match value {
        Value::Bytes(bytes) => bytes,
        _ => &[],
    }
}

fn all(value: &Value, is: impl Fn(char) -> bool) -> Result<Value, Failure> {
    Ok(Value::Bool(!of(value).is_empty() && of(value).chars().all(is)))
}

fn cased(value: &Value, never: fn(char) -> bool, some: fn(char) -> bool) -> Result<Value, Failure> {
    Ok(Value::Bool(!of(value).chars().any(never) && of(value).chars().any(some)))
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
}

fn justify(value: &Value, arguments: &mut Arguments, side: char) -> Result<Value, Failure> {
    let width = arguments.require("justify", "width", 0)?;
    let width = integer_argument(Some(width), 0)?;
    let fill = match arguments.take("fillchar", 1) {
        None => ' ',
        Some(fill) => {
            let fill = text_argument(&fill, "The fill character")?;
            let mut chars = fill.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => c,
                _ => return Err(Failure::type_error("The fill character must be exactly one character long")),
            }
        }
    };
    let text = of(value);
    let length = text.chars().count() as i64;
    let missing = (width - length).max(0) as usize;
    if missing > 256 << 20 {
        return Err(Failure::value_error("width too big"));
    }
    let padding = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    Ok(match side {
        'l' => format!("{text}{}", padding(missing)),
        'r' => format!("{}{text}", padding(missing)),
        // Python puts the odd one left when the width is odd.
        _ => {
            let left = missing / 2 + (missing & width as usize & 1);
            format!("{}{text}{}", padding(left), padding(missing - left))
        }
    }
    .into())
}

/// The characters from `start` to `end` of a method's arguments; nothing when the range is none.
fn window<'t>(text: &'t str, arguments: &mut Arguments, first: usize) -> Result<Option<(usize, &'t str)>, Failure> {
    let length = text.chars().count();
    let (from, to) = range(arguments, first, length)?;
    if from > length || from > to {
        return Ok(None);
    }
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    Ok(Some((from, &text[byte(from)..byte(to)])))
}

fn count(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let part = arguments.require("count", "sub", 0)?;
    let part = text_argument(&part, "count() argument")?;
    let Some((_, text)) = window(of(value), arguments, 1)? else { return Ok(Value::Int(0)) };
    let count = if part.is_empty() { text.chars().count() + 1 } else { text.matches(part).count() };
    Ok(Value::from(count))
}

fn find(value: &Value, arguments: &mut Arguments, from_right: bool) -> Result<Option<i64>, Failure> {
    let part = arguments.require("find", "sub", 0)?;
    let part = text_argument(&part, "find() argument")?;
    let Some((offset, text)) = window(of(value), arguments, 1)? else { return Ok(None) };
    Ok(find_from(text, part, from_right).map(|at| (offset + at) as i64))
}

/// The position, in characters, of `part`.
fn find_from(text: &str, part: &str, from_right: bool) -> Option<usize> {
    let byte = if from_right { text.rfind(part) } else { text.find(part) }?;
    Some(text[..byte].chars().count())
}

fn index(value: &Value, arguments: &mut Arguments, from_right: bool) -> Result<Value, Failure> {
    match find(value, arguments, from_right)? {
        Some(at) => Ok(Value::Int(at)),
        None => Err("substring not found".into()),
    }
}

fn affix(
    value: &Value,
    arguments: &mut Arguments,
    matches: fn(&str, &str) -> bool,
    name: &str,
) -> Result<Value, Failure> {
    let part = arguments.require(name, "prefix", 0)?;
    let Some((_, text)) = window(of(value), arguments, 1)? else { return Ok(Value::Bool(false)) };
    let wrong = |v: &Value| {
        Failure::type_error(format!("{name} first arg must be str or a tuple of str, not {}", type_name(v)))
    };
    match &part {
        Value::Str(part) => Ok(Value::Bool(matches(text, part))),
        Value::Tuple(parts) => {
            for part in parts.iter() {
                let part = part.as_str().ok_or_else(|| {
                    Failure::type_error(format!("tuple for {name} must only contain str, not {}", type_name(part)))
                })?;
                if matches(text, part) {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        other => Err(wrong(other)),
    }
}

fn expandtabs(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let size = integer_argument(arguments.take("tabsize", 0), 8)?.clamp(0, 1 << 16) as usize;
    let mut out = String::new();
    let mut column = 0;
    for c in of(value).chars() {
        match c {
            '\t' => {
                let blanks = if size == 0 { 0 } else { size - column % size };
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    Ok(out.into())
}

fn join(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let items = arguments.require("join", "iterable", 0)?;
    let items = super::iterate(&items).map_err(|f| match f.marker() {
        Some(_) => f,
        None => Failure::type_error("can only join an iterable"),
    })?;
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(of(value));
        }
        match item {
            Value::Str(text) => out.push_str(text),
            Value::Undefined(marker) => return Err(Failure::undefined(marker.clone())),
            other => {
                let found = type_name(other);
                return Err(Failure::type_error(format!("sequence item {at}: expected str instance, {found} found")));
            }
        }
    }
    Ok(out.into())
}

fn stripped(value: &Value, arguments: &mut Arguments, left: bool, right: bool) -> Result<Value, Failure> {
    let characters = match arguments.take("chars", 0) {
        None | Some(Value::None) => None,
        Some(characters) => Some(text_argument(&characters, "strip arg")?.to_string()),
    };
    Ok(strip(of(value), characters.as_deref(), left, right).into())
}

/// `text` without `characters` (white space when none) at its ends.
pub(crate) fn strip<'t>(text: &'t str, characters: Option<&str>, left: bool, right: bool) -> &'t str {
    let unwanted = |c: char| match characters {
        Some(characters) => characters.contains(c),
        None => is_space(c),
    };
    let text = if left { text.trim_start_matches(unwanted) } else { text };
    if right { text.trim_end_matches(unwanted) } else { text }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn partition(value: &Value, arguments: &mut Arguments, from_right: bool) -> Result<Value, Failure> {
    let separator = arguments.require("partition", "sep", 0)?;
    let separator = text_argument(&separator, "partition() argument")?;
    if separator.is_empty() {
        return Err("empty separator".into());
    }
    let text = of(value);
    let found = if from_right { text.rsplit_once(separator) } else { text.split_once(separator) };
    let parts = match (found, from_right) {
        (Some((before, after)), _) => [before, separator, after],
        (None, true) => ["", "", text],
        (None, false) => [text, "", ""],
    };
    Ok(Value::Tuple(parts.map(Value::str).into()))
}

fn replace(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let old = arguments.require("replace", "old", 0)?;
    let new = arguments.require("replace", "new", 1)?;
    let count = integer_argument(arguments.take("count", 2), -1)?;
    let old = text_argument(&old, "replace() argument 1")?;
    let new = text_argument(&new, "replace() argument 2")?;
    let text = of(value);
    let occurrences = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    if occurrences.saturating_mul(new.len()) > 256 << 20 {
        return Err("replacement result too big".into());
    }
    Ok(if count < 0 { text.replace(old, new) } else { text.replacen(old, new, count as usize) }.into())
}

fn split(value: &Value, arguments: &mut Arguments, from_right: bool) -> Result<Value, Failure> {
    let separator = arguments.take("sep", 0).unwrap_or_default();
    let limit = integer_argument(arguments.take("maxsplit", 1), -1)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let text = of(value);
    let parts: Vec<&str> = match &separator {
        Value::None => split_whitespace(text, limit, from_right),
        separator => {
            let separator = text_argument(separator, "must be str or None, not")?;
            if separator.is_empty() {
                return Err("empty separator".into());
            }
            match (limit, from_right) {
                (usize::MAX, _) => text.split(separator).collect(),
                (limit, false) => text.splitn(limit + 1, separator).collect(),
                (limit, true) => {
                    let mut parts: Vec<&str> = text.rsplitn(limit + 1, separator).collect();
                    parts.reverse();
                    parts
                }
            }
        }
    };
    Ok(parts.into_iter().map(Value::str).collect())
}

/// Python's `split()`: at runs of white space, at most `limit` times.
fn split_whitespace(text: &str, limit: usize, from_right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = if from_right { text.trim_end_matches(is_space) } else { text.trim_start_matches(is_space) };
    while !rest.is_empty() {
        if parts.len() == limit {
            parts.push(rest);
            break;
        }
        if from_right {
            let at = rest.char_indices().rev().find(|(_, c)| is_space(*c)).map_or(0, |(at, c)| at + c.len_utf8());
            parts.push(&rest[at..]);
            rest = rest[..at].trim_end_matches(is_space);
        } else {
            let at = rest.find(is_space).unwrap_or(rest.len());
            parts.push(&rest[..at]);
            rest = rest[at..].trim_start_matches(is_space);
        }
    }
    if from_right {
        parts.reverse();
    }
    parts
}

fn splitlines(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let keep = arguments.take_bool("keepends", 0, false);
    let mut lines = Vec::new();
    let text = of(value);
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let is_end = matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
        if !is_end {
            continue;
        }
        let mut end = at + c.len_utf8();
        if c == '\r' && chars.next_if(|(_, c)| *c == '\n').is_some() {
            end += 1;
        }
        lines.push(Value::str(if keep { &text[start..end] } else { &text[start..at] }));
        start = end;
    }
    if start < text.len() {
        lines.push(Value::str(&text[start..]));
    }
    Ok(Value::list(lines))
}

fn maketrans(_: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let mut map = ftl_core::Map::new();
    let first = arguments.require("maketrans", "x", 0)?;
    let second = arguments.take("y", 1);
    match (&first, &second) {
        (Value::Dict(dict), None) => {
            for (key, value) in dict.entries().iter() {
                let key = match key.as_str().and_then(|k| k.chars().next()) {
                    Some(c) => Value::Int(c as i64),
                    None => key.clone(),
                };
                map.insert(key, value.clone());
            }
        }
        (Value::Str(from), Some(Value::Str(to))) => {
            if from.chars().count() != to.chars().count() {
                return Err("the first two maketrans arguments must have equal length".into());
            }
            for (from, to) in from.chars().zip(to.chars()) {
                map.insert(Value::Int(from as i64), Value::Int(to as i64));
            }
        }
        _ => return Err(Failure::type_error("if you give only one argument to maketrans it must be a dict")),
    }
    if let Some(Value::Str(deleted)) = arguments.take("z", 2) {
        for c in deleted.chars() {
            map.insert(Value::Int(c as i64), Value::None);
        }
    }
    Ok(Value::dict(map))
}

fn translate(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let table = arguments.require("translate", "table", 0)?;
    let Some(table) = table.as_map() else {
        return Err(Failure::type_error(format!("'{}' object is not subscriptable", type_name(&table))));
    };
    let mut out = String::new();
    for c in of(value).chars() {
        match table.get_value(&Value::Int(c as i64)) {
            None => out.push(c),
            Some(Value::None) => {}
            Some(Value::Str(text)) => out.push_str(text),
            Some(code) => out.extend(code.as_int().and_then(|i| u32::try_from(i).ok()).and_then(char::from_u32)),
        }
    }
    Ok(out.into())
}

fn zfill(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let width = arguments.require("zfill", "width", 0)?;
    let width = integer_argument(Some(width), 0)?.clamp(0, 256 << 20) as usize;
    let text = of(value);
    let (sign, digits) = match text.chars().next() {
        Some('+' | '-') => text.split_at(1),
        _ => ("", text),
    };
    let missing = width.saturating_sub(text.chars().count());
    Ok(format!("{sign}{}{digits}", "0".repeat(missing)).into())
}

fn encode(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let encoding = arguments.take("encoding", 0);
    let errors = arguments.take("errors", 1);
    let encoding = encoding.as_ref().and_then(Value::as_str).unwrap_or("utf-8").to_lowercase().replace('_', "-");
    let errors = errors.as_ref().and_then(Value::as_str).unwrap_or("strict");
    let text = of(value);
    let limit = match &*encoding {
        "utf-8" | "utf8" => return Ok(Value::Bytes(text.as_bytes().into())),
        "utf-16-le" => return Ok(Value::Bytes(text.encode_utf16().flat_map(u16::to_le_bytes).collect())),
        "utf-16-be" => return Ok(Value::Bytes(text.encode_utf16().flat_map(u16::to_be_bytes).collect())),
        "utf-16" => {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            return Ok(Value::Bytes([0xff, 0xfe].into_iter().chain(units).collect()));
        }
        "ascii" | "us-ascii" => 0x80,
        "latin-1" | "latin1" | "iso-8859-1" => 0x100,
        other => return Err(Failure::lookup_error(format!("unknown encoding: {other}"))),
    };
    let mut out = Vec::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match (c as u32, errors) {
            (code, _) if code < limit => out.push(code as u8),
            (_, "ignore") => {}
            (_, "replace") => out.push(b'?'),
            (code, "xmlcharrefreplace") => out.extend(format!("&#{code};").bytes()),
            (code, "backslashreplace") if code < 0x100 => out.extend(format!("\\x{code:02x}").bytes()),
            (code, "backslashreplace") => out.extend(format!("\\u{code:04x}").bytes()),
            _ => {
                let code = c as u32;
                let shown = if code < 0x100 { format!("\\x{code:02x}") } else { format!("\\u{code:04x}") };
                return Err(Failure::value_error(format!(
                    "'{encoding}' codec can't encode character '{shown}' in position {at}: ordinal not in range({limit})"
                )));
            }
        }
    }
    Ok(Value::Bytes(out.into()))
}

fn decode(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let encoding = arguments.take("encoding", 0);
    let errors = arguments.take("errors", 1);
    let encoding = encoding.as_ref().and_then(Value::as_str).unwrap_or("utf-8").to_lowercase().replace('_', "-");
    let strict = errors.as_ref().and_then(Value::as_str).is_none_or(|e| e == "strict");
    let bytes = bytes_of(value);
    match &*encoding {
        "utf-8" | "utf8" | "ascii" | "us-ascii" => match std::str::from_utf8(bytes) {
            Err(error) if strict => Err(Failure::value_error(format!(
                "'{encoding}' codec can't decode byte 0x{:02x} in position {}: invalid start byte",
                bytes.get(error.valid_up_to()).copied().unwrap_or_default(),
                error.valid_up_to()
            ))),
            _ => Ok(Value::str(String::from_utf8_lossy(bytes).into_owned())),
        },
        "latin-1" | "latin1" | "iso-8859-1" => Ok(bytes.iter().map(|b| *b as char).collect::<String>().into()),
        "utf-16-le" | "utf-16" => {
            let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            Ok(String::from_utf16_lossy(&units).trim_start_matches('\u{feff}').to_string().into())
        }
        other => Err(Failure::lookup_error(format!("unknown encoding: {other}"))),
    }
}

fn bytes_affix(value: &Value, arguments: &mut Arguments, matches: fn(&[u8], &[u8]) -> bool) -> Result<Value, Failure> {
    match arguments.require("startswith", "prefix", 0)? {
        Value::Bytes(part) => Ok(Value::Bool(matches(bytes_of(value), &part))),
        other => Err(Failure::type_error(format!(
            "startswith first arg must be bytes or a tuple of bytes, not {}",
            type_name(&other)
        ))),
    }
}

/// `format` without access to attributes; the evaluator calls the full form.
fn formatted(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let positional = arguments.rest();
    let named = arguments.rest_named();
    let access =
        |_: &Value, _: crate::format::braces::Part<'_>| Err(Failure::unsupported("attributes in format strings"));
    let fields =
        crate::format::braces::Fields { positional: &positional, named: &named, mapping: None, access: &access };
    crate::format::braces::format(of(value), &fields).map(Value::str)
}

fn format_map(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let mapping = arguments.require("format_map", "mapping", 0)?;
    let access =
        |_: &Value, _: crate::format::braces::Part<'_>| Err(Failure::unsupported("attributes in format strings"));
    let fields =
        crate::format::braces::Fields { positional: &[], named: &[], mapping: Some(&mapping), access: &access };
    crate::format::braces::format(of(value), &fields).map(Value::str)
}
