//! From tagged YAML nodes to values, as PyYAML's and Ansible's constructors do it.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::load::{DuplicateKeys, LoadOptions};
use super::problem::{Place, Problem};
use super::scalar::{Tag, construct, decode_base64, resolve};
use super::set::Set;
use super::tree::Tree;
use crate::source::{Diagnostic, Removal};
use crate::value::{Str, Value, repr};

/// How many entries merge keys may copy: they take memory, unlike what aliases share.
const MAX_MERGED: usize = 2_000_000;
const UNDECRYPTABLE: &str = "Attempt to use undecryptable variable: ";
/// Longer keys hardly repeat.
const MAX_INTERNED: usize = 64;

/// A finished node, on its way into its parent.
#[derive(Clone)]
pub(super) struct Part<T> {
    pub(super) item: T,
    pub(super) at: Place,
    shape: Shape,
    /// Nodes below and including this one, aliases written out.
    weight: u64,
    /// The first child of a sequence that is no mapping: merge keys and ordered maps complain about it.
    odd: Option<(Place, Shape)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Scalar,
    Seq,
    Map,
    /// A scalar tagged `!!merge` (`<<`).
    Merge,
    /// A scalar tagged `!!value` (`=`).
    Default,
}

impl Shape {
    /// PyYAML's name of the node class.
    fn name(self) -> &'static str {
        match self {
            Shape::Seq => "sequence",
            Shape::Map => "mapping",
            _ => "scalar",
        }
    }
}

/// A collection that is still open.
pub(super) struct Frame<T> {
    pub(super) anchor: Option<String>,
    pub(super) weight: u64,
    at: Place,
    tag: Tag,
    shape: Shape,
    /// Inside `!unsafe`.
    unsafe_: bool,
    /// A value of a merge key, or a list of such: only its entries count, whatever its tag.
    merges: bool,
    /// PyYAML constructs level by level, so the shallowest mistake is the one it reports.
    level: u32,
    items: Vec<T>,
    odd: Option<(Place, Shape)>,
    entries: Vec<(T, T)>,
    merged: Vec<(T, T)>,
    key: Option<Part<T>>,
    /// The text of the `=` entry, which stands for the mapping where a scalar is wanted.
    default: Option<String>,
}

impl<T> Frame<T> {
    fn child_level(&self) -> u32 {
        if self.unsafe_ { self.level } else { self.level + 1 }
    }

    /// Is the next child merged into a mapping?
    fn awaits_merged(&self) -> bool {
        match &self.key {
            Some(key) => key.shape == Shape::Merge,
            None => self.merges && self.shape == Shape::Seq,
        }
    }

    fn awaits_key(&self) -> bool {
        self.shape == Shape::Map && self.key.is_none()
    }
}

/// Makes values and gathers what is wrong with them.
pub(super) struct Constructor<'a, T> {
    options: &'a LoadOptions<'a>,
    file: Arc<str>,
    errors: Vec<(u32, Problem)>,
    warnings: Vec<(u32, Diagnostic)>,
    keys: FxHashSet<Arc<str>>,
    merged: usize,
    makes: std::marker::PhantomData<T>,
}

