//! The grammar of literals: scalars, signs, complex sums, lists, tuples, sets and dicts.

use ftl_core::value::type_name;
use ftl_core::{Map, Value};

use super::cursor::Cursor;
use super::number::{Number, read_number};
use super::text::read_text;

/// What a text is as a Python literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Value(Value),
    /// Not a literal: the text stays what it is.
    Text,
    /// Python gives up on it with an error other than "not a literal".
    Error(String),
}

/// Why reading stopped.
enum Stop {
    NotLiteral,
    Error(String),
}

type Read<T> = Result<T, Stop>;

/// A number, with its imaginary part while sums are read.
enum Node {
    Number(Number),
    Value(Value),
}

const MOST_BRACKETS: usize = 100;

/// Reads a whole text. Tuples and sets become lists, complex numbers and `...` text, as Ansible wants them.
pub fn read_literal(text: &str) -> Literal {
    let text = text.trim_start_matches([' ', '\t']);
    if plainly_text(text) {
        return Literal::Text;
    }
    let mut cursor = Cursor::new(text);
    match read_whole(&mut cursor) {
        Ok(value) => Literal::Value(value),
        Err(Stop::NotLiteral) => Literal::Text,
        Err(Stop::Error(message)) => Literal::Error(message),
    }
}

/// Most values of inventories are words; this spares them the parser.
fn plainly_text(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return true };
    match first {
        'T' => !text.starts_with("True"),
        'F' => !text.starts_with("False"),
        'N' => !text.starts_with("None"),
        's' => !text.starts_with("set"),
        'r' | 'R' | 'b' | 'B' | 'u' | 'U' => !text.contains(['\'', '"']),
        c => c.is_alphabetic() || matches!(c, '/' | '_' | '~' | '$' | '%' | '@' | '*'),
    }
}

fn read_whole(cursor: &mut Cursor<'_>) -> Read<Value> {
    let value = read_items(cursor, None)?;
    // Line ends may follow the expression.
    loop {
        cursor.skip_blanks();
        match cursor.peek() {
            None => return Ok(value),
            Some('\n' | '\r') => {
                cursor.next();
            }
            Some(_) => return Err(Stop::NotLiteral),
        }
    }
}

/// One expression, or a tuple without brackets; ends before `close`.
fn read_items(cursor: &mut Cursor<'_>, close: Option<char>) -> Read<Value> {
    let first = read_element(cursor)?;
    if !cursor.take(",") {
        return Ok(first);
    }
    let mut items = vec![first];
    loop {
        cursor.skip_blanks();
        if cursor.peek().is_none_or(|c| Some(c) == close || close.is_none() && matches!(c, '\n' | '\r')) {
            return Ok(Value::list(items));
        }
        items.push(read_element(cursor)?);
        if !cursor.take(",") {
            return Ok(Value::list(items));
        }
    }
}

fn read_element(cursor: &mut Cursor<'_>) -> Read<Value> {
    match read_sum(cursor)? {
        Node::Number(number) => Ok(number.into_value()),
        Node::Value(value) => Ok(value),
    }
}

/// `1+2j` is the only sum that is a literal.
fn read_sum(cursor: &mut Cursor<'_>) -> Read<Node> {
    let left = read_signed(cursor)?;
    let sign = if cursor.take("+") {
        1.0
    } else if cursor.take("-") {
        -1.0
    } else {
        return Ok(left);
    };
    let (Node::Number(left), Node::Number(Number::Imaginary(right))) = (left, read_atom(cursor)?) else {
        return Err(Stop::NotLiteral);
    };
    let Some(real) = left.real() else { return Err(Stop::NotLiteral) };
    Ok(Node::Number(Number::Complex(real, sign * right)))
}

fn read_signed(cursor: &mut Cursor<'_>) -> Read<Node> {
    let negative = if cursor.take("-") {
        true
    } else if cursor.take("+") {
        false
    } else {
        return read_atom(cursor);
    };
    match read_atom(cursor)? {
        Node::Number(number) if negative => Ok(Node::Number(number.negated())),
        Node::Number(number) => Ok(Node::Number(number)),
        Node::Value(_) => Err(Stop::NotLiteral),
    }
}

