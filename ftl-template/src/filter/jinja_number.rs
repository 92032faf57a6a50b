//! Jinja's filters of numbers.

use ftl_core::Value;
use ftl_core::value::type_name;
use num_bigint::BigInt;
use num_traits::{FromPrimitive, ToPrimitive};

use crate::Evaluation;
use crate::call::{Arguments, Failure};

pub(super) fn int(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let default = arguments.take("default", 0).unwrap_or(Value::Int(0));
    let base = arguments.take("base", 1).and_then(|base| base.as_int()).unwrap_or(10);
    arguments.finish("do_int")?;
    let whole = |f: f64| BigInt::from_f64(f.trunc()).map(Value::from);
    let result = match &value {
        Value::Undefined(marker) => return Err(Failure::undefined(marker.clone())),
        Value::Bool(b) => Some(Value::Int(*b as i64)),
        Value::Int(_) | Value::BigInt(_) => Some(value.clone()),
        Value::Float(f) if f.is_infinite() => return Err("cannot convert float infinity to integer".into()),
        Value::Float(f) => whole(*f),
        Value::Str(text) => parse_int(text, base).or_else(|| parse_float(text).and_then(whole)),
        _ => None,
    };
    Ok(result.unwrap_or(default))
}

pub(super) fn float(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let default = arguments.take("default", 0).unwrap_or(Value::Float(0.0));
    arguments.finish("do_float")?;
    let result = match &value {
        Value::Undefined(marker) => return Err(Failure::undefined(marker.clone())),
        Value::Str(text) => parse_float(text),
        other => to_float(other),
    };
    Ok(result.map_or(default, Value::Float))
}

pub(crate) fn to_float(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(b) => Some(*b as i64 as f64),
        Value::Int(i) => Some(*i as f64),
        Value::BigInt(i) => i.to_f64(),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}

/// Digits with single underscores between them.
fn digits(text: &str) -> Option<String> {
    let edge = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    (!edge).then(|| text.replace('_', ""))
}

/// Python's `int(text, base)`.
pub(crate) fn parse_int(text: &str, base: i64) -> Option<Value> {
    let text = text.trim();
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = rest.to_ascii_lowercase();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find_map(|(prefix, radix)| {
        let digits = lower.strip_prefix(prefix)?;
        (base == radix || base == 0).then_some((digits.strip_prefix('_').unwrap_or(digits), radix))
    });
    let (body, radix) = match prefixed {
        Some(found) => found,
        None if base == 0 && lower.len() > 1 && lower.starts_with('0') && lower.trim_matches(['0', '_']) != "" => {
            return None;
        }
        None => (lower.as_str(), if base == 0 { 10 } else { base }),
    };
    if !(2..=36).contains(&radix) || body.is_empty() || body.starts_with(['+', '-']) {
        return None;
    }
    let number = BigInt::parse_bytes(digits(body)?.as_bytes(), radix as u32)?;
    Some(Value::from(if negative { -number } else { number }))
}

/// Python's `float(text)`.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let text = if text.contains('_') {
        let between =
            text.as_bytes().windows(3).all(|w| w[1] != b'_' || (w[0].is_ascii_digit() && w[2].is_ascii_digit()));
        if !between || text.starts_with('_') || text.ends_with('_') {
            return None;
        }
        text.replace('_', "")
    } else {
        text.to_string()
    };
    text.parse().ok()
}

pub(super) fn abs(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("abs")?;
    match &value {
        Value::Bool(b) => Ok(Value::Int(*b as i64)),
        Value::Int(i) => Ok(i.checked_abs().map_or_else(|| Value::from(-BigInt::from(*i)), Value::Int)),
        Value::BigInt(i) => Ok(Value::from(BigInt::from(i.magnitude().clone()))),
        Value::Float(f) => Ok(Value::Float(f.abs())),
        Value::TimeDelta(us) => Ok(Value::TimeDelta(us.saturating_abs())),
        other => Err(Failure::type_error(format!("bad operand type for abs(): '{}'", type_name(other)))),
    }
}

pub(super) fn round(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let precision = arguments.take("precision", 0).map_or(Some(0), |p| p.as_int());
    let method = arguments.take("method", 1);
    let method = method.as_ref().map_or("common", |m| m.as_str().unwrap_or(""));
    arguments.finish("do_round")?;
    if !matches!(method, "common" | "ceil" | "floor") {
        return Err("method must be common, ceil or floor".into());
    }
    let Some(precision) = precision else {
        return Err(Failure::type_error("'str' object cannot be interpreted as an integer"));
    };
    let precision = precision.clamp(-400, 400) as i32;
    let Some(number) = to_float(&value) else {
        let kind = type_name(&value);
        return Err(Failure::type_error(if method == "common" {
            format!("type {kind} doesn't define __round__ method")
        } else {
            format!("can't multiply sequence by non-int of type '{kind}'")
        }));
    };
    if method != "common" {
        let factor = 10f64.powi(precision);
        let scaled = number * factor;
        return Ok(Value::Float(if method == "ceil" { scaled.ceil() } else { scaled.floor() } / factor));
    }
    match &value {
        Value::Float(f) => Ok(Value::Float(round_float(*f, precision))),
        _ if precision >= 0 => Ok(match value {
            Value::Bool(b) => Value::Int(b as i64),
            other => other,
        }),
        Value::BigInt(_) => Ok(value),
        _ => {
            // Half to even, as Python does it.
            let unit = 10i64.checked_pow(precision.unsigned_abs()).unwrap_or(i64::MAX);
            let number = value.as_int().unwrap_or(0);
            let (low, rest) = (number.div_euclid(unit), number.rem_euclid(unit));
            let up = rest > unit - rest || (rest == unit - rest && low % 2 != 0);
            Ok(Value::Int((low + up as i64).saturating_mul(unit)))
        }
    }
}

/// Correct rounding of the decimal expansion, ties to even.
fn round_float(f: f64, precision: i32) -> f64 {
    if !f.is_finite() {
        return f;
    }
    if precision >= 0 {
        return crate::format::fixed(f, precision as usize).parse().unwrap_or(f);
    }
    let unit = 10f64.powi(-precision);
    (f / unit).round_ties_even() * unit
}

pub(super) fn filesizeformat(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let binary = arguments.take_bool("binary", 0, false);
    arguments.finish("do_filesizeformat")?;
    let bytes = match &value {
        Value::Str(text) => parse_float(text).ok_or_else(|| {
            Failure::value_error(format!("could not convert string to float: {}", ftl_core::value::repr_str(text)))
        })?,
        other => to_float(other).ok_or_else(|| {
            Failure::type_error(format!(
                "float() argument must be a string or a real number, not '{}'",
                type_name(other)
            ))
        })?,
    };
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok("1 Byte".into());
    }
    if bytes < base {
        return Ok(format!("{} Bytes", bytes as i64).into());
    }
    let prefixes = if binary {
        ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    } else {
        ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    };
    let mut unit = base;
    for (at, prefix) in prefixes.into_iter().enumerate() {
        unit *= base;
        if bytes < unit || at + 1 == prefixes.len() {
            return Ok(format!("{:.1} {prefix}", base * bytes / unit).into());
        }
    }
    Ok(Value::None)
}
