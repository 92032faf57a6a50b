//! Character sets and escapes that stand for one character.

use super::RegexError;
use super::parse::is_octal;
use super::source::{Source, Token};
use super::syntax::{Category, Node, SetItem};

/// After `[`.
pub(super) fn parse_set(source: &mut Source) -> Result<Node, RegexError> {
    let start = source.position() - 1;
    let unterminated = |source: &Source| source.error_at("unterminated character set", start);
    let negate = source.take('^')?;
    let mut items: Vec<SetItem> = vec![];
    loop {
        let Some(this) = source.get()? else { return Err(unterminated(source)) };
        if this.is(']') && !items.is_empty() {
            break;
        }
        let low = parse_member(source, this)?;
        if !source.take('-')? {
            items.push(low);
            continue;
        }
        let Some(that) = source.get()? else { return Err(unterminated(source)) };
        if that.is(']') {
            items.push(low);
            items.push(SetItem::Literal('-' as u32));
            break;
        }
        let high = parse_member(source, that)?;
        match (low, high) {
            (SetItem::Literal(low), SetItem::Literal(high)) if low <= high => items.push(SetItem::Range(low, high)),
            _ => {
                let message = format!("bad character range {}-{}", this.text(), that.text());
                return Err(source.error(&message, this.len() + 1 + that.len()));
            }
        }
    }
    Ok(match (negate, items.as_slice()) {
        (false, [SetItem::Literal(c)]) => Node::Literal(*c),
        _ => Node::Set { negate, items },
    })
}

fn parse_member(source: &mut Source, token: Token) -> Result<SetItem, RegexError> {
    if !token.escaped {
        return Ok(SetItem::Literal(token.char as u32));
    }
    Ok(match token.char {
        'd' => SetItem::Category(Category::Digit),
        'D' => SetItem::Category(Category::NotDigit),
        's' => SetItem::Category(Category::Space),
        'S' => SetItem::Category(Category::NotSpace),
        'w' => SetItem::Category(Category::Word),
        'W' => SetItem::Category(Category::NotWord),
        'b' => SetItem::Literal(8),
        '0'..='7' => {
            let digits = format!("{}{}", token.char, source.take_while(2, is_octal)?);
            match u32::from_str_radix(&digits, 8) {
                Ok(code) if code <= 0o377 => SetItem::Literal(code),
                _ => {
                    let message = format!("octal escape value \\{digits} outside of range 0-0o377");
                    return Err(source.error(&message, digits.len() + 1));
                }
            }
        }
        '8' | '9' => return Err(source.error(&format!("bad escape \\{}", token.char), 2)),
        _ => SetItem::Literal(literal_escape(source, token)?),
    })
}

/// Escapes that mean the same inside and outside of sets.
pub(super) fn literal_escape(source: &mut Source, token: Token) -> Result<u32, RegexError> {
    match token.char {
        'a' => Ok(7),
        'f' => Ok(12),
        'n' => Ok(10),
        'r' => Ok(13),
        't' => Ok(9),
        'v' => Ok(11),
        'x' => parse_hex(source, 'x', 2),
        'u' => parse_hex(source, 'u', 4),
        'U' => parse_hex(source, 'U', 8),
        'N' => {
            if !source.take('{')? {
                return Err(source.error("missing {", 0));
            }
            let name = source.take_until('}', "character name")?;
            Err(RegexError::Unsupported(format!("the character name \\N{{{name}}}")))
        }
        c if c.is_ascii_alphabetic() => Err(source.error(&format!("bad escape \\{c}"), 2)),
        c => Ok(c as u32),
    }
}

fn parse_hex(source: &mut Source, letter: char, digits: usize) -> Result<u32, RegexError> {
    let text = source.take_while(digits, |c| c.is_ascii_hexdigit())?;
    if text.len() != digits {
        return Err(source.error(&format!("incomplete escape \\{letter}{text}"), text.len() + 2));
    }
    match u32::from_str_radix(&text, 16) {
        Ok(code) if code <= 0x10_ffff => Ok(code),
        _ => Err(source.error(&format!("bad escape \\{letter}{text}"), text.len() + 2)),
    }
}
