//! The format specification: `[[fill]align][sign][#][0][width][grouping][.precision][type]`.

use ftl_core::Value;
use ftl_core::value::{repr_float, to_text, type_name};
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

use crate::call::Failure;

/// Widths and precisions beyond this are refused.
pub(crate) const MAX_WIDTH: usize = 1 << 24;

#[derive(Clone, Debug, Default)]
pub(super) struct Spec {
    pub fill: Option<char>,
    pub align: Option<char>,
    pub sign: Option<char>,
    pub alternate: bool,
    pub zero: bool,
    pub width: usize,
    pub grouping: Option<char>,
    pub precision: Option<usize>,
    pub kind: Option<char>,
}

impl Spec {
    pub(super) fn parse(text: &str) -> Result<Spec, Failure> {
        let chars: Vec<char> = text.chars().collect();
        let mut spec = Spec::default();
        let mut at = 0;
        let is_align = |c: Option<&char>| matches!(c, Some('<' | '>' | '=' | '^'));
        if is_align(chars.get(1)) {
            spec.fill = chars.first().copied();
            spec.align = chars.get(1).copied();
            at = 2;
        } else if is_align(chars.first()) {
            spec.align = chars.first().copied();
            at = 1;
        }
        let mut take = |wanted: &[char]| {
            let found = chars.get(at).copied().filter(|c| wanted.contains(c));
            at += found.is_some() as usize;
            found
        };
        spec.sign = take(&['+', '-', ' ']);
        spec.alternate = take(&['#']).is_some();
        spec.zero = take(&['0']).is_some();
        spec.width = digits(&chars, &mut at)?.unwrap_or(0);
        if let Some(c @ (',' | '_')) = chars.get(at).copied() {
            spec.grouping = Some(c);
            at += 1;
        }
        if chars.get(at) == Some(&'.') {
            at += 1;
            spec.precision = match digits(&chars, &mut at)? {
                Some(precision) => Some(precision),
                None => return Err("Format specifier missing precision".into()),
            };
        }
        spec.kind = chars.get(at).copied();
        if chars.len() > at + 1 {
            return Err("Invalid format specifier".into());
        }
        Ok(spec)
    }

    /// Pads to the width; `default` is the side text goes to when the specification names none.
    pub(super) fn pad(&self, sign: &str, body: &str, default: char) -> String {
        let length = sign.chars().count() + body.chars().count();
        if length >= self.width {
            return format!("{sign}{body}");
        }
        let missing = self.width - length;
        let fill = self.fill.unwrap_or(if self.zero { '0' } else { ' ' });
        let align = self.align.unwrap_or(if self.zero && default == '>' { '=' } else { default });
        let padding = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
        match align {
            '<' => format!("{sign}{body}{}", padding(missing)),
            '^' => format!("{}{sign}{body}{}", padding(missing / 2), padding(missing - missing / 2)),
            '=' => format!("{sign}{}{body}", padding(missing)),
            _ => format!("{}{sign}{body}", padding(missing)),
        }
    }
}

fn digits(chars: &[char], at: &mut usize) -> Result<Option<usize>, Failure> {
    let mut number = None;
    while let Some(digit) = chars.get(*at).and_then(|c| c.to_digit(10)) {
        let next = number.unwrap_or(0usize) * 10 + digit as usize;
        if next > MAX_WIDTH {
            return Err("Too many decimal digits in format string".into());
        }
        number = Some(next);
        *at += 1;
    }
    Ok(number)
}

/// `format(value, spec)`.
pub(super) fn format(value: &Value, spec: &str) -> Result<String, Failure> {
    if spec.is_empty() {
        return Ok(to_text(value));
    }
    if let Value::DateTime(when) = value {
        return super::strftime(when, spec);
    }
    let spec = Spec::parse(spec)?;
    match value {
        Value::Str(text) => text_with(text, &spec),
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => integer_with(value, &spec),
        Value::Float(f) => float_with(*f, &spec),
        other => {
            Err(Failure::type_error(format!("unsupported format string passed to {}.__format__", type_name(other))))
        }
    }
}

fn unknown(kind: char, type_name: &str) -> Failure {
    Failure::value_error(format!("Unknown format code '{kind}' for object of type '{type_name}'"))
}

fn text_with(text: &str, spec: &Spec) -> Result<String, Failure> {
    match spec.kind {
        None | Some('s') => {}
        Some(kind) => return Err(unknown(kind, "str")),
    }
    if spec.sign.is_some() {
        return Err("Sign not allowed in string format specifier".into());
    }
    if spec.align == Some('=') {
        return Err("'=' alignment not allowed in string format specifier".into());
    }
    let cut: String = match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_string(),
    };
    Ok(spec.pad("", &cut, '<'))
}

pub(super) fn to_big(value: &Value) -> BigInt {
    match value {
        Value::Bool(b) => BigInt::from(*b as i64),
        Value::Int(i) => BigInt::from(*i),
        Value::BigInt(i) => (**i).clone(),
        _ => BigInt::default(),
    }
}

