//! Jinja's filters of text.

use ftl_core::Value;
use ftl_core::value::{repr, type_name};

use super::argument::iterate;
use crate::call::{Arguments, Failure};
use crate::{Evaluation, format, method};

/// `str(value)`.
pub(crate) fn text(value: &Value) -> Result<String, Failure> {
    match value {
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        other => Ok(crate::evaluate::as_text(other)),
    }
}

fn integer(value: Option<Value>, default: i64) -> Result<i64, Failure> {
    match value {
        None | Some(Value::None) => Ok(default),
        Some(value) => value.as_int().ok_or_else(|| {
            Failure::type_error(format!("'{}' object cannot be interpreted as an integer", type_name(&value)))
        }),
    }
}

pub(super) fn upper(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_upper")?;
    Ok(text(&value)?.to_uppercase().into())
}

pub(super) fn lower(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_lower")?;
    Ok(text(&value)?.to_lowercase().into())
}

pub(super) fn capitalize(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_capitalize")?;
    Ok(method::capitalize(&text(&value)?).into())
}

/// Words begin after white space, hyphens and opening brackets.
pub(super) fn title(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_title")?;
    let text = text(&value)?;
    let mut out = String::with_capacity(text.len());
    let mut at_start = true;
    for c in text.chars() {
        let is_break = c.is_whitespace() || matches!(c, '-' | '(' | '{' | '[' | '<');
        if is_break {
            out.push(c);
        } else if at_start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        at_start = is_break;
    }
    Ok(out.into())
}

pub(super) fn string(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("soft_str")?;
    match value {
        Value::Str(_) => Ok(value),
        other => Ok(text(&other)?.into()),
    }
}

pub(super) fn trim(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let characters = arguments.take("chars", 0);
    arguments.finish("do_trim")?;
    let call = match characters {
        None => Arguments::default(),
        Some(characters) => Arguments::of([characters]),
    };
    method::call(&Value::str(text(&value)?), "strip", call)
}

pub(super) fn center(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let width = arguments.take("width", 0).unwrap_or(Value::Int(80));
    arguments.finish("do_center")?;
    method::call(&Value::str(text(&value)?), "center", Arguments::of([width]))
}

pub(super) fn replace(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let old = Value::str(text(&arguments.require("do_replace", "old", 0)?)?);
    let new = Value::str(text(&arguments.require("do_replace", "new", 1)?)?);
    let count = Value::Int(integer(arguments.take("count", 2), -1)?);
    arguments.finish("do_replace")?;
    method::call(&Value::str(text(&value)?), "replace", Arguments::of([old, new, count]))
}

pub(super) fn reverse(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_reverse")?;
    match &value {
        Value::Str(text) => Ok(text.chars().rev().collect::<String>().into()),
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        other => {
            let mut items = iterate(other)
                .map_err(|failure| Failure::value_error(format!("argument must be iterable: {failure}")))?;
            items.reverse();
            Ok(Value::list(items))
        }
    }
}

pub(super) fn wordcount(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_wordcount")?;
    let text = text(&value)?;
    Ok(Value::from(text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).count()))
}

pub(super) fn format(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let positional = arguments.rest();
    let named = arguments.rest_map();
    if !positional.is_empty() && !named.is_empty() {
        return Err("can't handle positional and keyword arguments at the same time".into());
    }
    let values = if named.is_empty() { Value::Tuple(positional.into()) } else { Value::dict(named) };
    Ok(format::percent::format(&text(&value)?, &values)?.into())
}

fn lines(text: &str) -> Result<Vec<String>, Failure> {
    let lines = method::call(&Value::str(text), "splitlines", Arguments::default())?.as_items().unwrap_or_default();
    Ok(lines.iter().filter_map(|line| line.as_str().map(str::to_string)).collect())
}

pub(super) fn indent(evaluation: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let width = arguments.take("width", 0);
    let first = arguments.take_bool("first", 1, false);
    let blank = arguments.take_bool("blank", 2, false);
    arguments.finish("do_indent")?;
    let indentation = match width {
        Some(Value::Str(text)) => text.to_string(),
        width => {
            let width = integer(width, 4)?.max(0) as usize;
            evaluation.check_text(width)?;
            " ".repeat(width)
        }
    };
    let Value::Str(text) = &value else {
        return Err(Failure::type_error(format!(
            "unsupported operand type(s) for +=: '{}' and 'str'",
            type_name(&value)
        )));
    };
    let lines = lines(&format!("{}\n", text.as_str()))?;
    evaluation.check_text(text.len() + lines.len() * indentation.len())?;
    let mut out = String::new();
    if first {
        out.push_str(&indentation);
    }
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indentation);
            }
        }
        out.push_str(line);
    }
    Ok(out.into())
}

