//! The methods of Python's types that templates may call: a closed table.

mod dict;
mod list;
mod number;
mod text;
mod text_case;
mod time;

use ftl_core::Value;
use ftl_core::value::type_name;

use crate::call::{Arguments, Failure};

pub(crate) use dict::pairs;
pub(crate) use text_case::capitalize;

/// A method of a value that is complete: rendered inside, with rendered arguments.
type MethodFunction = fn(&Value, &mut Arguments) -> Result<Value, Failure>;

fn table(value: &Value) -> &'static [(&'static str, MethodFunction)] {
    match value {
        Value::Str(_) => text::TABLE,
        Value::List(_) => list::TABLE,
        Value::Tuple(_) => list::TUPLE_TABLE,
        Value::Dict(_) => dict::TABLE,
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => number::INTEGER_TABLE,
        Value::Float(_) => number::FLOAT_TABLE,
        Value::Bytes(_) => text::BYTES_TABLE,
        Value::DateTime(_) => time::DATETIME_TABLE,
        Value::Date(_) => time::DATE_TABLE,
        Value::TimeDelta(_) => time::TIMEDELTA_TABLE,
        _ => &[],
    }
}

fn find(value: &Value, name: &str) -> Option<MethodFunction> {
    let table = table(value);
    table.binary_search_by(|entry| entry.0.cmp(name)).ok().map(|at| table[at].1)
}

pub(crate) fn exists(value: &Value, name: &str) -> bool {
    find(value, name).is_some()
}

pub(crate) fn call(value: &Value, name: &str, mut arguments: Arguments) -> Result<Value, Failure> {
    match find(value, name) {
        Some(method) => {
            let given = arguments.positional_count();
            let result = method(value, &mut arguments)?;
            let left = arguments.rest().len();
            if left > 0 && left == given {
                let kind = type_name(value);
                return Err(Failure::type_error(format!("{kind}.{name}() takes no arguments ({given} given)")));
            }
            if left > 0 {
                let most = given - left;
                return Err(Failure::type_error(format!("{name}() takes at most {most} arguments ({given} given)")));
            }
            arguments.finish(&format!("{}.{name}", type_name(value)))?;
            Ok(result)
        }
        None => Err(Failure::type_error(format!("'{}' object has no method '{name}'", type_name(value)))),
    }
}

/// Attributes that are data: `.days`, `.year`, `.real`.
pub(crate) fn data_attribute(value: &Value, name: &str) -> Option<Value> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => number::attribute(value, name),
        Value::DateTime(_) | Value::Date(_) | Value::TimeDelta(_) => time::attribute(value, name),
        _ => None,
    }
}

/// The items of a value that is no list: characters, keys, the items of objects.
pub(crate) fn iterate(value: &Value) -> Result<Vec<Value>, Failure> {
    match value {
        Value::Str(text) => Ok(text.chars().map(|c| Value::str(c.encode_utf8(&mut [0; 4]) as &str)).collect()),
        Value::List(list) => Ok(list.items().to_vec()),
        Value::Tuple(items) => Ok(items.to_vec()),
        Value::Dict(dict) => Ok(dict.entries().keys().cloned().collect()),
        Value::Bytes(bytes) => Ok(bytes.iter().map(|byte| Value::Int(*byte as i64)).collect()),
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        Value::Object(object) => object.iterate().ok_or_else(|| not_iterable(value)),
        other => Err(not_iterable(other)),
    }
}

fn not_iterable(value: &Value) -> Failure {
    Failure::type_error(format!("'{}' object is not iterable", type_name(value)))
}

fn text_argument<'a>(value: &'a Value, what: &str) -> Result<&'a str, Failure> {
    value.as_str().ok_or_else(|| Failure::type_error(format!("{what} must be str, not {}", type_name(value))))
}

fn integer_argument(value: Option<Value>, default: i64) -> Result<i64, Failure> {
    match value {
        None => Ok(default),
        Some(value) => value.as_int().ok_or_else(|| {
            Failure::type_error(format!("'{}' object cannot be interpreted as an integer", type_name(&value)))
        }),
    }
}

/// Python's meaning of `start` and `end` for a sequence of `length`.
fn range(arguments: &mut Arguments, first: usize, length: usize) -> Result<(usize, usize), Failure> {
    let mut bounds = [0, length as i64];
    for (at, bound) in bounds.iter_mut().enumerate() {
        match arguments.take("", first + at) {
            None | Some(Value::None) => {}
            given => *bound = integer_argument(given, 0)?,
        }
        if *bound < 0 {
            *bound = bound.saturating_add(length as i64).max(0);
        }
    }
    Ok((bounds[0].min(length as i64 + 1) as usize, bounds[1].min(length as i64) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        for table in [
            text::TABLE,
            text::BYTES_TABLE,
            list::TABLE,
            list::TUPLE_TABLE,
            dict::TABLE,
            number::INTEGER_TABLE,
            number::FLOAT_TABLE,
            time::DATETIME_TABLE,
            time::DATE_TABLE,
            time::TIMEDELTA_TABLE,
        ] {
            assert!(
                table.windows(2).all(|pair| pair[0].0 < pair[1].0),
                "{:?}",
                table.iter().map(|e| e.0).collect::<Vec<_>>()
            );
        }
    }
}
