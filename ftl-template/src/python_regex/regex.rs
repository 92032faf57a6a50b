//! Compiled patterns and Python's match loop.

use std::sync::{Arc, Mutex, OnceLock};

use rustc_hash::FxHashMap;

use super::parse::{Pattern, parse};
use super::translate::{Target, has_line_end, translate};
use super::{Flags, RegexError, Replacement};

/// Steps of backtracking before a search is given up: well under a second.
const BACKTRACK_LIMIT: usize = 2_000_000;
/// Compiled size of one pattern.
const SIZE_LIMIT: usize = 64 << 20;
const CACHE_SIZE: usize = 512;
type Cache = FxHashMap<(String, Flags), Arc<Regex>>;

/// A compiled Python pattern.
pub struct Regex {
    pattern: Pattern,
    ends_matter: bool,
    /// One engine per way of anchoring, for texts with and without a newline at the end; made when first needed.
    engines: [OnceLock<Result<fancy_regex::Regex, RegexError>>; 8],
}

#[derive(Clone, Copy)]
enum Anchor {
    /// Anywhere from the start position on.
    Anywhere = 0,
    /// `re.match`
    Start = 1,
    /// `re.fullmatch`
    Whole = 2,
    /// Anywhere, but not an empty match at the start position: what follows an empty match.
    Advance = 3,
}

impl Regex {
    /// Compiles, or takes from the cache. The error is what `re.compile` raises.
    pub fn new(pattern: &str, flags: Flags) -> Result<Arc<Regex>, RegexError> {
        static CACHE: Mutex<Option<Cache>> = Mutex::new(None);
        let key = (pattern.to_string(), flags);
        let lock = || CACHE.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(found) = lock().get_or_insert_default().get(&key) {
            return Ok(found.clone());
        }
        let pattern = parse(pattern, flags)?;
        let ends_matter = has_line_end(&pattern.body);
        let regex = Arc::new(Regex { pattern, ends_matter, engines: [const { OnceLock::new() }; 8] });
        let mut cache = lock();
        let cache = cache.get_or_insert_default();
        if cache.len() >= CACHE_SIZE {
            cache.clear();
        }
        cache.insert(key, regex.clone());
        Ok(regex)
    }

    /// The number of groups, the whole match not counted.
    pub fn group_count(&self) -> usize {
        self.pattern.groups
    }

    /// Group names with their numbers, in the order they appear.
    pub fn group_names(&self) -> &[(String, usize)] {
        &self.pattern.names
    }

    pub fn group_of(&self, name: &str) -> Option<usize> {
        self.pattern.names.iter().find(|(n, _)| n == name).map(|(_, g)| *g)
    }

