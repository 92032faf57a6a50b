//! INI inventories: sections of hosts, variables and child groups.

use ftl_core::mask::Masks;
use ftl_core::source::{Diagnostic, Loader, Origin};
use ftl_core::{Dict, List, Map, Str, Value};
use indexmap::IndexMap;

use super::attempt::Attempt;
use crate::draft::{Draft, Entity, is_word};
use crate::inventory::GroupId;
use crate::literal::{Literal, read_literal};
use crate::range::expand_host_pattern;

pub(super) fn wants(attempt: &Attempt<'_>) -> bool {
    attempt.is_readable() && attempt.extension() != ".toml"
}

pub(super) fn read(attempt: &Attempt<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let failed = |message: String| {
        // Ansible names the file but not the line here, and joins both messages.
        Diagnostic::error(format!("Failed to parse inventory: {message}")).at(Some(Origin::file(attempt.source)))
    };
    let text = read_text(attempt.loader, attempt).map_err(|error| failed(error.one_line()))?;
    let mut parser = Parser::new(attempt.source, draft);
    parser.parse(&text).map_err(|error| failed(error.one_line()))
}

/// The file's text; bytes that are not UTF-8 are fine in comments.
fn read_text(loader: &Loader, attempt: &Attempt<'_>) -> Result<String, Diagnostic> {
    let content = loader.open(&attempt.path)?;
    match String::from_utf8(content.bytes) {
        Ok(text) => {
            if content.was_encrypted {
                text.lines().for_each(|line| hide_values(line, loader.secrets.masks()));
            }
            Ok(text)
        }
        Err(error) => {
            let mut text = String::new();
            for line in error.as_bytes().split(|b| *b == b'\n') {
                match std::str::from_utf8(line) {
                    Ok(line) => text.push_str(line),
                    Err(_) if matches!(line.first(), Some(b'#' | b';')) => {}
                    Err(error) => return Err(Diagnostic::error(format!("'utf-8' codec can't decode: {error}"))),
                }
                text.push('\n');
            }
            Ok(text)
        }
    }
}

/// The values in a line of a vault: of a variable, or of those of a host.
fn hide_values(line: &str, masks: &Masks) {
    let ends = [' ', '\t', '"', '\''];
    let words = line.split_whitespace().filter_map(|word| word.split_once('='));
    words.chain(line.split_once('=')).for_each(|(_, value)| masks.add(value.trim_matches(ends)));
}

#[derive(Clone, Copy, PartialEq)]
enum Section {
    Hosts,
    Vars,
    Children,
}

/// A group that was mentioned before it was declared.
enum Pending {
    Vars,
    Child { parents: Vec<String> },
}

struct Parser<'a, 'd> {
    file: std::sync::Arc<str>,
    draft: &'a mut Draft<'d>,
    group: GroupId,
    group_name: String,
    section: Section,
    pending: IndexMap<String, Pending>,
}

impl<'a, 'd> Parser<'a, 'd> {
    fn new(file: &str, draft: &'a mut Draft<'d>) -> Parser<'a, 'd> {
        Parser {
            file: file.into(),
            draft,
            group: GroupId::UNGROUPED,
            group_name: "ungrouped".into(),
            section: Section::Hosts,
            pending: IndexMap::new(),
        }
    }

