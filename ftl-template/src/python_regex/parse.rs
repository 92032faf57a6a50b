//! From pattern text to [`Node`]s, with the checks and messages of Python's `re`.

use super::RegexError;
use super::class::{literal_escape, parse_set};
use super::group::parse_group;
use super::source::{Source, Token};
use super::syntax::{Category, Flags, MAX_REPEAT, Node, Place, RepeatKind, Sequence, SetItem, Width, width};

/// A pattern Python accepts.
pub(super) struct Pattern {
    pub(super) body: Sequence,
    pub(super) flags: Flags,
    /// Capture groups, the whole match not counted.
    pub(super) groups: usize,
    /// Group names in the order they appear.
    pub(super) names: Vec<(String, usize)>,
}

pub(super) struct State {
    pub(super) flags: Flags,
    pub(super) names: Vec<(String, usize)>,
    /// By group number; `None` while a group is open. Entry 0 is the whole match.
    pub(super) widths: Vec<Option<Width>>,
    /// Groups from this number on were opened inside the look-behind being parsed.
    pub(super) look_behind_groups: Option<usize>,
    /// Groups that conditions name, with the place: they may be opened later.
    pub(super) conditions: Vec<(usize, usize)>,
    depth: usize,
}

pub(super) const MAX_GROUPS: usize = 1_073_741_823;
/// Deeper patterns would overflow our stack and that of the engine.
const MAX_DEPTH: usize = 60;

pub(super) fn parse(pattern: &str, flags: Flags) -> Result<Pattern, RegexError> {
    let mut source = Source::new(pattern)?;
    let mut state =
        State { flags, names: vec![], widths: vec![None], look_behind_groups: None, conditions: vec![], depth: 0 };
    let body = parse_alternatives(&mut source, &mut state, flags.verbose, true)?;
    if source.peek().is_some() {
        return Err(source.error("unbalanced parenthesis", 0));
    }
    if let Some((group, position)) = state.conditions.iter().find(|(g, _)| *g >= state.widths.len()) {
        return Err(source.error_at(&format!("invalid group reference {group}"), *position));
    }
    check_look_behind(&body, &state.widths)?;
    Ok(Pattern { body, flags: state.flags, groups: state.widths.len() - 1, names: state.names })
}

impl State {
    pub(super) fn group_of(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(n, _)| n == name).map(|(_, g)| *g)
    }

    pub(super) fn is_closed(&self, group: usize) -> bool {
        self.widths.get(group).is_some_and(Option::is_some)
    }

    pub(super) fn check_look_behind_group(&self, group: usize, source: &Source) -> Result<(), RegexError> {
        let Some(first) = self.look_behind_groups else { return Ok(()) };
        if !self.is_closed(group) {
            return Err(source.error("cannot refer to an open group", 0));
        }
        if group >= first {
            return Err(source.error("cannot refer to group defined in the same lookbehind subpattern", 0));
        }
        Ok(())
    }
}

/// `a|b|c`
pub(super) fn parse_alternatives(
    source: &mut Source,
    state: &mut State,
    mut verbose: bool,
    top: bool,
) -> Result<Sequence, RegexError> {
    state.depth += 1;
    if state.depth > MAX_DEPTH {
        return Err(RegexError::Unsupported(format!("more than {MAX_DEPTH} nested groups")));
    }
    let mut branches = vec![];
    loop {
        branches.push(parse_sequence(source, state, verbose, top && branches.is_empty())?);
        if !source.take('|')? {
            break;
        }
        if top {
            verbose = state.flags.verbose;
        }
    }
    state.depth -= 1;
    Ok(match branches.pop() {
        Some(only) if branches.is_empty() => only,
        Some(last) => {
            branches.push(last);
            vec![Node::Branch(branches)]
        }
        None => vec![],
    })
}

/// Everything up to `|`, `)` or the end. `first`: global flags may stand here.
pub(super) fn parse_sequence(
    source: &mut Source,
    state: &mut State,
    mut verbose: bool,
    first: bool,
) -> Result<Sequence, RegexError> {
    let mut out: Sequence = vec![];
    while let Some(this) = source.peek() {
        if this.is('|') || this.is(')') {
            break;
        }
        source.get()?;
        if verbose && !this.escaped {
            if " \t\n\r\u{b}\u{c}".contains(this.char) {
                continue;
            }
            if this.char == '#' {
                while source.get()?.is_some_and(|t| !t.is('\n')) {}
                continue;
            }
        }
        if this.escaped {
            out.push(parse_escape(source, this, state)?);
            continue;
        }
        match this.char {
            '[' => out.push(parse_set(source)?),
            '*' | '+' | '?' | '{' => parse_repeat(source, this.char, &mut out)?,
            '.' => out.push(Node::Any),
            '^' => out.push(Node::At(Place::LineStart)),
            '$' => out.push(Node::At(Place::LineEnd)),
            '(' => {
                if let Some(node) = parse_group(source, state, &mut verbose, first && out.is_empty())? {
                    out.push(node);
                }
            }
            c => out.push(Node::Literal(c as u32)),
        }
    }
    Ok(out)
}

