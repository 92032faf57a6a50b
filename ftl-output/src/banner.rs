//! Banner lines: text, then stars up to the width.

use unicode_width::UnicodeWidthChar;

/// An empty line, the text and at least three stars.
pub(crate) fn banner(text: &str, width: usize) -> String {
    let text = text.trim();
    let stars = width.saturating_sub(columns(text)).max(3);
    format!("\n{text} {}", "*".repeat(stars))
}

/// The columns text takes: those of its printable characters (escape, delete and their like take one away).
fn columns(text: &str) -> usize {
    let mut width = 0isize;
    for c in text.chars() {
        width += match c {
            '\u{8}' | '\u{7f}' | '\u{94}' | '\u{1b}' => -1,
            c => c.width().unwrap_or(0) as isize,
        };
    }
    usize::try_from(width).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_fill_the_width() {
        for (text, stars) in [("PLAY [x]", 71), ("漢字", 75), (&"x".repeat(78), 3), (" a ", 78), ("e\u{301}", 78)] {
            assert_eq!(banner(text, 79), format!("\n{} {}", text.trim(), "*".repeat(stars)));
        }
    }
}