    /// `re.search`
    pub fn search<'t>(&self, text: &'t str) -> Result<Option<Match<'t>>, RegexError> {
        self.run(text, 0, Anchor::Anywhere)
    }

    /// `re.match`
    pub fn match_start<'t>(&self, text: &'t str) -> Result<Option<Match<'t>>, RegexError> {
        self.run(text, 0, Anchor::Start)
    }

    /// `re.fullmatch`
    pub fn full_match<'t>(&self, text: &'t str) -> Result<Option<Match<'t>>, RegexError> {
        self.run(text, 0, Anchor::Whole)
    }

    /// `re.finditer`
    pub fn matches<'r, 't>(&'r self, text: &'t str) -> Matches<'r, 't> {
        Matches { regex: self, text, position: Some(0), after_empty: false }
    }

    /// `re.split`: the pieces, and between them the groups (`None` where a group took no part).
    pub fn split<'t>(&self, text: &'t str, limit: Option<usize>) -> Result<Vec<Option<&'t str>>, RegexError> {
        let mut pieces = vec![];
        let mut last = 0;
        for found in self.matches(text).take(limit.unwrap_or(usize::MAX)) {
            let found = found?;
            pieces.push(Some(&text[last..found.start()]));
            pieces.extend((1..=self.group_count()).map(|g| found.group(g)));
            last = found.end();
        }
        pieces.push(Some(&text[last..]));
        Ok(pieces)
    }

    /// `re.subn` with a replacement template.
    pub fn replace(&self, template: &str, text: &str, limit: Option<usize>) -> Result<(String, usize), RegexError> {
        let replacement = Replacement::parse(template, self)?;
        let mut out = String::with_capacity(text.len());
        let (mut last, mut count) = (0, 0);
        for found in self.matches(text).take(limit.unwrap_or(usize::MAX)) {
            let found = found?;
            out.push_str(&text[last..found.start()]);
            replacement.expand(&found, &mut out);
            last = found.end();
            count += 1;
        }
        out.push_str(&text[last..]);
        Ok((out, count))
    }

    fn run<'t>(&self, text: &'t str, position: usize, anchor: Anchor) -> Result<Option<Match<'t>>, RegexError> {
        let engine = self.engine(anchor, !text.ends_with('\n'))?;
        match engine.captures_from_pos(text, position) {
            Ok(Some(found)) => {
                let spans =
                    (0..=self.group_count()).map(|g| found.get(g).map(|m| (m.start(), m.end()))).collect::<Vec<_>>();
                Ok(Some(Match { text, spans }))
            }
            Ok(None) => Ok(None),
            Err(_) => Err(RegexError::TooSlow),
        }
    }

    fn engine(&self, anchor: Anchor, plain_end: bool) -> Result<&fancy_regex::Regex, RegexError> {
        let plain_end = plain_end && self.ends_matter;
        let slot = &self.engines[anchor as usize * 2 + plain_end as usize];
        slot.get_or_init(|| {
            let body = translate(&self.pattern.body, self.pattern.flags, Target { plain_end });
            let whole = match anchor {
                Anchor::Anywhere => body,
                Anchor::Start => format!("\\A{body}"),
                Anchor::Whole => format!("\\A{body}\\z"),
                Anchor::Advance => format!("{body}(?!\\G)"),
            };
            fancy_regex::RegexBuilder::new(&whole)
                .backtrack_limit(BACKTRACK_LIMIT)
                .delegate_size_limit(SIZE_LIMIT)
                .build()
                .map_err(|error| RegexError::Unsupported(error.to_string()))
        })
        .as_ref()
        .map_err(Clone::clone)
    }
}

/// One match; groups are counted from 1, group 0 is the whole.
#[derive(Clone, Debug)]
pub struct Match<'t> {
    text: &'t str,
    spans: Vec<Option<(usize, usize)>>,
}

impl<'t> Match<'t> {
    pub fn start(&self) -> usize {
        self.spans.first().copied().flatten().map_or(0, |(start, _)| start)
    }

    pub fn end(&self) -> usize {
        self.spans.first().copied().flatten().map_or(0, |(_, end)| end)
    }

    pub fn as_str(&self) -> &'t str {
        &self.text[self.start()..self.end()]
    }

    /// What a group matched; `None` when it took no part.
    pub fn group(&self, group: usize) -> Option<&'t str> {
        self.spans.get(group).copied().flatten().map(|(start, end)| &self.text[start..end])
    }

    /// Start and end as Python counts them: in characters.
    pub fn span_in_characters(&self) -> (usize, usize) {
        let start = self.text[..self.start()].chars().count();
        (start, start + self.as_str().chars().count())
    }
}

/// All matches from left to right, as Python (3.7 and later) finds them: an empty match may touch the one before.
pub struct Matches<'r, 't> {
    regex: &'r Regex,
    text: &'t str,
    position: Option<usize>,
    after_empty: bool,
}

impl<'t> Iterator for Matches<'_, 't> {
    type Item = Result<Match<'t>, RegexError>;

    fn next(&mut self) -> Option<Self::Item> {
        let position = self.position?;
        let anchor = if self.after_empty { Anchor::Advance } else { Anchor::Anywhere };
        match self.regex.run(self.text, position, anchor) {
            Ok(Some(found)) => {
                self.position = Some(found.end());
                self.after_empty = found.start() == found.end();
                Some(Ok(found))
            }
            Ok(None) => {
                self.position = None;
                None
            }
            Err(error) => {
                self.position = None;
                Some(Err(error))
            }
        }
    }
}

/// `re.escape`
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
