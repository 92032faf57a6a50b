//! Tests with regular expressions.

use ftl_core::Value;
use ftl_core::value::to_text;

use crate::filter::argument::text_of;
use crate::filter::regex::compile;
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<bool, Failure>;

fn run(value: &Value, mut args: Arguments, name: &str, default_kind: &str) -> Answer {
    let pattern = args.take("pattern", 0).unwrap_or_else(|| Value::str(""));
    let ignore_case = args.take_bool("ignorecase", 1, false);
    let multi_line = args.take_bool("multiline", 2, false);
    let kind = match name {
        "regex" => args.take("match_type", 3).map_or_else(|| default_kind.to_string(), |v| to_text(&v)),
        _ => default_kind.to_string(),
    };
    args.finish(name)?;
    let text = text_of(value)?;
    let regex = compile(&pattern, ignore_case, multi_line)?;
    match kind.as_str() {
        "match" => Ok(regex.match_start(&text)?.is_some()),
        "fullmatch" => Ok(regex.full_match(&text)?.is_some()),
        "search" => Ok(regex.search(&text)?.is_some()),
        "findall" | "finditer" => Ok(kind == "finditer" || regex.search(&text)?.is_some()),
        _ => Err(Failure::type_error("'str' object is not callable")),
    }
}

pub(super) fn matches(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    run(&value, args, "match", "match")
}

pub(super) fn search(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    run(&value, args, "search", "search")
}

pub(super) fn regex(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    run(&value, args, "regex", "search")
}
