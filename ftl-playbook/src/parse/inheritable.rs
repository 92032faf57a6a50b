//! Reads the keywords that everything may have: `when`, `tags`, `vars`, `become` and their like.

use std::sync::Arc;

use ftl_core::source::{Diagnostic, Origin};
use ftl_core::value::{Map, Value};
use ftl_core::yaml::{Node, NodeKind};

use super::action::resolve_action;
use super::arguments::python_class;
use crate::graph::Keywords;
use crate::graph::build::Builder;
use crate::keyword::{Inheritance, Keyword, Place, is_reserved_variable};
use crate::options::Problem;
use crate::role::is_qualified;

/// A value as a list: a list is one already, nothing is none, anything else is the one item.
pub(crate) fn as_list(node: &Node) -> Vec<Value> {
    match &node.kind {
        NodeKind::Seq(items) => items.iter().map(Node::to_value).collect(),
        NodeKind::Scalar(Value::None) => Vec::new(),
        _ => vec![node.to_value()],
    }
}

impl Builder<'_> {
    /// Takes one keyword of a play, role, block or task into `own`; `false` when it is none that is inherited.
    pub(crate) fn inheritable(&mut self, own: &mut Keywords, keyword: &Keyword, value: &Node, whole: &Node) -> bool {
        match keyword.name {
            "when" => own.when = as_list(value),
            "tags" => own.tags = self.tags(value),
            "environment" => own.environment = as_list(value),
            "module_defaults" => own.module_defaults = self.module_defaults(value),
            "collections" => own.collections = Arc::new(self.collections(value)),
            name => {
                if keyword.inheritance != Inheritance::Nearest {
                    return false;
                }
                self.check_scalar(keyword, value, whole);
                if let Some(field) = own.nearest_mut(name) {
                    // `none` is what a keyword is that nobody wrote.
                    *field = Some(value.to_value()).filter(|v| !v.is_none());
                }
            }
        }
        true
    }

    /// Text is wanted: a list or a dict is a mistake.
    pub(crate) fn check_scalar(&mut self, keyword: &Keyword, value: &Node, whole: &Node) {
        if keyword.scalar && !matches!(value.kind, NodeKind::Scalar(_)) {
            self.report(Problem::parse(
                Diagnostic::error(format!(
                    "The field '{}' is supposed to be a string type, however the incoming data structure is a {}",
                    keyword.name,
                    python_class(value)
                ))
                .at(Some(whole.origin.clone())),
            ));
        }
    }

    fn tags(&mut self, value: &Node) -> Vec<Value> {
        match &value.kind {
            NodeKind::Seq(items) => items.iter().map(Node::to_value).collect(),
            NodeKind::Scalar(Value::Str(text)) => {
                text.as_str().split(',').map(|tag| Value::Str(text.part(tag.trim()))).collect()
            }
            _ => {
                self.report(Problem::general(
                    Diagnostic::error("tags must be specified as a list").at(Some(value.origin.clone())),
                ));
                Vec::new()
            }
        }
    }

    fn module_defaults(&mut self, value: &Node) -> Vec<Value> {
        let items = as_list(value);
        if let Some(wrong) = items.iter().find(|item| item.as_map().is_none()) {
            let origin = match wrong {
                Value::Str(text) => text.origin().cloned(),
                _ => Some(value.origin.clone()),
            };
            self.report(Problem::parse(
                Diagnostic::error(
                    "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries, the keys of which \
                     must be static action, module, or group names. Only the values may contain templates. For example: \
                     {'ping': \"{{ ping_defaults }}\"}",
                )
                .at(origin),
            ));
            return Vec::new();
        }
        for name in items.iter().filter_map(Value::as_map).flat_map(|dict| dict.keys().cloned().collect::<Vec<_>>()) {
            let checked = self.known_default(&ftl_core::value::to_text(&name));
            self.keep(checked);
        }
        items
    }

    /// `module_defaults` names that nothing answers to are mistakes.
    fn known_default(&self, name: &str) -> Result<(), Problem> {
        let message = match name.strip_prefix("group/") {
            Some(group) => {
                let full = if is_qualified(group) { group.to_string() } else { format!("ansible.builtin.{group}") };
                if self.options.modules.group_members(&full).is_some() {
                    return Ok(());
                }
                format!("Error loading module_defaults: could not resolve the module_defaults group {full}")
            }
            None => {
                let full = if is_qualified(name) { name.to_string() } else { format!("ansible.legacy.{name}") };
                match resolve_action(&*self.options.modules, &full, &self.search) {
                    Ok(_) => return Ok(()),
                    // It is a name, even though FTL cannot run what it means.
                    Err(message) if message.contains("not supported yet") => return Ok(()),
                    Err(_) => format!("Could not resolve action {full} in module_defaults"),
                }
            }
        };
        Err(Problem::parse(Diagnostic::error(message)))
    }

    /// `collections:`, completed with where short names are found when none of them has one.
    fn collections(&mut self, value: &Node) -> Vec<String> {
        let texts = self.list_of_texts("collections", value);
        let mut names = texts.iter().filter_map(|name| name.as_str().map(str::to_string)).collect();
        complete_collections(&mut names, self.play.collection.as_deref());
        names
    }

    /// A list that may hold texts only.
    pub(crate) fn list_of_texts(&mut self, keyword: &str, value: &Node) -> Vec<Value> {
        let items = value.as_seq().unwrap_or(std::slice::from_ref(value)).iter().filter(|i| !i.is_none());
        let (texts, wrong): (Vec<&Node>, Vec<&Node>) = items.partition(|item| item.as_str().is_some());
        for item in wrong {
            let value = item.to_value();
            let kind = ftl_core::value::type_name(&value);
            let message = format!("Keyword '{keyword}' items must be of type 'str', not '{kind}'.");
            self.report(Problem::parse(Diagnostic::error(message).at(Some(item.origin.clone()))));
        }
        texts.into_iter().map(Node::to_value).collect()
    }

    /// `vars:` of a thing that messages call `title`.
    pub(crate) fn vars(&mut self, value: &Node, title: &str) -> Arc<Map> {
        let Some(entries) = value.as_map() else {
            if !value.is_none() {
                self.report(Problem::parse(
                    Diagnostic::error(format!("Vars in a {title} must be specified as a dictionary."))
                        .at(Some(value.origin.clone())),
                ));
            }
            return Arc::default();
        };
        for (key, _) in entries {
            let name = key.as_value().cloned().unwrap_or_default();
            if let Err(problem) = variable_name(&name, &key.origin) {
                self.report(Problem::general(problem));
            } else if let Some(name) = name.as_str().filter(|n| self.warns_of(n, title)) {
                self.warn_reserved(name, Some(key.origin.clone()));
            }
        }
        value.to_value().as_map().unwrap_or_default()
    }

    /// Variables of a play are looked at when it is read, those of blocks and tasks only when they are used.
    fn warns_of(&self, name: &str, title: &str) -> bool {
        let taken_away = matches!(name, "tags" | "when");
        is_reserved_variable(name) && (title == "Play" || (!self.options.listing && !taken_away))
    }

    pub(crate) fn warn_reserved(&mut self, name: &str, origin: Option<Origin>) {
        self.warn(format!("Found variable using reserved name '{name}'."), origin);
    }

    /// Warns of reserved names among variables from a file.
    pub(crate) fn warn_of_reserved(&mut self, vars: &Map) {
        for name in vars.keys() {
            if let Value::Str(text) = name {
                if is_reserved_variable(text.as_str()) {
                    self.warn_reserved(text.as_str(), text.origin().cloned());
                }
            }
        }
    }

    /// Reports a key that means nothing here; as a warning when the settings say so.
    pub(crate) fn unknown(&mut self, name: &str, place: Place, origin: &Origin) {
        if self.options.unknown_keywords_fail || !matches!(place, Place::Task | Place::Handler) {
            self.report(Problem::parse(crate::keyword::unknown_keyword(name, place, Some(origin.clone()))));
        } else {
            self.warn(format!("Ignoring invalid attribute: {name}"), None);
        }
    }
}

