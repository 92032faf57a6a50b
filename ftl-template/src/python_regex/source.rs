//! The characters of a pattern, one token ahead: positions are counted as Python counts them in its messages.

use super::RegexError;

/// A character, or a backslash with the character after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token {
    pub(super) char: char,
    pub(super) escaped: bool,
}

impl Token {
    pub(super) fn is(self, c: char) -> bool {
        !self.escaped && self.char == c
    }

    pub(super) fn len(self) -> usize {
        1 + self.escaped as usize
    }

    pub(super) fn text(self) -> String {
        if self.escaped { format!("\\{}", self.char) } else { self.char.to_string() }
    }
}

pub(super) struct Source {
    chars: Vec<char>,
    /// Just after `next`.
    index: usize,
    next: Option<Token>,
}

impl Source {
    pub(super) fn new(text: &str) -> Result<Source, RegexError> {
        let mut source = Source { chars: text.chars().collect(), index: 0, next: None };
        source.advance()?;
        Ok(source)
    }

    fn advance(&mut self) -> Result<(), RegexError> {
        let Some(&char) = self.chars.get(self.index) else {
            self.next = None;
            return Ok(());
        };
        self.next = Some(if char == '\\' {
            let Some(&escaped) = self.chars.get(self.index + 1) else {
                return Err(RegexError::at("bad escape (end of pattern)", &self.chars, self.chars.len() - 1));
            };
            Token { char: escaped, escaped: true }
        } else {
            Token { char, escaped: false }
        });
        self.index += self.next.map_or(0, Token::len);
        Ok(())
    }

    pub(super) fn peek(&self) -> Option<Token> {
        self.next
    }

    /// The next token when it is the plain character `c`.
    pub(super) fn next_is(&self, c: char) -> bool {
        self.next.is_some_and(|t| t.is(c))
    }

    /// The next token when it is a plain character that `accept` likes.
    pub(super) fn next_char(&self, accept: impl Fn(char) -> bool) -> Option<char> {
        self.next.filter(|t| !t.escaped && accept(t.char)).map(|t| t.char)
    }

    pub(super) fn get(&mut self) -> Result<Option<Token>, RegexError> {
        let this = self.next;
        self.advance()?;
        Ok(this)
    }

    /// Takes the next token if it is `c`.
    pub(super) fn take(&mut self, c: char) -> Result<bool, RegexError> {
        let found = self.next_is(c);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Up to `limit` plain characters that `accept` likes.
    pub(super) fn take_while(&mut self, limit: usize, accept: impl Fn(char) -> bool) -> Result<String, RegexError> {
        let mut out = String::new();
        while out.len() < limit {
            let Some(c) = self.next_char(&accept) else { break };
            out.push(c);
            self.advance()?;
        }
        Ok(out)
    }

    /// Everything up to `end`; `what` names it in messages.
    pub(super) fn take_until(&mut self, end: char, what: &str) -> Result<String, RegexError> {
        let mut out = String::new();
        loop {
            let Some(token) = self.get()? else {
                return Err(if out.is_empty() {
                    self.error(&format!("missing {what}"), 0)
                } else {
                    self.error(&format!("missing {end}, unterminated name"), out.chars().count())
                });
            };
            if token.is(end) {
                return if out.is_empty() { Err(self.error(&format!("missing {what}"), 1)) } else { Ok(out) };
            }
            out.push_str(&token.text());
        }
    }

    /// Where the next token starts.
    pub(super) fn position(&self) -> usize {
        self.index - self.next.map_or(0, Token::len)
    }

    pub(super) fn seek(&mut self, position: usize) -> Result<(), RegexError> {
        self.index = position;
        self.advance()
    }

    /// An error `back` characters before the next token.
    pub(super) fn error(&self, message: &str, back: usize) -> RegexError {
        self.error_at(message, self.position().saturating_sub(back))
    }

    pub(super) fn error_at(&self, message: &str, position: usize) -> RegexError {
        RegexError::at(message, &self.chars, position)
    }
}

/// Python's `str.isidentifier`, near enough.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
}
