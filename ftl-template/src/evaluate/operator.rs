//! Arithmetic as Python does it.

use std::sync::Arc;

use ftl_core::Value;
use ftl_core::value::{List, type_name};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Pow, Signed, ToPrimitive, Zero};

use super::Machine;
use super::marker;
use crate::call::{Failure, FailureKind};
use crate::format;
use crate::syntax::Operator;

/// A number, if the value is one.
enum Number {
    Small(i64),
    Big(BigInt),
    Float(f64),
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(b) => Some(Number::Small(*b as i64)),
        Value::Int(i) => Some(Number::Small(*i)),
        Value::BigInt(i) => Some(Number::Big((**i).clone())),
        Value::Float(f) => Some(Number::Float(*f)),
        _ => None,
    }
}

impl Number {
    fn big(self) -> BigInt {
        match self {
            Number::Small(i) => BigInt::from(i),
            Number::Big(i) => i,
            Number::Float(f) => BigInt::from(f as i64),
        }
    }

    fn float(&self) -> Result<f64, Failure> {
        match self {
            Number::Small(i) => Ok(*i as f64),
            Number::Float(f) => Ok(*f),
            Number::Big(i) => match i.to_f64() {
                Some(f) if f.is_finite() => Ok(f),
                _ => Err(Failure::value_error("int too large to convert to float")),
            },
        }
    }
}

pub(crate) fn binary(machine: &Machine<'_>, operator: Operator, left: Value, right: Value) -> Result<Value, Failure> {
    if operator == Operator::Modulo
        && let Value::Str(text) = &left
    {
        marker::touch(&right)?;
        let right = machine.solid(right)?;
        let text = format::percent::format(text.as_str(), &right)?;
        machine.evaluation.check_text(text.len())?;
        return Ok(Value::str(text));
    }
    marker::touch(&left)?;
    marker::touch(&right)?;
    match (number(&left), number(&right)) {
        (Some(a), Some(b)) => numbers(machine, operator, a, b),
        (a, b) => match operator {
            Operator::Add => add(machine, left, right),
            Operator::Multiply => match (a, b) {
                (_, Some(count)) if is_sequence(&left) => repeat(machine, &left, count),
                (Some(count), _) if is_sequence(&right) => repeat(machine, &right, count),
                _ => spans(operator, &left, &right),
            },
            _ => spans(operator, &left, &right),
        },
    }
}

pub(crate) fn add_values(machine: &Machine<'_>, left: Value, right: Value) -> Result<Value, Failure> {
    binary(machine, Operator::Add, left, right)
}

pub(crate) fn modulo(machine: &Machine<'_>, left: Value, right: Value) -> Result<Value, Failure> {
    binary(machine, Operator::Modulo, left, right)
}

fn unsupported(operator: Operator, left: &Value, right: &Value) -> Failure {
    Failure::type_error(format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        operator.symbol(),
        type_name(left),
        type_name(right)
    ))
}

fn numbers(machine: &Machine<'_>, operator: Operator, a: Number, b: Number) -> Result<Value, Failure> {
    if let (Number::Small(a), Number::Small(b)) = (&a, &b)
        && let Some(value) = small(operator, *a, *b)?
    {
        return Ok(value);
    }
    if matches!(a, Number::Float(_)) || matches!(b, Number::Float(_)) || operator == Operator::Divide {
        return floats(operator, a, b);
    }
    let bits = machine.evaluation.shared().budget.integer_bits;
    let too_large = || Err(Failure::new(FailureKind::Limit, format!("The integer is larger than {bits} bits.")));
    let (a, b) = (a.big(), b.big());
    let value = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => {
            if a.bits() + b.bits() > bits {
                return too_large();
            }
            a * b
        }
        Operator::FloorDivide if b.is_zero() => {
            return Err(Failure::value_error("integer division or modulo by zero"));
        }
        Operator::FloorDivide => a.div_floor(&b),
        Operator::Modulo if b.is_zero() => return Err(Failure::value_error("integer modulo by zero")),
        Operator::Modulo => a.mod_floor(&b),
        Operator::Power => {
            if b.is_negative() {
                return floats(operator, Number::Big(a), Number::Big(b));
            }
            match b.to_u64() {
                _ if a.bits() <= 1 => {
                    a.pow(b.mod_floor(&BigInt::from(2)).to_u32().unwrap_or(0) + 2 * !b.is_zero() as u32)
                }
                Some(exponent) if a.bits().saturating_mul(exponent) <= bits => a.pow(exponent),
                _ => return too_large(),
            }
        }
        Operator::Divide => return floats(operator, Number::Big(a), Number::Big(b)),
    };
    Ok(Value::from(value))
}

/// The common case: both fit a machine word, and so does the result.
fn small(operator: Operator, a: i64, b: i64) -> Result<Option<Value>, Failure> {
    let value = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::FloorDivide if b == 0 => {
            return Err(Failure::value_error("integer division or modulo by zero"));
        }
        Operator::FloorDivide => a.checked_div(b).map(|_| Integer::div_floor(&a, &b)),
        Operator::Modulo if b == 0 => return Err(Failure::value_error("integer modulo by zero")),
        Operator::Modulo => a.checked_rem(b).map(|_| Integer::mod_floor(&a, &b)),
        Operator::Power => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        Operator::Divide => None,
    };
    Ok(value.map(Value::Int))
}

