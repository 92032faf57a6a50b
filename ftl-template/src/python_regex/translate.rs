//! Writes a parsed pattern in the dialect of `fancy-regex`, with Python's meaning of each part spelled out.
//!
//! Groups keep their numbers and lose their names. Nothing depends on flags of the engine except `i`, which is written as
//! `(?i:…)` around the parts it governs.

use std::fmt::Write;

use super::syntax::{Category, Flags, Node, Place, RepeatKind, SetItem, width};

/// What the engine is to match exactly, apart from the flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target {
    /// The text does not end in a newline: `$` is the end of the text, which the linear engine can do.
    pub(super) plain_end: bool,
}

pub(super) fn translate(body: &[Node], flags: Flags, target: Target) -> String {
    let mut writer = Writer { out: String::new(), target };
    let folded = flags.ignore_case && !flags.ascii;
    writer.out.push_str(if folded { "(?i:" } else { "(?:" });
    writer.sequence(body, flags);
    writer.out.push(')');
    writer.out
}

/// Does the pattern hold a `$` whose meaning depends on a newline at the end of the text?
pub(super) fn has_line_end(body: &[Node]) -> bool {
    body.iter().any(|node| match node {
        Node::At(Place::LineEnd) => true,
        Node::Group { body, .. } | Node::Atomic(body) | Node::Repeat { body, .. } | Node::Look { body, .. } => {
            has_line_end(body)
        }
        Node::Branch(branches) => branches.iter().any(|b| has_line_end(b)),
        Node::Conditional { yes, no, .. } => has_line_end(yes) || no.as_deref().is_some_and(has_line_end),
        _ => false,
    })
}

struct Writer {
    out: String,
    target: Target,
}

impl Writer {
    fn sequence(&mut self, nodes: &[Node], flags: Flags) {
        for node in nodes {
            self.node(node, flags);
        }
    }

    fn node(&mut self, node: &Node, flags: Flags) {
        match node {
            Node::Literal(code) => self.literal(*code, flags),
            Node::Any => self.out.push_str(if flags.dot_all { "(?s:.)" } else { "[^\\n]" }),
            Node::Set { negate, items } => self.set(*negate, items, flags),
            Node::At(place) => self.place(*place, flags),
            Node::Group { capture: Some(_), body, .. } => self.wrapped("(", body, flags),
            Node::Group { capture: None, change, body } => {
                let inner = change.apply(flags);
                let open = match (inner.ignore_case && !inner.ascii, flags.ignore_case && !flags.ascii) {
                    (true, false) => "(?i:",
                    (false, true) => "(?-i:",
                    _ => "(?:",
                };
                self.wrapped(open, body, inner);
            }
            Node::Atomic(body) => self.wrapped("(?>", body, flags),
            Node::Branch(branches) => {
                self.out.push_str("(?:");
                for (i, branch) in branches.iter().enumerate() {
                    if i > 0 {
                        self.out.push('|');
                    }
                    self.sequence(branch, flags);
                }
                self.out.push(')');
            }
            Node::Repeat { min, max, kind, body } => self.repeat(*min, *max, *kind, body, flags),
            Node::Look { behind, negate, body } => {
                let open = match (behind, negate) {
                    (false, false) => "(?=",
                    (false, true) => "(?!",
                    (true, false) => "(?<=",
                    (true, true) => "(?<!",
                };
                self.wrapped(open, body, flags);
            }
            // Parenthesised, so that a digit that follows is not read as part of the number.
            Node::BackReference(group) => {
                let _ = write!(self.out, "(?:\\{group})");
            }
            Node::Conditional { group, yes, no } => {
                let no = no.as_deref().unwrap_or(&[]);
                if yes.is_empty() && no.is_empty() {
                    return;
                }
                let _ = write!(self.out, "(?:(?({group})");
                self.wrapped("(?:", yes, flags);
                self.out.push('|');
                self.wrapped("(?:", no, flags);
                self.out.push_str("))");
            }
        }
    }

    fn wrapped(&mut self, open: &str, body: &[Node], flags: Flags) {
        self.out.push_str(open);
        self.sequence(body, flags);
        self.out.push(')');
    }

    fn repeat(&mut self, min: u32, max: Option<u32>, kind: RepeatKind, body: &[Node], flags: Flags) {
        if max == Some(0) {
            // Groups must keep their numbers though they can never match.
            self.wrapped("(?:(?!)", body, flags);
            self.out.push_str("{0}");
            return;
        }
        // The engine repeats nothing that has no width; once says as much as many times.
        if width(body, &[]).1 == 0 {
            match (min, kind) {
                (0, RepeatKind::Lazy) => self.wrapped("(?:|", body, flags),
                (0, _) => {
                    self.wrapped("(?:", body, flags);
                    self.out.pop();
                    self.out.push_str("|)");
                }
                _ => self.wrapped("(?:", body, flags),
            }
            return;
        }
        if kind == RepeatKind::Possessive {
            self.out.push_str("(?>");
        }
        self.wrapped("(?:", body, flags);
        let _ = match (min, max) {
            (0, Some(1)) => write!(self.out, "?"),
            (0, None) => write!(self.out, "*"),
            (1, None) => write!(self.out, "+"),
            (min, None) => write!(self.out, "{{{min},}}"),
            (min, Some(max)) => write!(self.out, "{{{min},{max}}}"),
        };
        match kind {
            RepeatKind::Greedy => {}
            RepeatKind::Lazy => self.out.push('?'),
            RepeatKind::Possessive => self.out.push(')'),
        }
    }

