//! `template % values`.

use ftl_core::Value;
use ftl_core::value::{repr, to_text, type_name};
use num_bigint::Sign;
use num_traits::ToPrimitive;

use super::spec::{MAX_WIDTH, number, to_big};
use crate::call::Failure;

/// Fills the conversions of `template` with a tuple's items, a dict's entries, or one value.
pub(crate) fn format(template: &str, values: &Value) -> Result<String, Failure> {
    let mut values = Values { all: values, next: 0, mapped: false };
    let mut out = String::with_capacity(template.len());
    let chars: Vec<char> = template.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        if chars[at] != '%' {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        at += 1;
        if chars.get(at) == Some(&'%') {
            out.push('%');
            at += 1;
            continue;
        }
        let conversion = Conversion::parse(&chars, &mut at, &mut values)?;
        let value = values.take(conversion.key.as_deref())?;
        out.push_str(&conversion.apply(&value, at - 1)?);
    }
    values.finish()?;
    Ok(out)
}

struct Values<'a> {
    all: &'a Value,
    next: usize,
    mapped: bool,
}

impl Values<'_> {
    fn take(&mut self, key: Option<&str>) -> Result<Value, Failure> {
        if let Some(key) = key {
            self.mapped = true;
            return match self.all {
                Value::Dict(dict) => dict.get(key).ok_or_else(|| Failure::lookup_error(ftl_core::value::repr_str(key))),
                _ => Err(Failure::type_error("format requires a mapping")),
            };
        }
        let at = self.next;
        self.next += 1;
        let value = match self.all {
            Value::Tuple(items) => items.get(at).cloned(),
            other => (at == 0).then(|| other.clone()),
        };
        value.ok_or_else(|| Failure::type_error("not enough arguments for format string"))
    }

    fn number(&mut self) -> Result<i64, Failure> {
        self.take(None)?.as_int().ok_or_else(|| Failure::type_error("* wants int"))
    }

    fn finish(&self) -> Result<(), Failure> {
        let left = match self.all {
            Value::Tuple(items) => self.next < items.len(),
            Value::Dict(_) | Value::List(_) => false,
            _ => self.next == 0 && !self.mapped,
        };
        if left {
            return Err(Failure::type_error("not all arguments converted during string formatting"));
        }
        Ok(())
    }
}

#[derive(Default)]
struct Conversion {
    key: Option<String>,
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

impl Conversion {
    fn parse(chars: &[char], at: &mut usize, values: &mut Values<'_>) -> Result<Conversion, Failure> {
        let mut conversion = Conversion::default();
        if chars.get(*at) == Some(&'(') {
            let mut depth = 1;
            let start = *at + 1;
            *at = start;
            while depth > 0 {
                match chars.get(*at) {
                    Some('(') => depth += 1,
                    Some(')') => depth -= 1,
                    Some(_) => {}
                    None => return Err("incomplete format key".into()),
                }
                *at += 1;
            }
            conversion.key = Some(chars[start..*at - 1].iter().collect());
        }
        loop {
            match chars.get(*at) {
                Some('-') => conversion.left = true,
                Some('+') => conversion.plus = true,
                Some(' ') => conversion.space = true,
                Some('#') => conversion.alternate = true,
                Some('0') => conversion.zero = true,
                _ => break,
            }
            *at += 1;
        }
        if let Some(width) = amount(chars, at, values)? {
            conversion.left |= width < 0;
            conversion.width = width.unsigned_abs() as usize;
        }
        if chars.get(*at) == Some(&'.') {
            *at += 1;
            conversion.precision = Some(amount(chars, at, values)?.unwrap_or(0).max(0) as usize);
        }
        if conversion.width > MAX_WIDTH || conversion.precision.is_some_and(|p| p > MAX_WIDTH) {
            return Err("width too big".into());
        }
        while matches!(chars.get(*at), Some('h' | 'l' | 'L')) {
            *at += 1;
        }
        conversion.kind = *chars.get(*at).ok_or("incomplete format")?;
        *at += 1;
        Ok(conversion)
    }

