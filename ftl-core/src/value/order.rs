//! Equality, hashing and order as Python has them.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::Value;
use super::dict::hash_text;

/// Python's `==`: numbers by value whatever their type, lists and tuples apart, dicts whatever their order.
pub fn equal(a: &Value, b: &Value) -> bool {
    use Value::*;
    match (a, b) {
        (Str(x), Str(y)) => x == y,
        (None, None) | (Omit, Omit) => true,
        (Bytes(x), Bytes(y)) => x == y,
        (List(x), List(y)) => x.same_cell(y) || x.items() == y.items(),
        (Tuple(x), Tuple(y)) => x == y,
        (Dict(x), Dict(y)) => {
            if x.same_cell(y) {
                return true;
            }
            let (x, y) = (x.entries(), y.entries());
            x.len() == y.len() && x.iter().all(|(k, v)| y.get_value(k).is_some_and(|w| equal(v, w)))
        }
        (Date(x), Date(y)) => x == y,
        (DateTime(x), DateTime(y)) => match (x.offset, y.offset) {
            (Some(a), Some(b)) => {
                x.civil.checked_sub(jiff::SignedDuration::from_secs(a as i64)).ok()
                    == y.civil.checked_sub(jiff::SignedDuration::from_secs(b as i64)).ok()
            }
            (Option::None, Option::None) => x.civil == y.civil,
            _ => false,
        },
        (TimeDelta(x), TimeDelta(y)) => x == y,
        (Undefined(x), Undefined(y)) => std::sync::Arc::ptr_eq(x, y),
        (Object(x), Object(y)) if std::sync::Arc::ptr_eq(x, y) => true,
        (Object(x), _) if x.to_data().is_some() => x.to_data().is_some_and(|x| equal(&x, b)),
        (_, Object(y)) if y.to_data().is_some() => y.to_data().is_some_and(|y| equal(a, &y)),
        _ => numbers(a, b) == Some(Ordering::Equal),
    }
}

/// Python's `<` and friends; `None` where Python raises `TypeError` (or a number is NaN).
pub fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    use Value::*;
    match (a, b) {
        (Str(x), Str(y)) => Some(x.as_str().cmp(y.as_str())),
        (Bytes(x), Bytes(y)) => Some(x.cmp(y)),
        (List(x), List(y)) => sequences(&x.items(), &y.items()),
        (Tuple(x), Tuple(y)) => sequences(x, y),
        (Date(x), Date(y)) => Some(x.cmp(y)),
        (DateTime(x), DateTime(y)) => Some(x.civil.cmp(&y.civil)),
        (TimeDelta(x), TimeDelta(y)) => Some(x.cmp(y)),
        _ => numbers(a, b),
    }
}

fn sequences(a: &[Value], b: &[Value]) -> Option<Ordering> {
    for (x, y) in a.iter().zip(b) {
        if !equal(x, y) {
            return compare(x, y);
        }
    }
    Some(a.len().cmp(&b.len()))
}

fn numbers(a: &Value, b: &Value) -> Option<Ordering> {
    use Value::*;
    let int = |v: &Value| match v {
        Bool(b) => Some(*b as i64),
        Int(i) => Some(*i),
        _ => Option::None,
    };
    match (a, b) {
        (Float(x), Float(y)) => x.partial_cmp(y),
        (BigInt(x), BigInt(y)) => Some(x.cmp(y)),
        (BigInt(x), Float(y)) => x.to_f64()?.partial_cmp(y),
        (Float(x), BigInt(y)) => x.partial_cmp(&y.to_f64()?),
        _ => match (int(a), int(b)) {
            (Some(x), Some(y)) => Some(x.cmp(&y)),
            (Some(x), Option::None) => match b {
                Float(y) => int_float(x, *y),
                BigInt(y) => Some(num_bigint::BigInt::from(x).cmp(y)),
                _ => Option::None,
            },
            (Option::None, Some(y)) => match a {
                Float(x) => int_float(y, *x).map(Ordering::reverse),
                BigInt(x) => Some((**x).cmp(&num_bigint::BigInt::from(y))),
                _ => Option::None,
            },
            _ => Option::None,
        },
    }
}

fn int_float(i: i64, f: f64) -> Option<Ordering> {
    // 2^53 is where floats stop being exact; beyond, compare as integers.
    if i.unsigned_abs() < 1 << 53 || !f.is_finite() {
        return (i as f64).partial_cmp(&f);
    }
    let whole = BigInt::from(f.trunc() as i128);
    Some(BigInt::from(i).cmp(&whole).then_with(|| 0.0.partial_cmp(&f.fract()).unwrap_or(Ordering::Equal)))
}

impl Hash for Value {
    /// Equal values hash alike: `1`, `1.0` and `true` are one key. Unhashable values hash by kind.
    fn hash<H: Hasher>(&self, state: &mut H) {
        use Value::*;
        match self {
            Str(s) => hash_text(s.as_str(), state),
            Bool(b) => hash_int(*b as i64, state),
            Int(i) => hash_int(*i, state),
            Float(f) if f.fract() == 0.0 && f.abs() < 9e18 => hash_int(*f as i64, state),
            Float(f) => {
                state.write_u8(2);
                state.write_u64(f.to_bits());
            }
            BigInt(b) => {
                state.write_u8(2);
                state.write_u64(b.to_f64().unwrap_or(0.0).to_bits());
            }
            Tuple(t) => t.iter().for_each(|v| v.hash(state)),
            Bytes(b) => state.write(b),
            Date(d) => d.hash(state),
            DateTime(d) => d.civil.hash(state),
            TimeDelta(us) => state.write_i64(*us),
            _ => state.write_u8(0),
        }
    }
}

fn hash_int<H: Hasher>(i: i64, state: &mut H) {
    state.write_u8(1);
    state.write_i64(i);
}
