//! Diagnostics as ansible-core 2.19 prints them: the chain in one line, then each place with an excerpt and a caret.

use super::{Diagnostic, Origin};

/// One place of the chain: messages that have no place of their own belong to the one before.
struct Part<'a> {
    message: String,
    origin: Option<&'a Origin>,
    hint: Option<&'a str>,
}

/// The text after `[ERROR]: `. `read` gives a file's text, or nothing.
pub fn render(diagnostic: &Diagnostic, read: &dyn Fn(&str) -> Option<String>) -> String {
    let parts = parts(diagnostic);
    let mut out = diagnostic.one_line();
    if parts.len() == 1 {
        write_place(&mut out, &parts[0], read);
        return out;
    }
    for (i, part) in parts.iter().enumerate() {
        out.push_str(if i == 0 { "\n\n" } else { "\n\n<<< caused by >>>\n\n" });
        out.push_str(&part.message);
        if i + 1 < parts.len() && !part.message.ends_with(['.', '!', '?', ':']) {
            out.push('.');
        }
        write_place(&mut out, part, read);
        while out.ends_with('\n') && i + 1 < parts.len() {
            out.pop();
        }
    }
    out
}

fn parts(diagnostic: &Diagnostic) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = vec![];
    let mut current = Some(diagnostic);
    while let Some(d) = current {
        match parts.last_mut() {
            Some(last) if d.origin.is_none() || d.origin.as_ref() == last.origin => {
                last.message = format!("{}: {}", last.message.trim_end_matches('.'), d.message);
                last.hint = last.hint.or(d.hint.as_deref());
            }
            _ => parts.push(Part { message: d.message.clone(), origin: d.origin.as_ref(), hint: d.hint.as_deref() }),
        }
        current = d.cause.as_deref();
    }
    parts
}

fn write_place(out: &mut String, part: &Part<'_>, read: &dyn Fn(&str) -> Option<String>) {
    if let Some(origin) = part.origin {
        out.push_str(&format!("\nOrigin: {origin}"));
        if let Some(lines) = read(&origin.file).and_then(|text| excerpt(&text, origin)) {
            out.push_str("\n\n");
            out.push_str(&lines);
        }
    }
    if let Some(hint) = part.hint {
        out.push_str(if out.ends_with('\n') { "\n" } else { "\n\n" });
        out.push_str(hint);
        out.push('\n');
    }
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
    let mut out = String::new();
    for number in first..=target {
        let line = lines[number - 1].trim_end();
        out.push_str(format!("{number:>width$} {line}").trim_end());
        out.push('\n');
    }
    if origin.column > 0 {
        let indent = " ".repeat(width + origin.column as usize);
        out.push_str(&format!("{indent}^ column {}\n", origin.column));
    }
    Some(out)
}
