//! Values as YAML text, as `yaml.dump` with Ansible's dumper writes them: PyYAML's choices, libyaml's emitter.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use libyaml_safer::{Emitter, Encoding, Event, MappingStyle, ScalarStyle, SequenceStyle};

use super::scalar::{Tag, resolve};
use crate::source::Diagnostic;
use crate::value::{Map, Str, Value, compare, repr, repr_float, to_text};

/// The arguments of `yaml.dump`; the defaults are those of the `to_yaml` filter.
#[derive(Clone, Debug)]
pub struct DumpOptions {
    /// `None`: flow style for collections of plain scalars alone.
    pub default_flow_style: Option<bool>,
    pub default_style: Option<QuoteStyle>,
    pub indent: Option<i32>,
    /// Lines are folded behind this column; 80 when not set, never when negative.
    pub width: Option<i32>,
    pub sort_keys: bool,
    pub allow_unicode: bool,
    pub explicit_start: bool,
    pub explicit_end: bool,
    pub canonical: bool,
    pub multi_line: MultiLine,
    /// A list or dict that occurs again is written as an alias of the first, as PyYAML does with one object.
    pub aliases: bool,
}

impl Default for DumpOptions {
    fn default() -> DumpOptions {
        DumpOptions {
            default_flow_style: None,
            default_style: None,
            indent: None,
            width: None,
            sort_keys: true,
            allow_unicode: true,
            explicit_start: false,
            explicit_end: false,
            canonical: false,
            multi_line: MultiLine::default(),
            aliases: false,
        }
    }
}

/// `default_style`: how every scalar is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuoteStyle {
    Single,
    Double,
    Literal,
    Folded,
    Plain,
}

impl QuoteStyle {
    /// PyYAML's one-character names; anything else means no style of its own.
    pub fn parse(text: &str) -> Option<QuoteStyle> {
        match text {
            "'" => Some(QuoteStyle::Single),
            "\"" => Some(QuoteStyle::Double),
            "|" => Some(QuoteStyle::Literal),
            ">" => Some(QuoteStyle::Folded),
            "" => None,
            _ => Some(QuoteStyle::Plain),
        }
    }

    fn of_libyaml(self) -> ScalarStyle {
        match self {
            QuoteStyle::Single => ScalarStyle::SingleQuoted,
            QuoteStyle::Double => ScalarStyle::DoubleQuoted,
            QuoteStyle::Literal => ScalarStyle::Literal,
            QuoteStyle::Folded => ScalarStyle::Folded,
            QuoteStyle::Plain => ScalarStyle::Plain,
        }
    }
}

/// What becomes of strings with line breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MultiLine {
    /// As any other string.
    #[default]
    Quoted,
    /// Block style where YAML allows it (`result_format=yaml`, `pretty_results=false`).
    Block,
    /// Block style at any price: blanks at line ends and odd characters are dropped (`result_format=yaml`).
    BlockLossy,
}

const MAX_DEPTH: usize = 512;
const YAML: &str = "tag:yaml.org,2002:";

/// The text of one document.
pub fn dump(value: &Value, options: &DumpOptions) -> Result<String, Diagnostic> {
    let root = represent(value, options, 0).map_err(|error| *error)?;
    let mut bytes = Vec::new();
    // The emitter asserts its own consistency; a failed assertion must not end the run.
    catch_unwind(AssertUnwindSafe(|| emit(&root, options, &mut bytes)))
        .unwrap_or(Ok(()))
        .map_err(|error| Diagnostic::error(error.problem().to_string()))?;
    String::from_utf8(bytes).map_err(|_| Diagnostic::error("The YAML emitter wrote no UTF-8."))
}

/// A value with its tag and style decided.
enum Shape {
    Scalar {
        tag: &'static str,
        text: String,
        style: Option<QuoteStyle>,
    },
    /// `address`: what tells it from others; 0 when it is written in full wherever it occurs.
    Sequence {
        items: Vec<Shape>,
        flow: bool,
        address: usize,
    },
    Mapping {
        tag: &'static str,
        entries: Vec<(Shape, Shape)>,
        flow: bool,
        address: usize,
    },
}

impl Shape {
    fn is_unstyled(&self) -> bool {
        matches!(self, Shape::Scalar { style: None, .. })
    }
}

