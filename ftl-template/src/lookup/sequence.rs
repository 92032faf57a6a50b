//! The lookup `sequence`.

use ftl_core::Value;

use super::options::{IntOption, only_text, parse_key_values, term_text};
use crate::filter::argument::failure;
use crate::format::{MAX_WIDTH, fixed};
use crate::{Arguments, Evaluation, Failure};

/// Decimal numbers only, whatever the documentation says.
const NUMBER: IntOption = IntOption { lookup: "sequence", kind: "integer" };
const FIELDS: [&str; 5] = ["start", "end", "count", "stride", "format"];

#[derive(Clone)]
struct Sequence {
    start: i64,
    end: Option<i64>,
    count: Option<i64>,
    stride: i64,
    format: String,
}

impl Sequence {
    fn set(&mut self, field: &str, value: &Value) -> Result<(), Failure> {
        let number = || NUMBER.read(field, value);
        match field {
            "start" => self.start = number()?,
            "end" => self.end = Some(number()?),
            "count" => self.count = Some(number()?),
            "stride" => self.stride = number()?,
            _ => self.format = term_text(value)?,
        }
        Ok(())
    }

    /// `[start-]end[/stride][:format]`; nothing when the term has another form.
    fn set_shortcut(&mut self, term: &str) -> Result<bool, Failure> {
        let (numbers, format) = match term.split_once(':') {
            Some((_, "")) => return Ok(false),
            Some((numbers, format)) => (numbers, Some(format)),
            None => (term, None),
        };
        let (range, stride) = numbers.split_once('/').map_or((numbers, None), |(r, s)| (r, Some(s)));
        let (start, end) = range.split_once('-').map_or((None, range), |(s, e)| (Some(s), e));
        let valid = |text: &str| {
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit())
        };
        if !valid(end) || !start.is_none_or(valid) || !stride.is_none_or(valid) {
            return Ok(false);
        }
        for (field, text) in [("start", start), ("end", Some(end)), ("stride", stride), ("format", format)] {
            if let Some(text) = text {
                self.set(field, &Value::str(text))?;
            }
        }
        Ok(true)
    }

    fn generate(mut self, evaluation: &Evaluation<'_>, out: &mut Vec<Value>) -> Result<(), Failure> {
        let end = match (self.count, self.end) {
            (None, None) => return Err(failure("must specify count or end in with_sequence")),
            (Some(_), Some(_)) => return Err(failure("can't specify both count and end in with_sequence")),
            (Some(0), None) => return Ok(()),
            (Some(count), None) => self.start.saturating_add(count.saturating_mul(self.stride)).saturating_sub(1),
            (None, Some(end)) => end,
        };
        if self.stride > 0 && end < self.start {
            return Err(failure("to count backwards make stride negative"));
        }
        if self.stride < 0 && end > self.start {
            return Err(failure("to count forward don't make stride negative"));
        }
        if self.stride == 0 {
            return Ok(());
        }
        if self.format.matches('%').count() != 1 {
            return Err(failure(format!("bad formatting string: {}", self.format)));
        }
        let steps = end.saturating_sub(self.start).unsigned_abs() / self.stride.unsigned_abs();
        let steps = usize::try_from(steps).unwrap_or(usize::MAX);
        evaluation.check_items(out.len().saturating_add(steps).saturating_add(1))?;
        loop {
            let past = if self.stride > 0 { self.start > end } else { self.start < end };
            if past {
                return Ok(());
            }
            let number = self.start;
            let text = format_number(&self.format, number).ok_or_else(|| {
                let format = ftl_core::value::repr_str(&self.format);
                failure(format!("problem formatting {number} with {format}"))
            })?;
            out.push(Value::str(text));
            let Some(next) = self.start.checked_add(self.stride) else { return Ok(()) };
            self.start = next;
        }
    }
}

