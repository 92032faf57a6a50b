//! Texts made into values of the kind a setting has.

use std::path::Path;

use super::path::PathRules;
use super::spec::Kind;
use crate::value::{Str, Value, repr_str};

/// The value a text gives; the error is Ansible's.
pub(super) fn convert(kind: Kind, text: &str, base: Option<&Path>, rules: &PathRules<'_>) -> Result<Value, String> {
    let path = |path: &str| trusted(rules.resolve(path, base).to_string_lossy().into_owned());
    let paths = |separator: char, strip: bool| -> Value {
        let items = text.split(separator).map(|item| path(if strip { item.trim() } else { item }));
        Value::list(items.collect())
    };
    let invalid = || format!("Invalid value provided for '{}': {}", kind.name(), repr_str(text));
    Ok(match kind {
        Kind::Bool => Value::Bool(is_true(text)),
        Kind::Int | Kind::Integer => Value::Int(whole_number(text).ok_or_else(invalid)?),
        Kind::Float => Value::Float(python_float(text).ok_or_else(invalid)?),
        Kind::List => Value::list(text.split(',').map(|item| trusted(unquote(item.trim()))).collect()),
        Kind::Path => path(text),
        Kind::PathList => paths(',', true),
        Kind::PathSpec => paths(':', false),
        Kind::Any | Kind::Text => trusted(text),
        Kind::Pairs => return Err(invalid()),
    })
}

pub(super) fn trusted(text: impl Into<std::sync::Arc<str>>) -> Value {
    Value::Str(Str::trusted(text, None))
}

/// Ansible's lenient truth: what is not known is false.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "y" | "yes" | "on" | "1" | "true" | "t" | "1.0")
}

/// Texts of decimal numbers without a fraction (`5`, `5.0`, `1e2`).
fn whole_number(text: &str) -> Option<i64> {
    let text = text.trim().replace('_', "");
    if let Ok(number) = text.parse::<i64>() {
        return Some(number);
    }
    let number = python_float(&text)?;
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

fn python_float(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// One pair of quotes around the whole text goes away.
pub(super) fn unquote(text: &str) -> &str {
    let mut ends = text.chars();
    match (ends.next(), ends.next_back()) {
        (Some(first @ ('"' | '\'')), Some(last)) if first == last && !text[..text.len() - 1].ends_with('\\') => {
            &text[1..text.len() - 1]
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::repr;
    use std::collections::BTreeMap;

    #[test]
    fn texts_become_values() {
        let env = BTreeMap::new();
        let home = |_: &str| Some("/h".to_string());
        let rules = PathRules { env: &env, working_dir: Path::new("/w"), home_of: &home };
        let check = |kind: Kind, text: &str, expected: &str| {
            let shown = match convert(kind, text, None, &rules) {
                Ok(value) => repr(&value),
                Err(error) => error,
            };
            assert_eq!(shown, expected, "{kind:?} {text}");
        };
        check(Kind::Bool, "Yes", "True");
        check(Kind::Bool, "maybe", "False");
        check(Kind::Integer, "5", "5");
        check(Kind::Integer, "5.0", "5");
        check(Kind::Integer, "1e2", "100");
        check(Kind::Integer, "5.5", "Invalid value provided for 'integer': '5.5'");
        check(Kind::Int, "abc", "Invalid value provided for 'int': 'abc'");
        check(Kind::Float, "0.5", "0.5");
        check(Kind::List, "a, 'b c',\"d\"", "['a', 'b c', 'd']");
        check(Kind::List, "", "['']");
        check(Kind::Path, "~/a", "'/h/a'");
        check(Kind::PathSpec, "a:/b", "['/w/a', '/b']");
        check(Kind::PathList, "a, /b", "['/w/a', '/b']");
        check(Kind::Text, " x ", "' x '");
    }
}