impl<'a, T: Tree> Constructor<'a, T> {
    pub(super) fn new(options: &'a LoadOptions<'a>, file: Arc<str>) -> Constructor<'a, T> {
        Constructor {
            options,
            file,
            errors: Vec::new(),
            warnings: Vec::new(),
            keys: FxHashSet::default(),
            merged: 0,
            makes: std::marker::PhantomData,
        }
    }

    pub(super) fn tag(&self, tag: &str) -> Tag {
        Tag::parse(tag, self.options.ansible_tags)
    }

    /// The mistake PyYAML would have met first.
    pub(super) fn finish(&mut self) -> Result<(), Problem> {
        let mut errors = std::mem::take(&mut self.errors);
        errors.sort_by_key(|(level, _)| *level);
        match errors.into_iter().next() {
            Some((_, problem)) => Err(problem),
            None => Ok(()),
        }
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Diagnostic> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.sort_by_key(|(level, _)| *level);
        warnings.into_iter().map(|(_, warning)| warning).collect()
    }

    fn level(parent: Option<&Frame<T>>) -> u32 {
        parent.map_or(0, Frame::child_level)
    }

    fn deprecate(&mut self, level: u32, at: Place, tag: &str, hint: &str) {
        let message = format!("Use of the YAML `{tag}` tag is deprecated.");
        let warning = Diagnostic::deprecation(message).at(Some(at.origin(&self.file))).hint(hint);
        self.warnings.push((level, warning.removed(Removal::core("2.23"))));
    }

    /// The end of a self-reference. Merging a mapping into itself adds nothing; elsewhere it is an error.
    pub(super) fn recursive(&mut self, parent: Option<&Frame<T>>, at: Place) -> Part<T> {
        if !parent.is_some_and(Frame::awaits_merged) {
            let problem = Problem::exact("found unconstructable recursive node", at);
            self.errors.push((Self::level(parent), problem));
        }
        let item = T::mapping(Vec::new(), || at.origin(&self.file), |_| {});
        Part { item, at, shape: Shape::Map, weight: 1, odd: None }
    }

    pub(super) fn scalar(&mut self, parent: Option<&Frame<T>>, tag: Tag, text: String, at: Place) -> Part<T> {
        let is_key = parent.is_some_and(Frame::awaits_key);
        let shape = match tag {
            Tag::Merge if is_key => Shape::Merge,
            Tag::Value if is_key => Shape::Default,
            _ => Shape::Scalar,
        };
        let level = Self::level(parent);
        let trusted = self.options.trusted && !parent.is_some_and(|f| f.unsafe_);
        let value = match shape {
            Shape::Merge => Ok(Value::None),
            // An error, but not this scalar's.
            _ if parent.is_some_and(Frame::awaits_merged) => Ok(Value::None),
            Shape::Default => Ok(self.text(&text, trusted, is_key, at)),
            _ => self.scalar_value(tag, &text, trusted, is_key, level, at),
        };
        let value = value.unwrap_or_else(|problem| {
            self.errors.push((level, problem));
            Value::None
        });
        Part { item: T::scalar(value, || at.origin(&self.file)), at, shape, weight: 1, odd: None }
    }

    fn scalar_value(
        &mut self,
        tag: Tag,
        text: &str,
        trusted: bool,
        is_key: bool,
        level: u32,
        at: Place,
    ) -> Result<Value, Problem> {
        match tag {
            Tag::Str => Ok(self.text(text, trusted, is_key, at)),
            Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => {
                construct(&tag, text).map_err(Problem::Plain)
            }
            Tag::Binary => decode_base64(text).map(Value::Bytes).map_err(|problem| Problem::marked("", problem, at)),
            Tag::Unsafe => {
                let tag = resolve(text);
                self.scalar_value(tag, text, false, is_key, level, at)
            }
            Tag::Vault | Tag::VaultEncrypted => {
                if tag == Tag::VaultEncrypted {
                    self.deprecate(level, at, "!vault-encrypted", "Use the `!vault` tag instead.");
                }
                match resolve(text) {
                    Tag::Str => {
                        let text = Str::sealed(text, self.options.secrets.clone(), Some(at.origin(&self.file)));
                        // Nodes and keys are read without being rendered.
                        let opens = is_key || !T::IS_VALUE;
                        Ok(text.open().filter(|_| opens).unwrap_or(Value::Str(text)))
                    }
                    other => {
                        self.scalar_value(other, text, trusted, is_key, level, at)?;
                        Err(wants_string(&tag, at))
                    }
                }
            }
            Tag::Seq => Err(Problem::marked("", "expected a sequence node, but found scalar", at)),
            Tag::Map | Tag::Set => Err(Problem::marked("", "expected a mapping node, but found scalar", at)),
            Tag::OrderedMap | Tag::Pairs => {
                self.deprecate_pairs(&tag, level, at);
                Err(Problem::marked(pairs_context(&tag), "expected a sequence, but found scalar", at))
            }
            Tag::Merge | Tag::Value | Tag::Unknown(_) => Err(no_constructor(&tag, at)),
        }
    }

    fn text(&mut self, text: &str, trusted: bool, is_key: bool, at: Place) -> Value {
        let origin = Some(at.origin(&self.file));
        let text = if is_key { self.intern(text) } else { Arc::from(text) };
        Value::Str(if trusted { Str::trusted(text, origin) } else { Str::with_origin(text, origin) })
    }

    /// The same keys come again and again in inventories.
    pub(super) fn intern(&mut self, text: &str) -> Arc<str> {
        if text.len() > MAX_INTERNED {
            return Arc::from(text);
        }
        if let Some(known) = self.keys.get(text) {
            return known.clone();
        }
        let shared: Arc<str> = Arc::from(text);
        self.keys.insert(shared.clone());
        shared
    }

    /// Starts a collection.
    pub(super) fn frame(
        &mut self,
        parent: Option<&Frame<T>>,
        shape: Shape,
        tag: Tag,
        anchor: Option<String>,
        at: Place,
    ) -> Frame<T> {
        let level = Self::level(parent);
        if tag == Tag::VaultEncrypted {
            self.deprecate(level, at, "!vault-encrypted", "Use the `!vault` tag instead.");
        }
        self.deprecate_pairs(&tag, level, at);
        let unsafe_ = tag == Tag::Unsafe || parent.is_some_and(|f| f.unsafe_);
        let merges = parent.is_some_and(Frame::awaits_merged);
        let tag = match (tag, shape) {
            (tag, Shape::Seq) if merges || tag == Tag::Unsafe => Tag::Seq,
            (tag, Shape::Map) if merges || tag == Tag::Unsafe => Tag::Map,
            (tag, _) => tag,
        };
        Frame {
            anchor,
            weight: 1,
            at,
            tag,
            shape,
            unsafe_,
            merges,
            level,
            items: Vec::new(),
            odd: None,
            entries: Vec::new(),
            merged: Vec::new(),
            key: None,
            default: None,
        }
    }

    /// Puts a finished child into its collection.
    pub(super) fn add(&mut self, frame: &mut Frame<T>, part: Part<T>) {
        frame.weight = frame.weight.saturating_add(part.weight);
        if part.shape == Shape::Merge && !frame.awaits_key() {
            // An alias of a merge key.
            self.errors.push((frame.child_level(), no_constructor(&Tag::Merge, part.at)));
        }
        if frame.shape == Shape::Seq {
            if part.shape != Shape::Map && frame.odd.is_none() {
                frame.odd = Some((part.at, part.shape));
            }
            frame.items.push(part.item);
            return;
        }
        let Some(key) = frame.key.take() else {
            self.check_key(frame, &part);
            frame.key = Some(part);
            return;
        };
        match key.shape {
            Shape::Merge => return self.merge(frame, part),
            Shape::Default => frame.default = part.item.value().map(|v| crate::value::to_text(&v)),
            _ => {}
        }
        frame.entries.push((key.item, part.item));
    }

    fn check_key(&mut self, frame: &Frame<T>, key: &Part<T>) {
        let hashable = match key.item.value() {
            Some(Value::List(_) | Value::Dict(_) | Value::Object(_)) | None => false,
            Some(Value::Undefined(undefined)) => {
                let text = undefined.message.trim_start_matches(UNDECRYPTABLE).to_string();
                self.errors.push((frame.child_level(), Problem::Plain(text)));
                return;
            }
            Some(_) => true,
        };
        if !hashable {
            let problem =
                Problem::marked("while constructing a mapping", "found unhashable key", key.at).within(Some(frame.at));
            self.errors.push((frame.child_level(), problem));
        }
    }

    /// `<<: mapping` or `<<: [mapping, …]`; earlier mappings of the list win.
    fn merge(&mut self, frame: &mut Frame<T>, part: Part<T>) {
        const CONTEXT: &str = "while constructing a mapping";
        let sources = match part.shape {
            Shape::Map => vec![part.item],
            Shape::Seq => {
                if let Some((at, shape)) = part.odd {
                    let problem = format!("expected a mapping for merging, but found {}", shape.name());
                    self.errors
                        .push((frame.child_level(), Problem::marked(CONTEXT, problem, at).within(Some(frame.at))));
                    return;
                }
                let mut items = part.item.items().unwrap_or_default();
                items.reverse();
                items
            }
            shape => {
                let problem = format!("expected a mapping or list of mappings for merging, but found {}", shape.name());
                self.errors
                    .push((frame.child_level(), Problem::marked(CONTEXT, problem, part.at).within(Some(frame.at))));
                return;
            }
        };
        for source in sources {
            if self.merged > MAX_MERGED {
                let problem = format!("merge keys expand to more than {MAX_MERGED} entries");
                self.errors.push((0, Problem::Plain(problem)));
                return;
            }
            let entries = source.entries().unwrap_or_default();
            self.merged += entries.len();
            frame.merged.extend(entries);
        }
    }

    /// Ends a collection.
    pub(super) fn collection(&mut self, mut frame: Frame<T>) -> Part<T> {
        let (at, shape, weight, odd) = (frame.at, frame.shape, frame.weight, frame.odd);
        let level = frame.level;
        let file = self.file.clone();
        let origin = move || at.origin(&file);
        let item = match (&frame.tag, shape) {
            (Tag::Seq, Shape::Seq) => Ok(T::sequence(std::mem::take(&mut frame.items), origin.clone())),
            (Tag::Map, Shape::Map) => Ok(self.mapping(&mut frame)),
            (Tag::Set, Shape::Map) => {
                let members = self.mapping(&mut frame).entries().unwrap_or_default();
                Ok(T::scalar(Set::value(members.iter().filter_map(|(k, _)| k.value()).collect()), origin.clone()))
            }
            (Tag::OrderedMap | Tag::Pairs, _) => pairs(&frame).map(|list| T::scalar(list, origin.clone())),
            (Tag::Vault | Tag::VaultEncrypted, _) => Err(wants_string(&frame.tag, at)),
            (Tag::Seq, _) => Err(Problem::marked("", "expected a sequence node, but found mapping", at)),
            (Tag::Map | Tag::Set, _) => Err(Problem::marked("", "expected a mapping node, but found sequence", at)),
            (Tag::Merge | Tag::Value | Tag::Unknown(_), _) => Err(no_constructor(&frame.tag, at)),
            _ => match frame.default.take() {
                Some(text) => {
                    let tag = frame.tag.clone();
                    let trusted = self.options.trusted && !frame.unsafe_;
                    self.scalar_value(tag, &text, trusted, false, level, at).map(|v| T::scalar(v, origin.clone()))
                }
                None => Err(Problem::marked("", format!("expected a scalar node, but found {}", shape.name()), at)),
            },
        };
        let item = item.unwrap_or_else(|problem| {
            self.errors.push((level, problem));
            T::scalar(Value::None, origin)
        });
        Part { item, at, shape, weight, odd }
    }

    fn mapping(&mut self, frame: &mut Frame<T>) -> T {
        let (at, level) = (frame.at, frame.child_level());
        let mut entries = std::mem::take(&mut frame.entries);
        if !frame.merged.is_empty() {
            let mut merged = std::mem::take(&mut frame.merged);
            merged.append(&mut entries);
            entries = merged;
        }
        let (file, policy) = (self.file.clone(), self.options.duplicate_keys);
        let (errors, warnings) = (&mut self.errors, &mut self.warnings);
        T::mapping(
            entries,
            || at.origin(&file),
            |key| {
                let message = format!("Found duplicate mapping key {}.", repr(key));
                let origin = match key {
                    Value::Str(text) => text.origin().cloned(),
                    _ => None,
                };
                match policy {
                    DuplicateKeys::Ignore => {}
                    DuplicateKeys::Warn => {
                        let hint = "Using last defined value only.";
                        warnings.push((level, Diagnostic::warning(message).at(origin).hint(hint)));
                    }
                    DuplicateKeys::Error => {
                        let at = origin.map_or(at, |o| Place {
                            line: o.line.saturating_sub(1),
                            column: o.column.saturating_sub(1),
                        });
                        errors.push((level, Problem::exact(message, at)));
                    }
                }
            },
        )
    }

    fn deprecate_pairs(&mut self, tag: &Tag, level: u32, at: Place) {
        match tag {
            Tag::OrderedMap => {
                let hint = "Use a standard mapping instead, as key order is always preserved.";
                self.deprecate(level, at, "!!omap", hint);
            }
            Tag::Pairs => self.deprecate(level, at, "!!pairs", "Use a standard mapping instead."),
            _ => {}
        }
    }
}

