//! What Python's `re` would raise.

/// Why a pattern, a replacement or a search failed; `Display` gives Python's message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RegexError {
    /// `re.error`: the pattern or the replacement is wrong.
    Syntax(String),
    /// `IndexError` of a replacement or a group name.
    UnknownGroup(String),
    /// Valid Python that this engine cannot run.
    Unsupported(String),
    /// The search went back and forth too often.
    TooSlow,
}

impl RegexError {
    /// `message at position N`, with line and column when the pattern has several lines.
    pub(super) fn at(message: &str, pattern: &[char], position: usize) -> RegexError {
        let mut text = format!("{message} at position {position}");
        if pattern.contains(&'\n') {
            let before = &pattern[..position.min(pattern.len())];
            let line = before.iter().filter(|c| **c == '\n').count() + 1;
            let column = match before.iter().rposition(|c| *c == '\n') {
                Some(newline) => position - newline,
                None => position + 1,
            };
            text.push_str(&format!(" (line {line}, column {column})"));
        }
        RegexError::Syntax(text)
    }
}

impl std::fmt::Display for RegexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RegexError::Syntax(text) | RegexError::UnknownGroup(text) => f.write_str(text),
            RegexError::Unsupported(what) => write!(f, "regular expression not supported yet: {what}"),
            RegexError::TooSlow => {
                f.write_str("the regular expression takes too long on this text (too much backtracking)")
            }
        }
    }
}
impl std::error::Error for RegexError {}
