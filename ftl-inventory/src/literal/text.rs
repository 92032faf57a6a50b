//! Python's strings: prefixes, quotes, escapes, neighbours that become one.

use ftl_core::Value;

use super::cursor::Cursor;

/// All neighbouring strings at the cursor. The outer `None`: no string begins here; the inner: it is not well-formed.
pub(super) fn read_text(cursor: &mut Cursor<'_>) -> Option<Option<Value>> {
    let mut whole: Option<(String, bool)> = None;
    loop {
        let Some(prefix) = prefix_length(cursor.rest()) else {
            return whole.map(|(text, bytes)| {
                // Escapes above 0x7f mean bytes there; as text they are the characters of Latin-1.
                let latin = |c: char| u8::try_from(c as u32).unwrap_or(b'?');
                Some(if bytes { Value::Bytes(text.chars().map(latin).collect()) } else { Value::str(text) })
            });
        };
        let letters = cursor.rest()[..prefix].to_ascii_lowercase();
        cursor.skip(prefix);
        let bytes = letters.contains('b');
        let (text, is_bytes) = whole.get_or_insert_with(|| (String::new(), bytes));
        // Bytes and text do not mix.
        if *is_bytes != bytes || read_one(cursor, letters.contains('r'), bytes, text).is_none() {
            return Some(None);
        }
        cursor.skip_blanks();
    }
}

/// The length of the prefix before a quote; `f` strings are no literals.
fn prefix_length(text: &str) -> Option<usize> {
    let length = text.find(['\'', '"']).filter(|length| *length <= 2)?;
    let known = ["", "r", "u", "b", "br", "rb"];
    known.contains(&text[..length].to_ascii_lowercase().as_str()).then_some(length)
}

fn read_one(cursor: &mut Cursor<'_>, raw: bool, bytes: bool, out: &mut String) -> Option<()> {
    let quote = cursor.next()?;
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let long = cursor.rest().starts_with(&triple[1..]);
    if long {
        cursor.skip(2);
    }
    loop {
        if long && cursor.rest().starts_with(&triple) {
            cursor.skip(3);
            return Some(());
        }
        match cursor.next()? {
            c if c == quote && !long => return Some(()),
            '\n' | '\r' if !long => return None,
            '\\' if raw => {
                out.push('\\');
                out.push(cursor.next()?);
            }
            '\\' => read_escape(cursor, bytes, out)?,
            c if bytes && !c.is_ascii() => return None,
            c => out.push(c),
        }
    }
}

fn read_escape(cursor: &mut Cursor<'_>, bytes: bool, out: &mut String) -> Option<()> {
    let simple = match cursor.next()? {
        '\n' => return Some(()),
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        c @ ('\\' | '\'' | '"') => c,
        'x' => read_hex(cursor, 2)?,
        'u' if !bytes => read_hex(cursor, 4)?,
        'U' if !bytes => read_hex(cursor, 8)?,
        // Names of characters need Unicode's tables; such a value stays as it is written.
        'N' if !bytes => return None,
        c @ '0'..='7' => {
            let mut code = c as u32 - '0' as u32;
            for _ in 0..2 {
                let Some(digit) = cursor.peek().and_then(|c| c.to_digit(8)) else { break };
                code = code * 8 + digit;
                cursor.next();
            }
            char::from_u32(code)?
        }
        c => {
            out.push('\\');
            c
        }
    };
    out.push(simple);
    Some(())
}

fn read_hex(cursor: &mut Cursor<'_>, digits: usize) -> Option<char> {
    let text = cursor.rest().get(..digits)?;
    let well_formed = text.bytes().all(|b| b.is_ascii_hexdigit());
    let code = u32::from_str_radix(text, 16).ok().filter(|_| well_formed)?;
    cursor.skip(digits);
    char::from_u32(code)
}
