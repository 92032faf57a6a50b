//! Finds the directory of a role.

use std::path::PathBuf;

use ftl_core::source::Diagnostic;

use super::RoleUse;
use crate::graph::build::Builder;
use crate::include_file::normalize;
use crate::options::Problem;

/// Where a role is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RolePlace {
    /// Without its collection.
    pub name: String,
    pub collection: Option<String>,
    pub path: PathBuf,
}

/// Is this `namespace.collection.name`, perhaps with more parts?
pub(crate) fn is_qualified(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    parts.len() >= 3 && parts.iter().all(|p| is_identifier(p))
}

fn is_identifier(part: &str) -> bool {
    let mut chars = part.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
}

impl Builder<'_> {
    /// As in Ansible, links are followed: `role_path` and origins name the real place.
    pub(crate) fn locate_role(&self, wish: &RoleUse) -> Result<RolePlace, Problem> {
        if let Some(place) = self.collection_role(&wish.name, &wish.collections) {
            return Ok(place);
        }
        let base = &self.play.base_dir;
        let mut places = vec![base.join("roles")];
        places.extend(self.options.roles_path.iter().cloned());
        places.extend(wish.beside.clone());
        places.push(base.clone());
        for place in &places {
            let path = normalize(&self.options.working_dir.join(place).join(&wish.name));
            if let Ok(path) = path.canonicalize() {
                return Ok(RolePlace { name: wish.name.clone(), collection: None, path });
            }
        }
        let path = normalize(&self.options.working_dir.join(&wish.name));
        if let Ok(path) = path.canonicalize() {
            let name = wish.name.rsplit('/').next().unwrap_or(&wish.name).to_string();
            return Ok(RolePlace { name, collection: None, path });
        }
        let mut searched = wish.collections.clone();
        searched.extend(places.iter().map(|p| p.to_string_lossy().into_owned()));
        Err(Problem::general(
            Diagnostic::error(format!("the role '{}' was not found in {}", wish.name, searched.join(":")))
                .at(wish.origin.clone()),
        ))
    }

    fn collection_role(&self, name: &str, collections: &[String]) -> Option<RolePlace> {
        if is_qualified(name) {
            let mut parts = name.split('.');
            let collection = format!("{}.{}", parts.next()?, parts.next()?);
            let inside: Vec<&str> = parts.collect();
            let path = self.collection_dir(&collection)?.join("roles").join(inside.join("/"));
            let name = inside.last()?.to_string();
            return path.is_dir().then_some(RolePlace { name, collection: Some(collection), path });
        }
        collections.iter().find_map(|collection| {
            let path = self.collection_dir(collection)?.join("roles").join(name);
            let found = RolePlace { name: name.to_string(), collection: Some(collection.clone()), path };
            found.path.is_dir().then_some(found)
        })
    }

    /// The directory of an installed collection.
    pub(crate) fn collection_dir(&self, collection: &str) -> Option<PathBuf> {
        let (namespace, name) = collection.split_once('.')?;
        let beside = [self.play.playbook_dir.join("collections"), self.play.base_dir.join("collections")];
        beside.iter().chain(&self.options.collections_paths).find_map(|root| {
            let root =
                if root.ends_with("ansible_collections") { root.clone() } else { root.join("ansible_collections") };
            let dir = root.join(namespace).join(name);
            dir.is_dir().then_some(dir)
        })
    }
}