/// Puts the playbook's own collection first and the legacy names last.
pub(crate) fn complete_collections(names: &mut Vec<String>, own: Option<&str>) {
    if let Some(own) = own {
        if !names.iter().any(|n| n == own) {
            names.insert(0, own.to_string());
        }
    }
    if !names.is_empty() && !names.iter().any(|n| n == "ansible.builtin" || n == "ansible.legacy") {
        names.push("ansible.legacy".to_string());
    }
}

/// Is this a name a variable can have?
pub(crate) fn variable_name(name: &Value, origin: &Origin) -> Result<(), Diagnostic> {
    let mut described = "name".to_string();
    if let Some(text) = name.as_str() {
        let mut bytes = text.bytes();
        let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if starts && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') && !is_word_of_templates_or_python(text) {
            return Ok(());
        }
        described.push_str(&format!(" {}", ftl_core::value::repr_str(text)));
    } else {
        if matches!(name, Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_)) {
            described.push_str(&format!(" '{}'", ftl_core::value::to_text(name)));
        }
        described.push_str(&format!(" of type '{}'", ftl_core::value::type_name(name)));
    }
    Err(Diagnostic::error(format!("Invalid variable {described}.")).at(Some(origin.clone())).hint(
        "Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers \
         and underscores.",
    ))
}

fn is_word_of_templates_or_python(name: &str) -> bool {
    matches!(name, "False" | "None" | "True" | "false" | "none" | "not" | "true")
}
