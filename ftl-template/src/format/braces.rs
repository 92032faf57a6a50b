//! `template.format(values)`, without the ways it offers into objects.

use std::sync::Arc;

use ftl_core::Value;
use ftl_core::value::{repr, repr_str, to_text};

use super::spec;
use crate::call::Failure;

/// Finds `name` or `[key]` inside a value, as the sandbox allows it.
pub(crate) type Access<'a> = &'a dyn Fn(&Value, Part<'_>) -> Result<Value, Failure>;

pub(crate) enum Part<'a> {
    Attribute(&'a str),
    Item(&'a Value),
}

pub(crate) struct Fields<'a> {
    pub positional: &'a [Value],
    pub named: &'a [(Arc<str>, Value)],
    /// Named values of `format_map`.
    pub mapping: Option<&'a Value>,
    pub access: Access<'a>,
}

pub(crate) fn format(template: &str, fields: &Fields<'_>) -> Result<String, Failure> {
    let mut next = Some(0);
    fill(template, fields, &mut next, 0)
}

/// `next`: the number of the next `{}`; nothing once numbers were given by hand.
fn fill(template: &str, fields: &Fields<'_>, next: &mut Option<usize>, depth: usize) -> Result<String, Failure> {
    if depth > 2 {
        return Err("Max string recursion exceeded".into());
    }
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err("Single '}' encountered in format string".into());
        }
        let end = field_end(rest)?;
        out.push_str(&field(&rest[..end], fields, next, depth)?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn field_end(text: &str) -> Result<usize, Failure> {
    let mut depth = 1;
    let mut in_brackets = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => in_brackets = true,
            b']' => in_brackets = false,
            b'{' if !in_brackets => depth += 1,
            b'}' if !in_brackets => {
                depth -= 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
            _ => {}
        }
    }
    Err(if text.is_empty() { "Single '{' encountered in format string" } else { "expected '}' before end of string" }
        .into())
}

fn field(text: &str, fields: &Fields<'_>, next: &mut Option<usize>, depth: usize) -> Result<String, Failure> {
    let split = text
        .char_indices()
        .scan(false, |in_brackets, (at, c)| {
            match c {
                '[' => *in_brackets = true,
                ']' => *in_brackets = false,
                _ => {}
            }
            Some((at, c, *in_brackets))
        })
        .find(|(_, c, in_brackets)| !in_brackets && matches!(c, '!' | ':'));
    let (name, conversion, specification) = match split {
        None => (text, None, ""),
        Some((at, ':', _)) => (&text[..at], None, &text[at + 1..]),
        Some((at, ..)) => {
            let after = &text[at + 1..];
            let Some(kind) = after.chars().next() else {
                return Err("end of string while looking for conversion specifier".into());
            };
            let specification = match after[kind.len_utf8()..].strip_prefix(':') {
                Some(specification) => specification,
                None if after.len() == kind.len_utf8() => "",
                None => return Err("expected ':' after conversion specifier".into()),
            };
            (&text[..at], Some(kind), specification)
        }
    };
    let value = lookup(name, fields, next)?;
    let value = match conversion {
        None => value,
        Some('s') => Value::str(to_text(&value)),
        Some('r' | 'a') => Value::str(repr(&value)),
        Some(kind) => return Err(format!("Unknown conversion specifier {kind}").into()),
    };
    let specification = fill(specification, fields, next, depth + 1)?;
    spec::format(&value, &specification)
}

fn lookup(name: &str, fields: &Fields<'_>, next: &mut Option<usize>) -> Result<Value, Failure> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut rest) = name.split_at(end);
    let mut value = if first.is_empty() || first.bytes().all(|b| b.is_ascii_digit()) {
        if fields.mapping.is_some() {
            return Err("Format string contains positional fields".into());
        }
        let at = if first.is_empty() {
            let Some(at) = *next else {
                return Err("cannot switch from manual field specification to automatic field numbering".into());
            };
            *next = Some(at + 1);
            at
        } else {
            if next.is_some_and(|at| at > 0) {
                return Err("cannot switch from automatic field numbering to manual field specification".into());
            }
            *next = None;
            first.parse().unwrap_or(usize::MAX)
        };
        fields.positional.get(at).cloned().ok_or_else(|| {
            Failure::lookup_error(format!("Replacement index {at} out of range for positional args tuple"))
        })?
    } else {
        let found = match fields.mapping {
            Some(mapping) => mapping.get(first),
            None => fields.named.iter().find(|(n, _)| **n == *first).map(|(_, v)| v.clone()),
        };
        found.ok_or_else(|| Failure::lookup_error(repr_str(first)))?
    };
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            value = (fields.access)(&value, Part::Attribute(&after[..end]))?;
            rest = &after[end..];
        } else {
            let Some(end) = rest.find(']') else {
                return Err("Missing ']' in format string".into());
            };
            let key = &rest[1..end];
            let key = key.parse::<i64>().map_or_else(|_| Value::str(key), Value::Int);
            value = (fields.access)(&value, Part::Item(&key))?;
            rest = &rest[end + 1..];
        }
        if let Value::Undefined(marker) = value {
            return Err(Failure::undefined(marker));
        }
    }
    Ok(value)
}
