//! Characters to tokens.

use ftl_core::Value;

use crate::filter::json_text::parse_json;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    Name(String),
    QuotedName(String),
    Literal(Value),
    Number(i64),
    /// `.`, `[?`, `==`, …
    Sign(&'static str),
    End,
}

/// Longest first.
const SIGNS: [&str; 24] = [
    "[?", "[]", "&&", "||", "!=", "==", "<=", ">=", ".", "*", "[", "]", "{", "}", "(", ")", ",", ":", "@", "&", "|",
    "!", "<", ">",
];

/// Tokens with the places where they start.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, String> {
    let mut out = vec![];
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let bad = |what: &str| format!("Bad jmespath expression: {what}:\n{text}\n{}^", " ".repeat(at));
        let (token, length) = match c {
            ' ' | '\t' | '\n' | '\r' => {
                at += 1;
                continue;
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                (Token::Name(rest[..end].into()), end)
            }
            '0'..='9' | '-' => {
                let end = rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |e| e + 1);
                let number = rest[..end].parse().map_err(|_| bad(&format!("Unknown token '{}'", &rest[..end])))?;
                (Token::Number(number), end)
            }
            '"' => {
                let length = delimited(rest, '"').ok_or_else(|| bad("Unclosed \" delimiter"))?;
                let name = parse_json(&rest[..length]).map_err(|f| bad(&f.to_string()))?;
                (Token::QuotedName(name.as_str().unwrap_or_default().into()), length)
            }
            '\'' => {
                let length = delimited(rest, '\'').ok_or_else(|| bad("Unclosed ' delimiter"))?;
                (Token::Literal(Value::str(rest[1..length - 1].replace("\\'", "'"))), length)
            }
            '`' => {
                let length = delimited(rest, '`').ok_or_else(|| bad("Unclosed ` delimiter"))?;
                let inner = rest[1..length - 1].replace("\\`", "`");
                // Older expressions leave the quotes of text out.
                let value = parse_json(inner.trim_start())
                    .or_else(|_| parse_json(&format!("\"{}\"", inner.trim_start())))
                    .map_err(|_| bad(&format!("Bad token {inner}")))?;
                (Token::Literal(value), length)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => return Err(bad(&format!("Unknown token {c}"))),
            },
        };
        out.push((token, at));
        at += length;
    }
    out.push((Token::End, text.len()));
    Ok(out)
}

/// The length up to and with the closing delimiter.
fn delimited(text: &str, delimiter: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == delimiter && !escaped {
            return Some(at + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}
