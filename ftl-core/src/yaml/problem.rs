//! What Ansible says about YAML that cannot be read: libyaml's words, or a guess at a common mistake.

use std::sync::Arc;

use libyaml_safer::Mark;

use crate::source::{Diagnostic, Origin};

/// Why a document could not be read.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    /// A mistake at a place.
    Marked { context: &'static str, context_at: Option<Place>, problem: String, at: Place, guess: bool },
    /// The text of a Python exception that knows no place.
    Plain(String),
}

/// Line and column, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl From<Mark> for Place {
    fn from(mark: Mark) -> Place {
        Place { line: mark.line as u32, column: mark.column as u32 }
    }
}

impl Place {
    pub(super) fn origin(self, file: &Arc<str>) -> Origin {
        Origin::new(file.clone(), self.line + 1, self.column + 1)
    }
}

impl Problem {
    pub(super) fn marked(context: &'static str, problem: impl Into<String>, at: Place) -> Problem {
        Problem::Marked { context, context_at: None, problem: problem.into(), at, guess: true }
    }

    /// A mistake Ansible itself finds: it knows what is wrong and does not guess.
    pub(super) fn exact(problem: impl Into<String>, at: Place) -> Problem {
        Problem::Marked { context: "", context_at: None, problem: problem.into(), at, guess: false }
    }

    /// Where what the context speaks of began.
    pub(super) fn within(mut self, place: Option<Place>) -> Problem {
        if let Problem::Marked { context_at, .. } = &mut self {
            *context_at = place;
        }
        self
    }

    /// libyaml's own complaint. Its reader knows no line, only a byte.
    pub(super) fn parser(error: &libyaml_safer::Error, text: &str) -> Problem {
        match error.problem_mark() {
            Some(mark) => Problem::marked(error.context().unwrap_or_default(), error.problem(), mark.into())
                .within(error.context_mark().map(Place::from)),
            None => Problem::Plain(match text.char_indices().find(|(_, c)| !is_allowed(*c)) {
                Some((at, c)) => format!(
                    "unacceptable character #x{:04x}: control characters are not allowed in \"<unicode string>\", \
                     position {at}",
                    c as u32
                ),
                None => error.problem().to_string(),
            }),
        }
    }

    /// The text of PyYAML's exception, which filters show.
    pub(super) fn exception_text(self) -> String {
        let (context, context_at, problem, at) = match self {
            // The reader's complaint has a line of its own for the place.
            Problem::Plain(text) => return text.replace(" in \"<unicode string>\", ", "\n  in \"<unicode string>\", "),
            Problem::Marked { context, context_at, problem, at, .. } => (context, context_at, problem, at),
        };
        let place = |p: Place| format!("  in \"<unicode string>\", line {}, column {}", p.line + 1, p.column + 1);
        let mut lines = Vec::new();
        if !context.is_empty() {
            lines.push(context.to_string());
            lines.extend(context_at.filter(|p| *p != at).map(place));
        }
        lines.extend([problem, place(at)]);
        lines.join("\n")
    }

    /// The message users see. `source` is the text to look at when guessing; Ansible has none for unnamed documents.
    pub(super) fn diagnostic(self, file: &Arc<str>, source: Option<&str>) -> Diagnostic {
        let (context, problem, at, guess) = match self {
            Problem::Plain(text) => {
                let message = text.split_whitespace().collect::<Vec<_>>().join(" ");
                return Diagnostic::error(format!("YAML parsing failed: {message}"))
                    .at(Some(Origin::file(file.clone())));
            }
            Problem::Marked { context, problem, at, guess, .. } => (context, problem, at, guess),
        };
        if guess && let Some(line) = source.and_then(|text| line_of(text, at.line)) {
            let line: Vec<char> = line.chars().collect();
            if let Some(guess) = guess_mistake(&line) {
                let place = Place { line: at.line, column: guess.column as u32 };
                let mut found = Diagnostic::error(format!("YAML parsing failed: {}", guess.message));
                found.hint = guess.hint.map(str::to_string);
                return found.at(Some(place.origin(file)));
            }
        }
        let message = sentence(&format!("{context} {problem}"));
        Diagnostic::error(format!("YAML parsing failed: {message}")).at(Some(at.origin(file)))
    }
}

/// What YAML streams may hold.
pub(super) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..='\u{10ffff}')
}

fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

