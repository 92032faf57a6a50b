//! Jinja's filters of lists and dicts.

use ftl_core::Value;
use ftl_core::value::{to_text, type_name};

use super::argument::{defined_items, iterate};
use super::jinja_attribute::Getter;
use super::jinja_text::text;
use crate::Evaluation;
use crate::call::{Arguments, Failure};

pub(super) fn length(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("len")?;
    let length = match &value {
        Value::Str(text) => Some(text.chars().count()),
        Value::List(list) => Some(list.len()),
        Value::Tuple(items) => Some(items.len()),
        Value::Dict(dict) => Some(dict.len()),
        Value::Bytes(bytes) => Some(bytes.len()),
        Value::Object(object) => object.len(),
        _ => None,
    };
    length
        .map(Value::from)
        .ok_or_else(|| Failure::type_error(format!("object of type '{}' has no len()", type_name(&value))))
}

pub(super) fn first(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("sync_do_first")?;
    let found = match &value {
        Value::Object(object) if object.type_name() == "range" => object.get_item(&Value::Int(0)),
        other => iterate(other)?.into_iter().next(),
    };
    Ok(found.unwrap_or_else(|| missing(evaluation, "No first item, sequence was empty.")))
}

fn missing(evaluation: &Evaluation<'_>, message: &str) -> Value {
    crate::evaluate::undefined(message, evaluation.origin())
}

pub(super) fn last(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_last")?;
    let found = match &value {
        Value::Object(object) if object.type_name() == "range" => object.get_item(&Value::Int(-1)),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::None | Value::BigInt(_) => {
            return Err(Failure::type_error(format!("'{}' object is not reversible", type_name(&value))));
        }
        other => iterate(other)?.into_iter().next_back(),
    };
    Ok(found.unwrap_or_else(|| missing(evaluation, "No last item, sequence was empty.")))
}

pub(super) fn list(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("sync_do_list")?;
    if let Value::Object(object) = &value
        && let Some(length) = object.len()
    {
        evaluation.check_items(length)?;
    }
    iterate(&value).map(Value::list)
}

pub(super) fn items(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_items")?;
    match &value {
        Value::Dict(dict) => {
            Ok(dict.entries().iter().map(|(k, v)| Value::Tuple([k.clone(), v.clone()].into())).collect())
        }
        Value::Object(object) if object.is_mapping() => {
            let keys = object.iterate().unwrap_or_default();
            let pairs = keys.into_iter().map(|k| {
                let item = object.get_item(&k).unwrap_or_default();
                Value::Tuple([k, item].into())
            });
            Ok(pairs.collect())
        }
        _ => Err(Failure::type_error("Can only get item pairs from a mapping.")),
    }
}

pub(super) fn join(evaluation: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let separator = arguments.take("d", 0).map_or(Ok(String::new()), |d| text(&d))?;
    let attribute = arguments.take("attribute", 1).filter(|a| !a.is_none());
    arguments.finish("sync_do_join")?;
    let mut items = defined_items(&value)?;
    if let Some(attribute) = attribute {
        let getter = Getter::new(evaluation, &attribute);
        items = items.iter().map(|item| getter.get(item)).collect::<Result<_, _>>()?;
    }
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(&separator);
        }
        match item {
            Value::Str(text) => out.push_str(text),
            other => out.push_str(&text(other)?),
        }
        if at % 1024 == 0 {
            evaluation.check_text(out.len())?;
        }
    }
    evaluation.check_text(out.len())?;
    Ok(out.into())
}

fn count(value: &Value) -> Result<usize, Failure> {
    match value.as_int() {
        Some(0) => Err("integer division or modulo by zero".into()),
        Some(count) => Ok(count.max(0) as usize),
        None => {
            let kind = type_name(value);
            Err(Failure::type_error(format!("unsupported operand type(s) for //: 'int' and '{kind}'")))
        }
    }
}

pub(super) fn batch(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let line_count = arguments.require("do_batch", "linecount", 0)?;
    // What is no number is reached by no line.
    let size = line_count.as_int().and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
    let fill = arguments.take("fill_with", 1).filter(|f| !f.is_none());
    arguments.finish("do_batch")?;
    let mut batches: Vec<Vec<Value>> = vec![Vec::new()];
    for item in defined_items(&value)? {
        match batches.last_mut() {
            Some(batch) if batch.len() != size => batch.push(item),
            _ => batches.push(vec![item]),
        }
    }
    batches.pop_if(|batch| batch.is_empty());
    if let (Some(fill), Some(last), true) = (fill, batches.last_mut(), size < usize::MAX) {
        while last.len() < size {
            last.push(fill.clone());
        }
    }
    Ok(batches.into_iter().map(Value::list).collect())
}

