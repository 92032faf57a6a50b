//! Jinja's filters that apply filters and tests: `map`, `select`, `reject` and their `attr` forms.

use ftl_core::Value;

use super::argument::iterate;
use super::jinja_attribute::Getter;
use super::jinja_text::text;
use crate::Evaluation;
use crate::call::{Arguments, Failure};

pub(super) fn map(evaluation: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    // Jinja looks at nothing else then.
    if !value.is_true() {
        return Ok(Value::list(Vec::new()));
    }
    if arguments.positional_count() == 0
        && let Some(attribute) = arguments.take_named("attribute")
    {
        let getter = Getter::new(evaluation, &attribute).with_default(arguments.take_named("default"));
        if let Some((name, _)) = arguments.rest_named().first() {
            return Err(format!("Unexpected keyword argument '{name}'").into());
        }
        return iterate(&value)?.iter().map(|item| getter.find(item)).collect::<Result<Vec<_>, _>>().map(Value::list);
    }
    let Some(name) = arguments.take("", 0) else {
        return Err("map requires a filter argument".into());
    };
    let name = text(&name)?;
    let inner = Arguments::new(arguments.rest(), arguments.rest_named());
    if !evaluation.shared().has("filter", &name) {
        return Err(format!("No filter named '{name}'.").into());
    }
    let mut out = Vec::new();
    for (at, item) in iterate(&value)?.into_iter().enumerate() {
        if at % 256 == 0 {
            evaluation.check_deadline()?;
        }
        out.push(evaluation.call_filter(&name, item, inner.clone())?);
    }
    Ok(Value::list(out))
}

pub(super) fn select(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    filtered(evaluation, value, arguments, false, true)
}

pub(super) fn reject(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    filtered(evaluation, value, arguments, false, false)
}

pub(super) fn selectattr(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    filtered(evaluation, value, arguments, true, true)
}

pub(super) fn rejectattr(evaluation: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    filtered(evaluation, value, arguments, true, false)
}

fn filtered(
    evaluation: &Evaluation<'_>,
    value: Value,
    mut arguments: Arguments,
    by_attribute: bool,
    wanted: bool,
) -> Result<Value, Failure> {
    if !value.is_true() {
        return Ok(Value::list(Vec::new()));
    }
    let getter = match by_attribute {
        true => match arguments.take("", 0) {
            Some(attribute) => Some(Getter::new(evaluation, &attribute)),
            None => return Err("Missing parameter for attribute name".into()),
        },
        false => None,
    };
    let mut rest = arguments.rest().into_iter();
    let test = match rest.next() {
        Some(name) => {
            let name = text(&name)?;
            if !evaluation.shared().has("test", &name) {
                return Err(format!("No test named '{name}'.").into());
            }
            Some(name)
        }
        None => None,
    };
    let inner = Arguments::new(rest.collect(), arguments.rest_named());
    let mut out = Vec::new();
    for (at, item) in iterate(&value)?.into_iter().enumerate() {
        if at % 256 == 0 {
            evaluation.check_deadline()?;
        }
        let tested = match &getter {
            Some(getter) => getter.find(&item)?,
            None => item.clone(),
        };
        let holds = match &test {
            Some(name) => evaluation.call_test(name, tested, inner.clone())?,
            None => match tested {
                Value::Undefined(marker) => return Err(Failure::undefined(marker)),
                tested => tested.is_true(),
            },
        };
        if holds == wanted {
            out.push(item);
        }
    }
    Ok(Value::list(out))
}