pub(super) fn truncate(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let length = integer(arguments.take("length", 0), 255)?;
    let kill = arguments.take_bool("killwords", 1, false);
    let end = arguments.take("end", 2).map_or(Ok("...".to_string()), |end| text(&end))?;
    let leeway = integer(arguments.take("leeway", 3), 5)?;
    arguments.finish("do_truncate")?;
    let end_length = end.chars().count() as i64;
    if length < end_length {
        return Err(format!("expected length >= {end_length}, got {length}").into());
    }
    if leeway < 0 {
        return Err(format!("expected leeway >= 0, got {leeway}").into());
    }
    let Value::Str(text) = &value else {
        // A short list is left as it is; a long one cannot be cut.
        return match iterate(&value) {
            Ok(items) if items.len() as i64 <= length + leeway => Ok(value),
            _ => Err(Failure::type_error(format!("object of type '{}' has no len()", type_name(&value)))),
        };
    };
    if text.chars().count() as i64 <= length + leeway {
        return Ok(value);
    }
    let cut: String = text.chars().take((length - end_length) as usize).collect();
    let kept = if kill { cut.as_str() } else { cut.rsplit_once(' ').map_or(cut.as_str(), |(before, _)| before) };
    Ok(format!("{kept}{end}").into())
}

pub(super) fn wordwrap(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let width = integer(arguments.take("width", 0), 79)?;
    let break_words = arguments.take_bool("break_long_words", 1, true);
    let wrap = arguments.take("wrapstring", 2).filter(|w| !w.is_none()).map_or(Ok("\n".to_string()), |w| text(&w))?;
    let break_hyphens = arguments.take_bool("break_on_hyphens", 3, true);
    arguments.finish("do_wordwrap")?;
    if width <= 0 {
        return Err(format!("invalid width {width} (must be > 0)").into());
    }
    let Value::Str(text) = &value else {
        return Err(Failure::type_error(format!("'{}' object has no attribute 'splitlines'", type_name(&value))));
    };
    let wrapped: Vec<String> = lines(text)?
        .iter()
        .map(|line| wrap_line(line, width as usize, break_words, break_hyphens).join(&wrap))
        .collect();
    Ok(wrapped.join(&wrap).into())
}

/// Python's `textwrap.wrap` of one line.
fn wrap_line(line: &str, width: usize, break_words: bool, break_hyphens: bool) -> Vec<String> {
    let mut chunks: std::collections::VecDeque<String> = chunks(line, break_hyphens).into();
    let length = |s: &str| s.chars().count();
    let mut lines = Vec::new();
    while !chunks.is_empty() {
        let mut current: Vec<String> = Vec::new();
        let mut used = 0;
        if !lines.is_empty() && chunks.front().is_some_and(|c| c.trim().is_empty()) {
            chunks.pop_front();
        }
        while let Some(chunk) = chunks.front() {
            if used + length(chunk) > width {
                break;
            }
            used += length(chunk);
            current.extend(chunks.pop_front());
        }
        if let Some(chunk) = chunks.front()
            && length(chunk) > width
        {
            if break_words {
                let room = (width - used).max(if current.is_empty() { 1 } else { 0 });
                if room > 0 {
                    let head: String = chunk.chars().take(room).collect();
                    let tail: String = chunk.chars().skip(room).collect();
                    current.push(head);
                    chunks[0] = tail;
                }
            } else if current.is_empty() {
                current.extend(chunks.pop_front());
            }
        }
        if current.last().is_some_and(|c| c.trim().is_empty()) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    lines
}

/// Words and the white space between them; words part after hyphens.
fn chunks(line: &str, break_hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let chars: Vec<char> = line.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let blank = chars[at].is_whitespace();
        let mut end = at;
        while end < chars.len() && chars[end].is_whitespace() == blank {
            end += 1;
            let letter = |i: usize| chars.get(i).is_some_and(|c| c.is_alphabetic());
            let hyphen = !blank && break_hyphens && chars[end - 1] == '-';
            if hyphen
                && end >= 3
                && letter(end - 2)
                && letter(end - 3)
                && end - at >= 3
                && letter(end)
                && letter(end + 1)
            {
                break;
            }
        }
        chunks.push(chars[at..end].iter().collect());
        at = end;
    }
    chunks
}

/// Ansible's containers print themselves in one line, however long.
pub(super) fn pprint(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_pprint")?;
    Ok(repr(&value).into())
}
