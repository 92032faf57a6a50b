//! Filters that search and replace with regular expressions.

use std::sync::Arc;

use ftl_core::Value;
use ftl_core::value::to_text;

use super::argument::{failure, index, strict_text, text_of};
use crate::python_regex::{self, Flags, Regex, RegexError};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

impl From<RegexError> for Failure {
    fn from(error: RegexError) -> Failure {
        match &error {
            RegexError::UnknownGroup(_) => Failure::lookup_error(error.to_string()),
            _ => Failure::value_error(error.to_string()),
        }
    }
}

pub(crate) fn compile(pattern: &Value, ignore_case: bool, multi_line: bool) -> Result<Arc<Regex>, Failure> {
    let text = strict_text(pattern, |_| "first argument must be string or compiled pattern".into())?;
    Ok(Regex::new(&text, Flags { ignore_case, multi_line, ..Flags::default() })?)
}

fn optional_text(argument: Option<Value>) -> Value {
    argument.unwrap_or_else(|| Value::str(""))
}

pub(super) fn replace(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let pattern = optional_text(args.take("pattern", 0));
    let replacement = optional_text(args.take("replacement", 1));
    let ignore_case = args.take_bool("ignorecase", 2, false);
    let multi_line = args.take_bool("multiline", 3, false);
    let count = args.take("count", 4).map_or(Ok(0), |v| index(&v))?;
    let mandatory = args.take("mandatory_count", 5).map_or(Ok(0), |v| index(&v))?;
    args.finish("regex_replace")?;
    let text = text_of(&value)?;
    evaluation.check_text(text.len())?;
    let regex = compile(&pattern, ignore_case, multi_line)?;
    let template =
        strict_text(&replacement, |kind| format!("decoding to str: need a bytes-like object, {kind} found"))?;
    let limit = match count {
        0 => None,
        count if count < 0 => Some(0),
        count => Some(count as usize),
    };
    let (out, found) = regex.replace(&template, &text, limit)?;
    if mandatory != 0 && mandatory != found as i64 {
        let pattern = to_text(&pattern);
        return Err(failure(format!(
            "'{pattern}' should match {mandatory} times, but matches {count} times in '{text}'"
        )));
    }
    Ok(Value::str(out))
}

pub(super) fn find_all(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let pattern = args.require("regex_findall", "regex", 0)?;
    let multi_line = args.take_bool("multiline", 1, false);
    let ignore_case = args.take_bool("ignorecase", 2, false);
    args.finish("regex_findall")?;
    let text = text_of(&value)?;
    let regex = compile(&pattern, ignore_case, multi_line)?;
    let mut out = vec![];
    for found in regex.matches(&text) {
        let found = found?;
        let group = |g| Value::str(found.group(g).unwrap_or(""));
        out.push(match regex.group_count() {
            0 => group(0),
            1 => group(1),
            count => Value::Tuple((1..=count).map(group).collect()),
        });
    }
    Ok(Value::list(out))
}

pub(super) fn search(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let pattern = args.require("regex_search", "regex", 0)?;
    let ignore_case = args.take_named("ignorecase").is_some_and(|v| v.is_true());
    let multi_line = args.take_named("multiline").is_some_and(|v| v.is_true());
    let wanted = args.rest();
    let text = text_of(&value)?;
    let regex = compile(&pattern, ignore_case, multi_line)?;
    let mut groups = vec![];
    for argument in &wanted {
        groups.push(wanted_group(&to_text(argument), &regex)?);
    }
    let Some(found) = regex.search(&text)? else { return Ok(Value::None) };
    if groups.is_empty() {
        return Ok(Value::str(found.as_str()));
    }
    let mut out = vec![];
    for group in groups {
        let group =
            group.filter(|g| *g <= regex.group_count()).ok_or_else(|| Failure::lookup_error("no such group"))?;
        out.push(found.group(group).map_or(Value::None, Value::str));
    }
    Ok(Value::list(out))
}

/// `\1` or `\g<name>`; `None` for a group the pattern does not have, which only matters when there is a match.
fn wanted_group(text: &str, regex: &Regex) -> Result<Option<usize>, Failure> {
    const MISSING: &str = "'NoneType' object has no attribute 'group'";
    if let Some(rest) = text.strip_prefix("\\g") {
        let name = rest.strip_prefix('<').and_then(|r| r.rfind('>').map(|end| &r[..end]));
        let name = name.filter(|n| !n.is_empty() && !n.contains(char::is_whitespace));
        return name
            .map(|name| regex.group_of(name))
            .ok_or_else(|| Failure::new(crate::FailureKind::Attribute, MISSING));
    }
    let Some(rest) = text.strip_prefix('\\') else { return Err(failure("Unknown argument")) };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Err(Failure::new(crate::FailureKind::Attribute, MISSING));
    }
    Ok(digits.parse().ok())
}

pub(super) fn escape(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let kind = args.take("re_type", 0).map_or_else(|| "python".to_string(), |v| to_text(&v));
    args.finish("regex_escape")?;
    let text = text_of(&value)?;
    match kind.as_str() {
        "python" => Ok(Value::str(python_regex::escape(&text))),
        "posix_basic" => {
            let mut out = String::with_capacity(text.len());
            for c in text.chars() {
                if "].[^$*\\".contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
            Ok(Value::str(out))
        }
        "posix_extended" => Err(failure(format!("Regex type ({kind}) not yet implemented"))),
        _ => Err(failure(format!("Invalid regex type ({kind})"))),
    }
}
