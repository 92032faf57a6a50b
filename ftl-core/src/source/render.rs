//! Diagnostics as ansible-core 2.19 prints them: the chain in one line, then each place with an excerpt and a caret.

use super::{Diagnostic, Origin};

/// Lines of excerpts are cut to this width, number included.
const EXCERPT_WIDTH: usize = 120;
const CUT: &str = "...";

/// One place of the chain: messages that have no place of their own belong to the one before.
struct Part<'a> {
    messages: Vec<&'a str>,
    origin: Option<&'a Origin>,
    hint: Option<&'a str>,
}

impl Part<'_> {
    /// Would `next` lose its place or its hint if it were told here?
    fn takes(&self, next: &Diagnostic) -> bool {
        (next.origin.is_none() && next.hint.is_none())
            || (next.origin.as_ref() == self.origin && next.hint.as_deref() == self.hint)
    }
}

/// The text after `[ERROR]: `, with a line end when it is more than a line (an empty line then follows it).
/// `read` gives a file's text, or nothing.
pub fn render(diagnostic: &Diagnostic, read: &dyn Fn(&str) -> Option<String>) -> String {
    if let Some(removal) = &diagnostic.removal {
        let mut whole = Diagnostic { removal: None, ..diagnostic.clone() };
        let message = diagnostic.message.trim();
        let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
        whole.message = format!("{message}{stop} {}", removal.sentence());
        return render(&whole, read);
    }
    let parts = parts(diagnostic);
    let mut out = String::new();
    if parts.len() > 1 {
        out.push_str(&diagnostic.one_line());
        out.push_str("\n\n");
    }
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push_str("\n\n<<< caused by >>>\n\n");
        }
        let mut message = one_line(&part.messages);
        if i + 1 < parts.len() && !message.ends_with(['.', '!', '?', ':']) {
            message.push('.');
        }
        write_part(&mut out, message, part, read);
    }
    let mut text = out.trim().to_string();
    if text.contains('\n') {
        text.push('\n');
    }
    text
}

fn parts(diagnostic: &Diagnostic) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = vec![];
    let mut current = Some(diagnostic);
    while let Some(d) = current {
        match parts.last_mut() {
            Some(last) if last.takes(d) => last.messages.push(&d.message),
            _ => parts.push(Part { messages: vec![&d.message], origin: d.origin.as_ref(), hint: d.hint.as_deref() }),
        }
        current = d.cause.as_deref();
    }
    parts
}

/// `outer: inner`; a message that already ends with its cause is not given it again.
pub(super) fn one_line(messages: &[&str]) -> String {
    let mut messages = messages.iter().rev();
    let mut line = messages.next().map_or(String::new(), |m| (*m).to_string());
    for message in messages {
        line = match message.ends_with(&line) {
            true => (*message).to_string(),
            false => format!("{}: {line}", message.trim_end_matches(['.', ' '])),
        };
    }
    line
}

fn write_part(out: &mut String, message: String, part: &Part<'_>, read: &dyn Fn(&str) -> Option<String>) {
    let is_line = |text: &str| !text.contains('\n');
    out.push_str(&message);
    if let Some(origin) = part.origin {
        out.push_str(&format!("\nOrigin: {origin}"));
        let lines = source_lines(origin, read);
        if !lines.is_empty() {
            out.push_str("\n\n");
            out.push_str(&lines);
        }
    }
    match part.hint {
        Some(hint) if part.origin.is_none() && is_line(&message) && is_line(hint) => {
            out.push(' ');
            out.push_str(hint);
        }
        Some(hint) => {
            out.push_str("\n\n");
            out.push_str(hint);
        }
        None => {}
    }
}

/// The excerpt, or why there is none. For what is no file (`<adhoc 'ping' task>`) the reader may know its value.
fn source_lines(origin: &Origin, read: &dyn Fn(&str) -> Option<String>) -> String {
    if origin.file.starts_with('<') {
        return read(&origin.file).map(|value| shortened(&value)).unwrap_or_default();
    }
    if origin.line == 0 {
        return String::new();
    }
    let reason = match read(&origin.file) {
        None => "FileNotFoundError",
        Some(text) if text.starts_with("$ANSIBLE_VAULT;") => "content encrypted",
        Some(text) => match excerpt(&text, origin) {
            Some(lines) => return lines.trim_end_matches('\n').to_string(),
            None => "file truncated",
        },
    };
    format!("(source not shown: {reason})")
}

