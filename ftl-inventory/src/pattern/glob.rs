//! File name patterns as Python's `fnmatch` has them, for names of hosts and groups.

/// `*`, `?`, `[seq]`, `[!seq]`; all else stands for itself.
pub(super) struct Glob(Vec<Part>);

enum Part {
    Any,
    One,
    Char(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

/// Does `name` match the pattern as a whole? For callers that match once.
pub fn matches_glob(pattern: &str, name: &str) -> bool {
    Glob::new(pattern).matches(name)
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Glob {
        let chars: Vec<char> = pattern.chars().collect();
        let mut parts = vec![];
        let mut at = 0;
        while at < chars.len() {
            let (part, next) = match chars[at] {
                '*' => (Part::Any, at + 1),
                '?' => (Part::One, at + 1),
                '[' => set(&chars, at + 1).unwrap_or((Part::Char('['), at + 1)),
                c => (Part::Char(c), at + 1),
            };
            if !(matches!(part, Part::Any) && matches!(parts.last(), Some(Part::Any))) {
                parts.push(part);
            }
            at = next;
        }
        Glob(parts)
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut part, mut at) = (0, 0);
        // Where to go on when a way turns out wrong: after the last star, one character further.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match self.0.get(part) {
                Some(Part::Any) => {
                    retry = Some((part + 1, at));
                    part += 1;
                    continue;
                }
                Some(one) if at < name.len() && one.takes(name[at]) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                None if at == name.len() => return true,
                _ => {}
            }
            match &mut retry {
                Some((after_star, from)) if *from < name.len() => {
                    *from += 1;
                    (part, at) = (*after_star, *from);
                }
                _ => return false,
            }
        }
    }
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Part::Any | Part::One => true,
            Part::Char(own) => *own == c,
            Part::Set { negated, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
        }
    }
}

/// The set that begins after a `[`, and where it ends; without end it is no set.
fn set(chars: &[char], start: usize) -> Option<(Part, usize)> {
    let negated = chars.get(start) == Some(&'!');
    let first = start + negated as usize;
    // A `]` right at the beginning belongs to the set.
    let end = (first + 1..chars.len()).find(|i| chars[*i] == ']')?;
    let mut ranges = vec![];
    let mut at = first;
    while at < end {
        if at + 2 < end && chars[at + 1] == '-' {
            ranges.push((chars[at], chars[at + 2]));
            at += 3;
        } else {
            ranges.push((chars[at], chars[at]));
            at += 1;
        }
    }
    Some((Part::Set { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_fnmatch() {
        for (pattern, name, expected) in [
            ("web*", "web1", true),
            ("web*", "aweb1", false),
            ("*.example.com", "a.b.example.com", true),
            ("w?b", "web", true),
            ("w?b", "wb", false),
            ("w[abe]b", "web", true),
            ("w[!abe]b", "web", false),
            ("w[a-f]b", "web", true),
            ("w[]]b", "w]b", true),
            ("w[eb", "w[eb", true),
            ("*a*b*c", "xaybzc", true),
            ("*a*b*c", "xaybz", false),
            ("", "", true),
            ("a.c", "abc", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }
}
