//! From the pieces that a template puts out to its one value.

use ftl_core::value::{to_text, type_name};
use ftl_core::{Map, Value};

use super::Machine;
use super::callable::Lenient;
use super::marker;
use crate::Renderer;
use crate::call::{Failure, FailureKind};

/// No piece is nothing, one piece is itself, several are joined as text.
pub(crate) fn concat(renderer: &Renderer, mut nodes: Vec<Value>) -> Result<Value, Failure> {
    nodes.retain(|node| !matches!(node, Value::None));
    match nodes.len() {
        0 => return Ok(Value::None),
        1 => return Ok(nodes.pop().unwrap_or_default()),
        _ => {}
    }
    let limit = renderer.shared().budget.text;
    let mut text = String::new();
    for node in nodes {
        match node {
            Value::Str(s) if !s.is_template() => text.push_str(s.as_str()),
            Value::Omit => {}
            node => {
                let value = finalize(renderer, node, false)?;
                text.push_str(&as_text(&value));
            }
        }
        if text.len() > limit {
            return Err(Failure::new(FailureKind::Limit, format!("The output is larger than {limit} bytes.")));
        }
    }
    Ok(Value::str(text))
}

/// `str(value)` of a finished value.
pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::Object(object) if object.as_any().is::<Lenient>() => String::new(),
        other => to_text(other),
    }
}

/// `str(value)` inside an expression: rendered inside, and free of markers.
pub(crate) fn text_of(machine: &Machine<'_>, value: Value) -> Result<String, Failure> {
    marker::touch(&value)?;
    let value = machine.solid(value)?;
    Ok(as_text(&value))
}

/// Plain data: rendered inside, tuples as lists, without omitted entries and without markers. `top`: at the very end, where
/// values that cannot be stored are errors.
pub(crate) fn finalize(renderer: &Renderer, value: Value, top: bool) -> Result<Value, Failure> {
    match &value {
        Value::Undefined(marker) => renderer.used(marker),
        Value::Str(text) if text.is_template() => {
            let rendered = renderer.render_nested(text)?;
            finalize(renderer, rendered, top)
        }
        Value::List(list) if list.is_loaded() && !list.has_template() => Ok(value),
        Value::Dict(dict) if dict.is_loaded() && !dict.has_template() => Ok(value),
        Value::List(list) => finalize_items(renderer, &list.items(), top, Some(&value)),
        Value::Tuple(items) => finalize_items(renderer, items, top, None),
        Value::Dict(dict) => crate::stack::grow(|| {
            let entries = dict.entries();
            let mut finished = Map::with_capacity(entries.len());
            for (key, entry) in entries.iter().filter(|(_, entry)| !entry.is_omit()) {
                let entry = finalize(renderer, entry.clone(), top)?;
                if !entry.is_omit() {
                    finished.insert(finalize(renderer, key.clone(), false)?, entry);
                }
            }
            Ok(Value::dict(finished))
        }),
        Value::Object(object) => {
            if (top || object.is_mapping())
                && let Some(data) = object.to_data()
            {
                return finalize(renderer, data, top);
            }
            if top {
                let name = type_name(&value);
                return Err(Failure::type_error(format!("Type '{name}' is unsupported for variable storage.")));
            }
            Ok(value)
        }
        _ => Ok(value),
    }
}

fn finalize_items(renderer: &Renderer, items: &[Value], top: bool, same: Option<&Value>) -> Result<Value, Failure> {
    crate::stack::grow(|| {
        // Lists of plain scalars stay the lists they are.
        if let Some(same) = same
            && items.iter().all(is_plain_scalar)
        {
            return Ok(same.clone());
        }
        let mut finished = Vec::with_capacity(items.len());
        for item in items.iter().filter(|item| !item.is_omit()) {
            let item = finalize(renderer, item.clone(), top)?;
            if !item.is_omit() {
                finished.push(item);
            }
        }
        Ok(Value::list(finished))
    })
}

fn is_plain_scalar(value: &Value) -> bool {
    match value {
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::BigInt(_) => true,
        Value::Str(text) => !text.is_template(),
        _ => false,
    }
}