/// A list of (key, value) tuples out of a sequence of mappings with one entry each.
fn pairs<T: Tree>(frame: &Frame<T>) -> Result<Value, Problem> {
    let context = pairs_context(&frame.tag);
    if frame.shape != Shape::Seq {
        return Err(Problem::marked(context, "expected a sequence, but found mapping", frame.at));
    }
    if let Some((at, shape)) = frame.odd {
        let problem = format!("expected a mapping of length 1, but found {}", shape.name());
        return Err(Problem::marked(context, problem, at).within(Some(frame.at)));
    }
    let mut list = Vec::with_capacity(frame.items.len());
    for item in &frame.items {
        match item.entries().unwrap_or_default().as_slice() {
            [(key, value)] => list.push(Value::Tuple(Arc::from([key.to_value(), value.to_value()]))),
            other => {
                let problem = format!("expected a single mapping item, but found {} items", other.len());
                return Err(Problem::marked(context, problem, frame.at));
            }
        }
    }
    Ok(Value::List(crate::value::List::loaded(list)))
}

fn pairs_context(tag: &Tag) -> &'static str {
    match tag {
        Tag::OrderedMap => "while constructing an ordered map",
        _ => "while constructing pairs",
    }
}

fn no_constructor(tag: &Tag, at: Place) -> Problem {
    Problem::marked("", format!("could not determine a constructor for the tag {}", tag.repr()), at)
}

fn wants_string(tag: &Tag, at: Place) -> Problem {
    let problem = format!("the {} tag requires a string value", tag.repr());
    Problem::exact(problem, at)
}
