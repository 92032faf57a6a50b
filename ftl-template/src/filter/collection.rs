//! Filters of collections that many playbooks use: `community.general`.

use ftl_core::value::to_text;
use ftl_core::{Map, Value};

use super::argument::{defined_items, failure, hashable, strict_text, wholly_defined};
use crate::{Arguments, Evaluation, Failure, jmespath};

pub(super) fn json_query(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Result<Value, Failure> {
    let expression = args.require("json_query", "expr", 0)?;
    args.finish("json_query")?;
    let expression = strict_text(&expression, |kind| {
        format!("Error in jmespath.search in json_query filter plugin:\n'{kind}' object is not iterable")
    })?;
    // Objects with behaviour of their own (hostvars) are searched as the data they hold.
    let data = match &value {
        Value::Object(object) => object.to_data().unwrap_or_default(),
        other => other.clone(),
    };
    let found = jmespath::search(&expression, &data)
        .map_err(|message| failure(format!("JMESPathError in json_query filter plugin:\n{message}")))?;
    wholly_defined(&found)?;
    Ok(found)
}

/// `community.general.dict`: a dict from pairs.
pub(super) fn dict(_: &Evaluation<'_>, value: Value, args: Arguments) -> Result<Value, Failure> {
    args.finish("dict_filter")?;
    let mut out = Map::new();
    for (at, pair) in defined_items(&value)?.iter().enumerate() {
        let items = defined_items(pair).map_err(|_| {
            Failure::type_error(format!("cannot convert dictionary update sequence element #{at} to a sequence"))
        })?;
        let [key, content] = items.as_slice() else {
            let length = items.len();
            return Err(Failure::value_error(format!(
                "dictionary update sequence element #{at} has length {length}; 2 is required"
            )));
        };
        hashable(key)?;
        out.insert(key.clone(), content.clone());
    }
    Ok(Value::dict(out))
}

/// `community.general.dict_kv`: a dict of one entry.
pub(super) fn dict_kv(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Result<Value, Failure> {
    let key = args.require("dict_kv", "key", 0)?;
    args.finish("dict_kv")?;
    hashable(&key).map_err(|_| Failure::type_error(format!("unhashable key {}", to_text(&key))))?;
    Ok(Value::dict([(key, value)].into_iter().collect()))
}
