//! From libyaml's events to one tree per document: anchors, nesting and budgets.

use std::collections::HashMap;
use std::io::BufReader;

use libyaml_safer::{EventData, Parser};

use super::construct::{Constructor, Frame, Part, Shape};
use super::problem::{Place, Problem};
use super::scalar::{Tag, resolve};
use super::tree::Tree;

/// Deeper documents would exhaust the stack of whoever walks them.
const MAX_DEPTH: usize = 512;
/// How many nodes aliases may add to those that are written.
const MAX_EXPANSION: u64 = 10_000_000;
const MAX_NODES: u64 = 100_000_000;

/// libyaml reads its input in pieces of this size.
const PIECE: usize = 16 * 1024;

type Events<'a> = Parser<BufReader<&'a [u8]>>;

/// What an anchor stands for.
enum Anchor<T> {
    /// Its node is not complete yet.
    Open(Place),
    Done(Part<T>),
}

/// Builds the documents of one stream.
pub(super) struct Composer<'a, T: Tree> {
    text: &'a str,
    events: Events<'a>,
    pub(super) constructor: Constructor<'a, T>,
    anchors: HashMap<String, Anchor<T>>,
    /// Where the current document's root begins.
    root_at: Option<Place>,
    stack: Vec<Frame<T>>,
    nodes: u64,
}

impl<'a, T: Tree> Composer<'a, T> {
    pub(super) fn new(text: &'a str, constructor: Constructor<'a, T>) -> Composer<'a, T> {
        let mut events = Parser::new();
        // The mark is taken off here: libyaml-safer takes any first byte 0xEF for one.
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        events.set_encoding(libyaml_safer::Encoding::Utf8);
        events.set_input(BufReader::with_capacity(PIECE, body.as_bytes()));
        Composer { text, events, constructor, anchors: HashMap::new(), root_at: None, stack: Vec::new(), nodes: 0 }
    }

    fn next(&mut self) -> Result<(EventData, Place), Problem> {
        let event = self.events.parse().map_err(|e| Problem::parser(&e, self.text))?;
        Ok((event.data, event.start_mark.into()))
    }

    /// The only document of the stream; `None` when there is none.
    pub(super) fn single(&mut self) -> Result<Option<T>, Problem> {
        let Some(root) = self.document()? else { return Ok(None) };
        if let (EventData::DocumentStart { .. }, at) = self.next()? {
            return Err(Problem::marked("expected a single document in the stream", "but found another document", at)
                .within(self.root_at));
        }
        self.constructor.finish()?;
        Ok(Some(root))
    }

    /// Every document of the stream.
    pub(super) fn all(&mut self) -> Result<Vec<T>, Problem> {
        let mut roots = Vec::new();
        while let Some(root) = self.document()? {
            self.constructor.finish()?;
            roots.push(root);
        }
        Ok(roots)
    }

    fn document(&mut self) -> Result<Option<T>, Problem> {
        loop {
            match self.next()?.0 {
                EventData::DocumentStart { .. } => break,
                EventData::StreamEnd => return Ok(None),
                _ => {}
            }
        }
        self.anchors.clear();
        self.root_at = None;
        let mut root = None;
        loop {
            let (data, at) = self.next()?;
            self.root_at.get_or_insert(at);
            let part = match data {
                EventData::DocumentEnd { .. } | EventData::StreamEnd => return Ok(root),
                EventData::Alias { anchor } => self.alias(&anchor, at)?,
                EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                    self.open(anchor.as_deref(), at)?;
                    let tag = match tag.as_deref() {
                        None | Some("!") if plain_implicit => resolve(&value),
                        None | Some("!") => Tag::Str,
                        Some(tag) => self.constructor.tag(tag),
                    };
                    let part = self.constructor.scalar(self.stack.last(), tag, value, at);
                    self.close(anchor, &part);
                    part
                }
                EventData::SequenceStart { anchor, tag, .. } => {
                    self.enter(anchor, tag, Tag::Seq, at)?;
                    continue;
                }
                EventData::MappingStart { anchor, tag, .. } => {
                    self.enter(anchor, tag, Tag::Map, at)?;
                    continue;
                }
                EventData::SequenceEnd | EventData::MappingEnd => {
                    let Some(mut frame) = self.stack.pop() else { continue };
                    let anchor = frame.anchor.take();
                    let part = self.constructor.collection(frame);
                    self.close(anchor, &part);
                    part
                }
                _ => continue,
            };
            match self.stack.last_mut() {
                Some(frame) => self.constructor.add(frame, part),
                None => root = Some(part.item),
            }
            if let Some(frame) = self.stack.last() {
                self.check_size(frame.weight)?;
            }
        }
    }

    fn enter(&mut self, anchor: Option<String>, tag: Option<String>, default: Tag, at: Place) -> Result<(), Problem> {
        self.open(anchor.as_deref(), at)?;
        if self.stack.len() >= MAX_DEPTH {
            let problem = format!("exceeded the maximum nesting depth of {MAX_DEPTH}");
            return Err(Problem::exact(problem, at));
        }
        let shape = if default == Tag::Seq { Shape::Seq } else { Shape::Map };
        let tag = match tag.as_deref() {
            None | Some("!") => default,
            Some(tag) => self.constructor.tag(tag),
        };
        let frame = self.constructor.frame(self.stack.last(), shape, tag, anchor, at);
        self.stack.push(frame);
        Ok(())
    }

    /// Counts a node and, if it has an anchor, makes the anchor known.
    fn open(&mut self, anchor: Option<&str>, at: Place) -> Result<(), Problem> {
        self.nodes += 1;
        if let Some(name) = anchor {
            let first = self.anchors.get(name).map(|anchor| match anchor {
                Anchor::Open(at) => *at,
                Anchor::Done(part) => part.at,
            });
            if first.is_some() {
                return Err(
                    Problem::marked("found duplicate anchor; first occurrence", "second occurrence", at).within(first)
                );
            }
            self.anchors.insert(name.to_string(), Anchor::Open(at));
        }
        Ok(())
    }

    fn close(&mut self, anchor: Option<String>, part: &Part<T>) {
        if let Some(name) = anchor {
            self.anchors.insert(name, Anchor::Done(part.clone()));
        }
    }

    fn alias(&mut self, name: &str, at: Place) -> Result<Part<T>, Problem> {
        match self.anchors.get(name) {
            Some(Anchor::Done(part)) => Ok(part.clone()),
            Some(Anchor::Open(start)) => {
                let start = *start;
                Ok(self.constructor.recursive(self.stack.last(), start))
            }
            None => Err(Problem::marked("", "found undefined alias", at)),
        }
    }

    fn check_size(&self, weight: u64) -> Result<(), Problem> {
        if weight > self.nodes + MAX_EXPANSION {
            return Err(Problem::Plain(format!("aliases expand to more than {MAX_EXPANSION} nodes")));
        }
        if self.nodes > MAX_NODES {
            return Err(Problem::Plain(format!("the document has more than {MAX_NODES} nodes")));
        }
        Ok(())
    }
}
