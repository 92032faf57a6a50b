//! `int`, `bool` and `float`.

use ftl_core::Value;
use ftl_core::value::type_name;
use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::{MethodFunction, integer_argument};
use crate::call::{Arguments, Failure};

pub(super) static INTEGER_TABLE: &[(&str, MethodFunction)] = &[
    ("__and__", |v, a| bitwise(v, a, |x, y| Ok(x & y))),
    ("__lshift__", |v, a| bitwise(v, a, |x, y| shift(y).map(|by| x << by))),
    ("__or__", |v, a| bitwise(v, a, |x, y| Ok(x | y))),
    ("__rshift__", |v, a| bitwise(v, a, |x, y| shift(y).map(|by| x >> by))),
    ("__xor__", |v, a| bitwise(v, a, |x, y| Ok(x ^ y))),
    ("as_integer_ratio", |v, _| Ok(Value::Tuple([plain(v), Value::Int(1)].into()))),
    ("bit_count", |v, _| {
        Ok(Value::from(of(v).magnitude().iter_u64_digits().map(|d| d.count_ones() as usize).sum::<usize>()))
    }),
    ("bit_length", |v, _| Ok(Value::Int(of(v).bits() as i64))),
    ("conjugate", |v, _| Ok(plain(v))),
    ("to_bytes", to_bytes),
];

pub(super) static FLOAT_TABLE: &[(&str, MethodFunction)] = &[
    ("conjugate", |v, _| Ok(v.clone())),
    ("is_integer", |v, _| Ok(Value::Bool(matches!(v, Value::Float(f) if f.is_finite() && f.fract() == 0.0)))),
];

fn of(value: &Value) -> BigInt {
    match value {
        Value::Bool(b) => BigInt::from(*b as i64),
        Value::Int(i) => BigInt::from(*i),
        Value::BigInt(i) => (**i).clone(),
        _ => BigInt::default(),
    }
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Bool(b) => Value::Int(*b as i64),
        other => other.clone(),
    }
}

fn shift(by: BigInt) -> Result<u32, Failure> {
    match by.to_u32() {
        Some(by) if by <= 1 << 20 => Ok(by),
        Some(_) => Err("too many bits to shift by".into()),
        None => Err("negative shift count".into()),
    }
}

fn bitwise(
    value: &Value,
    arguments: &mut Arguments,
    apply: fn(BigInt, BigInt) -> Result<BigInt, Failure>,
) -> Result<Value, Failure> {
    match arguments.require("bitwise", "value", 0)? {
        other @ (Value::Int(_) | Value::BigInt(_) | Value::Bool(_)) => Ok(Value::from(apply(of(value), of(&other))?)),
        other => Err(Failure::type_error(format!(
            "unsupported operand type(s): '{}' and '{}'",
            type_name(value),
            type_name(&other)
        ))),
    }
}

fn to_bytes(value: &Value, arguments: &mut Arguments) -> Result<Value, Failure> {
    let length = integer_argument(arguments.take("length", 0), 1)?.clamp(0, 1 << 20) as usize;
    let order = arguments.take("byteorder", 1);
    let signed = arguments.take_named("signed").is_some_and(|s| s.is_true());
    let big = of(value);
    if big.sign() == num_bigint::Sign::Minus && !signed {
        return Err("can't convert negative int to unsigned".into());
    }
    let mut bytes = big.to_signed_bytes_le();
    if !signed && bytes.last() == Some(&0) {
        bytes.pop();
    }
    if bytes.len() > length {
        return Err("int too big to convert".into());
    }
    bytes.resize(length, if big.sign() == num_bigint::Sign::Minus { 0xff } else { 0 });
    if order.as_ref().and_then(Value::as_str) != Some("little") {
        bytes.reverse();
    }
    Ok(Value::Bytes(bytes.into()))
}

pub(super) fn attribute(value: &Value, name: &str) -> Option<Value> {
    let is_float = matches!(value, Value::Float(_));
    match name {
        "real" => Some(plain(value)),
        "imag" if is_float => Some(Value::Float(0.0)),
        "imag" => Some(Value::Int(0)),
        "numerator" if !is_float => Some(plain(value)),
        "denominator" if !is_float => Some(Value::Int(1)),
        _ => None,
    }
}
