//! `dict`.

use ftl_core::value::{Dict, repr, type_name};
use ftl_core::{Map, Value};

use super::MethodFunction;
use crate::call::{Arguments, Failure};

pub(super) static TABLE: &[(&str, MethodFunction)] = &[
    ("clear", |v, _| {
        of(v)?.edit(Map::clear);
        Ok(Value::None)
    }),
    ("copy", |v, _| Ok(Value::Dict(Dict::shared(entries(v))))),
    ("fromkeys", |_, a| {
        let keys = a.require("fromkeys", "iterable", 0)?;
        let value = a.take("value", 1).unwrap_or_default();
        Ok(Value::dict(super::iterate(&keys)?.into_iter().map(|key| (key, value.clone())).collect()))
    }),
    ("get", |v, a| {
        let key = a.require("get", "key", 0)?;
        let default = a.take("default", 1).unwrap_or_default();
        Ok(entries(v).get_value(&key).cloned().unwrap_or(default))
    }),
    ("items", |v, _| {
        Ok(entries(v).iter().map(|(key, value)| Value::Tuple([key.clone(), value.clone()].into())).collect())
    }),
    ("keys", |v, _| Ok(entries(v).keys().cloned().collect())),
    ("pop", |v, a| {
        let key = a.require("pop", "key", 0)?;
        let default = a.take("default", 1);
        let removed = of(v)?.edit(|map| map.remove_value(&key));
        removed.or(default).ok_or_else(|| Failure::lookup_error(repr(&key)))
    }),
    ("popitem", |v, _| match of(v)?.edit(Map::pop) {
        Some((key, value)) => Ok(Value::Tuple([key, value].into())),
        None => Err(Failure::lookup_error("'popitem(): dictionary is empty'")),
    }),
    ("setdefault", |v, a| {
        let key = a.require("setdefault", "key", 0)?;
        let default = a.take("default", 1).unwrap_or_default();
        if let Some(value) = entries(v).get_value(&key) {
            return Ok(value.clone());
        }
        of(v)?.insert(key, default.clone());
        Ok(default)
    }),
    ("update", update),
    ("values", |v, _| Ok(entries(v).values().cloned().collect())),
];

fn of(value: &Value) -> Result<&Dict, Failure> {
    match value {
        Value::Dict(dict) if dict.is_loaded() => Err(Failure::unsupported("changing this dict in place")),
        Value::Dict(dict) => Ok(dict),
        _ => Err(Failure::type_error("not a dict")),
    }
}

fn entries(value: &Value) -> std::sync::Arc<Map> {
    value.as_map().unwrap_or_default()
}

fn update(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let mut new = Map::new();
    match arguments.take("", 0) {
        None => {}
        Some(Value::Dict(dict)) => new.extend(dict.entries().iter().map(|(k, v)| (k.clone(), v.clone()))),
        Some(other) => new.extend(pairs(&other)?),
    }
    new.extend(arguments.rest_map());
    of(value)?.edit(|map| map.extend(new));
    Ok(Value::None)
}

/// Key and value of each item, as `dict(…)` reads them.
pub(crate) fn pairs(value: &Value) -> Result<Vec<(Value, Value)>, Failure> {
    let mut pairs = Vec::new();
    for (at, item) in super::iterate(value)?.into_iter().enumerate() {
        let parts = super::iterate(&item).map_err(|failure| match failure.marker() {
            Some(_) => failure,
            None => {
                Failure::type_error(format!("cannot convert dictionary update sequence element #{at} to a sequence"))
            }
        })?;
        let length = parts.len();
        let Ok([key, value]) = <[Value; 2]>::try_from(parts) else {
            return Err(Failure::value_error(format!(
                "dictionary update sequence element #{at} has length {length}; 2 is required"
            )));
        };
        if matches!(key, Value::List(_) | Value::Dict(_)) {
            return Err(Failure::type_error(format!("unhashable type: '{}'", type_name(&key))));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}