fn floats(operator: Operator, a: Number, b: Number) -> Result<Value, Failure> {
    let (x, y) = (a.float()?, b.float()?);
    let zero = |message: &str| Err(Failure::value_error(message));
    let value = match operator {
        Operator::Add => x + y,
        Operator::Subtract => x - y,
        Operator::Multiply => x * y,
        Operator::Divide if y == 0.0 => {
            let is_float = matches!(a, Number::Float(_)) || matches!(b, Number::Float(_));
            return zero(if is_float { "float division by zero" } else { "division by zero" });
        }
        Operator::Divide => x / y,
        Operator::FloorDivide if y == 0.0 => return zero("float floor division by zero"),
        Operator::FloorDivide => floor_divide(x, y).0,
        Operator::Modulo if y == 0.0 => return zero("float modulo"),
        Operator::Modulo => floor_divide(x, y).1,
        Operator::Power if x == 0.0 && y < 0.0 => return zero("0.0 cannot be raised to a negative power"),
        Operator::Power if x < 0.0 && y.fract() != 0.0 => {
            return Err(Failure::unsupported("a negative number raised to a fraction (a complex number)"));
        }
        Operator::Power => {
            let value = x.powf(y);
            if value.is_infinite() && x.is_finite() && y.is_finite() {
                return Err(Failure::value_error("(34, 'Numerical result out of range')"));
            }
            value
        }
    };
    Ok(Value::Float(value))
}

/// Python's `divmod` of floats.
fn floor_divide(x: f64, y: f64) -> (f64, f64) {
    let mut modulo = x % y;
    let mut quotient = (x - modulo) / y;
    if modulo != 0.0 {
        if (y < 0.0) != (modulo < 0.0) {
            modulo += y;
            quotient -= 1.0;
        }
    } else {
        modulo = 0f64.copysign(y);
    }
    let floor = if quotient != 0.0 {
        let floor = quotient.floor();
        if quotient - floor > 0.5 { floor + 1.0 } else { floor }
    } else {
        0f64.copysign(x / y)
    };
    (floor, modulo)
}

fn add(machine: &Machine<'_>, left: Value, right: Value) -> Result<Value, Failure> {
    match (&left, &right) {
        (Value::Str(a), Value::Str(b)) => {
            machine.evaluation.check_text(a.len() + b.len())?;
            let mut text = String::with_capacity(a.len() + b.len());
            text.push_str(a);
            text.push_str(b);
            Ok(Value::str(text))
        }
        (Value::List(a), Value::List(b)) => {
            machine.evaluation.check_items(a.len() + b.len())?;
            let mut items = Vec::with_capacity(a.len() + b.len());
            items.extend(a.items().iter().cloned());
            items.extend(b.items().iter().cloned());
            Ok(Value::List(List::new(items)))
        }
        (Value::Tuple(a), Value::Tuple(b)) => Ok(Value::Tuple(a.iter().chain(b.iter()).cloned().collect())),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes(a.iter().chain(b.iter()).copied().collect())),
        (Value::Str(_) | Value::List(_) | Value::Tuple(_), _) => {
            let (a, b) = (type_name(&left), type_name(&right));
            Err(Failure::type_error(format!("can only concatenate {a} (not \"{b}\") to {a}")))
        }
        _ => spans(Operator::Add, &left, &right),
    }
}

fn is_sequence(value: &Value) -> bool {
    matches!(value, Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Bytes(_))
}

fn repeat(machine: &Machine<'_>, value: &Value, count: Number) -> Result<Value, Failure> {
    let count = match count {
        Number::Small(count) => count.max(0) as usize,
        Number::Big(count) if count.is_negative() => 0,
        Number::Big(_) => usize::MAX,
        Number::Float(_) => {
            return Err(Failure::type_error("can't multiply sequence by non-int of type 'float'"));
        }
    };
    match value {
        Value::Str(text) => {
            machine.evaluation.check_text(text.len().saturating_mul(count))?;
            Ok(Value::str(if text.is_empty() { String::new() } else { text.as_str().repeat(count) }))
        }
        Value::Bytes(bytes) => {
            machine.evaluation.check_text(bytes.len().saturating_mul(count))?;
            Ok(Value::Bytes(if bytes.is_empty() { Arc::from([]) } else { bytes.repeat(count).into() }))
        }
        _ => {
            let items = value.as_items().unwrap_or_default();
            machine.evaluation.check_items(items.len().saturating_mul(count))?;
            let repeated =
                if items.is_empty() { Vec::new() } else { (0..count).flat_map(|_| items.iter().cloned()).collect() };
            Ok(match value {
                Value::Tuple(_) => Value::Tuple(repeated.into()),
                _ => Value::list(repeated),
            })
        }
    }
}

