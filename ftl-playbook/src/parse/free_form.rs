//! Arguments written as text: `src=a dest="b c"`, and the free form of `command`, split as Ansible splits them.

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Str, Value};

/// Options that `command`, `shell`, `raw` and `script` take out of their free form; other `k=v` words stay in the command.
const FREE_FORM_OPTIONS: &[&str] =
    &["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// The `k=v` words of a text as a dict, the other words under `_raw_params`. With `free_form`, only the options of commands
/// count as `k=v`. Values keep the trust and the origin of the text.
pub fn parse_key_values(text: &Str, free_form: bool) -> Result<Map, Diagnostic> {
    let mut options = Map::new();
    let mut raw: Vec<String> = Vec::new();
    for word in split_arguments(text.as_str()).map_err(|e| e.at(text.origin().cloned()))? {
        let decoded = decode_escapes(&word);
        if !decoded.contains('=') {
            raw.push(word);
            continue;
        }
        let Some(at) = unescaped_equals(&decoded) else {
            raw.push(decoded.replace("\\=", "="));
            continue;
        };
        let (key, value) = (&decoded[..at], &decoded[at + 1..]);
        if free_form && !FREE_FORM_OPTIONS.contains(&key) {
            raw.push(word);
        } else {
            let value = text.part(unquote(value.trim()));
            options.insert(Value::Str(text.part(key.trim())), Value::Str(value));
        }
    }
    if !raw.is_empty() {
        options.insert("_raw_params", Value::Str(text.part(join_arguments(&raw))));
    }
    Ok(options)
}

/// `copy src=a` as the action's name and the rest.
pub(super) fn split_action(text: &Str) -> Result<(Str, Str), Diagnostic> {
    let words = split_arguments(text.as_str()).map_err(|e| e.at(text.origin().cloned()))?;
    let name = words.first().map(|w| w.trim()).unwrap_or_default();
    let rest = words.get(1..).map(|w| w.join(" ")).unwrap_or_default();
    Ok((text.part(name), text.part(rest)))
}

/// The first `=` that is neither the first character nor escaped.
fn unescaped_equals(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).find(|&i| bytes[i] == b'=' && bytes[i - 1] != b'\\')
}

/// The text inside one pair of equal quotes, or the text itself.
pub fn unquote(text: &str) -> &str {
    let bytes = text.as_bytes();
    let last = bytes.len().wrapping_sub(1);
    let quoted =
        bytes.len() > 1 && bytes[0] == bytes[last] && matches!(bytes[0], b'"' | b'\'') && bytes[last - 1] != b'\\';
    if quoted { &text[1..last] } else { text }
}

/// Puts words together again; a word that ends its line needs no blank after it.
fn join_arguments(words: &[String]) -> String {
    let mut out = String::new();
    for word in words {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// What is open while words are put together.
#[derive(Default)]
struct Open {
    quote: Option<char>,
    print: usize,
    block: usize,
    comment: usize,
}

impl Open {
    fn in_template(&self) -> bool {
        self.print > 0 || self.block > 0 || self.comment > 0
    }
}

/// Splits at blanks and line ends, but neither inside quotes nor inside `{{ }}`, `{% %}`, `{# #}`. Blanks and line ends
/// that separate are kept at the end of the word before them, so that the text can be put together again.
pub fn split_arguments(text: &str) -> Result<Vec<String>, Diagnostic> {
    let mut words: Vec<String> = Vec::new();
    if text.is_empty() {
        return Ok(words);
    }
    let mut open = Open::default();
    let lines: Vec<&str> = text.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let mut continued = false;
        for (index, token) in line.split(' ').enumerate() {
            if token.is_empty() && index != 0 {
                append(&mut words, " ");
            } else if token == "\\" && open.quote.is_none() {
                continued = true;
            } else {
                take_token(&mut words, &mut open, token, index);
            }
        }
        if number + 1 < lines.len() && !continued {
            append(&mut words, "\n");
        }
    }
    if open.in_template() || open.quote.is_some() {
        return Err(Diagnostic::error(format!(
            "failed at splitting arguments, either an unbalanced jinja2 block or quotes: {text}"
        )));
    }
    Ok(words)
}

fn append(words: &mut Vec<String>, text: &str) {
    match words.last_mut() {
        Some(last) => last.push_str(text),
        None => words.push(text.to_string()),
    }
}

/// One blank-separated token: a new word, or more of the last one.
fn take_token(words: &mut Vec<String>, open: &mut Open, token: &str, index: usize) {
    let was_quoted = open.quote.is_some();
    open.quote = quote_after(token, open.quote);
    let quoted = open.quote.is_some();
    let mut placed = true;
    if quoted && !was_quoted && !open.in_template() {
        words.push(token.to_string());
    } else if open.in_template() || quoted || was_quoted {
        if index > 0 {
            append(words, " ");
        }
        append(words, token);
    } else {
        placed = false;
    }
    for (depth, start, end) in
        [(&mut open.print, "{{", "}}"), (&mut open.block, "{%", "%}"), (&mut open.comment, "{#", "#}")]
    {
        let before = *depth;
        *depth = (before + token.matches(start).count()).saturating_sub(token.matches(end).count());
        if *depth != before && !placed {
            words.push(token.to_string());
            placed = true;
        }
    }
    if !placed && !token.is_empty() {
        words.push(token.to_string());
    }
}

/// The quote that is open after the token.
fn quote_after(token: &str, mut quote: Option<char>) -> Option<char> {
    let mut before = None;
    for c in token.chars() {
        if matches!(c, '"' | '\'') && before != Some('\\') {
            match quote {
                Some(q) if q == c => quote = None,
                Some(_) => {}
                None => quote = Some(c),
            }
        }
        before = Some(c);
    }
    quote
}

/// `\n`, `\t`, `\x41`, `\u00e4`, … as Python decodes them; other backslashes stay.
fn decode_escapes(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match escape(rest) {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('\\');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character an escape at the start of `text` stands for, and the length of the escape.
fn escape(text: &str) -> Option<(char, usize)> {
    let hex = |digits: usize| {
        let code = text.get(2..2 + digits)?;
        if !code.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, 2 + digits))
    };
    Some(match text[1..].chars().next()? {
        'U' => return hex(8),
        'u' => return hex(4),
        'x' => return hex(2),
        'a' => ('\x07', 2),
        'b' => ('\x08', 2),
        'f' => ('\x0c', 2),
        'n' => ('\n', 2),
        'r' => ('\r', 2),
        't' => ('\t', 2),
        'v' => ('\x0b', 2),
        c @ ('\\' | '\'' | '"') => (c, 2),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "free_form_tests.rs"]
mod tests;
