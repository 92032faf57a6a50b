//! Replacement templates: `\1`, `\g<name>`, `\g<0>`, escapes.

use ftl_core::value::repr_str;

use super::group::check_name;
use super::parse::{MAX_GROUPS, is_octal};
use super::source::{Source, Token, is_identifier};
use super::{Match, Regex, RegexError};

/// A parsed replacement.
pub struct Replacement {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    pub fn parse(template: &str, regex: &Regex) -> Result<Replacement, RegexError> {
        let mut source = Source::new(template)?;
        let mut replacement = Replacement { parts: vec![] };
        while let Some(token) = source.get()? {
            if token.escaped {
                replacement.escape(&mut source, token, regex)?;
            } else {
                replacement.push(token.char);
            }
        }
        Ok(replacement)
    }

    /// Appends what the template makes of a match; groups that took no part are empty.
    pub fn expand(&self, found: &Match<'_>, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(group) => out.push_str(found.group(*group).unwrap_or("")),
            }
        }
    }

    fn push(&mut self, c: char) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => self.parts.push(Part::Text(c.to_string())),
        }
    }

    fn group(&mut self, group: usize, back: usize, source: &Source, regex: &Regex) -> Result<(), RegexError> {
        if group > regex.group_count() {
            return Err(source.error(&format!("invalid group reference {group}"), back));
        }
        self.parts.push(Part::Group(group));
        Ok(())
    }

    fn escape(&mut self, source: &mut Source, token: Token, regex: &Regex) -> Result<(), RegexError> {
        match token.char {
            'g' => {
                if !source.take('<')? {
                    return Err(source.error("missing <", 0));
                }
                let name = source.take_until('>', "group name")?;
                let (group, back) = named_group(source, &name, regex)?;
                self.group(group, back, source, regex)?;
            }
            '0' => {
                let digits = source.take_while(2, is_octal)?;
                self.push((u32::from_str_radix(&format!("0{digits}"), 8).unwrap_or(0) as u8) as char);
            }
            '1'..='9' => self.number(source, token.char, regex)?,
            'a' => self.push('\u{7}'),
            'b' => self.push('\u{8}'),
            'f' => self.push('\u{c}'),
            'n' => self.push('\n'),
            'r' => self.push('\r'),
            't' => self.push('\t'),
            'v' => self.push('\u{b}'),
            '\\' => self.push('\\'),
            c if c.is_ascii_alphabetic() => return Err(source.error(&format!("bad escape \\{c}"), 2)),
            c => {
                self.push('\\');
                self.push(c);
            }
        }
        Ok(())
    }

    fn number(&mut self, source: &mut Source, first: char, regex: &Regex) -> Result<(), RegexError> {
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
                self.push(code as u8 as char);
                return Ok(());
            }
        }
        self.group(digits.parse().unwrap_or(usize::MAX), digits.len(), source, regex)
    }
}

fn named_group(source: &Source, name: &str, regex: &Regex) -> Result<(usize, usize), RegexError> {
    let back = name.chars().count() + 1;
    if is_identifier(name) {
        check_name(source, name)?;
        return match regex.group_of(name) {
            Some(group) => Ok((group, back)),
            None => Err(RegexError::UnknownGroup(format!("unknown group name {}", repr_str(name)))),
        };
    }
    let Ok(group) = name.trim().parse::<usize>() else {
        return Err(source.error(&format!("bad character in group name {}", repr_str(name)), back));
    };
    if group >= MAX_GROUPS {
        return Err(source.error(&format!("invalid group reference {group}"), back));
    }
    Ok((group, back))
}
