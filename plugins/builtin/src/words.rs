//! Command lines: taken apart and quoted as Python's `shlex` does, and shown without passwords.

/// `shlex.split`.
pub(crate) fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => quoted(&mut letters, '\'', word.get_or_insert_default())?,
            '"' => quoted(&mut letters, '"', word.get_or_insert_default())?,
            '\\' => {
                let next = letters.next().ok_or("No escaped character")?;
                word.get_or_insert_default().push(next);
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(letters: &mut std::str::Chars<'_>, quote: char, word: &mut String) -> Result<(), &'static str> {
    loop {
        match letters.next() {
            None => return Err("No closing quotation"),
            Some(letter) if letter == quote => return Ok(()),
            Some('\\') if quote == '"' => match letters.next() {
                None => return Err("No escaped character"),
                Some(next @ ('"' | '\\')) => word.push(next),
                Some(next) => word.extend(['\\', next]),
            },
            Some(letter) => word.push(letter),
        }
    }
}

/// `shlex.quote`.
pub(crate) fn quote(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

/// The command for messages: what looks like a password is hidden.
pub(crate) fn without_passwords(words: &[String]) -> String {
    let mut shown = Vec::with_capacity(words.len());
    let mut hide_next = false;
    for word in words {
        if std::mem::take(&mut hide_next) {
            shown.push(quote("********"));
            continue;
        }
        if is_password_option(word) {
            if let Some((name, _)) = word.split_once('=') {
                shown.push(quote(&format!("{name}=********")));
                continue;
            }
            hide_next = true;
        }
        shown.push(quote(&without_url_passwords(word)));
    }
    shown.join(" ")
}

fn is_password_option(word: &str) -> bool {
    let word = word.strip_prefix('-').unwrap_or(word);
    word.strip_prefix('-').unwrap_or(word).starts_with("pass")
}

/// `user:secret@host` and `scheme://user:secret@host`.
fn without_url_passwords(text: &str) -> String {
    let mut out = String::new();
    let mut end = text.len();
    loop {
        let Some(at) = text[..end].rfind('@') else {
            out.insert_str(0, &text[..end]);
            return out;
        };
        let mut search_end = at;
        let found = loop {
            let begin = text[..search_end].rfind("://");
            let from = begin.unwrap_or(0);
            let start = (from + 3).min(at);
            match text.get(start..at).and_then(|part| part.find(':')) {
                Some(colon) => break Some(start + colon),
                None if begin.is_none() || from == 0 => break None,
                None => search_end = from,
            }
        };
        let Some(colon) = found else {
            out.insert_str(0, &text[..end]);
            return out;
        };
        out.insert_str(0, &text[at..end]);
        out.insert_str(0, "********");
        let begin = text[..search_end].rfind("://").unwrap_or(0);
        out.insert_str(0, &text[begin..=colon]);
        end = begin;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split() {
        let check = |text: &str, expected: &[&str]| assert_eq!(split(text).unwrap(), expected);
        check(r#"a 'b c' "d \" \x" e\ f '' g'h'"#, &["a", "b c", "d \" \\x", "e f", "", "gh"]);
        check("  ", &[]);
        check("a#b # c", &["a#b", "#", "c"]);
        assert_eq!(split("a 'b"), Err("No closing quotation"));
        assert_eq!(split("a\\"), Err("No escaped character"));
    }

    #[test]
    fn passwords_are_hidden() {
        let check = |words: &[&str], expected: &str| {
            assert_eq!(without_passwords(&words.iter().map(|w| w.to_string()).collect::<Vec<_>>()), expected);
        };
        check(&["a", "--password=x", "-pass", "y", "z"], "a '--password=********' -pass '********' z");
        check(&["http://me:secret@host/x"], "'http://me:********@host/x'");
        check(&["a@b", "x y"], "a@b 'x y'");
    }
}
