//! How a template file is read: delimiters, white space, and the `#jinja2:` header.

use std::path::PathBuf;

use crate::syntax::Syntax;

/// How a template file is read (`template` action, `lookup('template')`).
#[derive(Clone, Debug)]
pub struct FileOptions {
    pub variable_start: String,
    pub variable_end: String,
    pub block_start: String,
    pub block_end: String,
    pub comment_start: String,
    pub comment_end: String,
    pub newline_sequence: String,
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    /// String literals inside `{{ }}` keep their backslashes, as in playbooks.
    pub escape_backslashes: bool,
    /// Where `include`, `import` and `extends` look, in this order.
    pub search_path: Vec<PathBuf>,
}

impl Default for FileOptions {
    fn default() -> FileOptions {
        FileOptions {
            variable_start: "{{".into(),
            variable_end: "}}".into(),
            block_start: "{%".into(),
            block_end: "%}".into(),
            comment_start: "{#".into(),
            comment_end: "#}".into(),
            newline_sequence: "\n".into(),
            trim_blocks: true,
            lstrip_blocks: false,
            escape_backslashes: false,
            search_path: Vec::new(),
        }
    }
}

const HEADER: &str = "#jinja2:";

impl FileOptions {
    pub(crate) fn syntax(&self, base: &Syntax) -> Syntax {
        Syntax {
            variable_start: self.variable_start.clone(),
            variable_end: self.variable_end.clone(),
            block_start: self.block_start.clone(),
            block_end: self.block_end.clone(),
            comment_start: self.comment_start.clone(),
            comment_end: self.comment_end.clone(),
            newline_sequence: self.newline_sequence.clone(),
            trim_blocks: self.trim_blocks,
            lstrip_blocks: self.lstrip_blocks,
            keep_backslashes: self.escape_backslashes,
            ..base.clone()
        }
    }
}

/// Does the text bring its own settings?
pub(crate) fn has_header(text: &str) -> bool {
    text.starts_with(HEADER)
}

/// Takes a `#jinja2:` header off the text and applies it; gives where the text itself begins. Fails for delimiters that
/// cannot be told from text or from one another, whether they come from the header or not.
pub(crate) fn apply_header(text: &str, syntax: &mut Syntax) -> Result<usize, String> {
    let start = read_header(text, syntax)?;
    let Syntax { variable_start: v, block_start: b, comment_start: c, .. } = &*syntax;
    if v == b || v == c || b == c {
        return Err("Block, variable and comment start strings must be different.".into());
    }
    let ends = [&syntax.variable_end, &syntax.block_end, &syntax.comment_end];
    if [v, b, c].into_iter().chain(ends).any(String::is_empty) {
        return Err("Delimiters must not be empty.".into());
    }
    Ok(start)
}

fn read_header(text: &str, syntax: &mut Syntax) -> Result<usize, String> {
    let Some(rest) = text.strip_prefix(HEADER) else {
        return Ok(0);
    };
    let Some(end) = rest.find('\n') else {
        return Err(format!("Missing newline after '{HEADER}' override."));
    };
    for pair in rest[..end].split(',') {
        if pair.trim().is_empty() {
            return Err(format!("Empty '{HEADER}' override pair not allowed."));
        }
        let Some((key, value)) = pair.split_once(':') else {
            return Err(format!("Missing key-value separator `:` in '{HEADER}' override pair '{pair}'."));
        };
        set(syntax, key.trim(), value.trim())?;
    }
    Ok(HEADER.len() + end + 1)
}

fn set(syntax: &mut Syntax, key: &str, value: &str) -> Result<(), String> {
    let text = || literal(value).ok_or_else(|| format!("malformed node or string: {value}"));
    let flag = || match value {
        "True" => Ok(true),
        "False" => Ok(false),
        other => Err(format!("malformed node or string: {other}")),
    };
    match key {
        "variable_start_string" => syntax.variable_start = text()?,
        "variable_end_string" => syntax.variable_end = text()?,
        "block_start_string" => syntax.block_start = text()?,
        "block_end_string" => syntax.block_end = text()?,
        "comment_start_string" => syntax.comment_start = text()?,
        "comment_end_string" => syntax.comment_end = text()?,
        "line_statement_prefix" => syntax.line_statement_prefix = optional(value, text)?,
        "line_comment_prefix" => syntax.line_comment_prefix = optional(value, text)?,
        "newline_sequence" => syntax.newline_sequence = text()?,
        "trim_blocks" => syntax.trim_blocks = flag()?,
        "lstrip_blocks" => syntax.lstrip_blocks = flag()?,
        "keep_trailing_newline" => syntax.keep_trailing_newline = flag()?,
        other => return Err(format!("Invalid '{HEADER}' override key '{other}'.")),
    }
    Ok(())
}

fn optional(value: &str, text: impl Fn() -> Result<String, String>) -> Result<Option<String>, String> {
    if value == "None" { Ok(None) } else { text().map(|t| Some(t).filter(|t| !t.is_empty())) }
}

/// A Python string literal.
fn literal(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    crate::syntax::unescape(inner).ok()
}
