//! Python's regular expressions over bytes: those that surely mean the same here, and none else.

use std::borrow::Cow;

use fancy_regex::{Regex, RegexBuilder};
use ftl_sdk::bytes_of;

/// A compiled expression. Bytes are searched as the characters of the same number, so that classes are ASCII's.
pub(crate) struct Pattern(Regex);

/// What matched: the groups, the whole first.
pub(crate) struct Match {
    groups: Vec<Option<Vec<u8>>>,
    names: Vec<(String, usize)>,
}

impl Pattern {
    /// `None` for what Python rejects, and for what is left to Python.
    pub(crate) fn new(text: &str, multiline: bool) -> Option<Pattern> {
        let letters: Vec<char> = bytes_of(text).into_iter().map(char::from).collect();
        let mut translator = Translator {
            letters: &letters,
            at: 0,
            groups: 0,
            open: Vec::new(),
            names: Vec::new(),
            depth: 0,
            multiline,
            out: String::new(),
        };
        translator.flags()?;
        translator.alternatives()?;
        (translator.at == letters.len()).then_some(())?;
        // Without a limit no search can end in an error, as in Python.
        RegexBuilder::new(&translator.out).backtrack_limit(usize::MAX).build().ok().map(Pattern)
    }

    pub(crate) fn is_match(&self, bytes: &[u8]) -> bool {
        self.0.is_match(&*letters(bytes)).unwrap_or_default()
    }

    pub(crate) fn find(&self, bytes: &[u8]) -> Option<Match> {
        let text = letters(bytes);
        let found = self.0.captures(&*text).ok()??;
        let back = |text: &str| text.chars().map(|letter| letter as u32 as u8).collect();
        let groups = (0..found.len()).map(|group| found.get(group).map(|part| back(part.as_str()))).collect();
        let names = self.0.capture_names().enumerate();
        Some(Match { groups, names: names.filter_map(|(at, name)| Some((name?.to_owned(), at))).collect() })
    }

    /// Can this be put in the place of a match, with its `\1` and `\g<name>`?
    pub(crate) fn takes(&self, template: &str) -> bool {
        let names = self.0.capture_names().enumerate().filter_map(|(at, name)| Some((name?.to_owned(), at))).collect();
        let nothing = Match { groups: vec![None; self.0.captures_len()], names };
        nothing.expand(template).is_some()
    }
}

impl Match {
    pub(crate) fn groups(&self) -> &[Option<Vec<u8>>] {
        self.groups.get(1..).unwrap_or_default()
    }

    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, Option<&Vec<u8>>)> {
        self.names.iter().map(|(name, at)| (name.as_str(), self.groups.get(*at).and_then(Option::as_ref)))
    }

    /// Python's `match.expand`; `None` where it would fail.
    pub(crate) fn expand(&self, template: &str) -> Option<Vec<u8>> {
        let template = bytes_of(template);
        let mut out = Vec::with_capacity(template.len());
        let mut rest = template.as_slice();
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            if *first != b'\\' {
                out.push(*first);
                continue;
            }
            let (letter, after) = rest.split_first()?;
            rest = after;
            match letter {
                b'g' => {
                    let end = rest.iter().position(|byte| *byte == b'>').filter(|_| rest.first() == Some(&b'<'))?;
                    out.extend_from_slice(self.group(std::str::from_utf8(&rest[1..end]).ok()?)?);
                    rest = &rest[end + 1..];
                }
                b'0' => return None,
                b'1'..=b'9' => {
                    let mut number = String::from(char::from(*letter));
                    if let Some((next @ b'0'..=b'9', after)) = rest.split_first() {
                        number.push(char::from(*next));
                        rest = after;
                        // Three octal digits are a character.
                        if rest.first().is_some_and(u8::is_ascii_digit) {
                            return None;
                        }
                    }
                    out.extend_from_slice(self.group(&number)?);
                }
                b'\\' => out.push(b'\\'),
                other => match control(char::from(*other)) {
                    Some(code) => out.push(code as u8),
                    None if other.is_ascii_alphabetic() => return None,
                    None => out.extend([b'\\', *other]),
                },
            }
        }
        Some(out)
    }

    fn group(&self, name: &str) -> Option<&[u8]> {
        let at = match name.parse::<usize>() {
            Ok(at) => at,
            Err(_) => self.names.iter().find(|(known, _)| known == name)?.1,
        };
        Some(self.groups.get(at)?.as_deref().unwrap_or_default())
    }
}