    fn parse(&mut self, text: &str) -> Result<(), Diagnostic> {
        for (index, line) in split_lines(text).enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            match section_header(line) {
                Some((name, kind)) => self.enter_section(name, kind)?,
                None if line.starts_with('[') && line.ends_with(']') => {
                    return Err(Diagnostic::error(format!(
                        "Invalid section entry: '{line}'. Please make sure that there are no spaces in the section \
                         entry, and that there are no other invalid characters"
                    )));
                }
                None => {
                    // One mark for the whole line: its parts share it.
                    let origin = Origin::new(self.file.clone(), index as u32 + 1, 0);
                    self.read_line(&Str::trusted(line, Some(origin)))?;
                }
            }
        }
        self.check_pending()
    }

    fn enter_section(&mut self, written: &str, kind: Option<&str>) -> Result<(), Diagnostic> {
        let name = self.draft.safe_group_name(written);
        self.section = match kind {
            None | Some("hosts") => Section::Hosts,
            Some("vars") => Section::Vars,
            Some("children") => Section::Children,
            Some(kind) => {
                return Err(Diagnostic::error(format!("Section [{written}:{kind}] has unknown type: {kind}")));
            }
        };
        if !self.draft.data.group_ids.contains_key(name.as_str())
            && self.section == Section::Vars
            && !self.pending.contains_key(&name)
        {
            self.pending.insert(name.clone(), Pending::Vars);
        }
        self.group = self.draft.add_group(&name)?;
        if self.section != Section::Vars {
            match self.pending.get(&name) {
                Some(Pending::Child { .. }) => self.add_pending_children(&name)?,
                Some(Pending::Vars) => {
                    self.pending.shift_remove(&name);
                }
                None => {}
            }
        }
        self.group_name = name;
        Ok(())
    }

    /// Links a group that is declared at last to all parents that waited for it.
    fn add_pending_children(&mut self, name: &str) -> Result<(), Diagnostic> {
        let Some(Pending::Child { parents }) = self.pending.shift_remove(name) else { return Ok(()) };
        let child = self.draft.add_group(name)?;
        for parent in parents {
            let id = self.draft.add_group(&parent)?;
            self.draft.data.add_child_group(id, child)?;
            self.add_pending_children(&parent)?;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &Str) -> Result<(), Diagnostic> {
        match self.section {
            Section::Hosts => self.read_hosts(line),
            Section::Vars => {
                let Some((key, value)) = line.split_once('=') else {
                    return Err(Diagnostic::error(format!("Expected key=value, got: {}", &**line)));
                };
                let value = typed_value(value.trim(), line)?;
                self.draft.set_variable(Entity::Group(self.group), &Value::str(key.trim()), value, line.origin())
            }
            Section::Children => self.read_child(line),
        }
    }

    fn read_child(&mut self, line: &str) -> Result<(), Diagnostic> {
        let child = group_name(line).ok_or_else(|| Diagnostic::error(format!("Expected group name, got: {line}")))?;
        if let Some(id) = self.draft.data.group_ids.get(child) {
            return self.draft.data.add_child_group(self.group, *id).map(|_| ());
        }
        let parent = self.group_name.clone();
        match self.pending.entry(child.to_string()).or_insert_with(|| Pending::Child { parents: vec![] }) {
            Pending::Child { parents } => parents.push(parent),
            // `[x:vars]` makes the group, so it cannot wait here.
            Pending::Vars => {}
        }
        Ok(())
    }

    fn read_hosts(&mut self, line: &Str) -> Result<(), Diagnostic> {
        let words = ftl_core::shell_words::split(line, true)
            .map_err(|error| Diagnostic::error(format!("Error parsing host definition '{}': {error}", &**line)))?;
        let Some((pattern, assignments)) = words.split_first() else {
            return Err(Diagnostic::error("list index out of range"));
        };
        let (hosts, port) = expand_pattern(pattern)?;
        let mut vars: IndexMap<&str, Value> = IndexMap::with_capacity(assignments.len());
        for assignment in assignments {
            let Some((key, value)) = assignment.split_once('=') else {
                return Err(Diagnostic::error(format!(
                    "Expected key=value host variable assignment, got: {assignment}"
                )));
            };
            vars.insert(key, typed_value(value, line)?);
        }
        for host in &hosts {
            let id = self.draft.add_host(host, Some(self.group), port)?;
            let entity = self.draft.entity_of_host(id);
            for (key, value) in &vars {
                // Hosts of a range share no cell: each may be changed by itself.
                let value = if hosts.len() > 1 { own_copy(value) } else { value.clone() };
                self.draft.set_variable(entity, &Value::str(*key), value, line.origin())?;
            }
        }
        Ok(())
    }

    fn check_pending(&self) -> Result<(), Diagnostic> {
        match self.pending.first() {
            None => Ok(()),
            Some((name, Pending::Vars)) => {
                Err(Diagnostic::error(format!("Section [{name}:vars] not valid for undefined group '{name}'.")))
            }
            Some((name, Pending::Child { parents })) => {
                let parent = parents.last().map(String::as_str).unwrap_or_default();
                Err(Diagnostic::error(format!("Section [{parent}:children] includes undefined group '{name}'.")))
            }
        }
    }
}