    fn apply(&self, value: &Value, index: usize) -> Result<String, Failure> {
        let (sign, body) = match self.kind {
            's' => ("", self.cut(to_text(value))),
            'r' => ("", self.cut(repr(value))),
            'a' => ("", self.cut(ascii(&repr(value)))),
            'c' => ("", character(value)?),
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => return self.integer(value),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let float = match value {
                    Value::Float(f) => *f,
                    Value::Int(_) | Value::Bool(_) | Value::BigInt(_) => {
                        to_big(value).to_f64().unwrap_or(f64::INFINITY)
                    }
                    other => {
                        return Err(Failure::type_error(format!("must be real number, not {}", type_name(other))));
                    }
                };
                let body = number(float.abs(), self.kind, self.precision.unwrap_or(6), self.alternate);
                (self.sign(float.is_sign_negative() && !float.is_nan()), body)
            }
            kind => {
                return Err(Failure::value_error(format!(
                    "unsupported format character '{kind}' (0x{:x}) at index {index}",
                    kind as u32
                )));
            }
        };
        let is_number = !matches!(self.kind, 's' | 'r' | 'a' | 'c');
        Ok(self.pad(sign, &body, is_number))
    }

    fn integer(&self, value: &Value) -> Result<String, Failure> {
        let big = match value {
            Value::Int(_) | Value::Bool(_) | Value::BigInt(_) => to_big(value),
            Value::Float(f) if matches!(self.kind, 'd' | 'i' | 'u') => {
                use num_traits::FromPrimitive;
                num_bigint::BigInt::from_f64(f.trunc())
                    .ok_or_else(|| Failure::value_error("cannot convert float infinity to integer"))?
            }
            other => {
                let wanted = if matches!(self.kind, 'd' | 'i' | 'u') {
                    "a real number is required"
                } else {
                    "an integer is required"
                };
                return Err(Failure::type_error(format!("%{} format: {wanted}, not {}", self.kind, type_name(other))));
            }
        };
        let (radix, prefix) = match self.kind {
            'x' => (16, "0x"),
            'X' => (16, "0X"),
            'o' => (8, "0o"),
            _ => (10, ""),
        };
        let mut body = big.magnitude().to_str_radix(radix);
        if self.kind == 'X' {
            body = body.to_uppercase();
        }
        if let Some(precision) = self.precision {
            body = format!("{}{body}", "0".repeat(precision.saturating_sub(body.len())));
        }
        let sign = format!("{}{}", self.sign(big.sign() == Sign::Minus), if self.alternate { prefix } else { "" });
        Ok(self.pad(&sign, &body, true))
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        }
    }

    fn cut(&self, text: String) -> String {
        match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text,
        }
    }

    fn pad(&self, sign: &str, body: &str, is_number: bool) -> String {
        let missing = self.width.saturating_sub(sign.chars().count() + body.chars().count());
        if self.left {
            format!("{sign}{body}{}", " ".repeat(missing))
        } else if self.zero && is_number {
            format!("{sign}{}{body}", "0".repeat(missing))
        } else {
            format!("{}{sign}{body}", " ".repeat(missing))
        }
    }
}

fn amount(chars: &[char], at: &mut usize, values: &mut Values<'_>) -> Result<Option<i64>, Failure> {
    if chars.get(*at) == Some(&'*') {
        *at += 1;
        return values.number().map(Some);
    }
    let mut number: Option<i64> = None;
    while let Some(digit) = chars.get(*at).and_then(|c| c.to_digit(10)) {
        number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit as i64));
        *at += 1;
    }
    Ok(number)
}

fn ascii(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c as u32 {
            0..=0x7f => out.push(c),
            code @ 0x80..=0xff => out.push_str(&format!("\\x{code:02x}")),
            code @ 0x100..=0xffff => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out
}

fn character(value: &Value) -> Result<String, Failure> {
    match value {
        Value::Str(text) if text.chars().count() == 1 => Ok(text.to_string()),
        Value::Int(code) => match u32::try_from(*code).ok().and_then(char::from_u32) {
            Some(c) => Ok(c.to_string()),
            None => Err("%c arg not in range(0x110000)".into()),
        },
        _ => Err(Failure::type_error("%c requires int or char")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions() {
        let two = |a: Value, b: Value| Value::Tuple([a, b].into());
        for (template, values, expected) in [
            ("%s-%05d", two("a".into(), Value::Int(42)), "a-00042"),
            ("%5.1f|%-4s|", two(Value::Float(2.56), "x".into()), "  2.6|x   |"),
            ("%x %#o", two(Value::Int(255), Value::Int(8)), "ff 0o10"),
            ("%g %e", two(Value::Float(0.0001), Value::Float(12345.678)), "0.0001 1.234568e+04"),
            ("100%%", Value::Tuple([].into()), "100%"),
        ] {
            assert_eq!(format(template, &values).map_err(|e| e.to_string()), Ok(expected.to_string()));
        }
    }
}