fn integer_with(value: &Value, spec: &Spec) -> Result<String, Failure> {
    let big = to_big(value);
    let kind = spec.kind.unwrap_or('d');
    if matches!(kind, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') {
        return float_with(big.to_f64().unwrap_or(f64::INFINITY), spec);
    }
    if spec.precision.is_some() {
        return Err("Precision not allowed in integer format specifier".into());
    }
    let (radix, prefix) = match kind {
        'd' | 'n' => (10, ""),
        'b' => (2, "0b"),
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        'c' => {
            let c = big.to_u32().and_then(char::from_u32);
            let c = c.ok_or_else(|| Failure::value_error("%c arg not in range(0x110000)"))?;
            return Ok(spec.pad("", &c.to_string(), '<'));
        }
        kind => return Err(unknown(kind, "int")),
    };
    let mut body = big.magnitude().to_str_radix(radix);
    if kind == 'X' {
        body = body.to_uppercase();
    }
    let every = if radix == 10 { 3 } else { 4 };
    let sign = sign_of(big.sign() == Sign::Minus, spec);
    let prefix = if spec.alternate { prefix } else { "" };
    let sign = format!("{sign}{prefix}");
    let body = grouped(&body, spec, every, sign.len());
    Ok(spec.pad(&sign, &body, '>'))
}

fn sign_of(negative: bool, spec: &Spec) -> &'static str {
    match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    }
}

/// Separators between groups of digits; zeros that fill the width are grouped too.
fn grouped(digits: &str, spec: &Spec, every: usize, sign_width: usize) -> String {
    let Some(separator) = spec.grouping else { return digits.to_string() };
    let (whole, rest) = match digits.find(|c: char| !c.is_ascii_hexdigit()) {
        Some(at) => digits.split_at(at),
        None => (digits, ""),
    };
    let mut whole: Vec<char> = whole.chars().collect();
    let zeros = spec.zero && spec.align.is_none() || spec.align == Some('=') && spec.fill == Some('0');
    if zeros {
        let length = |digits: usize| digits + digits.saturating_sub(1) / every + rest.len() + sign_width;
        while length(whole.len()) < spec.width {
            whole.insert(0, '0');
        }
    }
    let mut out = String::new();
    for (at, digit) in whole.iter().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(every) {
            out.push(separator);
        }
        out.push(*digit);
    }
    out + rest
}

fn float_with(value: f64, spec: &Spec) -> Result<String, Failure> {
    let (value, kind) = match spec.kind {
        Some('%') => (value * 100.0, Some('f')),
        kind => (value, kind),
    };
    let mut body = match kind {
        None if spec.precision.is_none() => float_digits(value.abs()),
        None => general(value.abs(), spec.precision.unwrap_or(6).max(1), false, true),
        Some(kind @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G')) => {
            number(value.abs(), kind, spec.precision.unwrap_or(6), spec.alternate)
        }
        Some('n') => number(value.abs(), 'g', spec.precision.unwrap_or(6), spec.alternate),
        Some(kind) => return Err(unknown(kind, "float")),
    };
    if spec.kind == Some('%') {
        body.push('%');
    }
    let sign = sign_of(value.is_sign_negative() && !value.is_nan(), spec);
    let body = if value.is_finite() { grouped(&body, spec, 3, sign.len()) } else { body };
    Ok(spec.pad(sign, &body, '>'))
}

fn float_digits(value: f64) -> String {
    repr_float(value)
}

/// `value` (not negative) as C's `printf` writes it for `e`, `f` and `g`.
pub(super) fn number(value: f64, kind: char, precision: usize, alternate: bool) -> String {
    let text = if value.is_nan() {
        "nan".to_string()
    } else if value.is_infinite() {
        "inf".to_string()
    } else {
        match kind.to_ascii_lowercase() {
            'f' => {
                let text = fixed(value, precision);
                if alternate && precision == 0 { text + "." } else { text }
            }
            'e' => exponent(value, precision),
            _ => general(value, precision.max(1), alternate, false),
        }
    };
    if kind.is_ascii_uppercase() { text.to_uppercase() } else { text }
}

/// A float has no digits beyond these; Rust refuses to write more than 65535.
const MAX_DIGITS: usize = 1100;

/// `value` with so many decimals.
pub(crate) fn fixed(value: f64, precision: usize) -> String {
    let exact = precision.min(MAX_DIGITS);
    format!("{value:.exact$}") + &"0".repeat(precision - exact)
}

/// The same with an exponent.
fn scientific(value: f64, precision: usize) -> String {
    let exact = precision.min(MAX_DIGITS);
    let text = format!("{value:.exact$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{mantissa}{}e{exponent}", "0".repeat(precision - exact))
}

fn exponent(value: f64, precision: usize) -> String {
    let text = scientific(value, precision);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// `%g`; `as_repr`: the variant for no type, which shows at least one digit after the point.
fn general(value: f64, precision: usize, alternate: bool, as_repr: bool) -> String {
    if !value.is_finite() {
        return repr_float(value);
    }
    let text = scientific(value, precision - 1);
    let (_, power) = text.split_once('e').unwrap_or(("", "0"));
    let power: i32 = if value == 0.0 { 0 } else { power.parse().unwrap_or(0) };
    let limit = if as_repr { precision as i32 - 1 } else { precision as i32 };
    let strip = |text: String| {
        if alternate || !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    };
    if power < -4 || power >= limit {
        let text = exponent(value, precision - 1);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{exponent}", strip(mantissa.to_string()));
    }
    let text = strip(fixed(value, (precision as i32 - 1 - power).max(0) as usize));
    if as_repr && !text.contains('.') { text + ".0" } else { text }
}
