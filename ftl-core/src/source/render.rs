//! Diagnostics as ansible-core 2.19 prints them: message, `Origin:`, an excerpt with a caret, causes.

use super::{Diagnostic, Origin};

/// The text after `[ERROR]: `. `read` gives a file's text, or nothing.
pub fn render(diagnostic: &Diagnostic, read: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut current = Some(diagnostic);
    // One excerpt per place: a cause at the place of its effect adds only words.
    while let Some(d) = current {
        if !out.is_empty() {
            out.push_str("\n\n<<< caused by >>>\n\n");
        }
        out.push_str(&d.message);
        if let Some(origin) = &d.origin {
            out.push_str(&format!("\nOrigin: {origin}"));
            if let Some(lines) = read(&origin.file).and_then(|text| excerpt(&text, origin)) {
                out.push_str("\n\n");
                out.push_str(&lines);
            }
        }
        if let Some(hint) = &d.hint {
            out.push_str("\n\n");
            out.push_str(hint);
        }
        current = d.cause.as_deref();
    }
    out
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
        out.push_str(&format!("{number:>width$} {}\n", lines[number - 1].trim_end()));
    }
    if origin.column > 0 {
        let indent = " ".repeat(width + origin.column as usize);
        out.push_str(&format!("{indent}^ column {}\n", origin.column));
    }
    Some(out)
}
