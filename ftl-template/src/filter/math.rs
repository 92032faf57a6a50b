//! Filters over numbers and sizes.

use ftl_core::Value;
use ftl_core::value::{to_text, type_name};

use super::argument::{failure, real};
use crate::{Arguments, Evaluation, Failure, FailureKind};

type Answer = Result<Value, Failure>;

/// Type errors get Ansible's sentence, others stay.
fn numbers_only(result: Result<f64, Failure>, name: &str) -> Result<f64, Failure> {
    result.map_err(|f| match f.kind() {
        FailureKind::Type => {
            let cause = ftl_core::source::Diagnostic::error(f.message());
            failure(format!("{name}() can only be used on numbers")).caused_by(cause)
        }
        _ => f,
    })
}

fn domain(value: f64) -> Result<f64, Failure> {
    if value > 0.0 { Ok(value) } else { Err(Failure::value_error("math domain error")) }
}

pub(super) fn log(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let base = args.take("base", 0).unwrap_or(Value::Float(std::f64::consts::E));
    args.finish("logarithm")?;
    let x = numbers_only(real(&value), "log")?;
    let base = numbers_only(real(&base), "log")?;
    if base == 10.0 {
        return Ok(Value::Float(domain(x)?.log10()));
    }
    let (above, below) = (domain(x)?.ln(), domain(base)?.ln());
    if below == 0.0 {
        return Err(Failure::value_error("float division by zero"));
    }
    Ok(Value::Float(above / below))
}

fn power(x: f64, y: f64) -> Result<f64, Failure> {
    let result = x.powf(y);
    if result.is_nan() && !x.is_nan() && !y.is_nan() || (x == 0.0 && y < 0.0) {
        return Err(Failure::value_error("math domain error"));
    }
    if result.is_infinite() && x.is_finite() && y.is_finite() {
        return Err(Failure::value_error("math range error"));
    }
    Ok(result)
}

pub(super) fn pow(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let exponent = args.require("power", "y", 0)?;
    args.finish("power")?;
    let (x, y) = (numbers_only(real(&value), "pow")?, numbers_only(real(&exponent), "pow")?);
    Ok(Value::Float(power(x, y)?))
}

pub(super) fn root(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let base = args.take("base", 0).unwrap_or(Value::Int(2));
    args.finish("inversepower")?;
    let bad = |f: Failure| match f.kind() {
        FailureKind::Undefined(_) => f,
        _ => {
            let cause = ftl_core::source::Diagnostic::error(f.message());
            failure("root() can only be used on numbers").caused_by(cause)
        }
    };
    let x = real(&value).map_err(bad)?;
    let base = match &base {
        Value::Str(text) => text.trim().parse::<f64>().map_err(|_| {
            bad(Failure::value_error(format!("could not convert string to float: {}", super::encode::quoted(&base))))
        })?,
        other => real(other).map_err(bad)?,
    };
    if base == 2.0 {
        return if x < 0.0 { Err(bad(Failure::value_error("math domain error"))) } else { Ok(Value::Float(x.sqrt())) };
    }
    if base == 0.0 {
        return Err(Failure::value_error("float division by zero"));
    }
    Ok(Value::Float(power(x, 1.0 / base).map_err(bad)?))
}

/// The letter, its power of 1024, and the names of the unit for bytes and bits.
const SIZES: &[(char, u32, &str)] = &[
    ('Y', 80, "yotta"),
    ('Z', 70, "zeta"),
    ('E', 60, "exa"),
    ('P', 50, "peta"),
    ('T', 40, "tera"),
    ('G', 30, "giga"),
    ('M', 20, "mega"),
    ('K', 10, "kilo"),
    ('B', 0, ""),
];