/// Python's `textwrap.shorten`: whole words that fit, and what says that there are more.
fn shortened(value: &str) -> String {
    const MORE: &str = " [...]";
    let words: Vec<&str> = value.split_whitespace().collect();
    let whole = words.join(" ");
    if whole.chars().count() <= EXCERPT_WIDTH {
        return whole;
    }
    let mut line = String::new();
    for word in words {
        let blank = usize::from(!line.is_empty());
        if line.chars().count() + blank + word.chars().count() + MORE.len() > EXCERPT_WIDTH {
            break;
        }
        if blank > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    format!("{line}{MORE}").trim_start().to_string()
}

/// Up to two lines before the line of `origin`, that line, and a caret under its column.
pub fn excerpt(text: &str, origin: &Origin) -> Option<String> {
    if origin.line == 0 {
        return None;
    }
    let target = origin.line as usize;
    let lines: Vec<&str> = text.lines().take(target).collect();
    if lines.len() < target {
        return None;
    }
    let first = target.saturating_sub(2).max(1);
    let width = target.to_string().len();
    let room = EXCERPT_WIDTH - width - 1;
    let mut usable = room;
    let mut shown = 0;
    let mut out = String::new();
    for number in first..=target {
        let mut line = lines[number - 1].replace('\t', " ");
        if line.chars().count() > room {
            usable = room - CUT.len();
            line = line.chars().take(usable).collect::<String>() + CUT;
        }
        shown = line.chars().count();
        let blank = if line.is_empty() { "" } else { " " };
        out.push_str(&format!("{number:>width$}{blank}{line}\n"));
    }
    let column = origin.column as usize;
    match column {
        0 => out.push_str(&format!("{:width$} {}\n", "", "^".repeat(shown))),
        _ if column <= usable => out.push_str(&format!("{:width$} {}\n", "", caret(column, room))),
        _ => {}
    }
    Some(out)
}

/// The caret with its column behind it, or before it where there is no room.
fn caret(column: usize, room: usize) -> String {
    let label = format!("column {column}");
    let before = column - 1;
    match before + 2 + label.len() > room {
        true => format!("{}{label} ^", " ".repeat(before.saturating_sub(label.len() + 1))),
        false => format!("{}^ {label}", " ".repeat(before)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "- hosts: all\n  tasks:\n\t- x: y  \n\n- z\n";

    #[test]
    fn messages_of_every_shape() {
        let at = |line, column| Some(Origin::new("/f", line, column));
        let error = Diagnostic::error;
        for (diagnostic, expected) in [
            (error("one"), "one"),
            (error("one").hint("Try."), "one Try."),
            (error("one\ntwo").hint("Try."), "one\ntwo\n\nTry.\n"),
            (error("one.").caused_by(error("two")), "one: two"),
            (error("one: two").caused_by(error("two")), "one: two"),
            (error("one.").caused_by(error("")), "one."),
            (error("x").at(at(0, 0)), "x\nOrigin: /f\n"),
            (error("x").at(at(9, 1)), "x\nOrigin: /f:9:1\n\n(source not shown: file truncated)\n"),
            (
                error("x").at(at(3, 4)).hint("h"),
                "x\nOrigin: /f:3:4\n\n1 - hosts: all\n2   tasks:\n3  - x: y  \n     ^ column 4\n\nh\n",
            ),
            (error("x").at(at(1, 0)), "x\nOrigin: /f:1\n\n1 - hosts: all\n  ^^^^^^^^^^^^\n"),
            (
                error("a").at(at(1, 1)).caused_by(error("b").at(at(5, 3))),
                "a: b\n\na.\nOrigin: /f:1:1\n\n1 - hosts: all\n  ^ column 1\n\n<<< caused by >>>\n\nb\n\
                 Origin: /f:5:3\n\n3  - x: y  \n4\n5 - z\n    ^ column 3\n",
            ),
            (
                error("x").at(Some(Origin::new("/none", 1, 1))),
                "x\nOrigin: /none:1:1\n\n(source not shown: FileNotFoundError)\n",
            ),
            (error("x").at(Some(Origin::file("<adhoc>"))), "x\nOrigin: <adhoc>\n\n{'a': 1}\n"),
        ] {
            let read = |file: &str| match file {
                "/f" => Some(FILE.to_string()),
                "<adhoc>" => Some("{'a':  1}".to_string()),
                _ => None,
            };
            assert_eq!(render(&diagnostic, &read), expected);
        }
    }

    #[test]
    fn long_lines_are_cut() {
        let text = "x".repeat(200);
        let line = |column| excerpt(&text, &Origin::new("f", 1, column)).unwrap_or_default();
        let cut = format!("1 {}...\n", "x".repeat(115));
        assert_eq!(line(116), cut);
        assert_eq!(line(115), format!("{cut}  {}column 115 ^\n", " ".repeat(103)));
        assert_eq!(shortened(&"word ".repeat(50)), format!("{}word [...]", "word ".repeat(22)));
    }
}
