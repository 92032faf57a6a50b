//! Python's `unicode-escape`: what backslashes mean inside string literals.

/// The text with its escapes replaced; unknown ones stay. The error is Python's, without its prefix.
pub(crate) fn unescape(text: &str) -> Result<String, &'static str> {
    if !text.contains('\\') {
        return Ok(text.to_string());
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            None => return Err("\\ at end of string"),
            Some('\n') => {}
            Some(c @ ('\\' | '\'' | '"')) => out.push(c),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\x0b'),
            Some('x') => out.push(hexadecimal(&mut chars, 2, "truncated \\xXX escape")?),
            Some('u') => out.push(hexadecimal(&mut chars, 4, "truncated \\uXXXX escape")?),
            Some('U') => out.push(hexadecimal(&mut chars, 8, "truncated \\UXXXXXXXX escape")?),
            Some(c @ '0'..='7') => {
                let mut code = c as u32 - '0' as u32;
                for _ in 0..2 {
                    match chars.peek().and_then(|c| c.to_digit(8)) {
                        Some(digit) => code = code * 8 + digit,
                        None => break,
                    }
                    chars.next();
                }
                out.extend(char::from_u32(code));
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    Ok(out)
}

fn hexadecimal(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    digits: usize,
    truncated: &'static str,
) -> Result<char, &'static str> {
    let mut code = 0u32;
    for _ in 0..digits {
        let digit = chars.peek().and_then(|c| c.to_digit(16)).ok_or(truncated)?;
        code = code.wrapping_mul(16).wrapping_add(digit);
        chars.next();
    }
    char::from_u32(code).ok_or("illegal Unicode character")
}

#[cfg(test)]
mod tests {
    #[test]
    fn escapes() {
        for (text, expected) in [
            (r"a\nb", Ok("a\nb")),
            (r"\x41\u2603\101", Ok("A\u{2603}A")),
            (r"\d\w", Ok(r"\d\w")),
            (r"\x4", Err("truncated \\xXX escape")),
        ] {
            assert_eq!(super::unescape(text).as_deref().map_err(|e| *e), expected);
        }
    }
}