fn parse_escape(source: &mut Source, token: Token, state: &State) -> Result<Node, RegexError> {
    let category = |c| Node::Set { negate: false, items: vec![SetItem::Category(c)] };
    match token.char {
        'A' => return Ok(Node::At(Place::TextStart)),
        'b' => return Ok(Node::At(Place::Boundary)),
        'B' => return Ok(Node::At(Place::NotBoundary)),
        'Z' => return Ok(Node::At(Place::TextEnd)),
        'd' => return Ok(category(Category::Digit)),
        'D' => return Ok(category(Category::NotDigit)),
        's' => return Ok(category(Category::Space)),
        'S' => return Ok(category(Category::NotSpace)),
        'w' => return Ok(category(Category::Word)),
        'W' => return Ok(category(Category::NotWord)),
        '1'..='9' => return parse_numeric(source, token.char, state),
        '0' => {
            let digits = source.take_while(2, is_octal)?;
            return Ok(Node::Literal(u32::from_str_radix(&format!("0{digits}"), 8).unwrap_or(0)));
        }
        _ => {}
    }
    Ok(Node::Literal(literal_escape(source, token)?))
}

/// `\12`: a group, or a character in octal when there are three octal digits.
fn parse_numeric(source: &mut Source, first: char, state: &State) -> Result<Node, RegexError> {
    let mut digits = first.to_string();
    if let Some(second) = source.next_char(|c| c.is_ascii_digit()) {
        digits.push(second);
        source.get()?;
        if digits.chars().all(is_octal)
            && let Some(third) = source.next_char(is_octal)
        {
            digits.push(third);
            source.get()?;
            let code = u32::from_str_radix(&digits, 8).unwrap_or(u32::MAX);
            if code > 0o377 {
                let message = format!("octal escape value \\{digits} outside of range 0-0o377");
                return Err(source.error(&message, digits.len() + 1));
            }
            return Ok(Node::Literal(code));
        }
    }
    let group: usize = digits.parse().unwrap_or(usize::MAX);
    if group >= state.widths.len() {
        return Err(source.error(&format!("invalid group reference {group}"), digits.len()));
    }
    if !state.is_closed(group) {
        return Err(source.error("cannot refer to an open group", digits.len() + 1));
    }
    state.check_look_behind_group(group, source)?;
    Ok(Node::BackReference(group))
}

pub(super) fn is_octal(c: char) -> bool {
    ('0'..='7').contains(&c)
}

fn parse_repeat(source: &mut Source, this: char, out: &mut Sequence) -> Result<(), RegexError> {
    let here = source.position();
    let (min, max) = match this {
        '?' => (0, Some(1)),
        '*' => (0, None),
        '+' => (1, None),
        _ => match parse_bounds(source, here)? {
            Some(bounds) => bounds,
            None => {
                out.push(Node::Literal('{' as u32));
                return Ok(());
            }
        },
    };
    let body = match out.pop() {
        None | Some(Node::At(_)) => return Err(source.error_at("nothing to repeat", here - 1)),
        Some(Node::Repeat { .. }) => return Err(source.error_at("multiple repeat", here - 1)),
        Some(item) => vec![item],
    };
    let kind = if source.take('?')? {
        RepeatKind::Lazy
    } else if source.take('+')? {
        RepeatKind::Possessive
    } else {
        RepeatKind::Greedy
    };
    out.push(Node::Repeat { min, max, kind, body });
    Ok(())
}

/// After `{`: the bounds, or `None` when the brace is an ordinary character.
fn parse_bounds(source: &mut Source, here: usize) -> Result<Option<(u32, Option<u32>)>, RegexError> {
    if source.next_is('}') {
        return Ok(None);
    }
    let low = source.take_while(usize::MAX, |c| c.is_ascii_digit())?;
    let high = if source.take(',')? { source.take_while(usize::MAX, |c| c.is_ascii_digit())? } else { low.clone() };
    if !source.take('}')? {
        source.seek(here)?;
        return Ok(None);
    }
    let number = |text: &str| match text.parse::<u64>() {
        Ok(n) if n < MAX_REPEAT => Ok(n as u32),
        _ => Err(RegexError::Syntax("the repetition number is too large".into())),
    };
    let min = if low.is_empty() { 0 } else { number(&low)? };
    let max = if high.is_empty() { None } else { Some(number(&high)?) };
    if max.is_some_and(|max| max < min) {
        return Err(source.error_at("min repeat greater than max repeat", here));
    }
    Ok(Some((min, max)))
}

/// Python finds this when it compiles, after the whole pattern was parsed.
fn check_look_behind(sequence: &[Node], groups: &[Option<Width>]) -> Result<(), RegexError> {
    for node in sequence {
        match node {
            Node::Look { behind, body, .. } => {
                check_look_behind(body, groups)?;
                let (low, high) = width(body, groups);
                if *behind && low != high {
                    return Err(RegexError::Syntax("look-behind requires fixed-width pattern".into()));
                }
            }
            Node::Group { body, .. } | Node::Atomic(body) | Node::Repeat { body, .. } => {
                check_look_behind(body, groups)?;
            }
            Node::Branch(branches) => {
                for branch in branches {
                    check_look_behind(branch, groups)?;
                }
            }
            Node::Conditional { yes, no, .. } => {
                check_look_behind(yes, groups)?;
                check_look_behind(no.as_deref().unwrap_or(&[]), groups)?;
            }
            _ => {}
        }
    }
    Ok(())
}
