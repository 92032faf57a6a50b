//! `list` and `tuple`.

use std::cmp::Ordering;

use ftl_core::Value;
use ftl_core::value::{List, compare, equal, repr, type_name};

use super::{MethodFunction, integer_argument, range};
use crate::call::{Arguments, Failure};

pub(super) static TABLE: &[(&str, MethodFunction)] = &[
    ("append", |v, a| {
        let item = a.require("append", "object", 0)?;
        of(v)?.push(item);
        Ok(Value::None)
    }),
    ("clear", |v, _| {
        of(v)?.edit(Vec::clear);
        Ok(Value::None)
    }),
    ("copy", |v, _| Ok(Value::List(List::shared(of(v)?.items())))),
    ("count", count),
    ("extend", |v, a| {
        let items = a.require("extend", "iterable", 0)?;
        let items = super::iterate(&items)?;
        of(v)?.edit(|list| list.extend(items));
        Ok(Value::None)
    }),
    ("index", index),
    ("insert", |v, a| {
        let at = integer_argument(Some(a.require("insert", "index", 0)?), 0)?;
        let item = a.require("insert", "object", 1)?;
        of(v)?.edit(|list| {
            let length = list.len() as i64;
            let at = if at < 0 { (at + length).max(0) } else { at.min(length) };
            list.insert(at as usize, item);
        });
        Ok(Value::None)
    }),
    ("pop", pop),
    ("remove", |v, a| {
        let item = a.require("remove", "value", 0)?;
        let removed = of(v)?.edit(|list| list.iter().position(|x| equal(x, &item)).map(|at| list.remove(at)));
        removed.map(|_| Value::None).ok_or_else(|| "list.remove(x): x not in list".into())
    }),
    ("reverse", |v, _| {
        of(v)?.edit(|list| list.reverse());
        Ok(Value::None)
    }),
    ("sort", sort),
];

pub(super) static TUPLE_TABLE: &[(&str, MethodFunction)] = &[("count", count), ("index", index)];

fn of(value: &Value) -> Result<&List, Failure> {
    match value {
        // A loaded list belongs to the variables; whoever may change one has taken a copy before.
        Value::List(list) if list.is_loaded() => Err(Failure::unsupported("changing this list in place")),
        Value::List(list) => Ok(list),
        _ => Err(Failure::type_error("not a list")),
    }
}

fn count(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let item = arguments.require("count", "value", 0)?;
    let items = value.as_items().unwrap_or_default();
    Ok(Value::from(items.iter().filter(|x| equal(x, &item)).count()))
}

fn index(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let item = arguments.require("index", "value", 0)?;
    let items = value.as_items().unwrap_or_default();
    let (from, to) = range(arguments, 1, items.len())?;
    let found = (from..to).find(|at| items.get(*at).is_some_and(|x| equal(x, &item)));
    found.map(Value::from).ok_or_else(|| match value {
        Value::Tuple(_) => "tuple.index(x): x not in tuple".into(),
        _ => Failure::value_error(format!("{} is not in list", repr(&item))),
    })
}

fn pop(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let at = integer_argument(arguments.take("index", 0), -1)?;
    let list = match value {
        Value::List(list) if list.is_empty() => return Err(Failure::lookup_error("pop from empty list")),
        _ => of(value)?,
    };
    list.edit(|items| {
        let at = if at < 0 { at + items.len() as i64 } else { at };
        match usize::try_from(at) {
            Ok(at) if at < items.len() => Ok(items.remove(at)),
            _ => Err(Failure::lookup_error("pop index out of range")),
        }
    })
}

fn sort(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let reverse = arguments.take_named("reverse").is_some_and(|r| r.is_true());
    if arguments.take_named("key").is_some_and(|key| !key.is_none()) {
        return Err(Failure::unsupported("the argument 'key' of list.sort"));
    }
    let mut items = of(value)?.items().to_vec();
    let mut failure = None;
    if reverse {
        items.reverse();
    }
    items.sort_by(|a, b| {
        compare(a, b).unwrap_or_else(|| {
            failure.get_or_insert_with(|| {
                let (a, b) = (type_name(a), type_name(b));
                Failure::type_error(format!("'<' not supported between instances of '{a}' and '{b}'"))
            });
            Ordering::Equal
        })
    });
    if reverse {
        items.reverse();
    }
    match failure {
        Some(failure) => Err(failure),
        None => {
            of(value)?.edit(|list| *list = items);
            Ok(Value::None)
        }
    }
}
