//! Filters that treat lists as sets.

use ftl_core::Value;
use ftl_core::value::type_name;

use super::argument::{defined_items, failure, hashable, iterate};
use super::python_set::PythonSet;
use crate::{Arguments, Evaluation, Failure, FailureKind};

type Answer = Result<Value, Failure>;

// Keys were checked to be hashable, and nothing changes them here.
#[allow(clippy::mutable_key_type)]
pub(super) fn unique(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let case_sensitive = args.take("case_sensitive", 0).unwrap_or_default();
    let attribute = args.take_given("attribute", 1);
    args.finish("unique")?;
    let items = iterate(&value)?;
    let keys = match &attribute {
        None => items.clone(),
        Some(attribute) => {
            let attribute = Arguments::new(vec![], vec![("attribute".into(), attribute.clone())]);
            let mapped = evaluation.call_filter("map", Value::list(items.clone()), attribute)?;
            defined_items(&mapped)?
        }
    };
    let fold = |key: &Value| match key {
        Value::Str(text) if !case_sensitive.is_true() => Value::str(text.to_lowercase()),
        other => other.clone(),
    };
    // Jinja folds case unless told otherwise; Ansible tells it nothing when the list holds what cannot be hashed.
    let folded: Vec<Value> = keys.iter().map(fold).collect();
    if let Some(bad) = folded.iter().find_map(|k| hashable(k).err()) {
        if matches!(bad.kind(), FailureKind::Undefined(_)) {
            return Err(bad);
        }
        let explicit = matches!(case_sensitive, Value::Bool(false));
        if explicit || attribute.is_some() {
            return Err(failure(
                "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support \
                 the parameters supplied.",
            )
            .caused_by(ftl_core::source::Diagnostic::error(bad.message())));
        }
        return Ok(Value::list(distinct(items)));
    }
    let mut seen = rustc_hash::FxHashSet::default();
    Ok(items.into_iter().zip(folded).filter(|(_, key)| seen.insert(key.clone())).map(|(item, _)| item).collect())
}

/// The items that differ from all before them, compared one by one.
fn distinct(items: Vec<Value>) -> Vec<Value> {
    let mut out: Vec<Value> = vec![];
    for item in items {
        if !out.contains(&item) {
            out.push(item);
        }
    }
    out
}

/// Both operands; `Ok(None)` for the sets when something in them cannot be hashed.
struct Operands {
    left: Vec<Value>,
    right: Vec<Value>,
    are_sets: bool,
}

fn operands(value: &Value, args: &mut Arguments, name: &str) -> Result<Operands, Failure> {
    let other = args.require(name, "b", 0)?;
    args.finish(name)?;
    let (left, right) = (defined_items(value)?, defined_items(&other)?);
    let are_sets = left.iter().chain(&right).all(|v| hashable(v).is_ok());
    Ok(Operands { left, right, are_sets })
}

fn set(items: &[Value]) -> PythonSet {
    PythonSet::from_items(items)
}

pub(super) fn intersect(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let o = operands(&value, &mut args, "intersect")?;
    Ok(Value::list(match o.are_sets {
        true => set(&o.left).intersection(&set(&o.right)).into_items(),
        false => distinct(o.left.into_iter().filter(|v| o.right.contains(v)).collect()),
    }))
}

pub(super) fn difference(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let o = operands(&value, &mut args, "difference")?;
    Ok(Value::list(match o.are_sets {
        true => set(&o.left).difference(&set(&o.right)).into_items(),
        false => distinct(o.left.into_iter().filter(|v| !o.right.contains(v)).collect()),
    }))
}

pub(super) fn symmetric_difference(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let o = operands(&value, &mut args, "symmetric_difference")?;
    Ok(Value::list(match o.are_sets {
        true => set(&o.left).symmetric_difference(&set(&o.right)).into_items(),
        false => {
            let both = |v: &Value| o.left.contains(v) && o.right.contains(v);
            distinct(o.left.iter().chain(&o.right).filter(|v| !both(v)).cloned().collect())
        }
    }))
}

pub(super) fn union(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    if let (Value::List(_), Some(other)) = (&value, args.values().next())
        && let Err(f) = iterate(other)
        && matches!(f.kind(), FailureKind::Type)
    {
        let kind = type_name(other);
        return Err(Failure::type_error(format!("can only concatenate list (not \"{kind}\") to list")));
    }
    let o = operands(&value, &mut args, "union")?;
    if o.are_sets {
        return Ok(Value::list(set(&o.left).union(&set(&o.right)).into_items()));
    }
    if !matches!(value, Value::List(_)) {
        return Err(Failure::type_error(format!(
            "unsupported operand type(s) for +: '{}' and 'list'",
            type_name(&value)
        )));
    }
    Ok(Value::list(distinct([o.left, o.right].concat())))
}
