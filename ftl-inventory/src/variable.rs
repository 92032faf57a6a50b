//! Setting one variable of a host or group, with Ansible's rules about names and dicts.

use std::sync::Arc;

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{repr, to_text, type_name};
use ftl_core::{Map, Value};
use num_bigint::BigInt;

use crate::combine::combine_entry;
use crate::inventory::Group;
use crate::settings::HashBehaviour;

/// Sets `key`; a dict that meets a dict is combined with it as `hash_behaviour` says.
pub(crate) fn set_variable(vars: &mut Arc<Map>, key: Value, value: Value, behaviour: HashBehaviour) {
    combine_entry(Arc::make_mut(vars), key, value, behaviour);
}

/// Like [`set_variable`], but `ansible_group_priority` is a property of the group.
pub(crate) fn set_group_variable(
    group: &mut Group,
    key: Value,
    value: Value,
    behaviour: HashBehaviour,
) -> Result<(), Diagnostic> {
    if key.as_str() == Some("ansible_group_priority") {
        group.priority = python_int(&value).map_err(Diagnostic::error)?;
    } else {
        set_variable(&mut group.vars, key, value, behaviour);
    }
    Ok(())
}

/// Python's `int(value)`, with the words of its errors.
pub(crate) fn python_int(value: &Value) -> Result<i64, String> {
    match value {
        Value::Int(i) => Ok(*i),
        Value::Bool(b) => Ok(*b as i64),
        Value::Float(f) => Ok(f.trunc() as i64),
        Value::Str(s) => {
            parse_python_int(s).ok_or_else(|| format!("invalid literal for int() with base 10: {}", repr(value)))
        }
        other => Err(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            type_name(other)
        )),
    }
}

/// `int("…")`: blanks around, one sign, underscores between digits.
pub(crate) fn parse_python_int(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let well_formed = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if !well_formed {
        return None;
    }
    let number: BigInt = digits.replace('_', "").parse().ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

/// Ansible's complaint about a variable name, if it deserves one.
pub(crate) fn name_deprecation(key: &Value, origin: Option<&Origin>) -> Option<Diagnostic> {
    const NOT_NAMES: [&str; 7] = ["true", "false", "none", "True", "False", "None", "not"];
    let valid = key.as_str().is_some_and(|name| is_identifier(name) && !NOT_NAMES.contains(&name));
    (!valid).then(|| {
        Diagnostic::deprecation(format!(
            "Accepting inventory variable with invalid name {}. \
             This feature will be removed from ansible-core version 2.23.",
            match key {
                Value::Str(_) => repr(key),
                other => to_text(other),
            }
        ))
        .at(origin.cloned())
        .hint(
            "Variable names must be strings starting with a letter or underscore character, \
             and contain only letters, numbers and underscores.",
        )
    })
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_as_python_reads_them() {
        for (text, expected) in [
            ("5", Some(5)),
            (" -5 ", Some(-5)),
            ("+1_000", Some(1000)),
            ("007", Some(7)),
            ("", None),
            ("1__0", None),
            ("a", None),
            ("- 5", None),
        ] {
            assert_eq!(parse_python_int(text), expected, "{text:?}");
        }
    }
}
