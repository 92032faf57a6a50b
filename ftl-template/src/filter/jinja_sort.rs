//! Jinja's filters that need an order: `sort`, `dictsort`, `groupby`, `min`, `max`.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::Arc;

use ftl_core::value::{compare, equal, type_name};
use ftl_core::{Object, Value};

use super::argument::{defined_items, index};
use super::jinja_attribute::{Getter, ignore_case};
use crate::Evaluation;
use crate::call::{Arguments, Failure};

/// Sorts by keys as Python's `sorted` does: stable, also in reverse.
fn sort_by_keys(mut keyed: Vec<(Value, Value)>, reverse: bool) -> Result<Vec<(Value, Value)>, Failure> {
    let mut failure = None;
    if reverse {
        keyed.reverse();
    }
    keyed.sort_by(|(a, _), (b, _)| {
        less(a, b).unwrap_or_else(|| {
            failure.get_or_insert_with(|| not_ordered("<", a, b));
            Ordering::Equal
        })
    });
    if reverse {
        keyed.reverse();
    }
    failure.map_or(Ok(keyed), Err)
}

/// Order, with numbers that are none taken as equal to all.
fn less(a: &Value, b: &Value) -> Option<Ordering> {
    compare(a, b).or_else(|| {
        let number = |v: &Value| matches!(v, Value::Float(_) | Value::Int(_) | Value::BigInt(_) | Value::Bool(_));
        (number(a) && number(b)).then_some(Ordering::Equal)
    })
}

fn not_ordered(symbol: &str, a: &Value, b: &Value) -> Failure {
    if let (Some(x), Some(y)) = (a.as_items(), b.as_items())
        && let Some((x, y)) = x.iter().zip(y.iter()).find(|(x, y)| !equal(x, y))
    {
        return not_ordered(symbol, x, y);
    }
    Failure::type_error(format!(
        "'{symbol}' not supported between instances of '{}' and '{}'",
        type_name(a),
        type_name(b)
    ))
}

pub(super) fn sort(evaluation: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let reverse = arguments.take("reverse", 0).map_or(Ok(0), |reverse| index(&reverse))? != 0;
    let case_sensitive = arguments.take_bool("case_sensitive", 1, false);
    let attribute = arguments.take("attribute", 2).unwrap_or_default();
    arguments.finish("do_sort")?;
    let getters: Vec<Getter<'_>> = match &attribute {
        Value::Str(names) => names.split(',').map(|name| Getter::new(evaluation, &Value::str(name))).collect(),
        other => vec![Getter::new(evaluation, other)],
    };
    let mut keyed = Vec::new();
    for item in defined_items(&value)? {
        let mut keys = Vec::with_capacity(getters.len());
        for getter in &getters {
            let key = getter.get(&item)?;
            keys.push(if case_sensitive { key } else { ignore_case(key) });
        }
        keyed.push((Value::list(keys), item));
    }
    Ok(sort_by_keys(keyed, reverse)?.into_iter().map(|(_, item)| item).collect())
}

pub(super) fn dictsort(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let case_sensitive = arguments.take_bool("case_sensitive", 0, false);
    let by = arguments.take("by", 1);
    let by = by.as_ref().map_or("key", |by| by.as_str().unwrap_or(""));
    let reverse = arguments.take("reverse", 2).map_or(Ok(0), |reverse| index(&reverse))? != 0;
    arguments.finish("do_dictsort")?;
    if !matches!(by, "key" | "value") {
        return Err("You can only sort by either \"key\" or \"value\"".into());
    }
    let Some(entries) = value.as_map() else {
        return Err(Failure::new(
            crate::FailureKind::Attribute,
            format!("'{}' object has no attribute 'items'", type_name(&value)),
        ));
    };
    let keyed = entries.iter().map(|(key, item)| {
        let by = if by == "key" { key.clone() } else { item.clone() };
        let by = if case_sensitive { by } else { ignore_case(by) };
        (by, Value::Tuple([key.clone(), item.clone()].into()))
    });
    Ok(sort_by_keys(keyed.collect(), reverse)?.into_iter().map(|(_, pair)| pair).collect())
}

pub(super) fn groupby(evaluation: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let attribute = arguments.require("sync_do_groupby", "attribute", 0)?;
    arguments.take("default", 1);
    let case_sensitive = arguments.take_bool("case_sensitive", 2, false);
    arguments.finish("sync_do_groupby")?;
    let getter = Getter::new(evaluation, &attribute);
    let mut keyed = Vec::new();
    for item in defined_items(&value)? {
        let key = getter.get(&item)?;
        keyed.push((if case_sensitive { key } else { ignore_case(key) }, item));
    }
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, item) in sort_by_keys(keyed, false)? {
        match groups.last_mut() {
            Some((last, items)) if equal(last, &key) => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let mut out = Vec::with_capacity(groups.len());
    for (key, items) in groups {
        let grouper = match items.first() {
            // The key as the first item of the group spells it.
            Some(first) if !case_sensitive => getter.get(first)?,
            _ => key,
        };
        out.push(Value::Object(Arc::new(Group { grouper, list: Value::list(items) })));
    }
    Ok(Value::list(out))
}

/// A pair with names: `group.grouper`, `group.list`.
struct Group {
    grouper: Value,
    list: Value,
}

impl Object for Group {
    fn type_name(&self) -> &str {
        "GroupTuple"
    }
    fn get_item(&self, key: &Value) -> Option<Value> {
        match key.as_int()? {
            0 | -2 => Some(self.grouper.clone()),
            1 | -1 => Some(self.list.clone()),
            _ => None,
        }
    }
    fn get_attr(&self, name: &str) -> Option<Value> {
        match name {
            "grouper" => Some(self.grouper.clone()),
            "list" => Some(self.list.clone()),
            _ => None,
        }
    }
    fn iterate(&self) -> Option<Vec<Value>> {
        Some(vec![self.grouper.clone(), self.list.clone()])
    }
    fn to_data(&self) -> Option<Value> {
        Some(Value::Tuple([self.grouper.clone(), self.list.clone()].into()))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(super) fn min(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    extreme(evaluation, value, arguments, Ordering::Less)
}

pub(super) fn max(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    extreme(evaluation, value, arguments, Ordering::Greater)
}

fn extreme(
    evaluation: &Evaluation<'_>,
    value: Value,
    mut arguments: Arguments,
    wanted: Ordering,
) -> Result<Value, Failure> {
    let (name, symbol) = if wanted == Ordering::Less { ("do_min", "<") } else { ("do_max", ">") };
    let case_sensitive = arguments.take_bool("case_sensitive", 0, false);
    let attribute = arguments.take("attribute", 1).unwrap_or_default();
    arguments.finish(name)?;
    let getter = Getter::new(evaluation, &attribute);
    let mut best: Option<(Value, Value)> = None;
    for item in defined_items(&value)? {
        let key = getter.get(&item)?;
        let key = if case_sensitive { key } else { ignore_case(key) };
        best = match best {
            None => Some((key, item)),
            Some((best_key, best_item)) => match less(&key, &best_key) {
                Some(ordering) if ordering == wanted => Some((key, item)),
                Some(_) => Some((best_key, best_item)),
                None => return Err(not_ordered(symbol, &key, &best_key)),
            },
        };
    }
    Ok(match best {
        Some((_, item)) => item,
        None => crate::evaluate::undefined("No aggregated item, sequence was empty.", evaluation.origin()),
    })
}
