//! Python's `shlex.split(line, comments=True)`: how a host line is cut into words.

/// The words of a line; `#` begins a comment even inside a word. The error is Python's message.
pub(crate) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' => {
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
            let words = split(line);
            let words: Result<Vec<&str>, &str> =
                words.as_ref().map(|w| w.iter().map(String::as_str).collect()).map_err(|e| *e);
            assert_eq!(words, expected.map(|w| w.to_vec()), "{line}");
        }
    }
}