fn represent(value: &Value, options: &DumpOptions, depth: usize) -> Result<Shape, Box<Diagnostic>> {
    if depth > MAX_DEPTH {
        return Err(Diagnostic::error("maximum recursion depth exceeded").into());
    }
    let scalar = |tag, text: String| Ok(Shape::Scalar { tag, text, style: options.default_style });
    match value {
        Value::None => scalar("null", "null".into()),
        Value::Bool(b) => scalar("bool", b.to_string()),
        Value::Int(i) => scalar("int", i.to_string()),
        Value::BigInt(i) => scalar("int", i.to_string()),
        Value::Float(f) => scalar("float", float_text(*f)),
        Value::Date(_) | Value::DateTime(_) => scalar("timestamp", to_text(value)),
        Value::Str(text) => Ok(string(text, options)),
        Value::Bytes(bytes) => {
            Ok(Shape::Scalar { tag: "binary", text: encode_base64(bytes), style: Some(QuoteStyle::Literal) })
        }
        Value::List(list) => sequence(&list.items(), list.address(), options, depth),
        Value::Tuple(items) => sequence(items, 0, options, depth),
        Value::Dict(dict) => mapping("map", &dict.entries(), dict.address(), options, depth),
        Value::Object(object) if object.type_name() == "set" => {
            let members = object.iterate().unwrap_or_default();
            mapping("set", &members.into_iter().map(|member| (member, Value::None)).collect(), 0, options, depth)
        }
        Value::Object(object) => match object.to_data() {
            Some(data) if object.type_name() != "range" => represent(&data, options, depth + 1),
            _ => Err(cannot_represent(value)),
        },
        Value::Undefined(undefined) => {
            Err(undefined.error.clone().unwrap_or_else(|| Diagnostic::error(undefined.message.clone()).into()))
        }
        Value::TimeDelta(_) | Value::Omit => Err(cannot_represent(value)),
    }
}

fn cannot_represent(value: &Value) -> Box<Diagnostic> {
    Diagnostic::error(format!("('cannot represent an object', {})", repr(value))).into()
}

fn float_text(f: f64) -> String {
    if f.is_nan() {
        ".nan".into()
    } else if f.is_infinite() {
        if f > 0.0 { ".inf" } else { "-.inf" }.into()
    } else {
        let text = repr_float(f);
        // YAML 1.1 wants a point before the exponent.
        if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
    }
}

fn string(text: &Str, options: &DumpOptions) -> Shape {
    if let Some(envelope) = text.envelope() {
        return Shape::Scalar { tag: "!vault", text: envelope.to_string(), style: Some(QuoteStyle::Literal) };
    }
    let breaks = text.contains(['\n', '\u{85}', '\u{2028}', '\u{2029}']);
    let (text, style) = match options.multi_line {
        MultiLine::Block if breaks => (text.to_string(), Some(QuoteStyle::Literal)),
        MultiLine::BlockLossy if breaks => (make_block_able(text), Some(QuoteStyle::Literal)),
        _ => (text.to_string(), options.default_style),
    };
    Shape::Scalar { tag: "str", text, style }
}

/// Drops what libyaml cannot write in block style.
fn make_block_able(text: &str) -> String {
    let (mut expanded, mut column) = (String::with_capacity(text.len()), 0);
    for c in text.trim_end().chars() {
        match c {
            '\t' => {
                let width = 8 - column % 8;
                expanded.extend(std::iter::repeat_n(' ', width));
                column += width;
            }
            '\n' | '\r' => {
                expanded.push(c);
                column = 0;
            }
            _ => {
                expanded.push(c);
                column += 1;
            }
        }
    }
    let mut out = String::with_capacity(expanded.len());
    for c in expanded.chars().filter(|c| is_printable(*c)) {
        if matches!(c, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}') {
            out.truncate(out.trim_end_matches(' ').len());
        }
        out.push(c);
    }
    out
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

fn sequence(items: &[Value], address: usize, options: &DumpOptions, depth: usize) -> Result<Shape, Box<Diagnostic>> {
    let items: Vec<Shape> = items.iter().map(|item| represent(item, options, depth + 1)).collect::<Result<_, _>>()?;
    let flow = options.default_flow_style.unwrap_or_else(|| items.iter().all(Shape::is_unstyled));
    Ok(Shape::Sequence { items, flow, address: if options.aliases { address } else { 0 } })
}

fn mapping(
    tag: &'static str,
    map: &Map,
    address: usize,
    options: &DumpOptions,
    depth: usize,
) -> Result<Shape, Box<Diagnostic>> {
    let mut entries: Vec<(&Value, &Value)> = map.iter().collect();
    if options.sort_keys {
        let mut sorted = entries.clone();
        let mut comparable = true;
        sorted.sort_by(|a, b| {
            compare(a.0, b.0).unwrap_or_else(|| {
                comparable = false;
                std::cmp::Ordering::Equal
            })
        });
        // Keys of types that do not compare stay as they are.
        if comparable {
            entries = sorted;
        }
    }
    let entries: Vec<(Shape, Shape)> = entries
        .into_iter()
        .map(|(key, value)| Ok((represent(key, options, depth + 1)?, represent(value, options, depth + 1)?)))
        .collect::<Result<_, Box<Diagnostic>>>()?;
    let flow = options
        .default_flow_style
        .unwrap_or_else(|| entries.iter().all(|(key, value)| key.is_unstyled() && value.is_unstyled()));
    Ok(Shape::Mapping { tag, entries, flow, address: if options.aliases { address } else { 0 } })
}