fn expand_pattern(pattern: &str) -> Result<(Vec<String>, Option<i64>), Diagnostic> {
    let (hosts, port) = expand_host_pattern(pattern).map_err(Diagnostic::error)?;
    if port.is_none() && pattern.trim_end().ends_with(':') {
        return Err(Diagnostic::error(format!(
            "Invalid host pattern '{pattern}' supplied, ending in ':' is not allowed, this character is reserved to \
             provide a port."
        )));
    }
    if hosts.iter().any(|host| host.trim() == "---") {
        return Err(Diagnostic::error(format!(
            "Invalid host pattern '{pattern}' supplied, '---' is normally a sign this is a YAML file."
        )));
    }
    Ok((hosts, port))
}

/// A value by Python's literals; all text in it may be a template.
fn typed_value(text: &str, line: &Str) -> Result<Value, Diagnostic> {
    match read_literal(text) {
        Literal::Text => Ok(Value::Str(line.part(text))),
        Literal::Value(value) => Ok(marked(value, line)),
        Literal::Error(message) => Err(Diagnostic::error(message)),
    }
}

fn marked(value: Value, line: &Str) -> Value {
    match value {
        Value::Str(text) => Value::Str(line.part(text.shared())),
        // Ansible does not trust the text of bytes.
        Value::Bytes(bytes) => Value::Str(Str::with_origin(String::from_utf8_lossy(&bytes), line.origin().cloned())),
        Value::List(list) => {
            Value::List(List::loaded(list.items().iter().map(|item| marked(item.clone(), line)).collect()))
        }
        Value::Dict(dict) => {
            let entries: Map = dict.entries().iter().map(|(k, v)| (k.clone(), marked(v.clone(), line))).collect();
            Value::Dict(Dict::loaded(entries))
        }
        other => other,
    }
}

fn own_copy(value: &Value) -> Value {
    match value {
        Value::List(list) => Value::List(List::loaded(list.items().iter().map(own_copy).collect())),
        Value::Dict(dict) => {
            Value::Dict(Dict::loaded(dict.entries().iter().map(|(k, v)| (k.clone(), own_copy(v))).collect()))
        }
        other => other.clone(),
    }
}

/// Python's `str.splitlines`.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    const ENDS: [char; 10] = ['\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(end) = rest.find(ENDS) else { return Some(std::mem::take(&mut rest)) };
        let line = &rest[..end];
        let ending =
            if rest[end..].starts_with("\r\n") { 2 } else { rest[end..].chars().next().map_or(1, char::len_utf8) };
        rest = &rest[end + ending..];
        Some(line)
    })
}

/// `[name]` or `[name:kind]`, with a comment after it perhaps.
fn section_header(line: &str) -> Option<(&str, Option<&str>)> {
    let inner = line.strip_prefix('[')?;
    let end = inner.find(|c: char| c == ':' || c == ']' || c.is_whitespace())?;
    let (name, rest) = inner.split_at(end);
    let (kind, rest) = match rest.strip_prefix(':') {
        None => (None, rest),
        Some(rest) => {
            let end = rest.find(|c| !is_word(c))?;
            if end == 0 {
                return None;
            }
            (Some(&rest[..end]), &rest[end..])
        }
    };
    let rest = rest.strip_prefix(']')?.trim_start();
    (!name.is_empty() && (rest.is_empty() || rest.starts_with('#'))).then_some((name, kind))
}

/// A line of a `:children` section.
fn group_name(line: &str) -> Option<&str> {
    let end = line.find(|c: char| c == ':' || c == ']' || c.is_whitespace()).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    (!name.is_empty() && (rest.is_empty() || rest.starts_with('#'))).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_headers() {
        for (line, expected) in [
            ("[web]", Some(("web", None))),
            ("[web:vars]", Some(("web", Some("vars")))),
            ("[web:children] # x", Some(("web", Some("children")))),
            ("[we b]", None),
            ("[web:]", None),
            ("[]", None),
            ("[web] x", None),
            ("[a.b-c]#x", Some(("a.b-c", None))),
            ("web", None),
        ] {
            assert_eq!(section_header(line), expected, "{line}");
        }
    }

    #[test]
    fn children_lines() {
        for (line, expected) in
            [("web", Some("web")), ("web # x", Some("web")), ("web#x", Some("web#x")), ("a b", None), ("a:b", None)]
        {
            assert_eq!(group_name(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_as_python_splits_them() {
        let lines: Vec<&str> = split_lines("a\r\nb\rc\n\nd\u{2028}e").collect();
        assert_eq!(lines, ["a", "b", "c", "", "d", "e"]);
    }
}
