//! The JSON in a module's output: what comes before is dropped, what comes after is warned about.

use std::borrow::Cow;

/// The lines from the first that begins with `{` to the last that ends with `}`, and a warning when junk follows. A flood
/// of short lines must not become a list of them.
pub fn filter(output: &str) -> Result<(Cow<'_, str>, Option<String>), &'static str> {
    let mut first = None;
    let mut last = None;
    for (number, line) in split_lines(output).enumerate() {
        let start = line.as_ptr() as usize - output.as_ptr() as usize;
        if first.is_none() && line.trim().starts_with('{') {
            first = Some((start, number));
        }
        if first.is_some() && line.trim().ends_with('}') {
            last = Some((start + line.len(), number));
        }
    }
    let (start, first) = first.ok_or("No start of json char found")?;
    let (end, last) = last.ok_or("No end of json char found")?;
    let json = match first == last {
        true => Cow::Borrowed(&output[start..end]),
        false => Cow::Owned(join(split_lines(&output[start..end]))),
    };
    // The first is what is left of the last line.
    let junk = || split_lines(&output[end..]).skip(1);
    let warning = junk()
        .any(|line| !line.trim().is_empty())
        .then(|| format!("Module invocation had junk after the JSON data: {}", join(junk())));
    Ok((json, warning))
}

fn join<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for (number, line) in lines.enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(line);
    }
    out
}

/// Python's `str.splitlines`.
pub fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let is_break =
            |c: char| matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let Some((at, found)) = rest.char_indices().find(|(_, c)| is_break(*c)) else {
            return Some(std::mem::take(&mut rest));
        };
        let line = &rest[..at];
        rest = &rest[at + found.len_utf8()..];
        if found == '\r' {
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_is_cut_off() {
        let check = |text: &str, json: &str, warning: Option<&str>| {
            let found = filter(text).unwrap();
            let warning = warning.map(|junk| format!("Module invocation had junk after the JSON data: {junk}"));
            assert_eq!((&*found.0, found.1), (json, warning), "{text:?}");
        };
        check("\n{\"a\": 1}\n", "{\"a\": 1}", None);
        check("{\"a\":\r\n1}\r\n\r\ntail\u{85}x", "{\"a\":\n1}", Some("\ntail\nx"));
        check("before\n {\"a\":\n1}\n", " {\"a\":\n1}", None);
        check("{}\nafter1\nafter2\n", "{}", Some("after1\nafter2"));
        check("{}\n  \n", "{}", None);
    }

    #[test]
    fn output_without_json_is_an_error() {
        assert_eq!(filter("[1,2]\n"), Err("No start of json char found"));
        assert_eq!(filter(""), Err("No start of json char found"));
        assert_eq!(filter("}\n{\"a\":1,\n"), Err("No end of json char found"));
    }

    #[test]
    fn lines_are_pythons() {
        let check =
            |text: &str, expected: &[&str]| assert_eq!(split_lines(text).collect::<Vec<_>>(), expected, "{text:?}");
        check("a\r\nb\rc\n\nd", &["a", "b", "c", "", "d"]);
        check("a\u{2028}b\x0c", &["a", "b"]);
        check("", &[]);
    }
}
