//! What begins with a parenthesis.

use ftl_core::value::repr_str;

use super::RegexError;
use super::parse::{MAX_GROUPS, State, parse_alternatives, parse_sequence};
use super::source::{Source, Token, is_identifier};
use super::syntax::{FlagChange, Flags, Node, width};

/// After `(`. Comments and global flags make no node. `at_start`: global flags may stand here.
pub(super) fn parse_group(
    source: &mut Source,
    state: &mut State,
    verbose: &mut bool,
    at_start: bool,
) -> Result<Option<Node>, RegexError> {
    let start = source.position() - 1;
    if !source.take('?')? {
        return parse_capture(source, state, *verbose, start, None).map(Some);
    }
    let Some(token) = source.get()? else { return Err(source.error("unexpected end of pattern", 0)) };
    let unknown = |source: &Source| source.error(&format!("unknown extension ?{}", token.text()), token.len() + 1);
    if token.escaped {
        return Err(unknown(source));
    }
    match token.char {
        'P' => parse_python_extension(source, state, *verbose, start).map(Some),
        ':' => parse_plain(source, state, *verbose, start, FlagChange::default()).map(Some),
        '#' => skip_comment(source, start).map(|()| None),
        '=' | '!' => parse_look(source, state, *verbose, start, false, token.char == '!').map(Some),
        '<' => {
            let Some(kind) = source.get()? else { return Err(source.error("unexpected end of pattern", 0)) };
            if !kind.is('=') && !kind.is('!') {
                return Err(source.error(&format!("unknown extension ?<{}", kind.text()), kind.len() + 2));
            }
            parse_look(source, state, *verbose, start, true, kind.is('!')).map(Some)
        }
        '(' => parse_conditional(source, state, *verbose, start).map(Some),
        '>' => {
            let body = parse_alternatives(source, state, *verbose, false)?;
            close(source, start)?;
            Ok(Some(Node::Atomic(body)))
        }
        c if is_flag(c) || c == '-' => match parse_flags(source, state, c)? {
            Some(change) => {
                let inner = (*verbose || change.add.verbose) && !change.remove.verbose;
                parse_plain(source, state, inner, start, change).map(Some)
            }
            None if !at_start => Err(source.error_at("global flags not at the start of the expression", start)),
            None => {
                *verbose = state.flags.verbose;
                Ok(None)
            }
        },
        _ => Err(unknown(source)),
    }
}

fn close(source: &mut Source, start: usize) -> Result<(), RegexError> {
    if source.take(')')? { Ok(()) } else { Err(source.error_at("missing ), unterminated subpattern", start)) }
}

fn parse_plain(
    source: &mut Source,
    state: &mut State,
    verbose: bool,
    start: usize,
    change: FlagChange,
) -> Result<Node, RegexError> {
    let body = parse_alternatives(source, state, verbose, false)?;
    close(source, start)?;
    Ok(Node::Group { capture: None, change, body })
}

fn parse_capture(
    source: &mut Source,
    state: &mut State,
    verbose: bool,
    start: usize,
    name: Option<String>,
) -> Result<Node, RegexError> {
    let group = state.widths.len();
    if let Some(name) = name {
        if let Some(other) = state.group_of(&name) {
            let quoted = repr_str(&name);
            let message = format!("redefinition of group name {quoted} as group {group}; was group {other}");
            return Err(source.error(&message, name.chars().count() + 1));
        }
        state.names.push((name, group));
    }
    state.widths.push(None);
    let body = parse_alternatives(source, state, verbose, false)?;
    close(source, start)?;
    state.widths[group] = Some(width(&body, &state.widths));
    Ok(Node::Group { capture: Some(group), change: FlagChange::default(), body })
}

/// `(?P<name>…)` and `(?P=name)`
fn parse_python_extension(
    source: &mut Source,
    state: &mut State,
    verbose: bool,
    start: usize,
) -> Result<Node, RegexError> {
    if source.take('<')? {
        let name = source.take_until('>', "group name")?;
        check_name(source, &name)?;
        return parse_capture(source, state, verbose, start, Some(name));
    }
    if source.take('=')? {
        let name = source.take_until(')', "group name")?;
        check_name(source, &name)?;
        let back = name.chars().count() + 1;
        let Some(group) = state.group_of(&name) else {
            return Err(source.error(&format!("unknown group name {}", repr_str(&name)), back));
        };
        if !state.is_closed(group) {
            return Err(source.error("cannot refer to an open group", back));
        }
        state.check_look_behind_group(group, source)?;
        return Ok(Node::BackReference(group));
    }
    match source.get()? {
        None => Err(source.error("unexpected end of pattern", 0)),
        Some(t) => Err(source.error(&format!("unknown extension ?P{}", t.text()), t.len() + 2)),
    }
}

pub(super) fn check_name(source: &Source, name: &str) -> Result<(), RegexError> {
    if is_identifier(name) {
        return Ok(());
    }
    Err(source.error(&format!("bad character in group name {}", repr_str(name)), name.chars().count() + 1))
}