pub(super) fn slice(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let slices = count(&arguments.require("sync_do_slice", "slices", 0)?)?;
    let fill = arguments.take("fill_with", 1).filter(|f| !f.is_none());
    arguments.finish("sync_do_slice")?;
    let items = defined_items(&value)?;
    if slices == 0 {
        return Ok(Value::list(Vec::new()));
    }
    let (size, extra) = (items.len() / slices, items.len() % slices);
    let mut rest = items.into_iter();
    let mut columns = Vec::new();
    for at in 0..slices {
        let mut column: Vec<Value> = rest.by_ref().take(size + (at < extra) as usize).collect();
        if let Some(fill) = &fill
            && at >= extra
        {
            column.push(fill.clone());
        }
        columns.push(Value::list(column));
    }
    Ok(Value::list(columns))
}

pub(super) fn sum(evaluation: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let attribute = arguments.take("attribute", 0).filter(|a| !a.is_none());
    let start = arguments.take("start", 1).unwrap_or(Value::Int(0));
    arguments.finish("sync_do_sum")?;
    if matches!(start, Value::Str(_)) {
        return Err(Failure::type_error("sum() can't sum strings [use ''.join(seq) instead]"));
    }
    let getter = attribute.map(|attribute| Getter::new(evaluation, &attribute));
    let mut total = start;
    for item in defined_items(&value)? {
        let item = match &getter {
            Some(getter) => getter.get(&item)?,
            None => item,
        };
        total = evaluation.add(total, item)?;
    }
    Ok(total)
}

pub(super) fn attr(evaluation: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let name = text(&arguments.require("do_attr", "name", 0)?)?;
    arguments.finish("do_attr")?;
    let found = match &value {
        // Entries are no attributes.
        Value::Dict(_) if !crate::method::exists(&value, &name) => None,
        _ => Some(evaluation.attribute(&value, &name)?),
    };
    Ok(found.unwrap_or_else(|| {
        let shown = ftl_core::value::repr_str(&name);
        missing(evaluation, &format!("object of type '{}' has no attribute {shown}", type_name(&value)))
    }))
}

pub(super) fn default(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let default = arguments.take("default_value", 0).unwrap_or_else(|| Value::str(""));
    let boolean = arguments.take("boolean", 1).unwrap_or(Value::Bool(false));
    arguments.finish("ansible_default")?;
    let boolean = match boolean {
        Value::Bool(boolean) => boolean,
        other => {
            let found = type_name(&other);
            return Err(Failure::type_error(format!("The 'boolean' argument must be of type 'bool', not '{found}'.")));
        }
    };
    match &value {
        Value::Undefined(marker) if marker.error.is_none() => Ok(default),
        Value::Undefined(marker) if boolean => Err(Failure::undefined(marker.clone())),
        other if boolean && !other.is_true() => Ok(default),
        _ => Ok(value),
    }
}

pub(super) fn tojson(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let indent = arguments.take("indent", 0).filter(|indent| !indent.is_none());
    arguments.finish("do_tojson")?;
    check_json(&value)?;
    let options = match indent {
        Some(Value::Str(text)) => {
            let indent = Some(text.as_str().to_string());
            ftl_core::value::JsonOptions { indent, ..ftl_core::value::JsonOptions::indented(0) }
        }
        Some(number) => {
            ftl_core::value::JsonOptions::indented(super::argument::index(&number)?.clamp(0, 10_000) as usize)
        }
        None => ftl_core::value::JsonOptions::default(),
    };
    let options = ftl_core::value::JsonOptions { sort_keys: true, ..options };
    let json = ftl_core::value::write_json(&value, &options);
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027");
    Ok(json.into())
}

fn check_json(value: &Value) -> Result<(), Failure> {
    match value {
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        Value::List(list) => list.items().iter().try_for_each(check_json),
        Value::Tuple(items) => items.iter().try_for_each(check_json),
        Value::Dict(dict) => dict.entries().values().try_for_each(check_json),
        Value::Bytes(_) | Value::Date(_) | Value::DateTime(_) | Value::TimeDelta(_) | Value::Omit => {
            Err(Failure::type_error(format!("Object of type {} is not JSON serializable", type_name(value))))
        }
        Value::Object(object) if object.to_data().is_none() => Err(Failure::type_error(format!(
            "Object of type {} is not JSON serializable",
            to_text(&Value::str(object.type_name()))
        ))),
        _ => Ok(()),
    }
}
