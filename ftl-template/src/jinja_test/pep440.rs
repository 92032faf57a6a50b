//! Python package versions (PEP 440).

use std::cmp::Ordering;

use num_bigint::BigUint;

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, String> {
    Ok(parse(a)?.cmp(&parse(b)?))
}

/// The parts in the order in which they count.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    epoch: BigUint,
    /// Without zeros at the end.
    release: Vec<BigUint>,
    pre: Bound<(char, BigUint)>,
    post: Bound<BigUint>,
    dev: Bound<BigUint>,
    local: Bound<Vec<LocalPart>>,
}

/// A value, or something before or after all values.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Bound<T> {
    Lowest,
    Is(T),
    Highest,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum LocalPart {
    Word(String),
    Number(BigUint),
}

fn parse(text: &str) -> Result<Key, String> {
    let lower = text.trim().to_lowercase();
    Reader { rest: &lower }.version().ok_or_else(|| format!("Invalid version: '{text}'"))
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn number(&mut self) -> Option<BigUint> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let number = digits.parse().ok()?;
        self.rest = rest;
        Some(number)
    }

    /// `[-_.]?(one of the words)[-_.]?[0-9]*`; nothing is taken when no word fits.
    fn tagged(&mut self, words: &[&'static str]) -> Option<(&'static str, BigUint)> {
        let start = self.rest;
        if self.rest.starts_with(['-', '_', '.']) {
            self.rest = &self.rest[1..];
        }
        let found = words.iter().find(|w| self.rest.starts_with(**w)).copied();
        let Some(word) = found else {
            self.rest = start;
            return None;
        };
        self.rest = &self.rest[word.len()..];
        let after_word = self.rest;
        if self.rest.starts_with(['-', '_', '.']) {
            self.rest = &self.rest[1..];
        }
        let number = self.number().unwrap_or_else(|| {
            self.rest = after_word;
            BigUint::default()
        });
        Some((word, number))
    }

    fn version(mut self) -> Option<Key> {
        self.take("v");
        let mut first = self.number()?;
        let mut epoch = BigUint::default();
        if self.take("!") {
            epoch = std::mem::replace(&mut first, self.number()?);
        }
        let mut release = vec![first];
        while self.rest.starts_with('.') && self.rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            self.rest = &self.rest[1..];
            release.push(self.number()?);
        }
        let pre = self.tagged(&["alpha", "a", "beta", "b", "preview", "pre", "c", "rc"]).map(|(word, number)| {
            let letter = match word {
                "alpha" | "a" => 'a',
                "beta" | "b" => 'b',
                _ => 'r',
            };
            (letter, number)
        });
        let post = if self.rest.starts_with('-') && self.rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            self.rest = &self.rest[1..];
            self.number()
        } else {
            self.tagged(&["post", "rev", "r"]).map(|(_, number)| number)
        };
        let dev = self.tagged(&["dev"]).map(|(_, number)| number);
        let local = if self.take("+") { Some(self.local()?) } else { None };
        if !self.rest.is_empty() {
            return None;
        }
        while release.last().is_some_and(|n| *n == BigUint::default()) {
            release.pop();
        }
        let pre = match pre {
            Some(pre) => Bound::Is(pre),
            None if post.is_none() && dev.is_some() => Bound::Lowest,
            None => Bound::Highest,
        };
        Some(Key {
            epoch,
            release,
            pre,
            post: post.map_or(Bound::Lowest, Bound::Is),
            dev: dev.map_or(Bound::Highest, Bound::Is),
            local: local.map_or(Bound::Lowest, Bound::Is),
        })
    }

    fn local(&mut self) -> Option<Vec<LocalPart>> {
        let text = std::mem::take(&mut self.rest);
        text.split(['-', '_', '.'])
            .map(|part| {
                if part.is_empty() || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    return None;
                }
                Some(match part.parse() {
                    Ok(number) => LocalPart::Number(number),
                    Err(_) => LocalPart::Word(part.into()),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn in_order() {
        let sorted = [
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ];
        for pair in sorted.windows(2) {
            assert_eq!(super::compare(pair[0], pair[1]), Ok(std::cmp::Ordering::Less), "{pair:?}");
        }
        assert_eq!(super::compare("v1.0-1", "1.post1"), Ok(std::cmp::Ordering::Equal));
        assert_eq!(super::compare("x", "1"), Err("Invalid version: 'x'".into()));
    }
}