/// The line, cut as Python's text files are (`\n`, `\r\n`, `\r`).
fn line_of(text: &str, number: u32) -> Option<&str> {
    let mut rest = text;
    for _ in 0..number {
        let end = rest.find(['\n', '\r'])?;
        let width = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[end + width..];
    }
    // A line that would begin at the very end of the file is not there.
    if rest.is_empty() {
        return None;
    }
    Some(rest.split(['\n', '\r']).next().unwrap_or_default())
}

struct Guess {
    message: &'static str,
    column: usize,
    hint: Option<&'static str>,
}

fn guess_mistake(line: &[char]) -> Option<Guess> {
    guess_tab(line).or_else(|| guess_template(line)).or_else(|| guess_colon(line)).or_else(|| guess_quote(line))
}

fn guess_tab(line: &[char]) -> Option<Guess> {
    let column = line.iter().position(|c| *c == '\t')?;
    Some(Guess { message: "Tabs are usually invalid in YAML.", column, hint: None })
}

fn guess_template(line: &[char]) -> Option<Guess> {
    let opens = |at: &usize| line[*at..].starts_with(&['{', '{']);
    let column = value_starts(line, |c| is_word(c) || c.is_whitespace()).find(opens)?;
    line[column + 2..].windows(2).any(|w| w == ['}', '}']).then_some(Guess {
        message: "This may be an issue with missing quotes around a template block.",
        column,
        hint: Some("\nFor example:\n\n    raw: {{ some_var }}\n\nShould be:\n\n    raw: \"{{ some_var }}\"\n"),
    })
}

fn guess_colon(line: &[char]) -> Option<Guess> {
    if line.iter().find(|c| !c.is_whitespace()) == Some(&':') {
        return None;
    }
    let start = value_starts(line, |c| is_word(c) || c.is_whitespace() || "[]{}".contains(c)).next()?;
    let value = &line[start..];
    if is_quoted(value) {
        return None;
    }
    let colon = (0..value.len()).find(|i| value[*i] == ':' && matches!(value.get(i + 1), None | Some(' ')))?;
    Some(Guess {
        message: "Colons in unquoted values must be followed by a non-space character.",
        column: start + colon,
        hint: Some(
            "\nFor example:\n\n    raw: echo 'name: ansible'\n\nShould be:\n\n    raw: \"echo 'name: ansible'\"\n",
        ),
    })
}

fn guess_quote(line: &[char]) -> Option<Guess> {
    let column =
        value_starts(line, |c| is_word(c) || c.is_whitespace()).find(|at| matches!(line.get(*at), Some('"' | '\'')))?;
    let (first, last) = (line[column], line[line.len() - 1]);
    let (message, hint) = if first != last {
        (
            "Values starting with a quote must end with the same quote.",
            "\nFor example:\n\n    raw: \"foo\" in bar\n\nShould be:\n\n    raw: '\"foo\" in bar'\n",
        )
    } else if line.iter().filter(|c| **c == first).count() > 2 {
        (
            "Values starting with a quote must end with the same quote, and not contain that quote.",
            "\nFor example:\n\n    raw: \"foo\" in \"bar\"\n\nShould be:\n\n    raw: '\"foo\" in \"bar\"'\n",
        )
    } else {
        return None;
    };
    Some(Guess { message, column, hint: Some(hint) })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where the value may begin behind `- ` and `key: `: with the key taken off first, then without.
fn value_starts(line: &[char], in_key: impl Fn(char) -> bool) -> impl Iterator<Item = usize> {
    let blanks = |mut at: usize| {
        while line.get(at).is_some_and(|c| c.is_whitespace()) {
            at += 1;
        }
        at
    };
    let mut start = blanks(0);
    while line.get(start) == Some(&'-') && line.get(start + 1).is_some_and(|c| c.is_whitespace()) {
        start = blanks(start + 1);
    }
    let key = line[start..].iter().take_while(|c| in_key(**c)).count();
    let colon = start + key;
    let behind = (key > 0 && line.get(colon) == Some(&':')).then(|| blanks(colon + 1)).filter(|at| *at > colon + 1);
    behind.into_iter().chain(std::iter::once(start))
}

/// One quoted text and nothing else (or nothing at all).
fn is_quoted(value: &[char]) -> bool {
    let text: String = value.iter().collect();
    let text = text.trim();
    let quote = match text.chars().next() {
        None => return value.is_empty(),
        Some(quote @ ('"' | '\'')) => quote,
        Some(_) => return false,
    };
    text.len() > 1 && text[1..].find(quote) == Some(text.len() - 2)
}
