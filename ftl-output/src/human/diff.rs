//! The `diff` of a result: unified diffs as Python's difflib writes them, and what modules prepared themselves.

use ftl_core::value::{Map, Value, to_text};

use super::dump::Dumper;
use super::sequence::{Opcode, Tag, grouped};
use crate::colour::{Painter, Tone};
use crate::screen::Screen;

const NO_NEWLINE: &str = "\n\\ No newline at end of file\n";

/// The diffs of a result as text, in colour and without; empty when nothing changed.
pub(crate) fn text(diff: &Value, dumper: &Dumper, context: usize, screen: &Screen) -> (String, String) {
    let mut out = Both { painter: &screen.painter, painted: String::new(), plain: String::new() };
    match diff.as_items() {
        Some(items) => items.iter().for_each(|item| write(&mut out, item, dumper, context, screen)),
        None => write(&mut out, diff, dumper, context, screen),
    }
    (out.painted, out.plain)
}

struct Both<'a> {
    painter: &'a Painter,
    painted: String,
    plain: String,
}

impl Both<'_> {
    fn push(&mut self, text: &str) {
        self.painted.push_str(text);
        self.plain.push_str(text);
    }

    fn push_in(&mut self, text: &str, tone: Tone) {
        self.painted.push_str(&self.painter.paint(text, tone));
        self.plain.push_str(text);
    }

    /// A line of a diff, coloured by its first character.
    fn line(&mut self, line: &str) {
        match line.as_bytes().first() {
            Some(b'+') => self.push_in(line, Tone::DiffAdd),
            Some(b'-') => self.push_in(line, Tone::DiffRemove),
            _ if line.starts_with("@@") => self.push_in(line, Tone::DiffLines),
            _ => self.push(line),
        }
    }
}

fn write(out: &mut Both<'_>, diff: &Value, dumper: &Dumper, context: usize, screen: &Screen) {
    let Some(diff) = diff.as_map() else { return };
    if diff.contains_key("dst_binary") {
        out.push("diff skipped: destination file appears to be binary\n");
    }
    if diff.contains_key("src_binary") {
        out.push("diff skipped: source file appears to be binary\n");
    }
    if let Some(size) = diff.get("dst_larger") {
        out.push(&format!("diff skipped: destination file size is greater than {}\n", to_text(size)));
    }
    if let Some(size) = diff.get("src_larger") {
        out.push(&format!("diff skipped: source file size is greater than {}\n", to_text(size)));
    }
    if let (Some(before), Some(after)) = (diff.get("before"), diff.get("after")) {
        let before = lines(&screen.safe(&side(before, dumper)));
        let after = lines(&screen.safe(&side(after, dumper)));
        let headers = (header(&diff, "before"), header(&diff, "after"));
        write_unified(out, (&before, &after), headers, context);
    }
    if let Some(prepared) = diff.get("prepared") {
        out.push(&screen.safe(&to_text(prepared)));
    }
}

fn side(value: &Value, dumper: &Dumper) -> String {
    match value {
        Value::None => String::new(),
        Value::Dict(_) => dumper.diff_side(value),
        other => to_text(other),
    }
}

fn header(diff: &Map, name: &str) -> String {
    match diff.get(&format!("{name}_header")) {
        Some(header) => format!("{name}: {}", to_text(header)),
        None => name.to_string(),
    }
}

/// Python's `splitlines(True)`; a last line without an end says so.
fn lines(text: &str) -> Vec<String> {
    let mut lines = vec![];
    let mut line = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line.push(c);
        if c == '\r' && chars.peek() == Some(&'\n') {
            continue;
        }
        let ends =
            matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
        if ends {
            lines.push(std::mem::take(&mut line));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if let Some(last) = lines.last_mut()
        && !last.ends_with('\n')
    {
        last.push_str(NO_NEWLINE);
    }
    lines
}

fn write_unified(
    out: &mut Both<'_>,
    (before, after): (&[String], &[String]),
    headers: (String, String),
    context: usize,
) {
    let groups = grouped(before, after, context);
    if groups.is_empty() {
        return;
    }
    out.line(&format!("--- {}\n", headers.0));
    out.line(&format!("+++ {}\n", headers.1));
    for group in &groups {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        out.line(&format!("@@ -{} +{} @@\n", range(first.a0, last.a1), range(first.b0, last.b1)));
        for code in group {
            write_change(out, code, before, after);
        }
    }
    out.push("\n");
}

fn write_change(out: &mut Both<'_>, code: &Opcode, before: &[String], after: &[String]) {
    if code.tag == Tag::Equal {
        for line in before.get(code.a0..code.a1).unwrap_or_default() {
            out.line(&format!(" {line}"));
        }
        return;
    }
    for line in &before[code.a0..code.a1] {
        out.line(&format!("-{line}"));
    }
    for line in &after[code.b0..code.b1] {
        out.line(&format!("+{line}"));
    }
}

/// A range of lines in the way of `diff`: `first`, or `first,count`; an empty one names the line before it.
fn range(start: usize, end: usize) -> String {
    match end - start {
        1 => (start + 1).to_string(),
        0 => format!("{start},0"),
        count => format!("{},{count}", start + 1),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::settings::ColourNames;

    fn unified(before: &str, after: &str, context: usize) -> String {
        let painter = Painter::new(false, &ColourNames::default());
        let mut out = Both { painter: &painter, painted: String::new(), plain: String::new() };
        write_unified(&mut out, (&lines(before), &lines(after)), ("before".into(), "after".into()), context);
        out.plain
    }

    #[test]
    fn small_diffs() {
        for (before, after, expected) in [
            ("a\n", "a\n", ""),
            ("", "", ""),
            ("", "a\n", "--- before\n+++ after\n@@ -0,0 +1 @@\n+a\n\n"),
            ("a\nb\n", "b\n", "--- before\n+++ after\n@@ -1,2 +1 @@\n-a\n b\n\n"),
            ("a", "a\n", "--- before\n+++ after\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n\n"),
        ] {
            assert_eq!(unified(before, after, 3), expected);
        }
    }

    /// Recorded from Python 3.11: see tests/record/difflib_cases.py.
    #[test]
    fn hunks_equal_those_of_difflib() {
        let cases: serde_json::Value = serde_json::from_str(include_str!("../../tests/difflib.json")).unwrap();
        for case in cases.as_array().unwrap() {
            let text = |i: usize| case[i].as_str().unwrap();
            let context = case[2].as_u64().unwrap() as usize;
            assert_eq!(unified(text(0), text(1), context), text(3), "{}\n----\n{}", text(0), text(1));
        }
    }
}
