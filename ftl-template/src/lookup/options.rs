//! The options of lookups: from keywords, with Ansible's conversions, and the old `key=value` texts.

use ftl_core::Value;
use ftl_core::value::to_text;

use crate::{Arguments, Evaluation, Failure};

/// An option of type `bool`; what is no bool is false.
pub(super) fn bool_option(args: &mut Arguments, name: &str, default: bool) -> Result<bool, Failure> {
    match args.take_named(name) {
        None | Some(Value::None) => Ok(default),
        Some(value) => to_bool(&value),
    }
}

pub(super) fn to_bool(value: &Value) -> Result<bool, Failure> {
    crate::filter::argument::defined(value)?;
    Ok(value.to_bool_loose().unwrap_or(false))
}

/// An option of type `int`, as the documentation of a lookup spells it.
#[derive(Clone, Copy)]
pub(super) struct IntOption {
    pub(super) lookup: &'static str,
    pub(super) kind: &'static str,
}

impl IntOption {
    pub(super) fn read(self, name: &str, value: &Value) -> Result<i64, Failure> {
        crate::filter::argument::defined(value)?;
        let parsed = match value {
            Value::Str(text) => text.trim().replace('_', "").parse().ok(),
            Value::Float(f) if f.fract() == 0.0 => Some(*f as i64),
            other => other.as_int(),
        };
        let (lookup, kind) = (self.lookup, self.kind);
        parsed.ok_or_else(|| {
            let text = ftl_core::value::repr(value);
            Failure::value_error(format!(
                "Config '{name}' for '{lookup}' lookup plugin from 'Direct' has an invalid value: Invalid value \
                 provided for '{kind}': {text}"
            ))
        })
    }

    pub(super) fn take(self, args: &mut Arguments, name: &str, default: i64) -> Result<i64, Failure> {
        match args.take_named(name) {
            None | Some(Value::None) => Ok(default),
            Some(value) => self.read(name, &value),
        }
    }
}

pub(super) fn text_option(args: &mut Arguments, name: &str) -> Result<Option<String>, Failure> {
    match args.take_named(name) {
        None | Some(Value::None) => Ok(None),
        Some(value) => crate::filter::argument::text_of(&value).map(Some),
    }
}

/// An option of type `list`: a text is split at commas.
pub(super) fn list_option(args: &mut Arguments, name: &str) -> Result<Option<Vec<Value>>, Failure> {
    Ok(match args.take_named(name) {
        None | Some(Value::None) => None,
        Some(Value::Str(text)) => Some(text.split(',').map(|part| Value::str(part.trim())).collect()),
        Some(value) if crate::filter::argument::is_sequence(&value) => Some(crate::filter::argument::iterate(&value)?),
        Some(value) => Some(vec![value]),
    })
}

/// The lookup's variable for an option, when the keyword is not given (`ansible_lookup_url_timeout`).
pub(super) fn or_variable(
    evaluation: &Evaluation<'_>,
    given: Option<Value>,
    variable: &str,
) -> Result<Option<Value>, Failure> {
    match given {
        Some(value) => Ok(Some(value)),
        None => evaluation.get(variable),
    }
}

/// A term as text, whatever it is.
pub(super) fn term_text(term: &Value) -> Result<String, Failure> {
    crate::filter::argument::text_of(term)
}

/// A term that must be text: Python misses `method` on anything else.
pub(super) fn only_text(term: &Value, method: &str) -> Result<String, Failure> {
    match term {
        Value::Str(text) => Ok(text.to_string()),
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        other => {
            let kind = crate::filter::structure::python_name(other);
            Err(Failure::new(crate::FailureKind::Attribute, format!("'{kind}' object has no attribute '{method}'")))
        }
    }
}

/// A term that names a file; `None` names no file, with no complaint.
pub(super) fn file_term(term: &Value) -> Result<String, Failure> {
    if term.is_none() { Ok("None".into()) } else { only_text(term, "startswith") }
}