fn letters(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

fn control(letter: char) -> Option<char> {
    Some(match letter {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        _ => return None,
    })
}

const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = " \\t-\\r";

/// A part of an expression.
enum Item {
    /// Matches no letters, only where it stands: `^`, `(?=…)`.
    Place,
    Part {
        nullable: bool,
    },
}

impl Item {
    const LETTER: Item = Item::Part { nullable: false };
}

/// Writes an expression anew, in the other language.
struct Translator<'a> {
    letters: &'a [char],
    at: usize,
    groups: usize,
    /// Groups that are not closed yet: nothing may refer to them.
    open: Vec<usize>,
    names: Vec<String>,
    depth: usize,
    multiline: bool,
    out: String,
}

impl Translator<'_> {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn take(&mut self, text: &str) -> bool {
        let matches = text.chars().enumerate().all(|(i, c)| self.letters.get(self.at + i) == Some(&c));
        if matches {
            self.at += text.len();
        }
        matches
    }

    /// `(?im)` at the very beginning.
    fn flags(&mut self) -> Option<()> {
        if self.letters.starts_with(&['(', '?']) && self.letters.get(2).is_some_and(|c| "aims".contains(*c)) {
            self.at = 2;
            let mut flags = String::new();
            loop {
                match self.next()? {
                    ')' => break,
                    'a' => {}
                    'm' => self.multiline = true,
                    // Letters beyond ASCII have no case in bytes.
                    'i' if self.letters.iter().all(char::is_ascii) => flags.push('i'),
                    's' => flags.push('s'),
                    _ => return None,
                }
            }
            if !flags.is_empty() {
                self.out.push_str(&format!("(?{flags})"));
            }
        }
        Some(())
    }

    /// Can it match nothing?
    fn alternatives(&mut self) -> Option<bool> {
        self.depth += 1;
        (self.depth < 50).then_some(())?;
        let mut any = false;
        loop {
            let mut all = true;
            while !matches!(self.peek(), None | Some('|' | ')')) {
                all &= match self.item()? {
                    Item::Place => true,
                    Item::Part { nullable } => self.quantifier(nullable)?,
                };
            }
            any |= all;
            if !self.take("|") {
                break;
            }
            self.out.push('|');
        }
        self.depth -= 1;
        Some(any)
    }

    fn item(&mut self) -> Option<Item> {
        match self.next()? {
            '^' => self.out.push_str(if self.multiline { "(?m:^)" } else { "\\A" }),
            '$' => self.out.push_str(if self.multiline { "(?m:$)" } else { "(?=\\n?\\z)" }),
            '.' => {
                self.out.push('.');
                return Some(Item::LETTER);
            }
            '(' => return self.group(),
            '[' => {
                self.class()?;
                return Some(Item::LETTER);
            }
            '\\' => return self.escape(),
            '*' | '+' | '?' => return None,
            letter => {
                self.literal(letter);
                return Some(Item::LETTER);
            }
        }
        // Python does not let them be repeated.
        (!self.is_quantifier()).then_some(Item::Place)
    }

    fn is_quantifier(&self) -> bool {
        matches!(self.peek(), Some('*' | '+' | '?' | '{'))
    }

    fn literal(&mut self, letter: char) {
        if letter.is_ascii_alphanumeric() {
            self.out.push(letter);
        } else {
            self.out.push_str(&format!("\\x{{{:x}}}", letter as u32));
        }
    }

    fn group(&mut self) -> Option<Item> {
        let mut repeatable = true;
        let before = self.groups;
        if self.take("?:") {
            self.out.push_str("(?:");
        } else if self.take("?=") {
            self.out.push_str("(?=");
            repeatable = false;
        } else if self.take("?!") {
            self.out.push_str("(?!");
            repeatable = false;
        } else if self.take("?P<") {
            let mut name = String::new();
            loop {
                match self.next()? {
                    '>' => break,
                    letter if letter == '_' || letter.is_ascii_alphabetic() => name.push(letter),
                    letter if letter.is_ascii_digit() && !name.is_empty() => name.push(letter),
                    _ => return None,
                }
            }
            self.groups += 1;
            self.out.push_str(&format!("(?P<{name}>"));
            (!self.names.contains(&name)).then_some(())?;
            self.names.push(name);
        } else if self.peek() == Some('?') {
            return None;
        } else {
            self.groups += 1;
            self.out.push('(');
        }
        let captures = self.groups > before;
        self.open.extend(captures.then_some(self.groups));
        let nullable = self.alternatives()?;
        self.take(")").then_some(())?;
        if captures {
            self.open.pop();
        }
        self.out.push(')');
        match repeatable {
            true => Some(Item::Part { nullable }),
            false => (!self.is_quantifier()).then_some(Item::Place),
        }
    }

    fn escape(&mut self) -> Option<Item> {
        let place = match self.next()? {
            'd' => return self.set("[0-9]"),
            'D' => return self.set("[^0-9]"),
            'w' => return self.set(&format!("[{WORD}]")),
            'W' => return self.set(&format!("[^{WORD}]")),
            's' => return self.set(&format!("[{SPACE}]")),
            'S' => return self.set(&format!("[^{SPACE}]")),
            'A' => "\\A".to_owned(),
            'Z' => "\\z".to_owned(),
            'b' => format!("(?:(?<=[{WORD}])(?![{WORD}])|(?<![{WORD}])(?=[{WORD}]))"),
            // In an empty text it depends on Python's version.
            'B' => return None,
            digit @ '1'..='9' => {
                let number = digit as usize - '0' as usize;
                let known = number <= self.groups && !self.open.contains(&number);
                let closed = known && !self.peek().is_some_and(|c| c.is_ascii_digit());
                closed.then_some(())?;
                self.out.push_str(&format!("(?:\\{number})"));
                return Some(Item::Part { nullable: true });
            }
            'x' => {
                let code: String = [self.next()?, self.next()?].iter().collect();
                self.literal(char::from(u8::from_str_radix(&code, 16).ok()?));
                return Some(Item::LETTER);
            }
            letter => {
                let letter = match control(letter) {
                    Some(control) => control,
                    None if letter.is_ascii_alphanumeric() => return None,
                    None => letter,
                };
                self.literal(letter);
                return Some(Item::LETTER);
            }
        };
        self.out.push_str(&place);
        (!self.is_quantifier()).then_some(Item::Place)
    }

    fn set(&mut self, class: &str) -> Option<Item> {
        self.out.push_str(class);
        Some(Item::LETTER)
    }

    fn class(&mut self) -> Option<()> {
        self.out.push('[');
        if self.take("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let letter = self.next()?;
            if letter == ']' && !first {
                break;
            }
            first = false;
            let Some(start) = self.member(letter)? else { continue };
            if self.peek() == Some('-') && self.letters.get(self.at + 1).is_some_and(|c| *c != ']') {
                self.at += 1;
                let letter = self.next()?;
                let end = self.member_letter(letter)?;
                (start <= end).then_some(())?;
                self.out.push_str(&format!("\\x{{{:x}}}-\\x{{{:x}}}", start as u32, end as u32));
            } else {
                self.out.push_str(&format!("\\x{{{:x}}}", start as u32));
            }
        }
        self.out.push(']');
        Some(())
    }

    /// A letter of a class; the inner `None`: a class of its own, already written.
    fn member(&mut self, letter: char) -> Option<Option<char>> {
        if letter != '\\' {
            return Some(Some(letter));
        }
        let class = match self.peek()? {
            'd' => "0-9".to_owned(),
            'D' => "[^0-9]".to_owned(),
            'w' => WORD.to_owned(),
            'W' => format!("[^{WORD}]"),
            's' => SPACE.to_owned(),
            'S' => format!("[^{SPACE}]"),
            _ => return self.member_letter(letter).map(Some),
        };
        self.at += 1;
        // `[\w-x]` is a mistake, `[\w-]` is not.
        let range = self.peek() == Some('-') && self.letters.get(self.at + 1).is_some_and(|c| *c != ']');
        (!range).then_some(())?;
        self.out.push_str(&class);
        Some(None)
    }

    fn member_letter(&mut self, letter: char) -> Option<char> {
        if letter != '\\' {
            return Some(letter);
        }
        match self.next()? {
            'x' => {
                let code: String = [self.next()?, self.next()?].iter().collect();
                Some(char::from(u8::from_str_radix(&code, 16).ok()?))
            }
            letter => match control(letter) {
                Some(control) => Some(control),
                None if letter.is_ascii_alphanumeric() => None,
                None => Some(letter),
            },
        }
    }

    /// After a part that can match nothing or not; can the whole?
    fn quantifier(&mut self, nullable: bool) -> Option<bool> {
        let (least, many) = match self.peek() {
            Some(letter @ ('*' | '+' | '?')) => {
                self.at += 1;
                self.out.push(letter);
                (u32::from(letter == '+'), letter != '?')
            }
            Some('{') => match self.bounds() {
                Some((low, high, length)) => {
                    if high.is_some_and(|high| high < low) || low > 1000 || high.is_some_and(|high| high > 1000) {
                        return None;
                    }
                    self.at += length;
                    let high = high.map_or(String::new(), |high| high.to_string());
                    self.out.push_str(&format!("{{{low},{high}}}"));
                    (low, high != "1")
                }
                // Just a brace.
                None => return Some(nullable),
            },
            _ => return Some(nullable),
        };
        // What a group holds after a round of nothing differs.
        if many && nullable {
            return None;
        }
        if self.take("?") {
            self.out.push('?');
        }
        // Repeated repetition and possessive repetition.
        match self.peek() {
            Some('*' | '+' | '?') => None,
            Some('{') if self.bounds().is_some() => None,
            _ => Some(nullable || least == 0),
        }
    }

    /// `{2,3}`: the numbers and its length.
    fn bounds(&self) -> Option<(u32, Option<u32>, usize)> {
        let rest = &self.letters[self.at..];
        let end = rest.iter().position(|letter| *letter == '}')?;
        let inside: String = rest[1..end].iter().collect();
        let number = |text: &str| text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
        let (low, high) = match inside.split_once(',') {
            None => (number(&inside)?, Some(number(&inside)?)),
            Some(("", "")) => return None,
            Some(("", high)) => (0, Some(number(high)?)),
            Some((low, "")) => (number(low)?, None),
            Some((low, high)) => (number(low)?, Some(number(high)?)),
        };
        Some((low, high, end + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_pythons() {
        let check = |pattern: &str, text: &[u8], expected: Option<&[u8]>| {
            let found = Pattern::new(pattern, false).unwrap_or_else(|| panic!("{pattern}")).find(text);
            assert_eq!(found.map(|found| found.groups[0].clone().unwrap()).as_deref(), expected, "{pattern}");
        };
        check(r"^#?\s*Port\s+\d+$", b"# Port  22\n", Some(b"# Port  22"));
        check(r"^a$", b"a\n\n", None);
        check(r"a\Z", b"a\n", None);
        check(r"\bfoo\b", "éfoo".as_bytes(), Some(b"foo"));
        check(r"[[a&&b]+", b"x[&&b", Some(b"[&&b"));
        check(r"[^]a]", b"]ab", Some(b"b"));
        check(r"x{,2}y", b"xxxy", Some(b"xxy"));
        check(r"{a}", b"{a}", Some(b"{a}"));
        check(r"(?i)AB", b"xab", Some(b"ab"));
        check(r"(a|b)\1", b"abb", Some(b"bb"));
        check(r"[\w.-]+@", b"a.b-c@d", Some(b"a.b-c@"));
        check(r".", b"\xff", Some(b"\xff"));
        check(r"^\s*(?P<k>\w+)=(?!x)", b"  key=y", Some(b"  key="));
    }

    #[test]
    fn others_are_left_to_python() {
        for pattern in
            ["a**", "*a", "(", "a)", r"\q", "(?<=a*)b", "(?x)a", "a++", "[b-a]", r"\8", "[a", "^*", "(?>a)", r"(a\1)"]
        {
            assert!(Pattern::new(pattern, false).is_none(), "{pattern}");
        }
    }

    #[test]
    fn templates_are_expanded() {
        let check = |template: &str, expected: Option<&[u8]>| {
            let pattern = Pattern::new(r"(?P<a>\w)(x)?", false).unwrap();
            assert_eq!(pattern.find(b"q").unwrap().expand(template).as_deref(), expected, "{template}");
            assert_eq!(pattern.takes(template), expected.is_some());
        };
        check(r"\1-\g<a>-\g<0>-\2.", Some(b"q-q-q-."));
        check(r"\\n\n\.", Some(b"\\n\n\\."));
        check(r"\3", None);
        check(r"\q", None);
        check("\\", None);
    }
}
