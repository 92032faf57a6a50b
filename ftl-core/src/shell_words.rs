//! Python's `shlex`: command lines and host lines as words, and words for a shell.

/// A word for a POSIX shell.
pub fn quote(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

/// The words of a line; with `comments`, `#` begins one even inside a word. The error is Python's message.
pub fn split(line: &str, comments: bool) -> Result<Vec<String>, &'static str> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if comments => {
                // The rest of the physical line; host lines have no other.
                for skipped in chars.by_ref() {
                    if skipped == '\n' {
                        break;
                    }
                }
                words.extend(word.take());
            }
            '\\' => {
                let escaped = chars.next().ok_or("No escaped character")?;
                word.get_or_insert_default().push(escaped);
            }
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => read_double_quoted(&mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn read_double_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or("No closing quotation")? {
            '"' => return Ok(()),
            '\\' => {
                let escaped = chars.next().ok_or("No escaped character")?;
                if escaped != '"' && escaped != '\\' {
                    word.push('\\');
                }
                word.push(escaped);
            }
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_as_shlex_cuts_them() {
        // Recorded from shlex.split(…, comments=True).
        let cases: &[(&str, Result<&[&str], &str>)] = &[
            ("a b=1", Ok(&["a", "b=1"])),
            ("a b='x y' # c", Ok(&["a", "b=x y"])),
            ("a b=x#y z", Ok(&["a", "b=x"])),
            ("a b=\"x#y\"", Ok(&["a", "b=x#y"])),
            ("a b=\"it's \\\"q\\\" \\n\"", Ok(&["a", "b=it's \"q\" \\n"])),
            ("a 'b'\"c\"d", Ok(&["a", "bcd"])),
            ("a ''", Ok(&["a", ""])),
            ("a x\\ y", Ok(&["a", "x y"])),
            ("a 'b", Err("No closing quotation")),
            ("a b\\", Err("No escaped character")),
        ];
        for (line, expected) in cases {
            let words = split(line, true);
            let words: Result<Vec<&str>, &str> =
                words.as_ref().map(|w| w.iter().map(String::as_str).collect()).map_err(|e| *e);
            assert_eq!(words, expected.map(|w| w.to_vec()), "{line}");
        }
        assert_eq!(split("a #b", false).as_deref(), Ok(["a".to_string(), "#b".to_string()].as_slice()));
    }

    #[test]
    fn words_are_quoted_where_they_must_be() {
        for (word, expected) in [("plain-1.x", "plain-1.x"), ("", "''"), ("a b", "'a b'"), ("it's", r#"'it'"'"'s'"#)] {
            assert_eq!(quote(word), expected);
        }
    }
}