/// Ansible's `parse_kv`: `a=1 b="x y"` and the words that are no pairs.
pub(super) struct KeyValues {
    pub(super) pairs: Vec<(String, String)>,
    pub(super) words: Option<String>,
}

pub(super) fn parse_key_values(text: &str) -> Result<KeyValues, Failure> {
    let mut pairs = vec![];
    let mut words: Vec<String> = vec![];
    for part in split_words(text)? {
        let decoded = decode_escapes(&part);
        let equals = decoded
            .char_indices()
            .filter(|(at, c)| *c == '=' && *at > 0)
            .map(|(at, _)| at)
            .find(|at| !decoded[..*at].ends_with('\\'));
        match equals {
            Some(at) => {
                let (key, value) = (decoded[..at].trim(), decoded[at + 1..].trim());
                pairs.push((key.to_string(), unquote(value).to_string()));
            }
            None if decoded.contains('=') => words.push(decoded.replace("\\=", "=")),
            None => words.push(part),
        }
    }
    Ok(KeyValues { pairs, words: (!words.is_empty()).then(|| words.join(" ")) })
}

/// Words at blanks and line ends; quotes hold words together and stay. Runs of blanks stay with the word before them.
fn split_words(text: &str) -> Result<Vec<String>, Failure> {
    let mut out: Vec<String> = vec![];
    let mut quote: Option<char> = None;
    let mut word = String::new();
    let mut before = '\0';
    for c in text.chars() {
        match (quote, c) {
            (None, ' ' | '\n') => {
                if word.is_empty() {
                    if let Some(last) = out.last_mut().filter(|_| c == ' ') {
                        last.push(' ');
                    }
                } else {
                    out.push(std::mem::take(&mut word));
                }
            }
            (Some(open), _) if c == open && before != '\\' => {
                quote = None;
                word.push(c);
            }
            (None, '"' | '\'') if before != '\\' => {
                quote = Some(c);
                word.push(c);
            }
            _ => word.push(c),
        }
        before = c;
    }
    if quote.is_some() {
        return Err(Failure::value_error(format!(
            "failed at splitting arguments, either an unbalanced jinja2 block or quotes: {text}"
        )));
    }
    if !word.is_empty() {
        out.push(word);
    }
    Ok(out)
}

fn decode_escapes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let hex = |digits: usize| {
            let code = after.get(1..=digits).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, digits + 1))
        };
        let decoded = match after.chars().next() {
            Some(c @ ('\\' | '\'' | '"')) => Some((c, 1)),
            Some('a') => Some(('\u{7}', 1)),
            Some('b') => Some(('\u{8}', 1)),
            Some('f') => Some(('\u{c}', 1)),
            Some('n') => Some(('\n', 1)),
            Some('r') => Some(('\r', 1)),
            Some('t') => Some(('\t', 1)),
            Some('v') => Some(('\u{b}', 1)),
            Some('x') => hex(2),
            Some('u') => hex(4),
            Some('U') => hex(8),
            _ => None,
        };
        match decoded {
            Some((c, length)) => {
                out.push(c);
                rest = &after[length..];
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

pub(super) fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        if text.len() > 1 && text.starts_with(quote) && text.ends_with(quote) && !text.ends_with(&format!("\\{quote}"))
        {
            return &text[1..text.len() - 1];
        }
    }
    text
}

/// For messages: Python's `str(value)`.
pub(super) fn shown(value: &Value) -> String {
    to_text(value)
}

#[cfg(test)]
mod tests {
    use super::parse_key_values;

    #[test]
    fn pairs_and_words() {
        for (text, pairs, words) in [
            ("a=1 b='x y'", vec![("a", "1"), ("b", "x y")], None),
            ("some key file=x.csv", vec![("file", "x.csv")], Some("some key")),
            ("start=1 format=\"t%02d\"", vec![("start", "1"), ("format", "t%02d")], None),
            (r"a\=b", vec![], Some("a=b")),
        ] {
            let found = parse_key_values(text).unwrap();
            let expected: Vec<(String, String)> = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
            assert_eq!((found.pairs, found.words.as_deref()), (expected, words), "{text}");
        }
    }
}
