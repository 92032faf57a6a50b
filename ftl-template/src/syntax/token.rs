//! Tokens, the settings of the lexer, and syntax errors.

use std::sync::Arc;

use ftl_core::Value;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Data(String),
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name(Arc<str>),
    Text(String),
    Number(Value),
    /// An operator or bracket, as it is written.
    Symbol(&'static str),
    /// Here the text stops making sense; why. The parser may find an earlier mistake.
    Invalid(String),
    End,
}

impl Token {
    pub(crate) fn is_name(&self, name: &str) -> bool {
        matches!(self, Token::Name(n) if **n == *name)
    }

    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self, Token::Symbol(s) if *s == symbol)
    }

    /// As Jinja's messages call it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Token::Data(_) => "template data / text".into(),
            Token::VariableBegin => "begin of print statement".into(),
            Token::VariableEnd => "end of print statement".into(),
            Token::BlockBegin => "begin of statement block".into(),
            Token::BlockEnd => "end of statement block".into(),
            Token::Name(name) => name.to_string(),
            Token::Text(_) => "string".into(),
            Token::Number(Value::Float(_)) => "float".into(),
            Token::Number(_) => "integer".into(),
            Token::Symbol(symbol) => (*symbol).into(),
            Token::Invalid(message) => message.clone(),
            Token::End => "end of template".into(),
        }
    }
}

/// Delimiters, white space, and which optional statements exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Syntax {
    pub variable_start: String,
    pub variable_end: String,
    pub block_start: String,
    pub block_end: String,
    pub comment_start: String,
    pub comment_end: String,
    pub line_statement_prefix: Option<String>,
    pub line_comment_prefix: Option<String>,
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    pub newline_sequence: String,
    pub keep_trailing_newline: bool,
    /// String literals inside `{{ }}` keep their backslashes.
    pub keep_backslashes: bool,
    pub with_do: bool,
    pub with_loop_controls: bool,
}

impl Default for Syntax {
    fn default() -> Syntax {
        Syntax {
            variable_start: "{{".into(),
            variable_end: "}}".into(),
            block_start: "{%".into(),
            block_end: "%}".into(),
            comment_start: "{#".into(),
            comment_end: "#}".into(),
            line_statement_prefix: None,
            line_comment_prefix: None,
            trim_blocks: true,
            lstrip_blocks: false,
            newline_sequence: "\n".into(),
            keep_trailing_newline: false,
            keep_backslashes: true,
            with_do: false,
            with_loop_controls: false,
        }
    }
}

/// What is wrong with a text, in Jinja's words.
#[derive(Clone, Debug)]
pub(crate) struct SyntaxError {
    pub message: String,
    pub line: u32,
}

impl SyntaxError {
    pub(crate) fn new(message: impl Into<String>, line: u32) -> SyntaxError {
        SyntaxError { message: message.into(), line }
    }
}
