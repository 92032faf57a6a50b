//! Remembers parsed texts: the same templates come again for every host, task and loop item.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex};

use rustc_hash::{FxBuildHasher, FxHashMap, FxHasher};

use super::token::{Syntax, SyntaxError};
use super::{Template, check, parser};

/// Texts remembered at most; beyond that the cache starts anew.
const CAPACITY: usize = 8192;
/// Longer texts are parsed each time.
const MAX_TEXT: usize = 1 << 20;

/// Trees of longer texts are built and dropped on a stack of their own.
const LONG_TEXT: usize = 8 << 10;

type Outcome = Result<Arc<Template>, SyntaxError>;

struct Entry {
    text: Arc<str>,
    syntax: Arc<Syntax>,
    is_expression: bool,
    outcome: Outcome,
}

static CACHE: LazyLock<Mutex<FxHashMap<u64, Vec<Entry>>>> =
    LazyLock::new(|| Mutex::new(FxHashMap::with_hasher(FxBuildHasher)));

/// Which filters and tests (kind and name) plugins have.
pub(crate) type Foreign<'a> = &'a dyn Fn(&str, &str) -> bool;

pub(crate) fn parse_template(text: &Arc<str>, syntax: &Arc<Syntax>, has: Foreign<'_>) -> Outcome {
    parse(text, syntax, false).and_then(|template| check::resolve(&template, has).map(|()| template))
}

pub(crate) fn parse_expression(text: &Arc<str>, syntax: &Arc<Syntax>, has: Foreign<'_>) -> Outcome {
    parse(text, syntax, true).and_then(|template| check::resolve(&template, has).map(|()| template))
}

fn parse(text: &Arc<str>, syntax: &Arc<Syntax>, is_expression: bool) -> Outcome {
    if text.len() > MAX_TEXT {
        return parse_anew(text, syntax, is_expression);
    }
    let mut hasher = FxHasher::default();
    (text, is_expression).hash(&mut hasher);
    let hash = hasher.finish();
    let same = |entry: &&Entry| {
        entry.is_expression == is_expression
            && *entry.text == **text
            && (Arc::ptr_eq(&entry.syntax, syntax) || entry.syntax == *syntax)
    };
    let mut cache = CACHE.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(entry) = cache.get(&hash).and_then(|entries| entries.iter().find(same)) {
        return entry.outcome.clone();
    }
    drop(cache);
    let outcome = parse_anew(text, syntax, is_expression);
    cache = CACHE.lock().unwrap_or_else(|e| e.into_inner());
    if cache.len() >= CAPACITY {
        cache.clear();
    }
    let entry = Entry { text: text.clone(), syntax: syntax.clone(), is_expression, outcome: outcome.clone() };
    cache.entry(hash).or_default().push(entry);
    outcome
}

fn parse_anew(text: &str, syntax: &Syntax, is_expression: bool) -> Outcome {
    // Only a long text can nest deeply enough to need more stack for its tree.
    if text.len() > LONG_TEXT {
        crate::stack::roomy(|| parse_here(text, syntax, is_expression))
    } else {
        parse_here(text, syntax, is_expression)
    }
}

fn parse_here(text: &str, syntax: &Syntax, is_expression: bool) -> Outcome {
    let mut template = if is_expression { parser::expression(text, syntax)? } else { parser::template(text, syntax)? };
    template.is_long = text.len() > LONG_TEXT;
    check::check(&mut template);
    Ok(Arc::new(template))
}
