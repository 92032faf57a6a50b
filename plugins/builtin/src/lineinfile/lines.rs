//! Where a line goes: pure work on the lines of a file.

use ftl_sdk::bytes_of;

use crate::pattern::{Match, Pattern};

/// What lines are looked for.
pub(crate) enum Search {
    Nothing,
    Regexp(Pattern),
    Text(Vec<u8>),
}

/// Where a line that is not there goes.
pub(crate) enum Place {
    Begin,
    End,
    After(Pattern),
    Before(Pattern),
}

pub(crate) struct Wanted<'a> {
    pub line: &'a str,
    pub search: Search,
    pub place: Place,
    pub backrefs: bool,
    pub first: bool,
}

impl Search {
    fn finds(&self, line: &[u8]) -> bool {
        match self {
            Search::Nothing => false,
            Search::Regexp(pattern) => pattern.is_match(line),
            Search::Text(text) => text.is_empty() || line.windows(text.len()).any(|part| part == text),
        }
    }
}

/// `readlines`: each with its end.
pub(crate) fn split(content: &[u8]) -> Vec<Vec<u8>> {
    content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn without_end(line: &[u8]) -> &[u8] {
    let length = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
    &line[..length]
}

/// Puts the line in its place; what was done.
pub(crate) fn ensure_present(lines: &mut Vec<Vec<u8>>, wanted: &Wanted<'_>) -> &'static str {
    let line = bytes_of(wanted.line);
    let with_end = [line.as_slice(), b"\n"].concat();
    let (mut at, mut found) = (None, None);
    for (number, current) in lines.iter().enumerate() {
        if wanted.search.finds(current) {
            at = Some(number);
            if let Search::Regexp(pattern) = &wanted.search {
                found = pattern.find(current);
            }
            if wanted.first {
                break;
            }
        }
    }
    let mut place = None;
    if at.is_none() {
        (at, place) = look_around(lines, &line, wanted);
    }
    if let Some(at) = at {
        return replace(lines, at, found.filter(|_| wanted.backrefs), wanted, &line);
    }
    if wanted.backrefs {
        return "";
    }
    match (&wanted.place, place) {
        (Place::Begin, _) => lines.insert(0, with_end),
        (Place::After(_), Some(place)) => {
            // The line may be there already, with another end.
            let there = lines.get(if place == lines.len() { place - 1 } else { place });
            if there.is_some_and(|there| without_end(there) == line) {
                return "";
            }
            // A last line without an end is not ended here: Ansible does not do that either.
            lines.insert(place, with_end);
        }
        (Place::Before(_), Some(place)) => lines.insert(place, with_end),
        _ => {
            if lines.last().is_some_and(|last| !matches!(last.last(), Some(b'\n' | b'\r'))) {
                lines.push(b"\n".to_vec());
            }
            lines.push(with_end);
        }
    }
    "line added"
}

/// The same line, and where else it could go.
fn look_around(lines: &[Vec<u8>], line: &[u8], wanted: &Wanted<'_>) -> (Option<usize>, Option<usize>) {
    let (mut at, mut place) = (None, None);
    for (number, current) in lines.iter().enumerate() {
        if without_end(current) == line {
            at = Some(number);
            continue;
        }
        let found = match &wanted.place {
            Place::After(pattern) if pattern.is_match(current) => number + 1,
            Place::Before(pattern) if pattern.is_match(current) => number,
            _ => continue,
        };
        place = Some(found);
        if wanted.first {
            break;
        }
    }
    (at, place)
}

fn replace(lines: &mut [Vec<u8>], at: usize, found: Option<Match>, wanted: &Wanted<'_>, line: &[u8]) -> &'static str {
    let mut new = match found {
        Some(found) => found.expand(wanted.line).unwrap_or_default(),
        None => line.to_vec(),
    };
    if !new.ends_with(b"\n") {
        new.push(b'\n');
    }
    if lines[at] == new {
        return "";
    }
    lines[at] = new;
    "line replaced"
}

/// Takes the lines away; how many.
pub(crate) fn ensure_absent(lines: &mut Vec<Vec<u8>>, search: &Search, line: &str) -> usize {
    let line = bytes_of(line);
    let before = lines.len();
    lines.retain(|current| match search {
        Search::Nothing => without_end(current) != line,
        search => !search.finds(current),
    });
    before - lines.len()
}