fn read_atom(cursor: &mut Cursor<'_>) -> Read<Node> {
    cursor.skip_blanks();
    let Some(c) = cursor.peek() else { return Err(Stop::NotLiteral) };
    let value = match c {
        '(' => return read_parenthesis(cursor),
        '[' => read_list(cursor)?,
        '{' => read_braces(cursor)?,
        '.' if cursor.rest().starts_with("...") => {
            cursor.skip(3);
            Value::str("...")
        }
        '0'..='9' | '.' => return read_number(cursor).map(Node::Number).ok_or(Stop::NotLiteral),
        _ => match read_text(cursor) {
            Some(text) => text.ok_or(Stop::NotLiteral)?,
            None => read_name(cursor)?,
        },
    };
    Ok(Node::Value(value))
}

fn read_name(cursor: &mut Cursor<'_>) -> Read<Value> {
    match cursor.take_while(|c| c == '_' || c.is_alphanumeric()) {
        "None" => Ok(Value::None),
        "True" => Ok(Value::Bool(true)),
        "False" => Ok(Value::Bool(false)),
        "set" if cursor.take("(") && cursor.take(")") => Ok(Value::list(vec![])),
        _ => Err(Stop::NotLiteral),
    }
}

fn open(cursor: &mut Cursor<'_>) -> Read<()> {
    cursor.next();
    cursor.depth += 1;
    if cursor.depth > MOST_BRACKETS { Err(Stop::NotLiteral) } else { Ok(()) }
}

/// Takes the closing bracket.
fn close(cursor: &mut Cursor<'_>, bracket: &str) -> Read<()> {
    if !cursor.take(bracket) {
        return Err(Stop::NotLiteral);
    }
    cursor.depth -= 1;
    Ok(())
}

fn closes(cursor: &mut Cursor<'_>, bracket: char) -> bool {
    cursor.skip_blanks();
    cursor.peek() == Some(bracket)
}

fn read_parenthesis(cursor: &mut Cursor<'_>) -> Read<Node> {
    open(cursor)?;
    if closes(cursor, ')') {
        close(cursor, ")")?;
        return Ok(Node::Value(Value::list(vec![])));
    }
    let first = read_sum(cursor)?;
    if closes(cursor, ')') {
        close(cursor, ")")?;
        return Ok(first);
    }
    let mut items = vec![match first {
        Node::Number(number) => number.into_value(),
        Node::Value(value) => value,
    }];
    while cursor.take(",") {
        if closes(cursor, ')') {
            break;
        }
        items.push(read_element(cursor)?);
    }
    close(cursor, ")")?;
    Ok(Node::Value(Value::list(items)))
}

fn read_list(cursor: &mut Cursor<'_>) -> Read<Value> {
    open(cursor)?;
    let mut items = vec![];
    while !closes(cursor, ']') {
        items.push(read_element(cursor)?);
        if !cursor.take(",") {
            break;
        }
    }
    close(cursor, "]")?;
    Ok(Value::list(items))
}

