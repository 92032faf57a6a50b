//! `meta/main.yml`: dependencies and what else a role says of itself.

use std::sync::Arc;

use ftl_core::id::RoleId;
use ftl_core::source::Diagnostic;
use ftl_core::value::Value;
use ftl_core::yaml::Node;

use super::RoleUse;
use super::locate::RolePlace;
use crate::graph::Keywords;
use crate::graph::build::{Builder, Frame};
use crate::graph::inherit::layer;
use crate::keyword::{Place, keyword};
use crate::options::Problem;
use crate::parse::key_text;

/// What FTL wants to know of it.
#[derive(Default)]
pub(crate) struct RoleMeta {
    pub dependencies: Option<Node>,
    pub allow_duplicates: bool,
    pub collections: Vec<String>,
    pub argument_specs: Option<Node>,
}

impl Builder<'_> {
    pub(crate) fn role_meta(&mut self, role: &RolePlace) -> Result<RoleMeta, Problem> {
        let mut meta = RoleMeta::default();
        let Some((node, _)) = self.role_node(role, "meta", None)? else { return Ok(meta) };
        let Some(entries) = node.as_map() else {
            return Err(Problem::parse(Diagnostic::error(format!(
                "the 'meta/main.yml' for role {} is not a dictionary",
                role.name
            ))));
        };
        let mut own = Keywords::default();
        for (key, value) in entries {
            let word = key_text(key);
            let Some(known) = keyword(&word, Place::RoleMetadata) else {
                self.unknown(&word, Place::RoleMetadata, &key.origin);
                continue;
            };
            match &*word {
                "dependencies" => meta.dependencies = Some(value.clone()).filter(|v| !v.is_none()),
                "allow_duplicates" => meta.allow_duplicates = value.to_value().to_bool_loose().unwrap_or(false),
                "argument_specs" => meta.argument_specs = Some(value.clone()),
                _ => {
                    self.inheritable(&mut own, known, value, &node);
                }
            }
        }
        meta.collections = own.collections.to_vec();
        Ok(meta)
    }

    /// The entries of `dependencies:` as roles to apply.
    pub(crate) fn dependencies(&mut self, list: &Node, role: &RolePlace, id: RoleId, frame: &Frame) -> Vec<RoleUse> {
        let Some(items) = list.as_seq() else {
            self.report(Problem::parse(
                Diagnostic::error("Expected role dependencies to be a list.").at(Some(list.origin.clone())),
            ));
            return Vec::new();
        };
        let mut collections: Vec<String> = role.collection.iter().cloned().collect();
        collections.push("ansible.legacy".into());
        let mut wishes = Vec::new();
        for item in items {
            let wish = self.role_entry(item, frame);
            if let Some(wish) = self.keep(wish) {
                wishes.push(RoleUse {
                    parent: Some(id),
                    collections: collections.clone(),
                    beside: role.path.parent().map(|p| p.to_path_buf()),
                    ..wish
                });
            }
        }
        wishes
    }

    /// An entry of `roles:` or `dependencies:`.
    pub(crate) fn role_entry(&mut self, item: &Node, frame: &Frame) -> Result<RoleUse, Problem> {
        let at = Some(item.origin.clone());
        let mut wish = RoleUse { origin: at.clone(), validate: true, ..RoleUse::default() };
        let value = item.to_value();
        let Some(entries) = item.as_map() else {
            let name = match &value {
                Value::Str(_) => value,
                Value::Int(number) => Value::str(number.to_string()),
                _ => return Err(Problem::parse(Diagnostic::error("Invalid role definition.").at(at))),
            };
            if name.as_str().is_some_and(|n| n.contains(',')) {
                let message = format!("Invalid old style role requirement: {}", ftl_core::value::to_text(&name));
                return Err(Problem::general(Diagnostic::error(message)));
            }
            wish.name = self.static_text(&name, frame, &[]).map_err(Problem::general)?;
            return Ok(wish);
        };
        let name = ["role", "name"].iter().find_map(|key| item.get(key)).map(Node::to_value);
        let name = name.or_else(|| source_name(item)).filter(|n| n.as_str().is_some_and(|n| !n.is_empty()));
        let Some(name) = name else {
            return Err(Problem::general(Diagnostic::error("role definitions must contain a role name").at(at)));
        };
        wish.name = self.static_text(&name, frame, &[]).map_err(Problem::general)?;
        let mut params = ftl_core::Map::new();
        for (key, value) in entries {
            let word = key_text(key);
            let Some(known) = keyword(&word, Place::Role) else {
                params.insert(key.to_value(), value.to_value());
                continue;
            };
            if self.inheritable(&mut wish.own, known, value, item) {
                continue;
            }
            self.check_scalar(known, value, item);
            if &*word == "vars" {
                wish.entry_vars = self.vars(value, Place::Role.title());
            }
        }
        wish.own.vars = layer(&wish.entry_vars);
        wish.params = Arc::new(params);
        Ok(wish)
    }
}

/// Dependencies in the style of `requirements.yml`: `src: galaxy.role`, or a repository whose last part is the name.
fn source_name(item: &Node) -> Option<Value> {
    let src = item.get("src")?.as_str()?.to_string();
    if !src.contains("://") && !src.contains('@') {
        return Some(Value::str(src));
    }
    let last = src.rsplit('/').next().unwrap_or(&src);
    let last = last.strip_suffix(".git").unwrap_or(last);
    let last = last.strip_suffix(".tar.gz").unwrap_or(last);
    Some(Value::str(last.split(',').next().unwrap_or(last).to_string()))
}
