//! Python's random numbers: the Mersenne Twister with Python's seeding, so that seeded results are equal.

use ftl_core::Value;
use ftl_core::value::type_name;
use num_bigint::{BigInt, BigUint};
use num_traits::{One, ToPrimitive, Zero};
use sha2::Digest;

use super::argument::{failure, iterate};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

const SIZE: usize = 624;
const MIDDLE: usize = 397;

/// Python's `random.Random`: seeded, or fed by the system.
pub(crate) enum Random {
    Seeded { state: Box<[u32; SIZE]>, next: usize },
    System,
}

impl Random {
    /// `Random(seed)`
    pub(crate) fn seeded(seed: &Value) -> Result<Random, Failure> {
        let number = match seed {
            Value::Int(i) => BigUint::from(i.unsigned_abs()),
            Value::Bool(b) => BigUint::from(*b as u8),
            Value::BigInt(b) => b.magnitude().clone(),
            Value::Str(text) => number_of_bytes(text.as_bytes()),
            Value::Bytes(bytes) => number_of_bytes(bytes),
            // The hash, with its bits read as an unsigned number.
            Value::Float(f) => BigUint::from(hash_float(*f) as u64),
            Value::Undefined(marker) => return Err(Failure::undefined(marker.clone())),
            _ => {
                return Err(Failure::type_error(
                    "The only supported seed types are: None,\nint, float, str, bytes, and bytearray.",
                ));
            }
        };
        let words = number.to_u32_digits();
        let mut state = Box::new(start_state(19_650_218));
        mix(&mut state, if words.is_empty() { &[0] } else { &words });
        Ok(Random::Seeded { state, next: SIZE })
    }

    fn word(&mut self) -> u32 {
        match self {
            Random::System => rand::random(),
            Random::Seeded { state, next } => {
                if *next >= SIZE {
                    renew(state);
                    *next = 0;
                }
                let mut y = state[*next];
                *next += 1;
                y ^= y >> 11;
                y ^= (y << 7) & 0x9d2c_5680;
                y ^= (y << 15) & 0xefc6_0000;
                y ^ (y >> 18)
            }
        }
    }

    fn bits(&mut self, mut count: u64) -> BigUint {
        let mut words = vec![];
        while count > 0 {
            let word = self.word();
            words.push(if count < 32 { word >> (32 - count) } else { word });
            count = count.saturating_sub(32);
        }
        BigUint::new(words)
    }

    /// A number from 0 up to, not including, `limit`.
    pub(crate) fn below(&mut self, limit: &BigUint) -> BigUint {
        if limit.is_zero() {
            return BigUint::zero();
        }
        loop {
            let candidate = self.bits(limit.bits());
            if candidate < *limit {
                return candidate;
            }
        }
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(&BigUint::from(length)).to_usize().unwrap_or(0)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.index(last + 1);
            items.swap(last, other);
        }
    }
}

fn number_of_bytes(bytes: &[u8]) -> BigUint {
    let mut all = bytes.to_vec();
    all.extend_from_slice(&sha2::Sha512::digest(bytes));
    BigUint::from_bytes_be(&all)
}

/// Python's `hash(float)`: the value modulo 2^61 - 1.
fn hash_float(value: f64) -> i64 {
    const PRIME: u64 = (1 << 61) - 1;
    if value.is_infinite() {
        return if value > 0.0 { 314_159 } else { -314_159 };
    }
    if value.is_nan() || value == 0.0 {
        return 0;
    }
    let (mut fraction, mut exponent) = (value.abs(), 0i32);
    while fraction >= 1.0 {
        fraction /= 2.0;
        exponent += 1;
    }
    while fraction < 0.5 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let mut hash: u64 = 0;
    while fraction != 0.0 {
        hash = ((hash << 28) & PRIME) | (hash >> (61 - 28));
        fraction *= 268_435_456.0;
        exponent -= 28;
        hash += fraction as u64;
        fraction -= fraction.trunc();
        if hash >= PRIME {
            hash -= PRIME;
        }
    }
    let turn = exponent.rem_euclid(61) as u32;
    hash = ((hash << turn) & PRIME) | (hash >> (61 - turn));
    let hash = if value < 0.0 { -(hash as i64) } else { hash as i64 };
    if hash == -1 { -2 } else { hash }
}

fn start_state(seed: u32) -> [u32; SIZE] {
    let mut state = [0u32; SIZE];
    state[0] = seed;
    for i in 1..SIZE {
        let before = state[i - 1];
        state[i] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
    }
    state
}