/// Dates and durations.
fn spans(operator: Operator, left: &Value, right: &Value) -> Result<Value, Failure> {
    use Value::{Date, DateTime, TimeDelta};
    let out_of_range = |_| Failure::value_error("date value out of range");
    let micros = jiff::SignedDuration::from_micros;
    let negated = |us: i64| if operator == Operator::Subtract { us.saturating_neg() } else { us };
    match (operator, left, right) {
        (Operator::Subtract, DateTime(a), DateTime(b)) => {
            if a.offset.is_some() != b.offset.is_some() {
                return Err(Failure::type_error("can't subtract offset-naive and offset-aware datetimes"));
            }
            let shift = (b.offset.unwrap_or(0) - a.offset.unwrap_or(0)) as i64;
            let difference = a.civil.duration_since(b.civil) + jiff::SignedDuration::from_secs(shift);
            Ok(TimeDelta(difference.as_micros() as i64))
        }
        (Operator::Subtract, Date(a), Date(b)) => Ok(TimeDelta(a.duration_since(*b).as_micros() as i64)),
        (Operator::Add | Operator::Subtract, DateTime(a), TimeDelta(us)) => {
            let civil = a.civil.checked_add(micros(negated(*us))).map_err(out_of_range)?;
            Ok(DateTime(ftl_core::value::DateTime { civil, offset: a.offset }))
        }
        (Operator::Add, TimeDelta(_), DateTime(_) | Date(_)) => spans(operator, right, left),
        (Operator::Add | Operator::Subtract, Date(a), TimeDelta(us)) => {
            let days = negated(*us).div_euclid(86_400_000_000);
            let days = jiff::Span::new().try_days(days).map_err(out_of_range)?;
            Ok(Date(a.checked_add(days).map_err(out_of_range)?))
        }
        (Operator::Add, TimeDelta(a), TimeDelta(b)) => Ok(TimeDelta(a.saturating_add(*b))),
        (Operator::Subtract, TimeDelta(a), TimeDelta(b)) => Ok(TimeDelta(a.saturating_sub(*b))),
        (Operator::Divide, TimeDelta(a), TimeDelta(b)) if *b != 0 => Ok(Value::Float(*a as f64 / *b as f64)),
        (Operator::FloorDivide, TimeDelta(a), TimeDelta(b)) if *b != 0 => Ok(Value::Int(Integer::div_floor(a, b))),
        (Operator::Modulo, TimeDelta(a), TimeDelta(b)) if *b != 0 => Ok(TimeDelta(Integer::mod_floor(a, b))),
        (Operator::Divide | Operator::FloorDivide | Operator::Modulo, TimeDelta(_), TimeDelta(_)) => {
            Err(Failure::value_error("integer division or modulo by zero"))
        }
        (Operator::Multiply, TimeDelta(a), Value::Int(n)) | (Operator::Multiply, Value::Int(n), TimeDelta(a)) => {
            Ok(TimeDelta(a.saturating_mul(*n)))
        }
        (Operator::Multiply, TimeDelta(a), Value::Float(n)) | (Operator::Multiply, Value::Float(n), TimeDelta(a)) => {
            Ok(TimeDelta((*a as f64 * n).round_ties_even() as i64))
        }
        (Operator::Divide, TimeDelta(a), Value::Int(n)) if *n != 0 => {
            Ok(TimeDelta((*a as f64 / *n as f64).round_ties_even() as i64))
        }
        (Operator::FloorDivide, TimeDelta(a), Value::Int(n)) if *n != 0 => Ok(TimeDelta(Integer::div_floor(a, n))),
        _ => Err(unsupported(operator, left, right)),
    }
}

pub(crate) fn negative(value: &Value) -> Result<Value, Failure> {
    marker::touch(value)?;
    match value {
        Value::Bool(b) => Ok(Value::Int(-(*b as i64))),
        Value::Int(i) => Ok(i.checked_neg().map_or_else(|| Value::from(-BigInt::from(*i)), Value::Int)),
        Value::BigInt(i) => Ok(Value::from(-(**i).clone())),
        Value::Float(f) => Ok(Value::Float(-f)),
        Value::TimeDelta(us) => Ok(Value::TimeDelta(us.saturating_neg())),
        other => Err(Failure::type_error(format!("bad operand type for unary -: '{}'", type_name(other)))),
    }
}

pub(crate) fn positive(value: &Value) -> Result<Value, Failure> {
    marker::touch(value)?;
    match value {
        Value::Bool(b) => Ok(Value::Int(*b as i64)),
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) | Value::TimeDelta(_) => Ok(value.clone()),
        other => Err(Failure::type_error(format!("bad operand type for unary +: '{}'", type_name(other)))),
    }
}

/// Keys of dicts must not be able to change.
pub(crate) fn check_hashable(value: &Value) -> Result<(), Failure> {
    match value {
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        Value::List(_) | Value::Dict(_) => Err(Failure::type_error(format!("unhashable type: '{}'", type_name(value)))),
        Value::Tuple(items) => items.iter().try_for_each(check_hashable),
        _ => Ok(()),
    }
}