/// A dict, or a set (which becomes a list).
fn read_braces(cursor: &mut Cursor<'_>) -> Read<Value> {
    open(cursor)?;
    let (mut entries, mut unhashable) = (Map::new(), None);
    let mut is_set = None;
    while !closes(cursor, '}') {
        let key = read_element(cursor)?;
        let pair = cursor.take(":");
        if *is_set.get_or_insert(!pair) == pair {
            return Err(Stop::NotLiteral);
        }
        let value = if pair { read_element(cursor)? } else { Value::None };
        if matches!(key, Value::List(_) | Value::Dict(_)) {
            unhashable.get_or_insert_with(|| format!("unhashable type: '{}'", type_name(&key)));
        }
        entries.insert(key, value);
        if !cursor.take(",") {
            break;
        }
    }
    close(cursor, "}")?;
    if let Some(message) = unhashable {
        return Err(Stop::Error(message));
    }
    if is_set == Some(true) {
        return Ok(entries.into_iter().map(|(key, _)| key).collect());
    }
    Ok(Value::dict(entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftl_core::value::repr;

    #[test]
    fn literals_as_python_reads_them() {
        // `None`: the text is no literal and stays text.
        for (text, expected) in [
            ("1", Some("1")),
            ("  1  ", Some("1")),
            ("-1", Some("-1")),
            ("- 1", Some("-1")),
            ("--1", None),
            ("+1.50", Some("1.5")),
            ("1_000", Some("1000")),
            ("0x1F", Some("31")),
            ("0o17", Some("15")),
            ("0b101", Some("5")),
            ("0777", None),
            ("00", Some("0")),
            ("1.2.3.4", None),
            ("10.0", Some("10.0")),
            ("1e3", Some("1000.0")),
            ("1e", None),
            (".5", Some("0.5")),
            ("5.", Some("5.0")),
            ("1j", Some("'1j'")),
            ("1+2j", Some("'(1+2j)'")),
            ("1.5-2j", Some("'(1.5-2j)'")),
            ("1+2", None),
            ("123456789012345678901234567890", Some("123456789012345678901234567890")),
            ("1abc", None),
            ("True", Some("True")),
            ("true", None),
            ("None", Some("None")),
            ("Nonesuch", None),
            ("yes", None),
            ("", None),
            ("'a'", Some("'a'")),
            ("\"a b\"", Some("'a b'")),
            ("'a' \"b\"", Some("'ab'")),
            ("'a' # comment", Some("'a'")),
            ("a # b", None),
            ("1 # b", Some("1")),
            ("'it''s'", Some("'its'")),
            ("r'\\n'", Some("'\\\\n'")),
            ("'\\n\\x41\\u00e9\\101\\q'", Some("'\\nAéA\\\\q'")),
            ("b'x'", Some("b'x'")),
            ("f'x'", None),
            ("'''a'b'''", Some("\"a'b\"")),
            ("[1, 'a', None,]", Some("[1, 'a', None]")),
            ("[]", Some("[]")),
            ("[1 2]", None),
            ("[a]", None),
            ("(1, 2)", Some("[1, 2]")),
            ("(1)", Some("1")),
            ("(1,)", Some("[1]")),
            ("()", Some("[]")),
            ("1,2", Some("[1, 2]")),
            ("1,", Some("[1]")),
            ("a,b", None),
            ("{1, 2, 1}", Some("[1, 2]")),
            ("set()", Some("[]")),
            ("settings", None),
            ("{'a': 1, \"b\": [True]}", Some("{'a': 1, 'b': [True]}")),
            ("{}", Some("{}")),
            ("{'a'}", Some("['a']")),
            ("{{ x }}", None),
            ("{% if x %}", None),
            ("...", Some("'...'")),
            ("[...]", Some("['...']")),
            ("-'a'", None),
            ("'a", None),
            ("a=b", None),
            ("1 if x else 2", None),
            ("/usr/bin/python3", None),
            ("\"{{ x }}\"", Some("'{{ x }}'")),
            ("01", None),
            ("1__0", None),
            ("0.10", Some("0.1")),
            ("09.5", Some("9.5")),
            ("2024-01-01", None),
            ("12:30", None),
            ("#x", None),
            ("u'x'", Some("'x'")),
        ] {
            let found = match read_literal(text) {
                Literal::Value(value) => Some(repr(&value)),
                Literal::Text => None,
                Literal::Error(error) => Some(error),
            };
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
        assert_eq!(read_literal("{[1]: 2}"), Literal::Error("unhashable type: 'list'".into()));
    }

    #[test]
    fn deep_nesting_ends() {
        assert_eq!(read_literal(&"[".repeat(100_000)), Literal::Text);
    }
}
