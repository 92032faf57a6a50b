//! The `comment` filter.

use ftl_core::Value;
use ftl_core::value::to_text;

use super::argument::{failure, strict_text};
use super::encode::quoted;
use crate::{Arguments, Evaluation, Failure};

struct Style {
    name: &'static str,
    beginning: &'static str,
    decoration: &'static str,
    end: &'static str,
}

const STYLES: &[Style] = &[
    Style { name: "plain", beginning: "", decoration: "# ", end: "" },
    Style { name: "erlang", beginning: "", decoration: "% ", end: "" },
    Style { name: "c", beginning: "", decoration: "// ", end: "" },
    Style { name: "cblock", beginning: "/*", decoration: " * ", end: " */" },
    Style { name: "xml", beginning: "<!--", decoration: " - ", end: "-->" },
];

pub(super) fn comment(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Result<Value, Failure> {
    let name = args.take("style", 0).unwrap_or_else(|| Value::str("plain"));
    let Some(style) = STYLES.iter().find(|s| name.as_str() == Some(s.name)) else {
        let names: Vec<_> = STYLES.iter().map(|s| s.name).collect();
        return Err(failure(format!("Invalid style {}.", quoted(&name)))
            .help(format!("Available styles: {}", names.join(", "))));
    };
    let text = strict_text(&value, |kind| format!("'{kind}' object has no attribute 'replace'"))?;
    let mut given = |name: &str| args.take_named(name).map(|v| if v.is_none() { String::new() } else { to_text(&v) });
    let decoration = given("decoration").unwrap_or_else(|| style.decoration.into());
    let edge = decoration.trim_end().to_string();
    let newline = given("newline").unwrap_or_else(|| "\n".into());
    let beginning = given("beginning").unwrap_or_else(|| style.beginning.into());
    let prefix = given("prefix").unwrap_or_else(|| edge.clone());
    let postfix = given("postfix").unwrap_or_else(|| edge.clone());
    let end = given("end").unwrap_or_else(|| style.end.into());
    let mut count = |name: &str| match args.take_named(name) {
        None => Ok(1),
        Some(value) => super::argument::index(&value).map(|n| n.max(0) as usize),
    };
    let (prefix_count, postfix_count) = (count("prefix_count")?, count("postfix_count")?);
    evaluation
        .check_text(prefix.len().saturating_mul(prefix_count).max(postfix.len().saturating_mul(postfix_count)))?;

    let mut out = String::new();
    if !beginning.is_empty() {
        out.push_str(&beginning);
        out.push_str(&newline);
    }
    if !prefix.is_empty() {
        let line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
        out.push_str(&line.repeat(prefix_count));
    }
    let lines =
        if newline.is_empty() { text.to_string() } else { text.replace(&newline, &format!("{newline}{decoration}")) };
    let body = format!("{decoration}{lines}");
    let empty_line = format!("{decoration}{newline}");
    let bare = format!("{edge}{newline}");
    out.push_str(&if empty_line.is_empty() { body } else { body.replace(&empty_line, &bare) });
    for _ in 0..postfix_count {
        out.push_str(&newline);
        out.push_str(&postfix);
    }
    if !end.is_empty() {
        out.push_str(&newline);
        out.push_str(&end);
    }
    Ok(Value::str(out))
}