pub(super) fn human_readable(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let is_bits = args.take_bool("isbits", 0, false);
    let unit = args.take_given("unit", 1);
    args.finish("human_readable")?;
    let bad_input = |message: String| {
        failure("human_readable() failed on bad input").caused_by(ftl_core::source::Diagnostic::error(message))
    };
    let size = match real(&value) {
        Ok(size) => size,
        Err(f) if matches!(f.kind(), FailureKind::Undefined(_)) => return Err(f),
        Err(_) => {
            let kind = type_name(&value);
            let operation = match unit {
                Some(_) => "unsupported operand type(s) for /:",
                None => "'>=' not supported between instances of",
            };
            return Err(bad_input(format!("{operation} '{kind}' and 'int'")));
        }
    };
    let unit = match &unit {
        None => None,
        Some(Value::Str(text)) => Some(text.to_uppercase()),
        Some(other) => {
            let cause = format!("'{}' object has no attribute 'upper'", type_name(other));
            return Err(failure("human_readable() can't interpret the input")
                .caused_by(ftl_core::source::Diagnostic::error(cause)));
        }
    };
    let fits = |(letter, bits, _): &&(char, u32, &str)| match &unit {
        None => size >= 2f64.powi(*bits as i32),
        Some(unit) => *unit == letter.to_string(),
    };
    let (letter, bits, _) = SIZES.iter().find(fits).copied().unwrap_or(('B', 0, ""));
    let base = if is_bits { "bits" } else { "Bytes" };
    let suffix = if bits == 0 { base.to_string() } else { format!("{letter}{}", &base[..1]) };
    Ok(Value::str(format!("{:.2} {suffix}", size / 2f64.powi(bits as i32))))
}

pub(super) fn human_to_bytes(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let default_unit = args.take_given("default_unit", 0);
    let is_bits = args.take_bool("isbits", 1, false);
    args.finish("human_to_bytes")?;
    super::argument::defined(&value)?;
    let unit = default_unit.map(|v| to_text(&v));
    let bytes = parse_size(&to_text(&value), unit.as_deref(), is_bits).map_err(|message| {
        failure("human_to_bytes() can't interpret the input").caused_by(ftl_core::source::Diagnostic::error(message))
    })?;
    Ok(big_from_float(bytes).map_or(Value::Float(bytes), Value::from))
}

/// `10M`, `2.5 GB`, `1Kb` (bits) as a number; the error is that of Ansible's formatter.
pub(crate) fn parse_size(text: &str, default_unit: Option<&str>, is_bits: bool) -> Result<f64, String> {
    let cannot = || format!("human_to_bytes() can't interpret following string: {text}");
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(number_end);
    if number.ends_with('.') || number.matches('.').count() > 1 || number.is_empty() {
        return Err(cannot());
    }
    let size: f64 = number.parse().map_err(|_| cannot())?;
    let unit = rest.trim();
    if !unit.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err(cannot());
    }
    let unit = if unit.is_empty() { default_unit.unwrap_or("") } else { unit };
    let Some(first) = unit.chars().next() else { return Ok(round_half_even(size)) };
    let range = first.to_ascii_uppercase();
    let Some((_, bits, name)) = SIZES.iter().find(|(letter, ..)| *letter == range) else {
        let letters: Vec<_> = SIZES.iter().map(|(letter, ..)| letter.to_string()).collect();
        return Err(format!(
            "human_to_bytes() failed to convert {text} (unit = {unit}). The suffix must be one of {}",
            letters.join(", ")
        ));
    };
    if unit.chars().count() > 1 {
        let (class, class_name) = if is_bits { ("b", "bit") } else { ("B", "byte") };
        let short = if range == 'B' { class.to_string() } else { format!("{range}{class}") };
        if unit.to_lowercase() != format!("{name}{class_name}") && unit != short {
            let expected = match range {
                'B' => format!("expect {class} or {class_name}"),
                _ => format!("expect {range}{class} or {range}"),
            };
            return Err(format!("human_to_bytes() failed to convert {text}. Value is not a valid string ({expected})"));
        }
    }
    Ok(round_half_even(size * 2f64.powi(*bits as i32)))
}

/// Python's `round(x)`.
fn round_half_even(x: f64) -> f64 {
    x.round_ties_even()
}

/// An integer of any size from a float without fraction.
pub(super) fn big_from_float(float: f64) -> Option<num_bigint::BigInt> {
    num_traits::FromPrimitive::from_f64(float)
}
