//! Splits a text into data, delimiters and the tokens between them.

use std::sync::Arc;

use ftl_core::Value;
use num_bigint::BigInt;

use super::escape::unescape;
use super::token::{Syntax, SyntaxError, Token};

/// All tokens with the lines they start on.
pub(super) fn tokenize(source: &str, syntax: &Syntax, as_expression: bool) -> Vec<(Token, u32)> {
    let text = normalize(source, syntax.keep_trailing_newline);
    let mut lexer = Lexer { text: &text, syntax, at: 0, line: 1, line_start: true, tokens: Vec::new() };
    let outcome = if as_expression { lexer.inside(Inside::Expression) } else { lexer.outside() };
    if let Err(error) = outcome {
        lexer.tokens.push((Token::Invalid(error.message), error.line));
    }
    let line = lexer.line;
    lexer.tokens.push((Token::End, line));
    lexer.tokens
}

fn normalize(source: &str, keep_trailing_newline: bool) -> String {
    let mut text =
        if source.contains('\r') { source.replace("\r\n", "\n").replace('\r', "\n") } else { source.to_string() };
    if !keep_trailing_newline && text.ends_with('\n') {
        text.pop();
    }
    text
}

struct Lexer<'a> {
    text: &'a str,
    syntax: &'a Syntax,
    at: usize,
    line: u32,
    /// Did the last match end with a line feed?
    line_start: bool,
    tokens: Vec<(Token, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    Raw,
    Variable,
    Block,
    Comment,
    LineStatement,
    LineComment,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Variable,
    Block,
    LineStatement,
    Expression,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.text[self.at..self.at + bytes];
        self.line += passed.bytes().filter(|b| *b == b'\n').count() as u32;
        if bytes > 0 {
            self.line_start = passed.ends_with('\n');
        }
        self.at += bytes;
    }

    fn push(&mut self, token: Token) {
        self.tokens.push((token, self.line));
    }

    fn outside(&mut self) -> Result<(), SyntaxError> {
        while self.at < self.text.len() {
            let Some((found, opening, length)) = self.find_opening() else {
                let data = self.rest().to_string();
                self.data(&data);
                self.advance(data.len());
                break;
            };
            let before = self.text[self.at..found].to_string();
            let sign = self.text.as_bytes().get(found + length).copied().filter(|b| matches!(b, b'-' | b'+'));
            // Line statements have no signs of their own.
            let sign = if matches!(opening, Opening::LineStatement | Opening::LineComment) { None } else { sign };
            let kept = self.before_tag(&before, sign, opening == Opening::Variable).to_string();
            self.data(&kept);
            self.advance(before.len());
            match opening {
                Opening::Raw => self.raw()?,
                Opening::Comment => {
                    self.advance(length + sign.is_some() as usize);
                    self.comment()?;
                }
                Opening::Variable => {
                    self.push(Token::VariableBegin);
                    self.advance(length + sign.is_some() as usize);
                    self.inside(Inside::Variable)?;
                }
                Opening::Block => {
                    self.push(Token::BlockBegin);
                    self.advance(length + sign.is_some() as usize);
                    self.inside(Inside::Block)?;
                }
                Opening::LineStatement => {
                    self.push(Token::BlockBegin);
                    self.advance(length);
                    self.inside(Inside::LineStatement)?;
                }
                Opening::LineComment => {
                    let to = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.advance(to);
                }
            }
        }
        Ok(())
    }

    fn data(&mut self, data: &str) {
        if data.is_empty() {
            return;
        }
        let data = if self.syntax.newline_sequence == "\n" {
            data.to_string()
        } else {
            data.replace('\n', &self.syntax.newline_sequence)
        };
        // What a comment or raw block parted is one piece again.
        if let Some((Token::Data(last), _)) = self.tokens.last_mut() {
            last.push_str(&data);
        } else {
            self.push(Token::Data(data));
        }
    }

    /// The data before a tag, without the white space that the tag eats.
    fn before_tag<'t>(&self, data: &'t str, sign: Option<u8>, is_variable: bool) -> &'t str {
        if sign == Some(b'-') {
            return data.trim_end();
        }
        if sign != Some(b'+') && self.syntax.lstrip_blocks && !is_variable {
            let line_begin = data.rfind('\n').map_or(0, |at| at + 1);
            let last_line = &data[line_begin..];
            if (line_begin > 0 || self.line_start)
                && !last_line.is_empty()
                && last_line.chars().all(char::is_whitespace)
            {
                return &data[..line_begin];
            }
        }
        data
    }

    /// The next tag: where it is, what it is, how long its opening is.
    fn find_opening(&self) -> Option<(usize, Opening, usize)> {
        let s = self.syntax;
        let mut openings = [
            (Opening::Comment, s.comment_start.as_str()),
            (Opening::Block, s.block_start.as_str()),
            (Opening::Variable, s.variable_start.as_str()),
        ];
        // The longest wins where several match.
        openings.sort_by_key(|(_, start)| std::cmp::Reverse(start.len()));
        let bytes = self.text.as_bytes();
        for at in self.at..bytes.len() {
            if let Some(found) = self.line_opening(at) {
                return Some(found);
            }
            for (opening, start) in openings {
                if bytes[at] == start.as_bytes()[0]
                    && self.text.is_char_boundary(at)
                    && self.text[at..].starts_with(start)
                {
                    if opening == Opening::Block && self.raw_begin(at).is_some() {
                        return Some((at, Opening::Raw, start.len()));
                    }
                    return Some((at, opening, start.len()));
                }
            }
        }
        None
    }

    fn line_opening(&self, at: usize) -> Option<(usize, Opening, usize)> {
        let s = self.syntax;
        if s.line_statement_prefix.is_none() && s.line_comment_prefix.is_none() {
            return None;
        }
        let bytes = self.text.as_bytes();
        let at_line_start = at == 0 || bytes[at - 1] == b'\n';
        if !self.text.is_char_boundary(at) {
            return None;
        }
        let rest = &self.text[at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\x0b']).len();
        if let Some(prefix) = &s.line_comment_prefix
            && (at_line_start || !bytes[at - 1].is_ascii_whitespace())
            && rest[blank..].starts_with(prefix.as_str())
            && s.line_statement_prefix
                .as_ref()
                .is_none_or(|p| p.len() < prefix.len() || !rest[blank..].starts_with(p.as_str()))
        {
            return Some((at, Opening::LineComment, blank + prefix.len()));
        }
        if let Some(prefix) = &s.line_statement_prefix
            && at_line_start
            && rest[blank..].starts_with(prefix.as_str())
        {
            return Some((at, Opening::LineStatement, blank + prefix.len()));
        }
        None
    }

    /// `{% raw %}` at `at`: its length.
    fn raw_begin(&self, at: usize) -> Option<usize> {
        let s = self.syntax;
        let mut rest = &self.text[at + s.block_start.len()..];
        rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start();
        rest = rest.strip_prefix("raw")?.trim_start();
        rest = match rest.strip_prefix('-').and_then(|r| r.strip_prefix(s.block_end.as_str())) {
            Some(after) => after.trim_start(),
            None => rest.strip_prefix(s.block_end.as_str())?,
        };
        Some(self.text.len() - at - rest.len())
    }

    fn raw(&mut self) -> Result<(), SyntaxError> {
        let line = self.line;
        let begin = self.raw_begin(self.at).unwrap_or(0);
        self.advance(begin);
        let rest = self.rest();
        if rest.is_empty() {
            return Ok(());
        }
        let mut from = 0;
        while let Some(found) = rest[from..].find(&self.syntax.block_start) {
            let at = from + found;
            let mut after = &rest[at + self.syntax.block_start.len()..];
            let sign = after.as_bytes().first().copied().filter(|b| matches!(b, b'-' | b'+'));
            after = &after[sign.is_some() as usize..];
            if let Some(after) = after.trim_start().strip_prefix("endraw")
                && let Some(after) = self.block_end(after.trim_start())
            {
                let end = rest.len() - after.len();
                let kept = self.before_tag(&rest[..at], sign, false).to_string();
                self.data(&kept);
                self.advance(end);
                return Ok(());
            }
            from = at + self.syntax.block_start.len();
        }
        Err(SyntaxError::new("Missing end of raw directive", line))
    }

    /// What follows the end of a block, if it ends here.
    fn block_end<'t>(&self, rest: &'t str) -> Option<&'t str> {
        self.tag_end(rest, &self.syntax.block_end)
    }

    fn tag_end<'t>(&self, rest: &'t str, end: &str) -> Option<&'t str> {
        if let Some(after) = rest.strip_prefix('+').and_then(|r| r.strip_prefix(end)) {
            return Some(after);
        }
        if let Some(after) = rest.strip_prefix('-').and_then(|r| r.strip_prefix(end)) {
            return Some(after.trim_start());
        }
        let after = rest.strip_prefix(end)?;
        Some(if self.syntax.trim_blocks { after.strip_prefix('\n').unwrap_or(after) } else { after })
    }

    fn comment(&mut self) -> Result<(), SyntaxError> {
        let rest = self.rest();
        if rest.is_empty() {
            return Ok(());
        }
        let Some(mut at) = rest.find(&self.syntax.comment_end) else {
            return Err(SyntaxError::new("Missing end of comment tag", self.line));
        };
        if at > 0 && matches!(rest.as_bytes()[at - 1], b'-' | b'+') {
            at -= 1;
        }
        let after = self.tag_end(&rest[at..], &self.syntax.comment_end).unwrap_or("");
        self.advance(rest.len() - after.len());
        Ok(())
    }

    /// The tokens of a tag, up to and with its end.
    fn inside(&mut self, kind: Inside) -> Result<(), SyntaxError> {
        let mut brackets: Vec<&'static str> = Vec::new();
        loop {
            if brackets.is_empty()
                && let Some(after) = self.end_of(kind)
            {
                self.push(if matches!(kind, Inside::Variable | Inside::Expression) {
                    Token::VariableEnd
                } else {
                    Token::BlockEnd
                });
                self.advance(after);
                return Ok(());
            }
            let rest = self.rest();
            let Some(first) = rest.chars().next() else {
                return Ok(());
            };
            if first.is_whitespace() {
                let blank = rest.len() - rest.trim_start().len();
                self.advance(blank);
                continue;
            }
            let (token, length) = if first.is_ascii_digit() {
                number(rest, self.text[..self.at].ends_with('.'))
            } else if first.is_alphanumeric() || first == '_' {
                self.name()?
            } else if matches!(first, '\'' | '"') {
                match string_end(rest) {
                    Some(length) => self.string(kind, length)?,
                    None => return Err(self.unexpected(first)),
                }
            } else {
                match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                    Some(symbol) => (Token::Symbol(symbol), symbol.len()),
                    None => return Err(self.unexpected(first)),
                }
            };
            if let Token::Symbol(symbol) = token {
                self.balance(&mut brackets, symbol)?;
            }
            self.push(token);
            self.advance(length);
        }
    }

    fn end_of(&self, kind: Inside) -> Option<usize> {
        let rest = self.rest();
        let after = match kind {
            Inside::Variable | Inside::Expression => {
                let end = self.syntax.variable_end.as_str();
                match rest.strip_prefix('-').and_then(|r| r.strip_prefix(end)) {
                    Some(after) => after.trim_start(),
                    None => rest.strip_prefix(end)?,
                }
            }
            Inside::Block => self.block_end(rest)?,
            Inside::LineStatement => {
                let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\x0b', '\r']).len();
                match rest[blank..].strip_prefix('\n') {
                    Some(after) => after,
                    None if rest.len() == blank => "",
                    None => return None,
                }
            }
        };
        Some(rest.len() - after.len())
    }

    fn balance(&self, brackets: &mut Vec<&'static str>, symbol: &'static str) -> Result<(), SyntaxError> {
        match symbol {
            "{" => brackets.push("}"),
            "(" => brackets.push(")"),
            "[" => brackets.push("]"),
            "}" | ")" | "]" => match brackets.pop() {
                None => return Err(SyntaxError::new(format!("unexpected '{symbol}'"), self.line)),
                Some(expected) if expected != symbol => {
                    return Err(SyntaxError::new(format!("unexpected '{symbol}', expected '{expected}'"), self.line));
                }
                Some(_) => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn unexpected(&self, found: char) -> SyntaxError {
        let at = self.text[..self.at].chars().count();
        let shown = ftl_core::value::repr_str(found.encode_utf8(&mut [0; 4]));
        SyntaxError::new(format!("unexpected char {shown} at {at}"), self.line)
    }

    fn name(&self) -> Result<(Token, usize), SyntaxError> {
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let name = &rest[..length];
        if name.chars().next().is_some_and(|c| !(c.is_alphabetic() || c == '_')) {
            return Err(SyntaxError::new("Invalid character in identifier", self.line));
        }
        Ok((Token::Name(Arc::from(name)), length))
    }

    fn string(&self, kind: Inside, length: usize) -> Result<(Token, usize), SyntaxError> {
        let content = &self.rest()[1..length - 1];
        let keep = self.syntax.keep_backslashes && kind == Inside::Variable;
        let text = if keep {
            content.to_string()
        } else {
            unescape(content).map_err(|message| SyntaxError::new(message, self.line))?
        };
        Ok((Token::Text(text), length))
    }
}

/// Longest first.
const SYMBOLS: [&str; 26] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".",
    ":", "|", ",", ";",
];

fn string_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = bytes[0];
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b if b == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// `digits` with single underscores between them, as Python writes them.
fn digits(bytes: &[u8], mut at: usize, valid: fn(&u8) -> bool) -> usize {
    while at < bytes.len() {
        if valid(&bytes[at]) {
            at += 1;
        } else if bytes[at] == b'_' && at > 0 && bytes.get(at + 1).is_some_and(valid) {
            at += 2;
        } else {
            break;
        }
    }
    at
}

fn number(text: &str, after_dot: bool) -> (Token, usize) {
    let bytes = text.as_bytes();
    let whole = digits(bytes, 0, u8::is_ascii_digit);
    if !after_dot {
        let mut end = whole;
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            end = digits(bytes, end + 1, u8::is_ascii_digit);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = matches!(bytes.get(end + 1), Some(b'+' | b'-')) as usize;
            if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                end = digits(bytes, end + 1 + sign, u8::is_ascii_digit);
            }
        }
        if end > whole {
            let value = text[..end].replace('_', "").parse().unwrap_or(f64::NAN);
            return (Token::Number(Value::Float(value)), end);
        }
    }
    let prefixed = match bytes.get(..2) {
        Some([b'0', b'b' | b'B']) => Some((2, (|b| matches!(b, b'0' | b'1')) as fn(&u8) -> bool)),
        Some([b'0', b'o' | b'O']) => Some((8, (|b| matches!(b, b'0'..=b'7')) as fn(&u8) -> bool)),
        Some([b'0', b'x' | b'X']) => Some((16, u8::is_ascii_hexdigit as fn(&u8) -> bool)),
        _ => None,
    };
    if let Some((radix, valid)) = prefixed {
        let end = digits(bytes, 2, valid);
        if end > 2 {
            let value = BigInt::parse_bytes(text[2..end].replace('_', "").as_bytes(), radix).unwrap_or_default();
            return (Token::Number(Value::from(value)), end);
        }
    }
    let end = if bytes[0] == b'0' { digits(bytes, 0, |b| *b == b'0') } else { whole };
    let value = BigInt::parse_bytes(text[..end].replace('_', "").as_bytes(), 10).unwrap_or_default();
    (Token::Number(Value::from(value)), end)
}
