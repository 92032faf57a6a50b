//! Jinja's filters for HTML and URLs.

use ftl_core::Value;
use ftl_core::value::type_name;

use super::argument::iterate;
use super::jinja_text::text;
use crate::Evaluation;
use crate::call::{Arguments, Failure};

pub(super) fn escape(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("escape")?;
    Ok(escaped(&text(&value)?).into())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn safe(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_mark_safe")?;
    Ok(text(&value)?.into())
}

/// Tags and comments out, white space as single blanks, entities as their characters.
pub(super) fn striptags(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_striptags")?;
    let mut text = text(&value)?;
    while let Some(start) = text.find("<!--")
        && let Some(end) = text[start..].find("-->")
    {
        text.replace_range(start..start + end + 3, "");
    }
    while let Some(start) = text.find('<')
        && let Some(end) = text[start..].find('>')
    {
        text.replace_range(start..start + end + 1, "");
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(unescaped(&text).into())
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest.find(';').filter(|end| *end < 12).map(|end| (&rest[1..end], end + 1));
        match entity.and_then(|(name, length)| Some((character(name)?, length))) {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "copy" => Some('©'),
        "reg" => Some('®'),
        "hellip" => Some('…'),
        "mdash" => Some('—'),
        "ndash" => Some('–'),
        "laquo" => Some('«'),
        "raquo" => Some('»'),
        "euro" => Some('€'),
        _ => None,
    }
}

pub(super) fn urlencode(_: &Evaluation<'_>, value: Value, arguments: Arguments) -> Result<Value, Failure> {
    arguments.finish("do_urlencode")?;
    let pairs: Vec<(Value, Value)> = match &value {
        Value::Dict(dict) => dict.entries().iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        Value::List(_) | Value::Tuple(_) => crate::method::pairs(&value)?,
        other => return Ok(quoted(other, false)?.into()),
    };
    let mut parts = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        parts.push(format!("{}={}", quoted(&key, true)?, quoted(&value, true)?));
    }
    Ok(parts.join("&").into())
}

fn quoted(value: &Value, in_query: bool) -> Result<String, Failure> {
    let bytes = match value {
        Value::Bytes(bytes) => bytes.to_vec(),
        other => text(other)?.into_bytes(),
    };
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(byte as char),
            b'/' if !in_query => out.push('/'),
            b' ' if in_query => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(out)
}

pub(super) fn xmlattr(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let autospace = arguments.take_bool("autospace", 0, true);
    arguments.finish("do_xmlattr")?;
    let Some(entries) = value.as_map() else {
        let message = format!("'{}' object has no attribute 'items'", type_name(&value));
        return Err(Failure::new(crate::FailureKind::Attribute, message));
    };
    let mut parts = Vec::new();
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_none()) {
        let key = text(key)?;
        if key.contains(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=')) {
            let shown = ftl_core::value::repr_str(&key);
            return Err(format!("Invalid character in attribute name: {shown}").into());
        }
        parts.push(format!("{}=\"{}\"", escaped(&key), escaped(&text(value)?)));
    }
    let joined = parts.join(" ");
    Ok(if autospace && !joined.is_empty() { format!(" {joined}") } else { joined }.into())
}

/// Links for URLs and mail addresses in a text.
pub(super) fn urlize(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<Value, Failure> {
    let limit = arguments.take("trim_url_limit", 0).and_then(|l| l.as_int());
    let nofollow = arguments.take_bool("nofollow", 1, false);
    let target = arguments.take("target", 2).filter(|t| !t.is_none()).map(|t| text(&t)).transpose()?;
    let rel = arguments.take("rel", 3).filter(|r| !r.is_none()).map(|r| text(&r)).transpose()?;
    let schemes = arguments.take("extra_schemes", 4).filter(|s| !s.is_none());
    arguments.finish("do_urlize")?;
    let schemes: Vec<String> = match &schemes {
        Some(schemes) => iterate(schemes)?.iter().map(text).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let mut rels: Vec<String> = rel.unwrap_or_default().split_whitespace().map(str::to_string).collect();
    rels.push("noopener".into());
    if nofollow {
        rels.push("nofollow".into());
    }
    rels.sort();
    rels.dedup();
    let mut attributes = format!(" rel=\"{}\"", escaped(&rels.join(" ")));
    if let Some(target) = target {
        attributes += &format!(" target=\"{}\"", escaped(&target));
    }
    let text = escaped(&text(&value)?);
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars() {
        if c.is_whitespace() {
            out.push_str(&link(&word, limit, &attributes, &schemes));
            word.clear();
            out.push(c);
        } else {
            word.push(c);
        }
    }
    out.push_str(&link(&word, limit, &attributes, &schemes));
    Ok(out.into())
}

fn link(word: &str, limit: Option<i64>, attributes: &str, schemes: &[String]) -> String {
    let mut start = 0;
    while let Some(open) = ["(", "<", "&lt;"].iter().find(|open| word[start..].starts_with(**open)) {
        start += open.len();
    }
    let mut end = word.len();
    while let Some(close) = [")", ">", ".", ",", "\n", "&gt;"].iter().find(|close| word[start..end].ends_with(**close))
    {
        end -= close.len();
    }
    // A closing bracket stays when its opening one is inside.
    while end < word.len()
        && word[start..end].matches('(').count() > word[start..end].matches(')').count()
        && word[end..].starts_with(')')
    {
        end += 1;
    }
    let (head, middle, tail) = (&word[..start], &word[start..end], &word[end..]);
    let shown = |text: &str| match limit {
        Some(limit) if text.chars().count() as i64 > limit => {
            format!("{}...", text.chars().take(limit.max(0) as usize).collect::<String>())
        }
        _ => text.to_string(),
    };
    let is_domain = |host: &str| {
        let host = host.split(['/', '?', '#', ':']).next().unwrap_or("");
        host.contains('.')
            && host.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '-'))
    };
    let linked = if let Some(rest) = middle.strip_prefix("http://").or_else(|| middle.strip_prefix("https://")) {
        is_domain(rest).then(|| format!("<a href=\"{middle}\"{attributes}>{}</a>", shown(middle)))
    } else if middle.starts_with("www.") && is_domain(middle) {
        Some(format!("<a href=\"https://{middle}\"{attributes}>{}</a>", shown(middle)))
    } else if let Some(address) = middle.strip_prefix("mailto:").filter(|a| is_mail(a)) {
        Some(format!("<a href=\"{middle}\">{address}</a>"))
    } else if is_mail(middle) && !middle.starts_with("www.") {
        Some(format!("<a href=\"mailto:{middle}\">{middle}</a>"))
    } else if schemes.iter().any(|scheme| middle != scheme && middle.starts_with(scheme.as_str())) {
        Some(format!("<a href=\"{middle}\"{attributes}>{middle}</a>"))
    } else {
        None
    };
    match linked {
        Some(linked) => format!("{head}{linked}{tail}"),
        None => word.to_string(),
    }
}

fn is_mail(text: &str) -> bool {
    let Some((user, domain)) = text.split_once('@') else {
        return false;
    };
    !user.is_empty()
        && !user.contains(['/', ':'])
        && domain.contains('.')
        && domain.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '-'))
}
