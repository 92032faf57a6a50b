//! A tree on data.

use ftl_core::value::{compare, equal};
use ftl_core::{Map, Value};

use super::function;
use super::parser::Node;

/// What a function is given: a value, or an expression still to be evaluated.
pub(super) enum Argument<'a> {
    Value(Value),
    Expression(&'a Node),
}

pub(super) fn evaluate(node: &Node, data: &Value) -> Result<Value, String> {
    // What is missing stays missing: the caller finds the marker in the result.
    if data.is_undefined() && !matches!(node, Node::Literal(_)) {
        return Ok(data.clone());
    }
    Ok(match node {
        Node::Identity => data.clone(),
        Node::Field(name) => data.get(name).unwrap_or_default(),
        Node::Index(index) => match data.as_items() {
            Some(items) => {
                let at = if *index < 0 { index.saturating_add(items.len() as i64) } else { *index };
                usize::try_from(at).ok().and_then(|at| items.get(at).cloned()).unwrap_or_default()
            }
            None => Value::None,
        },
        Node::Slice(parts) => match data.as_items() {
            Some(items) => Value::list(slice(&items, parts)?),
            None => Value::None,
        },
        Node::Chain(left, right) => evaluate(right, &evaluate(left, data)?)?,
        Node::Project(left, right) => match evaluate(left, data)?.as_items() {
            Some(items) => project(right, items.iter())?,
            None => Value::None,
        },
        Node::ProjectValues(left, right) => match evaluate(left, data)?.as_map() {
            Some(map) => project(right, map.values())?,
            None => Value::None,
        },
        Node::ProjectFiltered { left, right, test } => match evaluate(left, data)?.as_items() {
            Some(items) => {
                let mut passed = vec![];
                for item in items.iter() {
                    let verdict = evaluate(test, item)?;
                    if verdict.is_undefined() {
                        return Ok(verdict);
                    }
                    if is_true(&verdict) {
                        passed.push(item.clone());
                    }
                }
                project(right, passed.iter())?
            }
            None => Value::None,
        },
        Node::Flatten(inner) => match evaluate(inner, data)?.as_items() {
            Some(items) => {
                let mut out = vec![];
                for item in items.iter() {
                    match item.as_items() {
                        Some(inner) => out.extend(inner.iter().cloned()),
                        None => out.push(item.clone()),
                    }
                }
                Value::list(out)
            }
            None => Value::None,
        },
        Node::Or(left, right) => {
            let value = evaluate(left, data)?;
            if is_true(&value) { value } else { evaluate(right, data)? }
        }
        Node::And(left, right) => {
            let value = evaluate(left, data)?;
            if is_true(&value) { evaluate(right, data)? } else { value }
        }
        // The library negates Python's truth here: 0 is false.
        Node::Not(inner) => {
            let value = evaluate(inner, data)?;
            Value::Bool(if matches!(value, Value::Int(0)) { true } else { !is_true(&value) })
        }
        Node::Compare(operator, left, right) => compared(operator, &evaluate(left, data)?, &evaluate(right, data)?),
        Node::List(_) | Node::Dict(_) if data.is_none() => Value::None,
        Node::List(items) => Value::list(items.iter().map(|i| evaluate(i, data)).collect::<Result<_, _>>()?),
        Node::Dict(entries) => {
            let mut out = Map::new();
            for (key, value) in entries {
                out.insert(key.as_str(), evaluate(value, data)?);
            }
            Value::dict(out)
        }
        Node::Literal(value) => value.clone(),
        Node::Call(name, arguments) => {
            let mut values = vec![];
            for argument in arguments {
                values.push(match argument {
                    Node::Reference(inner) => Argument::Expression(inner),
                    other => Argument::Value(evaluate(other, data)?),
                });
            }
            let missing = values.iter().find_map(|argument| match argument {
                Argument::Value(value) if crate::filter::argument::wholly_defined(value).is_err() => {
                    Some(value.clone())
                }
                _ => None,
            });
            match missing {
                Some(value) => value,
                None => function::call(name, values)?,
            }
        }
        Node::Reference(_) => return Err("an expression reference can only be an argument".into()),
    })
}

fn project<'a>(right: &Node, items: impl Iterator<Item = &'a Value>) -> Result<Value, String> {
    let mut out = vec![];
    for item in items {
        let value = evaluate(right, item)?;
        if !value.is_none() {
            out.push(value);
        }
    }
    Ok(Value::list(out))
}

/// False are: nothing, `false`, and everything empty. Zero is true.
pub(super) fn is_true(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Float(_) | Value::BigInt(_)) || value.is_true()
}

fn compared(operator: &str, left: &Value, right: &Value) -> Value {
    if let Some(missing) = [left, right].into_iter().find(|v| v.is_undefined()) {
        return missing.clone();
    }
    // In Python 1 equals true; the library does not want that.
    let same_kind = matches!(left, Value::Bool(_)) == matches!(right, Value::Bool(_));
    let order = || {
        let comparable = |v: &Value| matches!(v, Value::Int(_) | Value::Float(_) | Value::BigInt(_) | Value::Str(_));
        if comparable(left) && comparable(right) { compare(left, right) } else { None }
    };
    let relation = |accept: fn(std::cmp::Ordering) -> bool| order().map_or(Value::None, |o| Value::Bool(accept(o)));
    match operator {
        "==" => Value::Bool(same_kind && equal(left, right)),
        "!=" => Value::Bool(!(same_kind && equal(left, right))),
        "<" => relation(std::cmp::Ordering::is_lt),
        "<=" => relation(std::cmp::Ordering::is_le),
        ">" => relation(std::cmp::Ordering::is_gt),
        _ => relation(std::cmp::Ordering::is_ge),
    }
}

fn slice(items: &[Value], parts: &[Option<i64>; 3]) -> Result<Vec<Value>, String> {
    let step = parts[2].unwrap_or(1);
    if step == 0 {
        return Err("slice step cannot be zero".into());
    }
    let length = items.len() as i64;
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |part: Option<i64>, default: i64| match part {
        None => default,
        Some(at) if at < 0 => at.saturating_add(length).clamp(low, high),
        Some(at) => at.clamp(low, high),
    };
    let (mut at, end) = if step > 0 {
        (bound(parts[0], 0), bound(parts[1], length))
    } else {
        (bound(parts[0], length - 1), bound(parts[1], -1))
    };
    let mut out = vec![];
    while if step > 0 { at < end } else { at > end } {
        out.push(items[at as usize].clone());
        at = at.saturating_add(step);
    }
    Ok(out)
}