fn mix(state: &mut [u32; SIZE], key: &[u32]) {
    let (mut i, mut j) = (1, 0);
    let advance = |i: &mut usize, state: &mut [u32; SIZE]| {
        *i += 1;
        if *i >= SIZE {
            state[0] = state[SIZE - 1];
            *i = 1;
        }
    };
    for _ in 0..SIZE.max(key.len()) {
        let before = state[i - 1];
        state[i] =
            (state[i] ^ (before ^ (before >> 30)).wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32);
        advance(&mut i, state);
        j = (j + 1) % key.len();
    }
    for _ in 0..SIZE - 1 {
        let before = state[i - 1];
        state[i] = (state[i] ^ (before ^ (before >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
        advance(&mut i, state);
    }
    state[0] = 0x8000_0000;
}

fn renew(state: &mut [u32; SIZE]) {
    for i in 0..SIZE {
        let y = (state[i] & 0x8000_0000) | (state[(i + 1) % SIZE] & 0x7fff_ffff);
        let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
        state[i] = state[(i + MIDDLE) % SIZE] ^ (y >> 1) ^ odd;
    }
}

fn big(value: &Value) -> Option<BigInt> {
    match value {
        Value::BigInt(b) => Some((**b).clone()),
        other => other.as_int().map(BigInt::from),
    }
}

pub(super) fn random(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let start = args.take("start", 0).unwrap_or_default();
    let step = args.take("step", 1).unwrap_or_default();
    let seed = args.take_given("seed", 2);
    args.finish("rand")?;
    super::argument::defined(&value)?;
    let mut random = match &seed {
        Some(seed) => Random::seeded(seed)?,
        None => {
            evaluation.impure();
            Random::System
        }
    };
    if let Some(end) = big(&value) {
        return in_range(&mut random, &end, &start, &step);
    }
    let iterable = iterate(&value);
    let Ok(items) = iterable else { return Err(failure("random can only be used on sequences and integers")) };
    if start.is_true() || step.is_true() {
        return Err(failure("start and step can only be used with integer values"));
    }
    if items.is_empty() {
        return Err(Failure::lookup_error("Cannot choose from an empty sequence"));
    }
    let chosen = random.index(items.len());
    if let Value::Dict(dict) = &value {
        // Python picks by number here too, which only works for keys that are such numbers.
        let found = dict.get_value(&Value::from(chosen));
        return found.ok_or_else(|| Failure::lookup_error(chosen.to_string()));
    }
    Ok(items[chosen].clone())
}

fn in_range(random: &mut Random, end: &BigInt, start: &Value, step: &Value) -> Answer {
    let number = |value: &Value, default: i64| match value {
        v if !v.is_true() => Ok(BigInt::from(default)),
        v => big(v).ok_or_else(|| {
            Failure::type_error(format!("'{}' object cannot be interpreted as an integer", type_name(v)))
        }),
    };
    let (start, step) = (number(start, 0)?, number(step, 1)?);
    let width = end - &start;
    let one = BigInt::one();
    if step == one {
        if width > BigInt::zero() {
            let offset = random.below(width.magnitude());
            return Ok(Value::from(start + BigInt::from(offset)));
        }
        return Err(Failure::value_error(format!("empty range for randrange() ({start}, {end}, {width})")));
    }
    let count = if step > BigInt::zero() { (&width + &step - one) / &step } else { (&width + &step + one) / &step };
    if count <= BigInt::zero() {
        return Err(Failure::value_error("empty range for randrange()"));
    }
    Ok(Value::from(start + step * BigInt::from(random.below(count.magnitude()))))
}

pub(super) fn shuffle(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let seed = args.take("seed", 0).filter(Value::is_true);
    args.finish("randomize_list")?;
    super::argument::defined(&value)?;
    let Ok(mut items) = iterate(&value) else { return Ok(value) };
    match seed.map(|seed| Random::seeded(&seed)) {
        // Ansible leaves the list alone when anything fails.
        Some(Err(_)) => {}
        Some(Ok(mut random)) => random.shuffle(&mut items),
        None => {
            evaluation.impure();
            Random::System.shuffle(&mut items);
        }
    }
    Ok(Value::list(items))
}

/// Ansible's `random_password`: `length` characters of `characters`.
pub(crate) fn random_text(length: usize, characters: &str, seed: Option<&Value>) -> Result<String, Failure> {
    let characters: Vec<char> = characters.chars().collect();
    if characters.is_empty() {
        return Err(Failure::lookup_error("Cannot choose from an empty sequence"));
    }
    let mut random = match seed {
        Some(seed) => Random::seeded(seed)?,
        None => Random::System,
    };
    Ok((0..length).map(|_| characters[random.index(characters.len())]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_python_draws_them() {
        // random.Random(seed).randrange(10 ** 6), twice
        for (seed, first, second) in [
            (Value::str("host1"), 509818, 260197),
            (Value::Int(42), 670487, 116739),
            (Value::Int(0), 885440, 403958),
            (Value::Int(-5), 653159, 267853),
            (Value::Float(1.5), 578566, 862952),
            (Value::Float(-2.75), 157493, 509365),
            (Value::Float(1e300), 274112, 39101),
            (Value::str(""), 476559, 624334),
        ] {
            let mut random = Random::seeded(&seed).unwrap();
            assert_eq!((random.index(1_000_000), random.index(1_000_000)), (first, second), "{seed:?}");
        }
        let mut random = Random::seeded(&Value::Int(42)).unwrap();
        random.index(1_000_000);
        random.index(1_000_000);
        assert_eq!(random.below(&(BigUint::one() << 100)).to_string(), "576387205425181961488423131857");
    }
}