fn skip_comment(source: &mut Source, start: usize) -> Result<(), RegexError> {
    loop {
        match source.get()? {
            None => return Err(source.error_at("missing ), unterminated comment", start)),
            Some(t) if t.is(')') => return Ok(()),
            Some(_) => {}
        }
    }
}

fn parse_look(
    source: &mut Source,
    state: &mut State,
    verbose: bool,
    start: usize,
    behind: bool,
    negate: bool,
) -> Result<Node, RegexError> {
    let outer = state.look_behind_groups;
    if behind && outer.is_none() {
        state.look_behind_groups = Some(state.widths.len());
    }
    let body = parse_alternatives(source, state, verbose, false)?;
    if behind && outer.is_none() {
        state.look_behind_groups = None;
    }
    close(source, start)?;
    Ok(Node::Look { behind, negate, body })
}

/// `(?(1)yes|no)`
fn parse_conditional(source: &mut Source, state: &mut State, verbose: bool, start: usize) -> Result<Node, RegexError> {
    let name = source.take_until(')', "group name")?;
    let back = name.chars().count() + 1;
    let group = if is_identifier(&name) {
        let found = state.group_of(&name);
        found.ok_or_else(|| source.error(&format!("unknown group name {}", repr_str(&name)), back))?
    } else {
        let Some(group) = name.trim().parse::<usize>().ok() else {
            return Err(source.error(&format!("bad character in group name {}", repr_str(&name)), back));
        };
        if group == 0 {
            return Err(source.error("bad group number", back));
        }
        if group >= MAX_GROUPS {
            return Err(source.error(&format!("invalid group reference {group}"), back));
        }
        state.conditions.push((group, source.position() - back));
        group
    };
    state.check_look_behind_group(group, source)?;
    let yes = parse_sequence(source, state, verbose, false)?;
    let no = if source.take('|')? {
        let no = parse_sequence(source, state, verbose, false)?;
        if source.next_is('|') {
            return Err(source.error("conditional backref with more than two branches", 0));
        }
        Some(no)
    } else {
        None
    };
    close(source, start)?;
    Ok(Node::Conditional { group, yes, no })
}

fn is_flag(c: char) -> bool {
    "iLmsxatu".contains(c)
}

fn set_flag(flags: &mut Flags, c: char) {
    match c {
        'i' => flags.ignore_case = true,
        'm' => flags.multi_line = true,
        's' => flags.dot_all = true,
        'x' => flags.verbose = true,
        'a' => flags.ascii = true,
        _ => {}
    }
}

/// A flag letter, or the error Python gives for what stands there instead.
fn flag_letter(source: &Source, token: Option<Token>, missing: &str) -> Result<char, RegexError> {
    match token {
        None => Err(source.error(missing, 0)),
        Some(t) if !t.escaped && is_flag(t.char) => Ok(t.char),
        Some(t) if !t.escaped && t.char.is_alphabetic() => Err(source.error("unknown flag", t.len())),
        Some(t) => Err(source.error(missing, t.len())),
    }
}

/// `(?i)` changes the whole pattern and gives `None`; `(?i-s:` gives the change.
fn parse_flags(source: &mut Source, state: &mut State, first: char) -> Result<Option<FlagChange>, RegexError> {
    const INCOMPATIBLE: &str = "bad inline flags: flags 'a', 'u' and 'L' are incompatible";
    let mut change = FlagChange::default();
    let mut template = false;
    let mut c = first;
    while c != '-' {
        if c == 'L' {
            return Err(source.error("bad inline flags: cannot use 'L' flag with a str pattern", 0));
        }
        set_flag(&mut change.add, c);
        change.unicode |= c == 'u';
        template |= c == 't';
        if change.unicode && change.add.ascii {
            return Err(source.error(INCOMPATIBLE, 0));
        }
        match source.get()? {
            Some(t) if t.is(')') => {
                state.flags = state.flags.with(change.add);
                return Ok(None);
            }
            Some(t) if t.is(':') => c = ':',
            Some(t) if t.is('-') => c = '-',
            other => {
                c = flag_letter(source, other, "missing -, : or )")?;
                continue;
            }
        }
        break;
    }
    if template {
        return Err(source.error("bad inline flags: cannot turn on global flag", 1));
    }
    if c == '-' {
        let token = source.get()?;
        c = flag_letter(source, token, "missing flag")?;
        loop {
            if matches!(c, 'a' | 'u' | 'L') {
                return Err(source.error("bad inline flags: cannot turn off flags 'a', 'u' and 'L'", 0));
            }
            set_flag(&mut change.remove, c);
            match source.get()? {
                Some(t) if t.is(':') => break,
                other => c = flag_letter(source, other, "missing :")?,
            }
        }
    }
    let (add, remove) = (change.add, change.remove);
    if (add.ignore_case && remove.ignore_case)
        || (add.multi_line && remove.multi_line)
        || (add.dot_all && remove.dot_all)
        || (add.verbose && remove.verbose)
    {
        return Err(source.error("bad inline flags: flag turned on and off", 1));
    }
    Ok(Some(change))
}
