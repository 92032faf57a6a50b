//! The test `version`: four ways to compare version numbers.

use std::cmp::Ordering;

use ftl_core::Value;
use ftl_core::value::{repr_str, to_text};
use num_bigint::BigUint;

use super::pep440;
use crate::filter::argument::{failure, text_of};
use crate::{Arguments, Evaluation, Failure};

const OPERATORS: &[(&str, &str)] = &[
    ("==", "eq"),
    ("=", "eq"),
    ("eq", "eq"),
    ("<", "lt"),
    ("lt", "lt"),
    ("<=", "le"),
    ("le", "le"),
    (">", "gt"),
    ("gt", "gt"),
    (">=", "ge"),
    ("ge", "ge"),
    ("!=", "ne"),
    ("<>", "ne"),
    ("ne", "ne"),
];

type Compare = fn(&str, &str) -> Result<Ordering, String>;

const KINDS: &[(&str, Compare)] =
    &[("loose", loose), ("strict", strict), ("semver", semantic), ("semantic", semantic), ("pep440", pep440::compare)];

fn quoted_list(names: impl Iterator<Item = &'static str>) -> String {
    names.map(repr_str).collect::<Vec<_>>().join(", ")
}

pub(super) fn version(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Result<bool, Failure> {
    let other = args.require("version_compare", "version", 0)?;
    let operator = args.take("operator", 1).map_or_else(|| "eq".to_string(), |v| to_text(&v));
    let strict_wanted = args.take_given("strict", 2);
    let kind = args.take_given("version_type", 3);
    args.finish("version_compare")?;
    if strict_wanted.is_some() && kind.is_some() {
        return Err(failure("Cannot specify both 'strict' and 'version_type'"));
    }
    if !value.is_true() {
        crate::filter::argument::defined(&value)?;
        return Err(failure("Input version value cannot be empty"));
    }
    if !other.is_true() {
        crate::filter::argument::defined(&other)?;
        return Err(failure("Version parameter to compare against cannot be empty"));
    }
    let compare = match kind.filter(Value::is_true).map(|v| to_text(&v)) {
        _ if strict_wanted.is_some_and(|v| v.is_true()) => strict,
        None => loose,
        Some(name) => match KINDS.iter().find(|(known, _)| *known == name) {
            Some((_, compare)) => *compare,
            None => {
                let known = quoted_list(KINDS.iter().map(|(name, _)| *name));
                return Err(failure(format!("Invalid version type ({name}). Must be one of {known}")));
            }
        },
    };
    let Some((_, relation)) = OPERATORS.iter().find(|(spelled, _)| *spelled == operator) else {
        let known = quoted_list(OPERATORS.iter().map(|(name, _)| *name));
        return Err(failure(format!("Invalid operator type ({operator}). Must be one of {known}")));
    };
    let order = compare(&text_of(&value)?, &text_of(&other)?)
        .map_err(|message| failure(format!("Version comparison failed: {message}")))?;
    Ok(match *relation {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        "gt" => order.is_gt(),
        _ => order.is_ge(),
    })
}

#[derive(PartialEq, Debug)]
enum Component {
    Number(BigUint),
    Text(String),
}

/// Runs of digits and of small letters; everything between is a part of its own, dots vanish.
fn loose_components(text: &str) -> Vec<Component> {
    let kind = |c: char| match c {
        '0'..='9' => 0,
        'a'..='z' => 1,
        '.' => 2,
        _ => 3,
    };
    let mut out = vec![];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| kind(c) != kind(first)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        match kind(first) {
            0 => out.push(Component::Number(part.parse().unwrap_or_default())),
            2 => {}
            _ => out.push(Component::Text(part.into())),
        }
        rest = after;
    }
    out
}

fn loose(a: &str, b: &str) -> Result<Ordering, String> {
    let (a, b) = (loose_components(a), loose_components(b));
    for (x, y) in a.iter().zip(&b) {
        let order = match (x, y) {
            (Component::Number(x), Component::Number(y)) => x.cmp(y),
            (Component::Text(x), Component::Text(y)) => x.cmp(y),
            (Component::Number(_), _) => return Err("'<' not supported between instances of 'int' and 'str'".into()),
            (Component::Text(_), _) => return Err("'<' not supported between instances of 'str' and 'int'".into()),
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(a.len().cmp(&b.len()))
}

fn number(text: &str) -> Option<BigUint> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// `1.2`, `1.2.3`, `1.2b3`
type StrictVersion = (Vec<BigUint>, Option<(char, BigUint)>);

fn strict_version(text: &str) -> Result<StrictVersion, String> {
    let parse = || {
        let (numbers, before) = match text.find(['a', 'b']) {
            Some(at) => (&text[..at], Some((text[at..].chars().next()?, number(&text[at + 1..])?))),
            None => (text, None),
        };
        let mut parts = numbers.split('.').map(number).collect::<Option<Vec<_>>>()?;
        if !(2..=3).contains(&parts.len()) {
            return None;
        }
        parts.resize(3, BigUint::default());
        Some((parts, before))
    };
    parse().ok_or_else(|| format!("invalid version number '{text}'"))
}

/// A release comes after its pre-releases.
fn before_release<T: Ord>(a: &Option<T>, b: &Option<T>) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(a), Some(b)) => a.cmp(b),
    }
}

fn strict(a: &str, b: &str) -> Result<Ordering, String> {
    let (a, b) = (strict_version(a)?, strict_version(b)?);
    Ok(a.0.cmp(&b.0).then_with(|| before_release(&a.1, &b.1)))
}

/// Numbers come before words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(BigUint),
    Word(String),
}

type SemanticVersion = (Vec<BigUint>, Option<Vec<Identifier>>);

fn semantic_version(text: &str) -> Result<SemanticVersion, String> {
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let plain_number = |part: &str| number(part).filter(|_| part == "0" || !part.starts_with('0'));
    let parse = || {
        let (text, build) = text.split_once('+').map_or((text, None), |(t, b)| (t, Some(b)));
        if build.is_some_and(|b| !b.split('.').all(word)) {
            return None;
        }
        let (core, pre) = text.split_once('-').map_or((text, None), |(c, p)| (c, Some(p)));
        let core = core.split('.').map(plain_number).collect::<Option<Vec<_>>>().filter(|c| c.len() == 3)?;
        let identifier = |part: &str| match number(part) {
            Some(_) => plain_number(part).map(Identifier::Number),
            None => word(part).then(|| Identifier::Word(part.into())),
        };
        let pre = match pre {
            None => None,
            Some(pre) => Some(pre.split('.').map(identifier).collect::<Option<Vec<_>>>()?),
        };
        Some((core, pre))
    };
    parse().ok_or_else(|| format!("invalid semantic version '{text}'"))
}

fn semantic(a: &str, b: &str) -> Result<Ordering, String> {
    let (a, b) = (semantic_version(a)?, semantic_version(b)?);
    Ok(a.0.cmp(&b.0).then_with(|| before_release(&a.1, &b.1)))
}
