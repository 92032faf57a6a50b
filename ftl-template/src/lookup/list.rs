//! Lookups that rearrange the lists they are given.

use ftl_core::value::to_text;
use ftl_core::{Map, Value};

use super::options::shown;
use crate::filter::argument::{defined, failure, iterate, mapping};
use crate::filter::random::Random;
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Vec<Value>, Failure>;

/// Lists and tuples among the terms are opened, one level deep.
fn open(terms: &[Value]) -> Vec<Value> {
    let mut out = vec![];
    for term in terms {
        match term.as_items() {
            Some(items) => out.extend(items.iter().cloned()),
            None => out.push(term.clone()),
        }
    }
    out
}

pub(super) fn items(_: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    Ok(open(&terms))
}

pub(super) fn list(_: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    Ok(terms)
}

pub(super) fn indexed_items(_: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    let pair = |(at, item): (usize, Value)| Value::Tuple([Value::from(at), item].into());
    Ok(open(&terms).into_iter().enumerate().map(pair).collect())
}

pub(super) fn flattened(_: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    let mut out = vec![];
    flatten(&terms, &mut out);
    Ok(out)
}

fn flatten(terms: &[Value], out: &mut Vec<Value>) {
    for term in terms {
        match term {
            // Ansible stops at these words.
            Value::Str(text) if matches!(text.as_str(), "None" | "null") => break,
            Value::List(list) => flatten(&list.items(), out),
            other => out.push(other.clone()),
        }
    }
}

pub(super) fn dict(_: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    let mut out = vec![];
    for term in &terms {
        defined(term)?;
        let Some(map) = mapping(term) else {
            let kind = crate::filter::structure::python_class(term);
            return Err(failure(format!(
                "the 'dict' lookup plugin expects a dictionary, got '{}' of type {kind})",
                shown(term)
            )));
        };
        out.extend(map.iter().map(|(key, value)| {
            Value::dict([("key", key.clone()), ("value", value.clone())].into_iter().collect::<Map>())
        }));
    }
    Ok(out)
}

pub(super) fn nested(evaluation: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    let mut rest = terms.iter();
    let Some(first) = rest.next() else {
        return Err(failure("with_nested requires at least one element in the nested list"));
    };
    let mut rows = iterate(first)?;
    for term in rest {
        let items = iterate(term)?;
        evaluation.check_items(rows.len().saturating_mul(items.len()))?;
        rows = rows
            .iter()
            .flat_map(|row| items.iter().map(|item| Value::list(open(&[row.clone(), item.clone()]))))
            .collect();
    }
    rows.iter().map(|row| Ok(Value::list(open(&iterate(row)?)))).collect()
}

pub(super) fn together(_: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    if terms.is_empty() {
        return Err(failure("with_together requires at least one element in each list"));
    }
    let lists = terms.iter().map(iterate).collect::<Result<Vec<_>, _>>()?;
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let row = |at: usize| {
        let items: Vec<Value> = lists.iter().map(|l| l.get(at).cloned().unwrap_or_default()).collect();
        Value::list(open(&items))
    };
    Ok((0..longest).map(row).collect())
}

pub(super) fn random_choice(evaluation: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    evaluation.impure();
    if terms.is_empty() {
        return Ok(terms);
    }
    let at = Random::System.index(terms.len());
    Ok(vec![terms[at].clone()])
}

pub(super) fn subelements(_: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    const EXPECTS: &str = "subelements lookup expects a list of two or three items, ";
    let wrong = |detail: &str| failure(format!("{EXPECTS}{detail}"));
    if !(2..=3).contains(&terms.len()) {
        return Err(wrong(""));
    }
    let (Value::Dict(_) | Value::List(_), Value::Str(path)) = (&terms[0], &terms[1]) else {
        return Err(wrong("first a dict or a list, second a string pointing to the subkey"));
    };
    let elements = match &terms[0] {
        Value::Dict(dict) => {
            if is_skipped(&dict.entries()) {
                return Ok(vec![]);
            }
            dict.entries().values().cloned().collect()
        }
        other => iterate(other)?,
    };
    let skip_missing = match terms.get(2) {
        None => false,
        Some(Value::Dict(flags)) => flags.get("skip_missing").is_some_and(|flag| flag.to_bool_loose().unwrap_or(false)),
        Some(_) => return Err(wrong("the optional third item must be a dict with flags skip_missing")),
    };
    let keys: Vec<&str> = path.split('.').collect();
    let mut out = vec![];
    for element in elements {
        defined(&element)?;
        let Value::Dict(dict) = &element else {
            return Err(failure(format!("subelements lookup expects a dictionary, got '{}'", shown(&element))));
        };
        if is_skipped(&dict.entries()) {
            continue;
        }
        let Some((rest, items)) = take_out(&dict.entries(), &keys, skip_missing)? else { continue };
        let rest = Value::dict(rest);
        out.extend(items.iter().map(|item| Value::Tuple([rest.clone(), item.clone()].into())));
    }
    Ok(out)
}

fn is_skipped(map: &Map) -> bool {
    map.get("skipped").is_some_and(|flag| !matches!(flag, Value::Bool(false)))
}

/// The dict without the list at the end of the path, and that list.
fn take_out(map: &Map, keys: &[&str], skip_missing: bool) -> Result<Option<(Map, Vec<Value>)>, Failure> {
    let Some((key, deeper)) = keys.split_first() else { return Ok(None) };
    let Some(value) = map.get(key) else {
        if skip_missing {
            return Ok(None);
        }
        let shown = to_text(&Value::dict(map.clone()));
        return Err(failure(format!("could not find '{key}' key in iterated item '{shown}'")));
    };
    defined(value)?;
    let mut rest = map.clone();
    if deeper.is_empty() {
        let Value::List(list) = value else {
            return Err(failure(format!("the key {key} should point to a list, got '{}'", to_text(value))));
        };
        let items = list.items().to_vec();
        rest.remove(key);
        return Ok(Some((rest, items)));
    }
    let Value::Dict(inner) = value else {
        if skip_missing {
            return Ok(None);
        }
        return Err(failure(format!("the key {key} should point to a dictionary, got '{}'", to_text(value))));
    };
    let Some((inner, items)) = take_out(&inner.entries(), deeper, skip_missing)? else { return Ok(None) };
    rest.insert(*key, inner);
    Ok(Some((rest, items)))
}