/// `format % number` with one directive: `%d`, `%02x`, `%-5s`…
fn format_number(format: &str, number: i64) -> Option<String> {
    let (before, rest) = format.split_once('%')?;
    let flags_end = rest.find(|c: char| !"-+ #0".contains(c))?;
    let (flags, rest) = rest.split_at(flags_end);
    let width_end = rest.find(|c: char| !c.is_ascii_digit())?;
    let (width, rest) = rest.split_at(width_end);
    let (precision, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            (Some(rest[..end].parse::<usize>().unwrap_or(0)), &rest[end..])
        }
        None => (None, rest),
    };
    let directive = rest.chars().next()?;
    if precision.is_some_and(|precision| precision > MAX_WIDTH) {
        return None;
    }
    let after = &rest[directive.len_utf8()..];
    let width: usize = if width.is_empty() { 0 } else { width.parse().ok()? };
    let alternate = flags.contains('#');
    let magnitude = number.unsigned_abs();
    let mut digits = match directive {
        'd' | 'i' | 'u' => magnitude.to_string(),
        'x' => format!("{magnitude:x}"),
        'X' => format!("{magnitude:X}"),
        'o' => format!("{magnitude:o}"),
        's' | 'r' | 'a' => number.to_string(),
        'f' | 'F' => fixed(magnitude as f64, precision.unwrap_or(6)),
        'c' => char::from_u32(u32::try_from(number).ok()?)?.to_string(),
        _ => return None,
    };
    let is_number = !"sracF".contains(directive) || "fF".contains(directive);
    if is_number
        && !"fF".contains(directive)
        && let Some(least) = precision
    {
        digits = "0".repeat(least.saturating_sub(digits.len())) + &digits;
    }
    let prefix = match directive {
        'x' if alternate => "0x",
        'X' if alternate => "0X",
        'o' if alternate => "0o",
        _ => "",
    };
    let sign = match () {
        _ if !is_number => "",
        _ if number < 0 => "-",
        _ if flags.contains('+') => "+",
        _ if flags.contains(' ') => " ",
        _ => "",
    };
    let used = sign.len() + prefix.len() + digits.chars().count();
    let padding = width.min(10_000).saturating_sub(used);
    let body = if flags.contains('-') {
        format!("{sign}{prefix}{digits}{}", " ".repeat(padding))
    } else if flags.contains('0') && is_number {
        format!("{sign}{prefix}{}{digits}", "0".repeat(padding))
    } else {
        format!("{}{sign}{prefix}{digits}", " ".repeat(padding))
    };
    Some(format!("{before}{body}{after}"))
}

pub(super) fn sequence(
    evaluation: &Evaluation<'_>,
    terms: Vec<Value>,
    mut args: Arguments,
) -> Result<Vec<Value>, Failure> {
    let mut defaults = Sequence { start: 1, end: None, count: None, stride: 1, format: "%d".into() };
    // Ansible wants something to go over when there are options only.
    let terms = if terms.is_empty() && !args.is_empty() { vec![Value::str("")] } else { terms };
    for field in FIELDS {
        if let Some(value) = args.take_named(field).filter(|v| !v.is_none()) {
            defaults.set(field, &value)?;
        }
    }
    let mut out = vec![];
    for term in &terms {
        let text = only_text(term, "split")?;
        let mut sequence = defaults.clone();
        if !sequence.set_shortcut(&text)? {
            let parsed = parse_key_values(&text)?;
            let unknown: Vec<String> = (parsed.pairs.iter().map(|(key, _)| key.as_str()))
                .filter(|key| !FIELDS.contains(key))
                .chain(parsed.words.as_ref().map(|_| "_raw_params"))
                .map(ftl_core::value::repr_str)
                .collect();
            for (key, value) in parsed.pairs.iter().filter(|(key, _)| FIELDS.contains(&key.as_str())) {
                sequence.set(key, &Value::str(value.as_str()))?;
            }
            if !unknown.is_empty() {
                return Err(failure(format!("unrecognized arguments to with_sequence: [{}]", unknown.join(", "))));
            }
        }
        sequence.generate(evaluation, &mut out)?;
    }
    Ok(out)
}