    fn place(&mut self, place: Place, flags: Flags) {
        const WORD: &str = "[0-9A-Za-z_]";
        match place {
            Place::TextStart => self.out.push_str("\\A"),
            Place::LineStart => self.out.push_str(if flags.multi_line { "(?m:^)" } else { "\\A" }),
            Place::TextEnd => self.out.push_str("\\z"),
            Place::LineEnd if flags.multi_line => self.out.push_str("(?m:$)"),
            Place::LineEnd => self.out.push_str(if self.target.plain_end { "\\z" } else { "(?=\\n?\\z)" }),
            Place::Boundary if flags.ascii => {
                let _ = write!(self.out, "(?:(?<!{WORD})(?={WORD})|(?<={WORD})(?!{WORD}))");
            }
            Place::NotBoundary if flags.ascii => {
                let _ = write!(self.out, "(?:(?<!{WORD})(?!{WORD})(?!\\A\\z)|(?<={WORD})(?={WORD}))");
            }
            Place::Boundary => self.out.push_str("\\b"),
            // In Python an empty text has no place that is not a boundary.
            Place::NotBoundary => self.out.push_str("\\B(?!\\A\\z)"),
        }
    }

    fn literal(&mut self, code: u32, flags: Flags) {
        match char::from_u32(code) {
            Some(c) if flags.ascii && flags.ignore_case && c.is_ascii_alphabetic() => {
                let _ = write!(self.out, "[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase());
            }
            Some(c) => push_escaped(&mut self.out, c),
            // A lone surrogate: our texts hold none.
            None => self.out.push_str("(?!)"),
        }
    }

    fn set(&mut self, negate: bool, items: &[SetItem], flags: Flags) {
        let mut inside = String::new();
        let fold_ascii = flags.ascii && flags.ignore_case;
        for item in items {
            match *item {
                SetItem::Literal(code) => push_range(&mut inside, code, code, fold_ascii),
                SetItem::Range(low, high) => push_range(&mut inside, low, high, fold_ascii),
                SetItem::Category(category) => inside.push_str(category_set(category, flags.ascii)),
            }
        }
        match (inside.is_empty(), negate) {
            (true, false) => self.out.push_str("(?!)"),
            (true, true) => self.out.push_str("(?s:.)"),
            (false, _) => {
                self.out.push_str(if negate { "[^" } else { "[" });
                self.out.push_str(&inside);
                self.out.push(']');
            }
        }
    }
}

/// The inside of a set; negated ones are sets of their own.
fn category_set(category: Category, ascii: bool) -> &'static str {
    match (category, ascii) {
        (Category::Digit, false) => "\\d",
        (Category::NotDigit, false) => "\\D",
        (Category::Word, false) => "\\p{L}\\p{N}_",
        (Category::NotWord, false) => "[^\\p{L}\\p{N}_]",
        // Python counts the four separator control characters as space.
        (Category::Space, false) => "\\s\\x1c-\\x1f",
        (Category::NotSpace, false) => "[^\\s\\x1c-\\x1f]",
        (Category::Digit, true) => "0-9",
        (Category::NotDigit, true) => "[^0-9]",
        (Category::Word, true) => "0-9A-Za-z_",
        (Category::NotWord, true) => "[^0-9A-Za-z_]",
        (Category::Space, true) => "\\x20\\t\\n\\r\\x0b\\x0c",
        (Category::NotSpace, true) => "[^\\x20\\t\\n\\r\\x0b\\x0c]",
    }
}

fn push_range(out: &mut String, low: u32, high: u32, fold_ascii: bool) {
    // Surrogates are no characters here.
    let low_char = char::from_u32(low).unwrap_or('\u{e000}');
    let high_char = char::from_u32(high).unwrap_or('\u{d7ff}');
    if low_char > high_char {
        return;
    }
    push_escaped(out, low_char);
    if low_char < high_char {
        out.push('-');
        push_escaped(out, high_char);
    }
    if fold_ascii {
        for (first, last, distance) in [('a', 'z', -32i32), ('A', 'Z', 32)] {
            let (from, to) = (low_char.max(first), high_char.min(last));
            if from <= to {
                let moved = |c: char| char::from_u32((c as i32 + distance) as u32).unwrap_or(c);
                let _ = write!(out, "{}-{}", moved(from), moved(to));
            }
        }
    }
}

fn push_escaped(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_control() && !c.is_whitespace()) {
        out.push(c);
    } else {
        let _ = write!(out, "\\x{{{:x}}}", c as u32);
    }
}