/// Python's `base64.encodebytes`.
fn encode_base64(bytes: &[u8]) -> String {
    use base64::Engine;
    bytes.chunks(57).map(|line| base64::engine::general_purpose::STANDARD.encode(line) + "\n").collect()
}

fn emit(root: &Shape, options: &DumpOptions, out: &mut Vec<u8>) -> libyaml_safer::Result<()> {
    let mut emitter = Emitter::new();
    emitter.set_output_string(out);
    emitter.set_canonical(options.canonical);
    if let Some(indent) = options.indent {
        emitter.set_indent(indent);
    }
    if let Some(width) = options.width {
        emitter.set_width(width);
    }
    emitter.set_unicode(options.allow_unicode);
    emitter.emit(Event::stream_start(Encoding::Utf8))?;
    emitter.emit(Event::document_start(None, &[], !options.explicit_start))?;
    let mut anchors = Anchors::default();
    anchors.find(root);
    emit_shape(&mut emitter, root, &mut anchors)?;
    emitter.emit(Event::document_end(!options.explicit_end))?;
    emitter.emit(Event::stream_end())?;
    emitter.flush()
}

/// The names of what occurs more than once.
#[derive(Default)]
struct Anchors {
    /// `None`: seen once so far.
    names: HashMap<usize, Option<String>>,
    named: usize,
    written: HashSet<usize>,
}

impl Anchors {
    /// Numbers are given when something is met for the second time, as PyYAML gives them.
    fn find(&mut self, shape: &Shape) {
        match shape {
            Shape::Scalar { .. } => {}
            Shape::Sequence { items, address, .. } => {
                if self.meet(*address) {
                    items.iter().for_each(|item| self.find(item));
                }
            }
            Shape::Mapping { entries, address, .. } => {
                if self.meet(*address) {
                    entries.iter().for_each(|(key, value)| {
                        self.find(key);
                        self.find(value);
                    });
                }
            }
        }
    }

    /// Is this the first time?
    fn meet(&mut self, address: usize) -> bool {
        match self.names.get_mut(&address) {
            _ if address == 0 => return true,
            Some(Some(_)) => {}
            Some(name) => {
                self.named += 1;
                *name = Some(format!("id{:03}", self.named));
            }
            None => {
                self.names.insert(address, None);
                return true;
            }
        }
        false
    }

    /// The anchor to write, or, when it is written already, the alias.
    fn name(&mut self, address: usize) -> (Option<String>, bool) {
        let name = self.names.get(&address).cloned().flatten();
        let written = name.is_some() && !self.written.insert(address);
        (name, written)
    }
}

fn emit_shape(emitter: &mut Emitter, shape: &Shape, anchors: &mut Anchors) -> libyaml_safer::Result<()> {
    match shape {
        Shape::Scalar { tag, text, style } => {
            let plain = resolve(text) == Tag::parse(&full_tag(tag), false);
            let style = style.map_or(ScalarStyle::Any, QuoteStyle::of_libyaml);
            emitter.emit(Event::scalar(None, Some(&full_tag(tag)), text, plain, *tag == "str", style))
        }
        Shape::Sequence { items, flow, address } => {
            let style = if *flow { SequenceStyle::Flow } else { SequenceStyle::Block };
            let (anchor, written) = anchors.name(*address);
            if written {
                return emitter.emit(Event::alias(&anchor.unwrap_or_default()));
            }
            emitter.emit(Event::sequence_start(anchor.as_deref(), Some(&full_tag("seq")), true, style))?;
            items.iter().try_for_each(|item| emit_shape(emitter, item, anchors))?;
            emitter.emit(Event::sequence_end())
        }
        Shape::Mapping { tag, entries, flow, address } => {
            let style = if *flow { MappingStyle::Flow } else { MappingStyle::Block };
            let (anchor, written) = anchors.name(*address);
            if written {
                return emitter.emit(Event::alias(&anchor.unwrap_or_default()));
            }
            emitter.emit(Event::mapping_start(anchor.as_deref(), Some(&full_tag(tag)), *tag == "map", style))?;
            for (key, value) in entries {
                emit_shape(emitter, key, anchors)?;
                emit_shape(emitter, value, anchors)?;
            }
            emitter.emit(Event::mapping_end())
        }
    }
}

fn full_tag(tag: &str) -> String {
    if tag.starts_with('!') { tag.to_string() } else { format!("{YAML}{tag}") }
}
